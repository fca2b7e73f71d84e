//! What the distributor counts, under the names Tempo's dashboards ask for.
//!
//! The tenant is the one label that could grow without end: after [`MAX_TENANTS`] names the rest
//! are counted together as [`OTHER`].

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use takt_model::TenantId;

/// How many tenants are counted by name.
pub(crate) const MAX_TENANTS: usize = 4096;
/// The name the others are counted under; no tenant can have it.
pub(crate) const OTHER: &str = "<other>";

/// Gives tenants names in metrics, at most [`MAX_TENANTS`] of them. Clones share them.
#[derive(Debug, Clone)]
pub struct TenantNames<M>(Arc<RwLock<HashMap<TenantId, M>>>);

impl<M> Default for TenantNames<M> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<M: Clone> TenantNames<M> {
    /// The counters of a tenant, made on its first visit from its name in metrics.
    pub fn get(&self, tenant: &TenantId, make: impl FnOnce(&str) -> M) -> M {
        if let Some(known) = self.0.read().get(tenant) {
            return known.clone();
        }
        let mut known = self.0.write();
        if known.len() >= MAX_TENANTS {
            return make(OTHER);
        }
        known
            .entry(tenant.clone())
            .or_insert_with(|| make(tenant.as_str()))
            .clone()
    }
}

/// Why a span was not taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Discarded {
    RateLimited,
    InvalidTraceId,
    InvalidSpanId,
    Malformed,
    TraceTooLarge,
    LiveTracesExceeded,
}

impl Discarded {
    const ALL: [Self; 6] = [
        Self::RateLimited,
        Self::InvalidTraceId,
        Self::InvalidSpanId,
        Self::Malformed,
        Self::TraceTooLarge,
        Self::LiveTracesExceeded,
    ];

    /// The reason as Tempo spells it; `malformed_span` is ours, for Tempo refuses such requests whole.
    fn label(self) -> &'static str {
        match self {
            Self::RateLimited => "rate_limited",
            Self::InvalidTraceId => "invalid_trace_id",
            Self::InvalidSpanId => "invalid_span_id",
            Self::Malformed => "malformed_span",
            Self::TraceTooLarge => "trace_too_large",
            Self::LiveTracesExceeded => "live_traces_exceeded",
        }
    }
}

impl EncodeLabelValue for Discarded {
    fn encode(
        &self,
        encoder: &mut prometheus_client::encoding::LabelValueEncoder<'_>,
    ) -> Result<(), std::fmt::Error> {
        EncodeLabelValue::encode(&self.label(), encoder)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Tenant {
    tenant: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TenantReason {
    reason: Discarded,
    tenant: String,
}

#[derive(Debug)]
pub(crate) struct DistributorMetrics {
    pub(crate) push_duration: Histogram,
    ingress_bytes: Family<Tenant, Counter>,
    received_bytes: Family<Tenant, Counter>,
    received_spans: Family<Tenant, Counter>,
    discarded_spans: Family<TenantReason, Counter>,
    tenants: TenantNames<Arc<TenantCounters>>,
}

/// The counters of one tenant.
#[derive(Debug)]
pub(crate) struct TenantCounters {
    pub(crate) ingress_bytes: Counter,
    pub(crate) received_bytes: Counter,
    pub(crate) received_spans: Counter,
    discarded: [Counter; Discarded::ALL.len()],
}

impl TenantCounters {
    pub(crate) fn discarded(&self, why: Discarded) -> &Counter {
        &self.discarded[why as usize]
    }
}

impl DistributorMetrics {
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            push_duration: Histogram::new(exponential_buckets(0.0005, 2.0, 16)),
            ingress_bytes: Family::default(),
            received_bytes: Family::default(),
            received_spans: Family::default(),
            discarded_spans: Family::default(),
            tenants: TenantNames::default(),
        };
        registry.register(
            "tempo_distributor_push_duration_seconds",
            "From a whole request to its acknowledgement",
            metrics.push_duration.clone(),
        );
        registry.register(
            "tempo_distributor_ingress_bytes",
            "Bytes of spans that arrived, before limits",
            metrics.ingress_bytes.clone(),
        );
        registry.register(
            "tempo_distributor_bytes_received",
            "Bytes of spans within the tenant's rate",
            metrics.received_bytes.clone(),
        );
        registry.register(
            "tempo_distributor_spans_received",
            "Spans within the tenant's rate",
            metrics.received_spans.clone(),
        );
        registry.register(
            "tempo_discarded_spans",
            "Spans not taken in, by reason",
            metrics.discarded_spans.clone(),
        );
        metrics
    }

    pub(crate) fn tenant(&self, tenant: &TenantId) -> Arc<TenantCounters> {
        self.tenants.get(tenant, |name| {
            let tenant = Tenant {
                tenant: name.to_owned(),
            };
            Arc::new(TenantCounters {
                ingress_bytes: self.ingress_bytes.get_or_create_owned(&tenant),
                received_bytes: self.received_bytes.get_or_create_owned(&tenant),
                received_spans: self.received_spans.get_or_create_owned(&tenant),
                discarded: Discarded::ALL.map(|reason| {
                    self.discarded_spans.get_or_create_owned(&TenantReason {
                        reason,
                        tenant: name.to_owned(),
                    })
                }),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenants_beyond_the_bound_share_one_name() {
        let names = TenantNames::default();
        for number in 0..MAX_TENANTS {
            let tenant = TenantId::new(&format!("t{number}")).unwrap();
            assert_eq!(names.get(&tenant, str::to_owned), tenant.as_str());
        }
        let late = TenantId::new("late").unwrap();
        assert_eq!(names.get(&late, str::to_owned), OTHER);
        let early = TenantId::new("t0").unwrap();
        assert_eq!(names.get(&early, str::to_owned), "t0");
    }

    #[test]
    fn reasons_are_counted_under_tempos_names() {
        let mut registry = Registry::default();
        let metrics = DistributorMetrics::register(&mut registry);
        let counters = metrics.tenant(&TenantId::single());
        counters.discarded(Discarded::TraceTooLarge).inc_by(3);
        counters.received_spans.inc_by(5);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        for line in [
            "tempo_discarded_spans_total{reason=\"trace_too_large\",tenant=\"single-tenant\"} 3",
            "tempo_distributor_spans_received_total{tenant=\"single-tenant\"} 5",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }
}
