//! How the follower is doing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::registry::{Registry, Unit};
use takt_kit::Clock;
use takt_model::UnixNano;

use crate::Status;

#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    revision: Gauge,
    confirmed: Gauge,
    connected: Gauge,
    pub(crate) reconnects: Counter,
    pub(crate) damaged: Counter,
    age: Age,
}

impl Metrics {
    pub(crate) fn register(registry: &mut Registry, clock: Arc<dyn Clock>) -> Self {
        let metrics = Self {
            revision: Gauge::default(),
            confirmed: Gauge::default(),
            connected: Gauge::default(),
            reconnects: Counter::default(),
            damaged: Counter::default(),
            age: Age {
                confirmed_at: Arc::default(),
                clock,
            },
        };
        registry.register(
            "takt_control_view_revision",
            "Revision of the view the data plane serves on",
            metrics.revision.clone(),
        );
        registry.register(
            "takt_control_view_confirmed_timestamp_seconds",
            "When the control plane last confirmed the view",
            metrics.confirmed.clone(),
        );
        registry.register(
            "takt_control_connected",
            "1 while the control plane is followed",
            metrics.connected.clone(),
        );
        registry.register(
            "takt_control_reconnects",
            "How often the subscription had to be started again",
            metrics.reconnects.clone(),
        );
        registry.register(
            "takt_control_view_damaged",
            "Views on disk that were damaged and fetched anew",
            metrics.damaged.clone(),
        );
        registry.register_collector(Box::new(metrics.age.clone()));
        metrics
    }

    pub(crate) fn show(&self, status: Status) {
        let confirmed_at = status.confirmed_at.unwrap_or_default();
        let shown = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        self.revision.set(shown(status.revision.0));
        self.confirmed.set(shown(confirmed_at.as_secs()));
        self.connected.set(i64::from(status.connected));
        self.age
            .confirmed_at
            .store(confirmed_at.0, Ordering::Relaxed);
    }
}

/// Counted when it is asked for; not shown while there was never a view.
#[derive(Debug, Clone)]
struct Age {
    confirmed_at: Arc<AtomicU64>,
    clock: Arc<dyn Clock>,
}

impl Collector for Age {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let confirmed_at = UnixNano(self.confirmed_at.load(Ordering::Relaxed));
        if confirmed_at == UnixNano(0) {
            return Ok(());
        }
        let age = self.clock.now().since(confirmed_at);
        let gauge = ConstGauge::new(age.as_secs_f64());
        let metric = encoder.encode_descriptor(
            "takt_control_view_age",
            "How long ago the control plane confirmed the view",
            Some(&Unit::Seconds),
            gauge.metric_type(),
        )?;
        gauge.encode(metric)
    }
}
