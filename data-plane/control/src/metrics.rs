//! How the follower is doing.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

#[derive(Debug, Clone, Default)]
pub(crate) struct Metrics {
    pub(crate) revision: Gauge,
    pub(crate) confirmed: Gauge,
    pub(crate) connected: Gauge,
    pub(crate) reconnects: Counter,
}

impl Metrics {
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
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
            "How often the watch had to be started again",
            metrics.reconnects.clone(),
        );
        metrics
    }
}
