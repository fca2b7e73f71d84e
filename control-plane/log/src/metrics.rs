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

/// Another node of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Peer {
    pub(crate) node: u64,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Metrics {
    pub(crate) queue: Gauge,
    pub(crate) queue_capacity: Gauge,
    pub(crate) proposals: Family<Outcome, Counter>,
    pub(crate) retries: Family<Outcome, Counter>,
    pub(crate) revision: Gauge,
    pub(crate) comparisons: Family<Outcome, Counter>,
    pub(crate) leads: Gauge,
    pub(crate) term: Gauge,
    pub(crate) leader_changes: Counter,
    pub(crate) lag: Family<Peer, Gauge>,
    pub(crate) call_errors: Family<Peer, Counter>,
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
        registry.register(
            "takt_log_state_comparisons",
            "Comparisons of the state with the other voters, by outcome; `minority` stops the node",
            metrics.comparisons.clone(),
        );
        registry.register(
            "takt_log_leads",
            "Whether this node leads the control plane",
            metrics.leads.clone(),
        );
        registry.register(
            "takt_log_term",
            "The Raft term, which counts elections",
            metrics.term.clone(),
        );
        registry.register(
            "takt_log_leader_changes",
            "How often this node saw another node lead than before",
            metrics.leader_changes.clone(),
        );
        registry.register(
            "takt_log_lag_entries",
            "Entries that a member still lacks, as the leader sees it",
            metrics.lag.clone(),
        );
        registry.register(
            "takt_log_peer_call_errors",
            "Raft's calls to another node that had no answer",
            metrics.call_errors.clone(),
        );
        metrics
    }

    pub(crate) fn compared(&self, outcome: &'static str) {
        self.comparisons.get_or_create(&Outcome { outcome }).inc();
    }

    pub(crate) fn at(&self, revision: Revision) {
        self.revision
            .set(i64::try_from(revision.0).unwrap_or(i64::MAX));
    }
}
