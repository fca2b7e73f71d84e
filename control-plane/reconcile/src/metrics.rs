//! What the reconciler counts.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Labels {
    pub(crate) outcome: &'static str,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Metrics {
    pub(crate) commands: Family<Labels, Counter>,
    pub(crate) runs: Counter,
    pub(crate) failed_runs: Counter,
    pub(crate) relayed: Counter,
    pub(crate) heard: Gauge,
    pub(crate) leading: Gauge,
}

impl Metrics {
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register(
            "takt_reconcile_commands",
            "Commands the reconciler asked for, by what came of them",
            metrics.commands.clone(),
        );
        registry.register(
            "takt_reconcile_runs",
            "How often the reconciler looked whether there was something to do",
            metrics.runs.clone(),
        );
        registry.register(
            "takt_reconcile_failed_runs",
            "How often it could not look or could not hand on what it heard",
            metrics.failed_runs.clone(),
        );
        registry.register(
            "takt_reconcile_relayed_heartbeats",
            "Heartbeats handed on to the leader",
            metrics.relayed.clone(),
        );
        registry.register(
            "takt_reconcile_nodes_heard",
            "Nodes this replica hears",
            metrics.heard.clone(),
        );
        registry.register(
            "takt_reconcile_leading",
            "1 on the replica that leads",
            metrics.leading.clone(),
        );
        metrics
    }

    pub(crate) fn command(&self, outcome: &'static str) {
        self.commands.get_or_create(&Labels { outcome }).inc();
    }
}
