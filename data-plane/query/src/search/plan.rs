//! What a search runs: a filter from TraceQL, or the tags of a legacy search.

use takt_engine::one_filter::{self, CollectOptions, TraceHit};
use takt_engine::{TagSearch, find_by_tags};
use takt_model::TimeRange;
use takt_trace::{Projection, SpanColumns};
use takt_traceql::Filter;

use crate::failure::Failure;
use crate::request;
use crate::request::search::What;
use crate::work::Asked;

/// A search, ready to run over any columns.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) matcher: Matcher,
    pub(crate) window: TimeRange,
    pub(crate) limit: usize,
    pub(crate) spans_per_set: usize,
}

#[derive(Debug)]
pub(crate) enum Matcher {
    Filter(Filter),
    /// Shows no spans.
    Tags(TagSearch),
}

impl Plan {
    pub(crate) fn new(request: &request::Search) -> Result<Self, Failure> {
        let matcher = match &request.what {
            What::TraceQl(query) => {
                Matcher::Filter(takt_traceql::parse_filter(query).map_err(Failure::Query)?)
            }
            What::Legacy(legacy) => Matcher::Tags(TagSearch {
                tags: legacy.tags.clone().into_iter().collect(),
                min_duration: legacy.min_duration,
                max_duration: legacy.max_duration,
            }),
        };
        Ok(Self {
            matcher,
            window: request.window.range(),
            limit: request.limit as usize,
            spans_per_set: request.spans_per_set as usize,
        })
    }

    pub(crate) fn shows_spans(&self) -> bool {
        matches!(self.matcher, Matcher::Filter(_))
    }

    /// The columns that decide which traces match.
    pub(crate) fn predicate_columns(&self) -> Projection {
        match &self.matcher {
            Matcher::Filter(filter) => takt_engine::predicate_columns(filter),
            Matcher::Tags(search) => takt_engine::tag_search_columns(search),
        }
    }

    /// All columns that a result needs, those of the decision included.
    pub(crate) fn result_columns(&self) -> Projection {
        match &self.matcher {
            Matcher::Filter(filter) => one_filter::result_columns(filter),
            Matcher::Tags(_) => self.predicate_columns(),
        }
    }

    /// Whether any trace of these columns, which need only the predicate columns, matches.
    pub(crate) fn matches_any(
        &self,
        columns: &SpanColumns,
        asked: &Asked,
    ) -> Result<bool, Failure> {
        let keep_going = || asked.still();
        Ok(match &self.matcher {
            Matcher::Filter(filter) => {
                !one_filter::find(columns, filter, self.window, &keep_going)?.is_empty()
            }
            Matcher::Tags(tags) => {
                !find_by_tags(columns, tags, self.window, &keep_going)?.is_empty()
            }
        })
    }

    /// The newest traces of these columns that match, one more than wanted: it tells that there are more.
    pub(crate) fn hits(
        &self,
        columns: &SpanColumns,
        asked: &Asked,
    ) -> Result<Vec<TraceHit>, Failure> {
        let keep_going = || asked.still();
        let limit = self.limit.saturating_add(1);
        Ok(match &self.matcher {
            Matcher::Filter(filter) => one_filter::collect(
                columns,
                filter,
                self.window,
                &keep_going,
                &CollectOptions {
                    limit,
                    spans_per_set: self.spans_per_set,
                },
            )?,
            Matcher::Tags(tags) => one_filter::collect_traces(
                columns,
                &find_by_tags(columns, tags, self.window, &keep_going)?,
                limit,
            ),
        })
    }
}
