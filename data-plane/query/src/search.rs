//! Search: find the newest traces that match, in live segments and blocks, then complete each from
//! every source that holds a part of it.

pub(crate) mod block;
mod merge;
mod plan;
mod respond;
mod whole;

use std::sync::Arc;

use futures::{FutureExt as _, TryStreamExt as _};
use takt_engine::one_filter::TraceHit;
use takt_model::TenantId;
use takt_wire::tempopb::SearchResponse;

use self::merge::Newest;
use self::plan::Plan;
use crate::answer::Answer;
use crate::failure::Failure;
use crate::frontend::{Cost, Frontend, in_segment};
use crate::request;
use crate::sources::Sources;
use crate::work::{Asked, Asking, in_order};

/// What one source has to say.
pub(crate) struct Part {
    hits: Vec<TraceHit>,
    cost: Cost,
}

impl Frontend {
    /// The newest traces that match.
    ///
    /// # Errors
    /// When the query is wrong, a block cannot be read, or there is no room for it.
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn search(
        &self,
        tenants: &[TenantId],
        request: &request::Search,
    ) -> Result<Answer<SearchResponse>, Failure> {
        let plan = Arc::new(Plan::new(request)?);
        let limits = self.limits(tenants);
        let (sources, mut missing) = self.sources(tenants).await;
        let sources = sources.within(plan.window);
        let asking = Asking::new();

        let mut newest = Newest::new(&plan);
        let mut cost = Cost::default();
        for part in self.search_live(&sources, &plan, asking.asked()).await? {
            cost += part.cost;
            newest.take(part.hits);
        }
        let ended_early = self
            .search_blocks(&sources, &plan, asking.asked(), &mut newest, &mut cost)
            .await?;
        let more = newest.is_cut() || ended_early;
        let hits = newest.into_hits();
        let wholes = whole::summaries(self, &sources, &hits, asking.asked()).await?;
        if more {
            missing.push(format!(
                "the limit of {} traces is reached, older ones may match too",
                plan.limit
            ));
        }
        self.metrics().bytes_inspected.inc_by(cost.bytes);
        let message = respond::response(
            hits,
            &wholes,
            &plan,
            &respond::Counted {
                cost,
                sources: &sources,
                left_pad: limits.left_pad_trace_ids,
            },
        );
        Ok(Answer { message, missing })
    }

    async fn search_live(
        &self,
        sources: &Sources,
        plan: &Arc<Plan>,
        asked: &Asked,
    ) -> Result<Vec<Part>, Failure> {
        let parts = sources.segments.iter().map(|segment| {
            let plan = Arc::clone(plan);
            in_segment(self, segment, asked, move |columns, asked| {
                let hits = plan.hits(columns, asked)?;
                let cost = Cost {
                    bytes: columns.memory() as u64,
                    spans: columns.len() as u64,
                    traces: columns.traces.len() as u64,
                    jobs: 1,
                    ..Cost::default()
                };
                Ok(Part { hits, cost })
            })
            .boxed()
        });
        in_order(parts.collect(), self.settings().concurrent_blocks)
            .try_collect()
            .await
    }

    /// Blocks in the order of their newest end, several at once, until no block left can hold a
    /// trace newer than those found. True when blocks were left unread for that reason.
    async fn search_blocks(
        &self,
        sources: &Sources,
        plan: &Arc<Plan>,
        asked: &Asked,
        newest: &mut Newest,
        cost: &mut Cost,
    ) -> Result<bool, Failure> {
        let jobs = sources
            .blocks
            .iter()
            .map(|meta| block::search(self, meta, plan, asked).boxed())
            .collect();
        let mut done = in_order(jobs, self.settings().concurrent_blocks);
        let mut read = 0;
        while read < sources.blocks.len() && !newest.is_settled_before(sources.blocks[read].end) {
            let Some(part) = done.try_next().await? else {
                break;
            };
            *cost += part.cost;
            newest.take(part.hits);
            read += 1;
        }
        Ok(read < sources.blocks.len())
    }
}
