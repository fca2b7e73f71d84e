//! How the subscribers are doing.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Seconds; the goal is a tenth of one.
const LAG: [f64; 9] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0, 10.0];
const COALESCED: [f64; 6] = [1.0, 2.0, 5.0, 20.0, 100.0, 1000.0];

#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    pub(crate) revision: Gauge,
    pub(crate) subscribers: Gauge,
    pub(crate) resets: Counter,
    pub(crate) refusals: Counter,
    pub(crate) lag: Histogram,
    pub(crate) coalesced: Histogram,
}

impl Metrics {
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            revision: Gauge::default(),
            subscribers: Gauge::default(),
            resets: Counter::default(),
            refusals: Counter::default(),
            lag: Histogram::new(LAG),
            coalesced: Histogram::new(COALESCED),
        };
        registry.register(
            "takt_views_revision",
            "Revision subscribers are told of",
            metrics.revision.clone(),
        );
        registry.register(
            "takt_views_subscribers",
            "Who follows the control log at this replica",
            metrics.subscribers.clone(),
        );
        registry.register(
            "takt_views_resets",
            "Subscribers that had to begin anew, as the moment they came from was not known any more",
            metrics.resets.clone(),
        );
        registry.register(
            "takt_views_refusals",
            "Subscribers refused because there were too many",
            metrics.refusals.clone(),
        );
        registry.register(
            "takt_views_lag_seconds",
            "From a decision being applied here to a subscriber taking it",
            metrics.lag.clone(),
        );
        registry.register(
            "takt_views_coalesced_decisions",
            "Decisions a subscriber was told of at once; many where it is slow",
            metrics.coalesced.clone(),
        );
        metrics
    }
}
