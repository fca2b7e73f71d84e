//! The head of each result: root, duration and services of the whole trace, from every source that
//! holds a part of it, whether or not that part matched.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::{FutureExt as _, TryStreamExt as _};
use takt_block::Meta;
use takt_engine::TraceHit;
use takt_model::{TimeRange, TraceId, UnixNano};
use takt_trace::TraceSummary;

use crate::failure::Failure;
use crate::frontend::{Frontend, in_segment};
use crate::run::Source;
use crate::sources::reached;
use crate::work::{Asked, in_order};

/// What is known of each hit's trace as a whole.
pub(crate) async fn summaries(
    frontend: &Frontend,
    places: &[Source],
    hits: &[TraceHit],
    asked: &Asked,
) -> Result<BTreeMap<TraceId, TraceSummary>, Failure> {
    let mut wholes = BTreeMap::new();
    if hits.is_empty() {
        return Ok(wholes);
    }
    let ids: Arc<Vec<TraceId>> = Arc::new(hits.iter().map(|hit| hit.trace).collect());
    let near = reach(hits);
    let mut stored = Vec::new();
    for place in places {
        match place {
            Source::Live(segment) => {
                let ids = Arc::clone(&ids);
                let known = in_segment(frontend, segment, asked, move |columns, _| {
                    let ordinals = ids.iter().filter_map(|id| columns.traces.find(*id));
                    Ok(ordinals
                        .map(|trace| columns.summary(trace))
                        .collect::<Vec<_>>())
                });
                merge(&mut wholes, known.await?);
            }
            Source::Block { meta, .. } => {
                if near.overlaps(meta.start, meta.end) {
                    stored.push(in_block(frontend, meta, Arc::clone(&ids), asked).boxed());
                }
            }
        }
    }
    let mut stored = in_order(stored, frontend.settings().concurrent_blocks);
    while let Some(known) = stored.try_next().await? {
        merge(&mut wholes, known);
    }
    Ok(wholes)
}

/// So many traces are looked up on the spot; more are work for a worker.
const ON_THE_SPOT: usize = 1_000;

async fn in_block(
    frontend: &Frontend,
    meta: &Arc<Meta>,
    ids: Arc<Vec<TraceId>>,
    asked: &Asked,
) -> Result<Vec<TraceSummary>, Failure> {
    let opened = frontend.store().opened(meta).await?;
    let look = move |ids: &[TraceId]| -> Vec<TraceSummary> {
        ids.iter()
            .filter_map(|id| opened.find(*id))
            .map(|place| opened.summary(place.trace))
            .collect()
    };
    if ids.len() <= ON_THE_SPOT {
        return Ok(look(&ids));
    }
    let work = move |_: &Asked| Ok(look(&ids));
    frontend.workers().run(asked, work).await
}

/// A span that is in two sources, as after a client's retry, is counted twice here: summaries count, they do not list.
fn merge(wholes: &mut BTreeMap<TraceId, TraceSummary>, known: Vec<TraceSummary>) {
    for summary in known {
        match wholes.get_mut(&summary.id) {
            Some(whole) => whole.merge(summary),
            None => drop(wholes.insert(summary.id, summary)),
        }
    }
}

fn reach(hits: &[TraceHit]) -> TimeRange {
    reached(TimeRange {
        start: UnixNano(hits.iter().map(|hit| hit.start).min().unwrap_or(0)),
        end: UnixNano(hits.iter().map(|hit| hit.end).max().unwrap_or(0)),
    })
}
