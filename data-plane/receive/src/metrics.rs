//! What the receivers count.

use std::fmt;
use std::sync::atomic::AtomicU64;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric as _};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::registry::Registry;
use takt_ingest::TenantNames;
use takt_kit::Budget;
use takt_model::TenantId;

use crate::receiver::Transport;

/// Tempo exposes the receivers' span counts without the `_total` that counters end in here, and its
/// dashboards ask for exactly that name; only a gauge can have it.
type BareCounter = Gauge<u64, AtomicU64>;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Source {
    receiver: &'static str,
    transport: &'static str,
    tenant: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    transport: &'static str,
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Over {
    transport: &'static str,
}

#[derive(Debug)]
pub(crate) struct Metrics {
    accepted_spans: Family<Source, BareCounter>,
    refused_spans: Family<Source, BareCounter>,
    refused_requests: Family<Reason, Counter>,
    connections: Family<Over, Gauge>,
    refused_connections: Family<Over, Counter>,
    tenants: [TenantNames<Spans>; 2],
}

/// The span counts of one tenant over one transport.
#[derive(Debug, Clone)]
pub(crate) struct Spans {
    pub(crate) accepted: BareCounter,
    pub(crate) refused: BareCounter,
}

impl Metrics {
    pub(crate) fn register(registry: &mut Registry, in_flight: Budget) -> Self {
        let metrics = Self {
            accepted_spans: Family::default(),
            refused_spans: Family::default(),
            refused_requests: Family::default(),
            connections: Family::default(),
            refused_connections: Family::default(),
            tenants: Default::default(),
        };
        registry.register(
            "tempo_receiver_accepted_spans",
            "Spans that were acknowledged",
            metrics.accepted_spans.clone(),
        );
        registry.register(
            "tempo_receiver_refused_spans",
            "Spans that were refused, alone or with their request",
            metrics.refused_spans.clone(),
        );
        registry.register(
            "takt_receive_refused_requests",
            "Requests that were refused, by reason",
            metrics.refused_requests.clone(),
        );
        registry.register(
            "takt_receive_connections",
            "Connections that are open",
            metrics.connections.clone(),
        );
        registry.register(
            "takt_receive_refused_connections",
            "Connections closed at once because too many were open",
            metrics.refused_connections.clone(),
        );
        registry.register_collector(Box::new(InFlight(in_flight)));
        metrics
    }

    pub(crate) fn spans(&self, transport: Transport, tenant: &TenantId) -> Spans {
        self.tenants[transport as usize].get(tenant, |name| {
            let source = Source {
                receiver: "otlp",
                transport: transport.name(),
                tenant: name.to_owned(),
            };
            Spans {
                accepted: self.accepted_spans.get_or_create_owned(&source),
                refused: self.refused_spans.get_or_create_owned(&source),
            }
        })
    }

    pub(crate) fn refused_request(&self, transport: Transport, reason: &'static str) {
        self.refused_requests
            .get_or_create(&Reason {
                transport: transport.name(),
                reason,
            })
            .inc();
    }

    pub(crate) fn connections(&self, transport: Transport) -> Gauge {
        self.connections.get_or_create_owned(&Over {
            transport: transport.name(),
        })
    }

    pub(crate) fn refused_connections(&self, transport: Transport) -> Counter {
        self.refused_connections.get_or_create_owned(&Over {
            transport: transport.name(),
        })
    }
}

#[derive(Debug)]
struct InFlight(Budget);

impl Collector for InFlight {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        for (name, help, bytes) in [
            (
                "takt_receive_in_flight_bytes",
                "Bytes of requests that are being received or appended",
                self.0.used(),
            ),
            (
                "takt_receive_in_flight_bytes_max",
                "How many bytes of requests may be in flight",
                self.0.limit(),
            ),
        ] {
            let gauge = ConstGauge::new(i64::try_from(bytes).unwrap_or(i64::MAX));
            let metric = encoder.encode_descriptor(name, help, None, gauge.metric_type())?;
            gauge.encode(metric)?;
        }
        Ok(())
    }
}
