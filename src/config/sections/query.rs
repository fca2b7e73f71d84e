//! `query`: what one question may ask for and cost. Limits have Tempo's names and defaults.

use takt_model::ByteSize;
use takt_query::{MetricsSettings, SearchSettings, Settings, TraceByIdSettings};

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
        let one = fields.value_or(
            "max_memory_per_query",
            ByteSize(memory.0 / 2),
            "half of `max_memory`",
            "What one query may hold; one that needs more fails and says so.",
        );
        let kept = fields.value_or(
            "job_cache_bytes",
            server.share(64),
            "a 64th of `server.max_memory`",
            "What is kept of the answers of pieces of queries, so that the same question is not asked again. 0 keeps nothing.",
        );
        let job: ByteSize = fields.value("target_bytes_per_job", "100MiB", "Row groups of a block that are asked as one piece, in stored bytes.");
        let packet: ByteSize = fields.value("max_grpc_streaming_packet_size", "1MiB", "Largest message of a streamed answer, unless one item alone is larger.");
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
            query_memory_bytes: one.as_usize(),
            job_cache_bytes: kept.as_usize(),
            target_bytes_per_job: job.0.max(1),
            max_retries: fields.value("max_retries", "2", "How often a piece of a query is tried when it failed for a reason that may pass."),
            hedge_jobs_at: fields.value("hedge_jobs_at", "5s", "A piece of a query that takes longer is run a second time beside itself. 0 is never."),
            max_grpc_streaming_packet_size: packet.as_usize(),
            stream_every: fields.value("stream_every", "500ms", "Time between two messages of a streamed answer."),
            queriers: fields
                .optional::<String>("queriers", "none", "Other processes that run pieces of queries on stored spans, such as `http://querier-1:9095,http://querier-2:9095`; without any, this one does.")
                .map(|all| all.split(',').map(|one| one.trim().to_owned()).collect())
                .unwrap_or_default(),
            querier_timeout: fields.value("querier_timeout", "30s", "How long another process may take for one piece."),
            serve_jobs: fields.value("serve_jobs", "false", "Whether this process runs pieces of queries for others, on its HTTP and gRPC ports. Whoever reaches those can then read every tenant."),
            metrics: metrics(fields),
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

fn metrics(fields: &mut Fields<'_, '_, '_>) -> MetricsSettings {
    fields.section("metrics", "Sizes of the answer of a metrics query.", |fields| {
        MetricsSettings {
            max_exemplars: fields.value(
                "max_exemplars",
                "100",
                "Exemplars in an answer; a request may ask for fewer. 0 is none.",
            ),
            max_response_series: fields.value(
                "max_response_series",
                "0",
                "Series in an answer; more are cut, and the answer says so. 0 is no bound.",
            ),
            max_intervals: fields.value(
                "max_intervals",
                "10000",
                "Intervals between start and end; a smaller step is refused. 0 is no bound.",
            ),
            max_groups: fields.value(
                "max_groups",
                "100000",
                "Groups that one metrics function counts; further ones are left out, and the answer says so.",
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
