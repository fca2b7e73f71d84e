//! `query`: what one question may ask for and cost. Limits have Tempo's names and defaults.

use std::time::Duration;

use takt_model::ByteSize;

use crate::config::fields::Fields;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Query {
    pub(crate) default_result_limit: usize,
    pub(crate) max_result_limit: usize,
    pub(crate) default_spans_per_span_set: usize,
    pub(crate) max_spans_per_span_set: usize,
    pub(crate) max_query_expression_size: ByteSize,
    pub(crate) max_concurrent_queries: usize,
    pub(crate) timeout: Duration,
    pub(crate) consistency_wait: Duration,
}

impl Query {
    pub(super) fn read(fields: &mut Fields<'_, '_, '_>) -> Self {
        fields.section("query", "What one question may ask for and cost.", |fields| {
            let query = Self {
                default_result_limit: fields.value("default_result_limit", "20", "Traces in an answer when the request does not say `limit`."),
                max_result_limit: fields.value("max_result_limit", "262144", "Largest `limit`; a larger one is refused. 0 is no bound."),
                default_spans_per_span_set: fields.value("default_spans_per_span_set", "3", "Matching spans shown of each trace when the request does not say `spss`."),
                max_spans_per_span_set: fields.value("max_spans_per_span_set", "100", "Largest `spss`; a larger one is refused. 0 is no bound."),
                max_query_expression_size: fields.value("max_query_expression_size_bytes", "128KiB", "Longest TraceQL text; a longer one is refused before it is parsed."),
                max_concurrent_queries: fields.value("max_concurrent_queries", "20", "Queries that run at once; further ones wait for their turn within their timeout."),
                timeout: fields.value("timeout", "30s", "How long a query may take; then it fails and says so."),
                consistency_wait: fields.value(
                    "consistency_wait",
                    "250ms",
                    "How long a query waits at most until everything acknowledged before it can be found.",
                ),
            };
            for (name, value, most) in [
                ("default_result_limit", query.default_result_limit, query.max_result_limit),
                ("default_spans_per_span_set", query.default_spans_per_span_set, query.max_spans_per_span_set),
            ] {
                if most != 0 && value > most {
                    fields.refuse(name, format!("`{value}` is more than the largest that may be asked for, {most}"));
                }
            }
            if query.max_concurrent_queries == 0 {
                fields.refuse("max_concurrent_queries", "must be greater than zero");
            }
            query
        })
    }
}
