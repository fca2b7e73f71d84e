//! What can be seen of rules from outside.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

#[derive(Debug, Clone)]
pub struct Metrics {
    pub(crate) groups: Gauge,
    pub(crate) evaluations: Family<Outcome, Counter>,
    pub(crate) group_seconds: Histogram,
    pub(crate) missed: Counter,
    pub(crate) queues: QueueMetrics,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct QueueMetrics {
    pub(crate) waiting: Family<Queue, Gauge>,
    pub(crate) delivered: Family<Queue, Counter>,
    pub(crate) lost: Family<Queue, Counter>,
    pub(crate) retries: Family<Queue, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Outcome {
    pub(crate) outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Queue {
    pub(crate) queue: &'static str,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            groups: Gauge::default(),
            evaluations: Family::default(),
            group_seconds: Histogram::new([0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0]),
            missed: Counter::default(),
            queues: QueueMetrics::default(),
        }
    }
}

impl Metrics {
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register(
            "takt_rules_groups",
            "Rule groups that are evaluated",
            metrics.groups.clone(),
        );
        registry.register(
            "takt_rules_evaluations",
            "Evaluations of single rules, by how they ended",
            metrics.evaluations.clone(),
        );
        registry.register(
            "takt_rules_group_duration_seconds",
            "How long it took to evaluate a group",
            metrics.group_seconds.clone(),
        );
        registry.register(
            "takt_rules_iterations_missed",
            "Moments at which a group should have been evaluated and the one before was not done",
            metrics.missed.clone(),
        );
        let queues = &metrics.queues;
        registry.register(
            "takt_rules_queue_length",
            "Notices or points that wait to be delivered",
            queues.waiting.clone(),
        );
        registry.register(
            "takt_rules_delivered",
            "Notices or points that were taken by their endpoint",
            queues.delivered.clone(),
        );
        registry.register(
            "takt_rules_lost",
            "Notices or points that were given up: refused, tried for too long, or no room in the queue",
            queues.lost.clone(),
        );
        registry.register(
            "takt_rules_delivery_retries",
            "Requests to an endpoint that failed and were sent again",
            queues.retries.clone(),
        );
        metrics
    }

    pub(crate) fn evaluated(&self, well: bool) {
        let outcome = if well { "success" } else { "failure" };
        self.evaluations.get_or_create(&Outcome { outcome }).inc();
    }
}
