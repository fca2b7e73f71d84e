//! `query`: what one question may ask for and cost. Limits have Tempo's names and defaults.

use takt_model::ByteSize;
use takt_query::{SearchSettings, Settings, TraceByIdSettings};

use super::{Multitenancy, Server};
use crate::config::fields::Fields;

pub(super) fn read(
    fields: &mut Fields<'_, '_, '_>,
    server: &Server,
    multitenancy: &Multitenancy,
) -> Settings {
    fields.section("query", "What one question may ask for and cost.", |fields| {
        let expression: ByteSize = fields.value("max_query_expression_size_bytes", "128KiB", "Longest TraceQL text; a longer one is refused before it is parsed.");
        let memory = fields.value_or(
            "max_memory",
            server.share(4),
            "a quarter of `server.max_memory`",
            "What all queries together may hold; one that needs more fails and says so.",
        );
        Settings {
            multitenancy_enabled: multitenancy.enabled,
            multi_tenant_queries_enabled: fields.value("multi_tenant_queries_enabled", "true", "Whether `X-Scope-OrgID: a|b` reads several tenants at once."),
            http_api_prefix: fields
                .optional("http_api_prefix", "none", "Stands before every `/api` path, such as `/tempo`.")
                .unwrap_or_default(),
            api_timeout: fields.value("api_timeout", "30s", "How long a query may take; then it fails and says so. 0 is no bound."),
            max_query_expression_size_bytes: expression.as_usize(),
            max_outstanding_per_tenant: fields.value("max_outstanding_per_tenant", "2000", "Queries of one tenant that may be under way; further ones are refused with 429."),
            max_condition_groups_per_tag_query: fields.value("max_condition_groups_per_tag_query", "20", "Alternatives the `q` of a tags query may expand to; a larger one matches everything."),
            concurrent_blocks: fields.value("concurrent_blocks", "8", "Blocks one query reads at once; more hide the latency of an object store, fewer save memory."),
            workers: fields.value_or(
                "workers",
                fields.surroundings().processors,
                "number of processors",
                "Pieces of queries that may use a processor at once, so that taking spans in is not starved.",
            ),
            journal_wait: fields.value("journal_wait", "250ms", "How long a query waits at most until everything acknowledged before it can be found."),
            memory_bytes: memory.as_usize(),
            search: search(fields),
            trace_by_id: trace_by_id(fields),
            mcp_server_enabled: fields.section(
                "mcp_server",
                "The server of the Model Context Protocol at `/api/mcp`.",
                |fields| fields.value("enabled", "false", "Whether language models may use searches, traces and tags as tools."),
            ),
        }
    })
}

fn search(fields: &mut Fields<'_, '_, '_>) -> SearchSettings {
    fields.section("search", "Sizes of a search's answer.", |fields| {
        let search = SearchSettings {
            default_result_limit: fields.value(
                "default_result_limit",
                "20",
                "Traces in an answer when the request does not say `limit`.",
            ),
            max_result_limit: fields.value(
                "max_result_limit",
                "262144",
                "Largest `limit`; a larger one is refused. 0 is no bound.",
            ),
            default_spans_per_span_set: fields.value(
                "default_spans_per_span_set",
                "3",
                "Matching spans shown of each trace when the request does not say `spss`.",
            ),
            max_spans_per_span_set: fields.value(
                "max_spans_per_span_set",
                "0",
                "Largest `spss`; a larger one is refused. 0 is no bound but the memory of a query (Tempo's default is 100).",
            ),
        };
        for (name, value, most) in [
            (
                "default_result_limit",
                search.default_result_limit,
                search.max_result_limit,
            ),
            (
                "default_spans_per_span_set",
                search.default_spans_per_span_set,
                search.max_spans_per_span_set,
            ),
        ] {
            if most != 0 && value > most {
                fields.refuse(
                    name,
                    format!("`{value}` is more than the largest that may be asked for, {most}"),
                );
            }
        }
        search
    })
}

fn trace_by_id(fields: &mut Fields<'_, '_, '_>) -> TraceByIdSettings {
    fields.section(
        "trace_by_id",
        "What a trace looks like when asked for by its id.",
        |fields| TraceByIdSettings {
            span_pruning_enabled: fields.value(
                "span_pruning_enabled",
                "false",
                "Whether requests may have like spans put together into summaries (`span_pruning=true`).",
            ),
            span_pruning_enabled_by_default: fields.value(
                "span_pruning_enabled_by_default",
                "false",
                "Whether that is done where a request does not say `span_pruning`.",
            ),
        },
    )
}
