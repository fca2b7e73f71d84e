//! Traces put together from all their places, and asked there.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use takt_block::{Located, Meta};
use takt_model::{SpanId, TraceId};
use takt_trace::{Column, Projection, SpanColumns, reorder};

use super::Source;
use super::job::{self, Done};
use super::splits::Place;
use crate::failure::Failure;
use crate::frontend::{Cost, Frontend, in_segment};
use crate::question::Question;
use crate::work::Asked;

/// How many traces are put together at once.
pub(super) const BATCH: usize = 512;

/// So many traces of a row group are read one by one; of more, the whole group is read.
const ONE_BY_ONE: usize = 4;

/// Asks `question` of traces that lie in several places.
pub(super) async fn ask(
    frontend: &Frontend,
    question: Arc<Question>,
    places: &[Source],
    traces: Vec<(TraceId, Vec<Place>)>,
    asked: &Asked,
) -> Result<Done, Failure> {
    let projection = question.columns().union(Projection::only([
        Column::SpanId,
        Column::ParentId,
        Column::Kind,
        Column::Start,
        Column::Duration,
    ]));
    let mut by_place = BTreeMap::<Place, Vec<TraceId>>::new();
    for (trace, places) in &traces {
        for place in places {
            by_place.entry(*place).or_default().push(*trace);
        }
    }
    let mut cost = Cost::default();
    let mut fragments = Vec::new();
    let mut held = asked.lease();
    for (place, traces) in by_place {
        match &places[place as usize] {
            Source::Live(segment) => {
                let projected = in_segment(frontend, segment, asked, move |columns, _| {
                    let ordinals: Vec<u32> = traces
                        .iter()
                        .filter_map(|trace| columns.traces.find(*trace))
                        .collect();
                    Ok(reorder::select(columns, &ordinals))
                });
                fragments.push(projected.await?);
            }
            Source::Block { meta, .. } => {
                stored(
                    frontend,
                    meta,
                    &traces,
                    &projection,
                    &mut fragments,
                    &mut cost,
                )
                .await?;
            }
        }
        held.hold(fragments.iter().map(SpanColumns::memory).sum())?;
    }
    frontend
        .workers()
        .run(asked, move |asked| {
            let whole = each_span_once(reorder::join(&fragments));
            drop(fragments);
            cost.spans = whole.len() as u64;
            cost.traces = whole.traces.len() as u64;
            let found = job::ask(&question, &whole, &[], asked)?;
            drop(held);
            Ok(Done { found, cost })
        })
        .await
}

/// What a block has of the traces.
async fn stored(
    frontend: &Frontend,
    meta: &Arc<Meta>,
    traces: &[TraceId],
    projection: &Projection,
    fragments: &mut Vec<SpanColumns>,
    cost: &mut Cost,
) -> Result<(), Failure> {
    let opened = frontend.store().opened(meta).await?;
    let mut by_group = BTreeMap::<usize, Vec<(TraceId, Located)>>::new();
    for trace in traces {
        if let Some(located) = opened.find(*trace) {
            by_group
                .entry(located.group)
                .or_default()
                .push((*trace, located));
        }
    }
    for (group, traces) in by_group {
        cost.groups += 1;
        if traces.len() <= ONE_BY_ONE {
            for (_, located) in traces {
                let columns = frontend
                    .store()
                    .columns(&opened, group, projection, Some(located.rows))
                    .await?;
                fragments.push((*columns).clone());
            }
        } else {
            let columns = frontend
                .store()
                .columns(&opened, group, projection, None)
                .await?;
            let ordinals: Vec<u32> = traces
                .iter()
                .filter_map(|(trace, _)| columns.traces.find(*trace))
                .collect();
            fragments.push(reorder::select(&columns, &ordinals));
        }
    }
    Ok(())
}

/// Leaves out what a client sent again: the same span to the nanosecond.
fn each_span_once(columns: SpanColumns) -> SpanColumns {
    let mut seen = HashSet::<(u32, SpanId, u8, u64, u64)>::with_capacity(columns.len());
    let rows = (0_u32..).zip(&columns.trace);
    let kept: Vec<u32> = rows
        .filter(|(row, trace)| {
            let at = *row as usize;
            seen.insert((
                **trace,
                columns.span_id[at],
                columns.kind[at],
                columns.start[at],
                columns.duration[at],
            ))
        })
        .map(|(row, _)| row)
        .collect();
    if kept.len() == columns.len() {
        columns
    } else {
        reorder::pick(&columns, &kept)
    }
}
