//! One piece of a query: some row groups of one block, or one set of columns at hand.

use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;

use takt_block::{Meta, Opened};
use takt_engine::{self as engine, Bitmap, MetricsPlan, NEWEST_FIRST, Partial, Scope, TraceHit};
use takt_model::{TimeRange, TraceId};
use takt_trace::{Projection, SpanColumns};

use crate::failure::Failure;
use crate::frontend::{Cost, Frontend};
use crate::prune;
use crate::question::Question;
use crate::work::{Asked, Lease};

/// Memory a group is expected to take, for each byte that is fetched: pages are compressed.
const EXPANSION: usize = 6;

/// Row groups of a block, and what to ask them.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) question: Arc<Question>,
    pub(crate) meta: Arc<Meta>,
    pub(crate) groups: Range<usize>,
    /// Traces that are asked elsewhere.
    pub(crate) skip: Arc<Vec<TraceId>>,
}

/// What a piece of a query found.
#[derive(Debug, Clone)]
pub(crate) struct Done {
    pub(crate) found: Found,
    pub(crate) cost: Cost,
}

#[derive(Debug, Clone)]
pub(crate) enum Found {
    Search(Vec<TraceHit>),
    /// One for each metrics query of the expression, from left to right.
    Metrics(Vec<Partial>),
}

impl Found {
    /// What is found where nothing is.
    pub(crate) fn nothing(question: &Question) -> Self {
        match question {
            Question::Search(_) | Question::Tags(_) => Self::Search(Vec::new()),
            Question::Metrics(metrics) => {
                Self::Metrics(metrics.plans.iter().map(MetricsPlan::empty).collect())
            }
        }
    }

    /// Joins what another piece found.
    pub(crate) fn add(&mut self, other: Self) {
        match (self, other) {
            (Self::Search(mine), Self::Search(theirs)) => mine.extend(theirs),
            (Self::Metrics(mine), Self::Metrics(theirs)) => {
                for (mine, theirs) in mine.iter_mut().zip(theirs) {
                    mine.merge(theirs);
                }
            }
            (Self::Search(_), Self::Metrics(_)) | (Self::Metrics(_), Self::Search(_)) => {
                debug_assert!(false, "pieces of one query answer one question");
            }
        }
    }

    /// Bytes held.
    pub(crate) fn memory(&self) -> usize {
        match self {
            Self::Search(hits) => hits.iter().map(TraceHit::memory).sum(),
            Self::Metrics(partials) => partials.iter().map(Partial::memory).sum(),
        }
    }
}

/// Asks columns at hand, leaving out `skip`.
pub(crate) fn ask(
    question: &Question,
    columns: &SpanColumns,
    skip: &[TraceId],
    asked: &Asked,
) -> Result<Found, Failure> {
    let skip = ordinals(columns, skip);
    with_scope(question, skip.as_ref(), asked, |scope| {
        Ok(match question {
            Question::Search(search) => Found::Search(engine::search(
                columns,
                &search.plan,
                scope,
                &search.options,
            )?),
            Question::Tags(tags) => {
                let found =
                    engine::find_by_tags(columns, &tags.search, scope.window, scope.keep_going)?;
                Found::Search(engine::whole_traces(
                    columns,
                    &found,
                    tags.limit,
                    NEWEST_FIRST,
                ))
            }
            Question::Metrics(metrics) => Found::Metrics(
                metrics
                    .plans
                    .iter()
                    .map(|plan| engine::accumulate(columns, plan, scope))
                    .collect::<Result<_, _>>()?,
            ),
        })
    })
}

