//! What the control log tells about itself.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use takt_model::Revision;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Outcome {
    pub(crate) outcome: &'static str,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Metrics {
    pub(crate) queue: Gauge,
    pub(crate) queue_capacity: Gauge,
    pub(crate) proposals: Family<Outcome, Counter>,
    pub(crate) retries: Family<Outcome, Counter>,
    pub(crate) revision: Gauge,
}

impl Metrics {
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register(
            "takt_log_queue_length",
            "Commands waiting for the proposer",
            metrics.queue.clone(),
        );
        registry.register(
            "takt_log_queue_length_max",
            "How many commands may wait before further ones are refused",
            metrics.queue_capacity.clone(),
        );
        registry.register(
            "takt_log_proposals",
            "Commands answered, by outcome",
            metrics.proposals.clone(),
        );
        registry.register(
            "takt_log_proposal_retries",
            "Rounds of the proposer that had to be repeated, by reason",
            metrics.retries.clone(),
        );
        registry.register(
            "takt_log_revision",
            "Events applied since the beginning of the log",
            metrics.revision.clone(),
        );
        metrics
    }

    pub(crate) fn at(&self, revision: Revision) {
        self.revision
            .set(i64::try_from(revision.0).unwrap_or(i64::MAX));
    }
}
