//! A query under way, step by step: every source is asked, newest first, several at once, and what they
//! find is joined in their order. Who runs it may look at what is there after every step.
//!
//! - A question about single spans is asked of every source as it is.
//! - A question about whole traces is asked of every source but for the traces that lie in several of
//!   them: those are put together from all their places and asked once ([`splits`], [`gather`]).

pub(crate) mod best;
mod dispatch;
mod gather;
pub(crate) mod job;
mod splits;
pub(crate) mod wire;

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::stream::{FuturesOrdered, StreamExt as _};
use takt_block::Meta;
use takt_live::Segment;
use takt_model::{TenantId, TraceId, UnixNano};

use self::best::Best;
use self::job::{Done, Found, Job};
use self::splits::{Place, Splits};
use crate::failure::Failure;
use crate::frontend::{Cost, Frontend, in_segment};
use crate::question::Question;
use crate::sources::{REACH, reached};
use crate::work::{Asked, Asking, Lease};

pub(crate) use dispatch::Dispatch;

/// Found traces are there as they were found, as a message, and as its text, which is longer.
const COPIES: usize = 5;

/// A query under way.
#[derive(Debug)]
pub(crate) struct Run {
    frontend: Frontend,
    question: Arc<Question>,
    asking: Asking,
    /// In the order in which they are asked: segments, then blocks by newest end. Blocks that only
    /// hold parts of traces of the others come along for those.
    places: Arc<Vec<Source>>,
    next: usize,
    splits: Option<Splits>,
    /// Memory of that table.
    held: Lease,
    /// Memory of what was found so far.
    found: Lease,
    /// How many places are entered in `splits`.
    entered: usize,
    /// Batches of traces to be put together.
    gathered: VecDeque<Vec<(TraceId, Vec<Place>)>>,
    /// How many such batches are waiting or under way.
    gathering: usize,
    under_way: FuturesOrdered<BoxFuture<'static, Result<Step, Failure>>>,
    pub(crate) sum: Sum,
    pub(crate) progress: Progress,
}

/// What came of one piece.
struct Step {
    done: Done,
    of: Piece,
}

/// Which piece it was.
enum Piece {
    Live,
    /// A part of a block; for its last part, the newest moment that a block after it holds.
    Stored(Option<UnixNano>),
    Gathered,
}

/// A place where spans are.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    Live(Segment),
    Block {
        meta: Arc<Meta>,
        /// Whether the block lies within the window of the query.
        is_asked: bool,
    },
}

/// What was found so far.
#[derive(Debug)]
pub(crate) enum Sum {
    Search(Best),
    Metrics(Found),
}

/// How far a query is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Progress {
    pub(crate) cost: Cost,
    pub(crate) total_blocks: u32,
    pub(crate) total_block_bytes: u64,
    pub(crate) total_jobs: u32,
    pub(crate) completed_jobs: u32,
    /// Everything that starts at or after this moment is found.
    pub(crate) complete_from: Option<UnixNano>,
    /// Sources were left unread because nothing in them could change the answer.
    pub(crate) ended_early: bool,
    /// Why the answer may lack something.
    pub(crate) missing: Vec<String>,
}

impl Run {
    /// Plans the query; nothing is read yet but what the live store still has to.
    pub(crate) async fn start(
        frontend: &Frontend,
        tenants: &[TenantId],
        question: Question,
    ) -> Self {
        let (sources, missing) = frontend.sources(tenants).await;
        let asking = frontend.asking(tenants);
        let window = question.window();
        let is_whole = !question.is_span_local();
        let places: Vec<Source> = if question.never_matches() {
            Vec::new()
        } else {
            // Parts of the same traces may lie before and after the window.
            let near = reached(window);
            let segments = sources.segments.into_iter().map(Source::Live);
            let blocks = sources.blocks.into_iter();
            let blocks = blocks.filter(|meta| near.overlaps(meta.start, meta.end));
            let blocks = blocks.map(|meta| Source::Block {
                is_asked: window.overlaps(meta.start, meta.end),
                meta,
            });
            segments.chain(blocks).collect()
        };
        let progress = Progress {
            missing,
            ..planned(frontend, &places)
        };
        Self {
            frontend: frontend.clone(),
            next: 0,
            splits: (is_whole && places.len() > 1).then(Splits::default),
            held: asking.asked().lease(),
            found: asking.asked().lease(),
            asking,
            entered: 0,
            gathered: VecDeque::new(),
            gathering: 0,
            under_way: FuturesOrdered::new(),
            sum: match &question {
                Question::Search(search) => Sum::Search(Best::new(&search.options)),
                Question::Tags(tags) => Sum::Search(Best::of_newest(tags.limit)),
                Question::Metrics(_) => Sum::Metrics(Found::nothing(&question)),
            },
            question: Arc::new(question),
            places: Arc::new(places),
            progress,
        }
    }

    pub(crate) fn question(&self) -> &Arc<Question> {
        &self.question
    }

