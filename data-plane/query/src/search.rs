//! Search: find the best traces that match, in live segments and blocks, then complete the head of each
//! from every source that holds a part of it.

pub(crate) mod page;
pub(crate) mod respond;
mod whole;

use std::sync::Arc;

use takt_engine::{NEWEST_FIRST, SearchOptions, TagSearch, TraceHit};
use takt_model::TenantId;
use takt_traceql::Order;
use takt_wire::tempopb::SearchResponse;

use crate::answer::Answer;
use crate::failure::Failure;
use crate::frontend::Frontend;
use crate::question::{self, Question};
use crate::request;
use crate::request::search::What;
use crate::run::best::key;
use crate::run::{Run, Sum};
use page::Page;

/// A search under way.
#[derive(Debug)]
pub(crate) struct SearchRun {
    frontend: Frontend,
    run: Run,
    order: Order,
    limit: usize,
    left_pad: bool,
    warnings: Vec<String>,
    /// Ties a page to the search it is a page of.
    fingerprint: u64,
}

impl Frontend {
    /// The best traces that match: the newest, if the query does not order them otherwise.
    ///
    /// # Errors
    /// When the query is wrong, a block cannot be read, or there is no room for it.
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn search(
        &self,
        tenants: &[TenantId],
        request: &request::Search,
    ) -> Result<Answer<SearchResponse>, Failure> {
        let mut search = self.start_search(tenants, request).await?;
        while search.advance().await? {}
        search.answer().await
    }

    /// Plans a search; [`SearchRun::advance`] takes it further.
    pub(crate) async fn start_search(
        &self,
        tenants: &[TenantId],
        request: &request::Search,
    ) -> Result<SearchRun, Failure> {
        let window = request.window.range();
        let limit = request.limit as usize;
        let mut order = NEWEST_FIRST;
        let mut warnings = Vec::new();
        let fingerprint = page::fingerprint(request);
        let page = request.page.as_deref();
        let page = page
            .map(|token| Page::parse(token, fingerprint))
            .transpose()?;
        let question = match &request.what {
            What::TraceQl(text) => {
                let query = self.parse(text)?;
                warnings = takt_traceql::warnings(text);
                order = query.order.unwrap_or(NEWEST_FIRST);
                let options = SearchOptions {
                    // One more than wanted: it tells that there are more.
                    limit: limit.saturating_add(1),
                    spans_per_set: request.spans_per_set as usize,
                    order,
                    after: page.map(|page| (page.key, page.trace)),
                };
                Question::Search(question::Search::new(
                    &takt_traceql::optimise(query),
                    window,
                    options,
                )?)
            }
            What::Legacy(legacy) => Question::Tags(question::Tags {
                search: TagSearch {
                    tags: legacy.tags.clone().into_iter().collect(),
                    min_duration: legacy.min_duration,
                    max_duration: legacy.max_duration,
                },
                window,
                limit: limit.saturating_add(1),
            }),
        };
        Ok(SearchRun {
            frontend: self.clone(),
            run: Run::start(self, tenants, question).await,
            order,
            limit,
            left_pad: self.limits(tenants).left_pad_trace_ids,
            warnings,
            fingerprint,
        })
    }
}

impl SearchRun {
    /// Takes the search one step further. False when all is found.
    pub(crate) async fn advance(&mut self) -> Result<bool, Failure> {
        self.run.advance().await
    }

    /// The traces that are new and sure to be in the answer, and how far the search is.
    pub(crate) async fn diff(&mut self) -> Result<SearchResponse, Failure> {
        let hits = match (&mut self.run.sum, self.run.progress.complete_from) {
            (Sum::Search(best), Some(newest_left)) => best.take_settled(newest_left),
            (Sum::Search(_) | Sum::Metrics(_), _) => Vec::new(),
        };
        self.response(hits).await
    }

    /// All that was found.
    pub(crate) async fn answer(mut self) -> Result<Answer<SearchResponse>, Failure> {
        let (hits, cut) = match &mut self.run.sum {
            Sum::Search(best) => (best.hits(), best.is_cut()),
            Sum::Metrics(_) => (Vec::new(), false),
        };
        let more = cut || self.run.progress.ended_early;
        let mut missing = self.run.progress.missing.clone();
        let mut next_page = None;
        if more {
            missing.push(format!(
                "the limit of {} traces is reached, and there may be more",
                self.limit
            ));
            next_page = hits.last().map(|last| Page {
                key: key(self.order, last),
                trace: last.trace,
            });
        }
        let next_page = next_page.map(|page| page.token(self.fingerprint));
        let message = self.response(hits).await?;
        self.frontend
            .metrics()
            .bytes_inspected
            .inc_by(self.run.progress.cost.bytes);
        Ok(Answer {
            message,
            missing,
            warnings: self.warnings,
            next_page,
        })
    }

    /// Found traces with their heads. Takes nothing of the run along but what it needs, because a run
    /// is not to be looked at from several threads.
    fn response(
        &self,
        hits: Vec<TraceHit>,
    ) -> impl Future<Output = Result<SearchResponse, Failure>> + Send + use<> {
        let (frontend, left_pad) = (self.frontend.clone(), self.left_pad);
        let (places, asked) = (Arc::clone(self.run.places()), self.run.asked().clone());
        let progress = self.run.progress.clone();
        async move {
            let wholes = whole::summaries(&frontend, &places, &hits, &asked).await?;
            Ok(respond::response(hits, &wholes, &progress, left_pad))
        }
    }
}