/// Runs a piece of the engine and says why it stopped, if it did.
fn with_scope<T>(
    question: &Question,
    skip: Option<&Bitmap>,
    asked: &Asked,
    work: impl FnOnce(&Scope<'_>) -> Result<T, engine::Stopped>,
) -> Result<T, Failure> {
    let window = match question {
        Question::Search(_) | Question::Tags(_) => question.window(),
        // The interval is in the plan.
        Question::Metrics(_) => TimeRange::ALL,
    };
    let refused = RefCell::new(None);
    let lease = RefCell::new(asked.lease());
    let result = work(&Scope {
        window,
        skip,
        keep_going: &|| asked.still(),
        may_hold: &|bytes| match lease.borrow_mut().hold(bytes) {
            Ok(()) => true,
            Err(failure) => {
                *refused.borrow_mut() = Some(failure);
                false
            }
        },
    });
    result.map_err(|stopped| match (stopped, refused.take()) {
        (engine::Stopped::OverBudget, Some(failure)) => failure,
        (engine::Stopped::OverBudget | engine::Stopped::Cancelled, _) => Failure::Cancelled,
    })
}

fn ordinals(columns: &SpanColumns, traces: &[TraceId]) -> Option<Bitmap> {
    let mut skipped = Bitmap::none(columns.traces.len());
    for trace in traces {
        if let Some(ordinal) = columns.traces.find(*trace) {
            skipped.insert(ordinal);
        }
    }
    (!skipped.is_empty()).then_some(skipped)
}

impl Job {
    /// Runs the job on this machine.
    ///
    /// # Errors
    /// When the block cannot be read, or there is no room for what it holds.
    pub(crate) async fn run(self, frontend: &Frontend, asked: &Asked) -> Result<Done, Failure> {
        let opened = frontend.store().opened(&self.meta).await?;
        let mut done = Done {
            found: Found::nothing(&self.question),
            cost: Cost {
                jobs: 1,
                ..Cost::default()
            },
        };
        let groups = self.groups.start..self.groups.end.min(opened.groups());
        let job = Arc::new(self);
        for group in groups {
            if job.may_hold_some(&opened, group)? {
                done.cost.groups += 1;
                job.ask_group(frontend, &opened, group, asked, &mut done)
                    .await?;
            } else {
                done.cost.groups_skipped += 1;
            }
        }
        Ok(done)
    }

    fn may_hold_some(&self, opened: &Opened, group: usize) -> Result<bool, Failure> {
        let times = opened.group_times(group);
        if !self.question.window().overlaps(times.start, times.end) {
            return Ok(false);
        }
        Ok(prune::may_answer(opened, group, &self.question)?)
    }

    async fn ask_group(
        self: &Arc<Self>,
        frontend: &Frontend,
        opened: &Arc<Opened>,
        group: usize,
        asked: &Asked,
        done: &mut Done,
    ) -> Result<(), Failure> {
        let shows = self.question.columns();
        let mut held = asked.lease();
        if let Question::Search(search) = &*self.question {
            let decides = search.plan.predicate_columns();
            if decides != shows {
                let columns =
                    load(frontend, opened, group, &decides, &mut held, &mut done.cost).await?;
                let job = Arc::clone(self);
                let any = frontend
                    .workers()
                    .run(asked, move |asked| job.matches_any(&columns, asked))
                    .await?;
                if !any {
                    done.cost.count(opened, group);
                    return Ok(());
                }
            }
        }
        let columns = load(frontend, opened, group, &shows, &mut held, &mut done.cost).await?;
        let job = Arc::clone(self);
        let found = frontend
            .workers()
            .run(asked, move |asked| {
                ask(&job.question, &columns, &job.skip, asked)
            })
            .await?;
        done.cost.count(opened, group);
        done.found.add(found);
        Ok(())
    }

    /// Whether a search finds anything here, by the columns that decide alone.
    fn matches_any(&self, columns: &SpanColumns, asked: &Asked) -> Result<bool, Failure> {
        let Question::Search(search) = &*self.question else {
            return Ok(true);
        };
        let skip = ordinals(columns, &self.skip);
        with_scope(&self.question, skip.as_ref(), asked, |scope| {
            engine::matches_any(columns, &search.plan, scope)
        })
    }
}

impl Cost {
    fn count(&mut self, opened: &Opened, group: usize) {
        self.spans += u64::from(opened.group_rows(group));
        self.traces += opened.group_traces(group).len() as u64;
    }
}

/// A group's columns, with room for them taken first.
pub(crate) async fn load(
    frontend: &Frontend,
    opened: &Arc<Opened>,
    group: usize,
    projection: &Projection,
    lease: &mut Lease,
    cost: &mut Cost,
) -> Result<Arc<SpanColumns>, Failure> {
    if let Some(columns) = frontend.store().at_hand(opened, group, projection).await {
        let bytes = columns.memory();
        lease.hold(bytes)?;
        cost.bytes += bytes as u64;
        return Ok(columns);
    }
    let fetched: u64 = opened
        .ranges(group, projection, None)?
        .iter()
        .map(|range| range.end - range.start)
        .sum();
    let room = usize::try_from(fetched).unwrap_or(usize::MAX);
    lease.hold(room.saturating_mul(EXPANSION))?;
    let columns = frontend
        .store()
        .columns(opened, group, projection, None)
        .await?;
    let bytes = columns.memory();
    lease.hold(bytes)?;
    cost.bytes += bytes as u64;
    Ok(columns)
}