    pub(crate) fn asked(&self) -> &Asked {
        self.asking.asked()
    }

    /// The places of the query, for who has to look at its traces once more.
    pub(crate) fn places(&self) -> &Arc<Vec<Source>> {
        &self.places
    }

    /// Joins what the next piece found. False when all is found.
    ///
    /// # Errors
    /// When a piece failed for good.
    pub(crate) async fn advance(&mut self) -> Result<bool, Failure> {
        self.top_up().await?;
        let Some(step) = self.under_way.next().await else {
            return Ok(false);
        };
        let step = step?;
        self.take(step.done)?;
        match step.of {
            Piece::Gathered => self.gathering -= 1,
            // What comes later is older: results come in the order of their sources. But a trace that
            // is being put together may be of any age.
            Piece::Stored(Some(newest_left)) if self.gathering == 0 => {
                self.progress.complete_from = Some(newest_left);
                self.end_early_at(newest_left);
            }
            Piece::Stored(_) | Piece::Live => {}
        }
        Ok(true)
    }

    /// Leaves the rest unread if nothing in it can change the answer.
    fn end_early_at(&mut self, newest_left: UnixNano) {
        let settled = matches!(&self.sum, Sum::Search(best) if best.is_settled_before(newest_left));
        if settled && (self.next < self.places.len() || !self.under_way.is_empty()) {
            self.progress.ended_early = true;
            self.next = self.places.len();
            self.under_way = FuturesOrdered::new();
        }
    }

    fn take(&mut self, done: Done) -> Result<(), Failure> {
        self.progress.cost += done.cost;
        self.progress.completed_jobs += 1;
        match (&mut self.sum, done.found) {
            (Sum::Search(best), Found::Search(hits)) => {
                best.take(hits);
                let bytes = best.memory();
                self.found.hold(bytes.saturating_mul(COPIES))
            }
            (Sum::Metrics(sum), found) => {
                sum.add(found);
                let bytes = sum.memory();
                self.found.hold(bytes)
            }
            (Sum::Search(_), Found::Metrics(_)) => {
                debug_assert!(false, "pieces of one query answer one question");
                Ok(())
            }
        }
    }

    /// Memory for the answer, as long as the run lives.
    pub(crate) fn hold_answer(&mut self, bytes: usize) -> Result<(), Failure> {
        let found = match &self.sum {
            Sum::Search(best) => best.memory().saturating_mul(COPIES),
            Sum::Metrics(sum) => sum.memory(),
        };
        self.found.hold(found.saturating_add(bytes))
    }

    /// Keeps as many pieces under way as may be.
    async fn top_up(&mut self) -> Result<(), Failure> {
        let at_once = self.at_once();
        while self.under_way.len() < at_once {
            if let Some(batch) = self.gathered.pop_front() {
                self.start_gathered(batch);
            } else if self.next < self.places.len() {
                self.start_next().await?;
            } else {
                return Ok(());
            }
        }
        Ok(())
    }

    /// A search that may end early begins with two pieces and goes on with more each time one was not
    /// enough: what is begun for nothing holds up the others.
    fn at_once(&self) -> usize {
        let most = self.frontend.settings().concurrent_blocks.max(1);
        match &self.sum {
            Sum::Search(best) if best.may_settle() => {
                most.min(2 + 2 * self.progress.completed_jobs as usize)
            }
            Sum::Search(_) | Sum::Metrics(_) => most,
        }
    }

    async fn start_next(&mut self) -> Result<(), Failure> {
        let at = self.next;
        self.next += 1;
        let skip = Arc::new(self.skipped(at).await?);
        match self.places[at].clone() {
            Source::Live(segment) => {
                let (frontend, question) = (self.frontend.clone(), Arc::clone(&self.question));
                let asked = self.asked().clone();
                let live = async move {
                    let done = ask_segment(&frontend, &segment, question, skip, &asked).await?;
                    Ok(Step {
                        done,
                        of: Piece::Live,
                    })
                };
                self.under_way.push_back(live.boxed());
            }
            Source::Block {
                is_asked: false, ..
            } => {}
            Source::Block { meta, .. } => {
                let after = self.newest_after(at);
                let jobs = parts(&meta, self.frontend.settings().target_bytes_per_job);
                let last = jobs.len() - 1;
                for (i, groups) in jobs.into_iter().enumerate() {
                    let job = Job {
                        question: Arc::clone(&self.question),
                        meta: Arc::clone(&meta),
                        groups,
                        skip: Arc::clone(&skip),
                    };
                    let (frontend, asked) = (self.frontend.clone(), self.asked().clone());
                    // Only the last part of a block tells that the block is done.
                    let after = after.filter(|_| i == last);
                    let stored = async move {
                        let done = frontend.dispatch().run(&frontend, job, &asked).await?;
                        Ok(Step {
                            done,
                            of: Piece::Stored(after),
                        })
                    };
                    self.under_way.push_back(stored.boxed());
                }
            }
        }
        Ok(())
    }

