//! What the live store says of itself.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use takt_model::TenantId;

use crate::Shape;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct TenantLabel {
    tenant: String,
}

pub(crate) fn tenant(tenant: &TenantId) -> TenantLabel {
    TenantLabel {
        tenant: tenant.to_string(),
    }
}

/// Counters and gauges of the live store; the names dashboards of Tempo know are kept.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    pub(crate) spans: Family<TenantLabel, Counter>,
    pub(crate) attributes_truncated: Family<TenantLabel, Counter>,
    pub(crate) malformed: Family<TenantLabel, Counter>,
    pub(crate) blocks_cut: Family<TenantLabel, Counter>,
    live_spans: Gauge,
    live_traces: Gauge,
    live_bytes: Gauge,
}

impl Metrics {
    #[must_use]
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register(
            "takt_live_spans_appended",
            "Spans decoded into the live store",
            metrics.spans.clone(),
        );
        registry.register(
            "tempo_distributor_attributes_truncated",
            "Attributes cut to max_attribute_bytes",
            metrics.attributes_truncated.clone(),
        );
        registry.register(
            "takt_live_records_malformed",
            "Journal records that could not be decoded",
            metrics.malformed.clone(),
        );
        registry.register(
            "tempo_live_store_blocks_cut",
            "Segments closed to become blocks",
            metrics.blocks_cut.clone(),
        );
        registry.register(
            "takt_live_spans",
            "Spans in memory",
            metrics.live_spans.clone(),
        );
        registry.register(
            "tempo_live_store_live_traces",
            "Traces in memory",
            metrics.live_traces.clone(),
        );
        registry.register(
            "tempo_live_store_live_trace_bytes",
            "Bytes of memory that live spans take",
            metrics.live_bytes.clone(),
        );
        metrics
    }

    pub(crate) fn observe(&self, total: &Shape) {
        let gauge = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        self.live_spans.set(gauge(total.spans));
        self.live_traces.set(gauge(total.traces));
        self.live_bytes.set(gauge(total.memory_bytes));
    }
}
