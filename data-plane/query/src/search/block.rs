//! Search in one block: row groups that can match, first the columns that decide, then the others.

use std::sync::Arc;

use takt_block::{Meta, Opened};
use takt_trace::Projection;

use super::Part;
use super::plan::{Matcher, Plan};
use crate::failure::Failure;
use crate::frontend::{Cost, Frontend, Held};
use crate::prune;
use crate::work::Asked;

/// Memory a group is expected to take, for each byte that is fetched: pages are compressed.
const EXPANSION: usize = 6;

pub(super) async fn search(
    frontend: &Frontend,
    meta: &Arc<Meta>,
    plan: &Arc<Plan>,
    asked: &Asked,
) -> Result<Part, Failure> {
    let opened = frontend.store().opened(meta).await?;
    let mut part = Part {
        hits: Vec::new(),
        cost: Cost {
            jobs: 1,
            ..Cost::default()
        },
    };
    let (decides, shows) = (plan.predicate_columns(), plan.result_columns());
    for group in 0..opened.groups() {
        let times = opened.group_times(group);
        let possible = match &plan.matcher {
            Matcher::Filter(filter) => prune::may_match(&opened, group, filter)?,
            Matcher::Tags(_) => true,
        };
        if !possible || !plan.window.overlaps(times.start, times.end) {
            part.cost.groups_skipped += 1;
            continue;
        }
        part.cost.groups += 1;
        let (loaded, _held) = load(frontend, &opened, group, &decides, &mut part.cost).await?;
        part.cost.spans += loaded.len() as u64;
        part.cost.traces += loaded.traces.len() as u64;
        let first = Arc::clone(plan);
        if !frontend
            .workers()
            .run(asked, move |asked| first.matches_any(&loaded, asked))
            .await?
        {
            continue;
        }
        let (loaded, _held) = load(frontend, &opened, group, &shows, &mut part.cost).await?;
        let second = Arc::clone(plan);
        part.hits.extend(
            frontend
                .workers()
                .run(asked, move |asked| second.hits(&loaded, asked))
                .await?,
        );
    }
    Ok(part)
}

/// Columns of a group, and the memory they take for as long as they are used.
pub(crate) async fn load(
    frontend: &Frontend,
    opened: &Arc<Opened>,
    group: usize,
    projection: &Projection,
    cost: &mut Cost,
) -> Result<(Arc<takt_trace::SpanColumns>, Held), Failure> {
    let bytes: u64 = opened
        .ranges(group, projection, None)?
        .iter()
        .map(|range| range.end - range.start)
        .sum();
    cost.bytes += bytes;
    let mut held = frontend.reserve(
        usize::try_from(bytes)
            .unwrap_or(usize::MAX)
            .saturating_mul(EXPANSION),
    )?;
    let columns = frontend
        .store()
        .columns(opened, group, projection, None)
        .await?;
    held.set(columns.memory());
    Ok((columns, held))
}