    /// The newest end among the sources after `at`, as a bound for what they hold.
    fn newest_after(&self, at: usize) -> Option<UnixNano> {
        let later = self.places[at + 1..].iter();
        let ends = later.filter_map(|source| match source {
            Source::Block {
                meta,
                is_asked: true,
            } => Some(meta.end),
            Source::Live(_) | Source::Block { .. } => None,
        });
        Some(ends.max().unwrap_or(UnixNano::MIN))
    }

    /// The traces that must not be asked at a place, after everything near it is known.
    async fn skipped(&mut self, at: usize) -> Result<Vec<TraceId>, Failure> {
        if self.splits.is_none() {
            return Ok(Vec::new());
        }
        let near = match (&self.places[at], &*self.question) {
            // Metrics read everything anyhow, and a trace belongs to them wherever its parts are.
            (_, Question::Metrics(_)) => UnixNano::MIN,
            (Source::Block { meta, .. }, _) => meta.start.minus(REACH),
            (Source::Live(_), _) => self.live_start().minus(REACH),
        };
        self.enter_until(near).await?;
        let Some(splits) = &mut self.splits else {
            return Ok(Vec::new());
        };
        let new = splits.take();
        for batch in new.chunks(gather::BATCH) {
            self.gathered.push_back(batch.to_vec());
            self.gathering += 1;
            self.progress.total_jobs += 1;
        }
        Ok(splits.skipped_at(place(at)))
    }

    /// Enters all segments, and the blocks that end at `near` or later, into `splits`.
    async fn enter_until(&mut self, near: UnixNano) -> Result<(), Failure> {
        let Some(splits) = &mut self.splits else {
            return Ok(());
        };
        while let Some(source) = self.places.get(self.entered) {
            let here = place(self.entered);
            match source {
                Source::Live(segment) => {
                    let ids = segment.read(|columns| columns.traces.id.clone());
                    splits.add(here, &ids);
                }
                Source::Block { meta, .. } => {
                    if meta.end < near {
                        break;
                    }
                    let opened = self.frontend.store().opened(meta).await?;
                    splits.add(here, opened.trace_ids());
                }
            }
            self.entered += 1;
            self.held.hold(splits.memory())?;
        }
        Ok(())
    }

    /// The earliest start of a live trace, as far back as traces are looked for.
    fn live_start(&self) -> UnixNano {
        let starts = self.places.iter().filter_map(|source| match source {
            Source::Live(segment) => {
                segment.read(|columns| columns.traces.start.iter().copied().min())
            }
            Source::Block { .. } => None,
        });
        UnixNano(starts.min().unwrap_or(u64::MAX))
    }

    fn start_gathered(&mut self, batch: Vec<(TraceId, Vec<Place>)>) {
        let (frontend, question) = (self.frontend.clone(), Arc::clone(&self.question));
        let (places, asked) = (Arc::clone(&self.places), self.asked().clone());
        let gathered = async move {
            let done = gather::ask(&frontend, question, &places, batch, &asked).await?;
            Ok(Step {
                done,
                of: Piece::Gathered,
            })
        };
        self.under_way.push_back(gathered.boxed());
    }
}

fn place(at: usize) -> Place {
    Place::try_from(at).expect("a query has fewer than 2^32 sources")
}

fn planned(frontend: &Frontend, places: &[Source]) -> Progress {
    let mut progress = Progress::default();
    for source in places {
        match source {
            Source::Live(_) => progress.total_jobs += 1,
            Source::Block {
                is_asked: false, ..
            } => {}
            Source::Block { meta, .. } => {
                let jobs = parts(meta, frontend.settings().target_bytes_per_job).len();
                progress.total_jobs += u32::try_from(jobs).unwrap_or(u32::MAX);
                progress.total_blocks += 1;
                progress.total_block_bytes += meta.size;
            }
        }
    }
    progress
}

/// A block's row groups in runs of about `target` bytes.
fn parts(meta: &Meta, target: u64) -> Vec<Range<usize>> {
    let groups = (meta.groups as usize).max(1);
    let per_group = (meta.size / groups as u64).max(1);
    let at_once = usize::try_from(target / per_group)
        .unwrap_or(usize::MAX)
        .max(1);
    (0..groups)
        .step_by(at_once)
        .map(|first: usize| first..groups.min(first.saturating_add(at_once)))
        .collect()
}

/// Asks a live segment.
async fn ask_segment(
    frontend: &Frontend,
    segment: &Segment,
    question: Arc<Question>,
    skip: Arc<Vec<TraceId>>,
    asked: &Asked,
) -> Result<Done, Failure> {
    in_segment(frontend, segment, asked, move |columns, asked| {
        Ok(Done {
            found: job::ask(&question, columns, &skip, asked)?,
            cost: Cost {
                bytes: columns.memory() as u64,
                spans: columns.len() as u64,
                traces: columns.traces.len() as u64,
                jobs: 1,
                ..Cost::default()
            },
        })
    })
    .await
}
