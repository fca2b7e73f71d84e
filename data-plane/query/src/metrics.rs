//! What the read path counts, under Tempo's names where its dashboards ask for them (label `tenant` is the only unbounded one).

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use takt_model::TenantId;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct RequestLabels {
    pub(crate) method: String,
    pub(crate) route: &'static str,
    pub(crate) status_code: u16,
    pub(crate) ws: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct QueryLabels {
    pub(crate) tenant: String,
    pub(crate) op: &'static str,
    pub(crate) result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct TenantLabel {
    pub(crate) tenant: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct ToolLabel {
    pub(crate) tool: &'static str,
}

/// Handles to the metrics; clones count together.
#[derive(Debug, Clone)]
pub struct Metrics {
    pub(crate) requests: Family<RequestLabels, Histogram, fn() -> Histogram>,
    pub(crate) queries: Family<QueryLabels, Counter>,
    pub(crate) queries_within_slo: Family<QueryLabels, Counter>,
    pub(crate) bytes_inspected: Counter,
    pub(crate) queue_length: Family<TenantLabel, Gauge>,
    pub(crate) discarded: Family<TenantLabel, Counter>,
    pub(crate) mcp_calls: Family<ToolLabel, Counter>,
    pub(crate) memory: Gauge,
    pub(crate) behind: Counter,
    pub(crate) job_cache_hits: Counter,
    pub(crate) job_cache_misses: Counter,
    pub(crate) job_retries: Counter,
    pub(crate) job_hedges: Counter,
}

impl Metrics {
    /// Makes the metrics and enters them into `registry`.
    #[must_use]
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            requests: Family::new_with_constructor(latency as fn() -> Histogram),
            queries: Family::default(),
            queries_within_slo: Family::default(),
            bytes_inspected: Counter::default(),
            queue_length: Family::default(),
            discarded: Family::default(),
            mcp_calls: Family::default(),
            memory: Gauge::default(),
            behind: Counter::default(),
            job_cache_hits: Counter::default(),
            job_cache_misses: Counter::default(),
            job_retries: Counter::default(),
            job_hedges: Counter::default(),
        };
        let tempo = registry.sub_registry_with_prefix("tempo");
        tempo.register_with_unit(
            "request_duration",
            "Time to answer HTTP requests",
            Unit::Seconds,
            metrics.requests.clone(),
        );
        let frontend = tempo.sub_registry_with_prefix("query_frontend");
        frontend.register(
            "queries",
            "Queries answered or cancelled",
            metrics.queries.clone(),
        );
        frontend.register(
            "queries_within_slo",
            "Queries that count as good: all but failures of the server",
            metrics.queries_within_slo.clone(),
        );
        frontend.register(
            "bytes_inspected",
            "Bytes of columns that queries read",
            metrics.bytes_inspected.clone(),
        );
        frontend.register(
            "queue_length",
            "Queries under way",
            metrics.queue_length.clone(),
        );
        frontend.register(
            "discarded_requests",
            "Queries refused because too many were under way",
            metrics.discarded.clone(),
        );
        frontend.register(
            "mcp_calls",
            "Calls of tools over MCP",
            metrics.mcp_calls.clone(),
        );
        let own = registry.sub_registry_with_prefix("takt_query");
        own.register_with_unit(
            "memory",
            "Memory queries hold",
            Unit::Bytes,
            metrics.memory.clone(),
        );
        own.register("behind", "Queries that went on before the live store had read everything acknowledged before them", metrics.behind.clone());
        metrics.register_jobs(own);
        metrics
    }

    fn register_jobs(&self, own: &mut Registry) {
        for (name, help, counter) in [
            (
                "job_cache_hits",
                "Jobs answered from what was found before",
                &self.job_cache_hits,
            ),
            (
                "job_cache_misses",
                "Jobs that had to be run, of those that can be kept",
                &self.job_cache_misses,
            ),
            (
                "job_retries",
                "Jobs tried again after a failure",
                &self.job_retries,
            ),
            (
                "job_hedges",
                "Jobs run a second time beside themselves because they took long",
                &self.job_hedges,
            ),
        ] {
            own.register(name, help, counter.clone());
        }
    }

    pub(crate) fn query(&self, tenant: &TenantId, op: &'static str, cancelled: bool, good: bool) {
        let result = if cancelled { "canceled" } else { "completed" };
        let labels = QueryLabels {
            tenant: tenant.to_string(),
            op,
            result,
        };
        self.queries.get_or_create(&labels).inc();
        if good {
            self.queries_within_slo.get_or_create(&labels).inc();
        }
    }
}

fn latency() -> Histogram {
    Histogram::new([
        0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0,
    ])
}
