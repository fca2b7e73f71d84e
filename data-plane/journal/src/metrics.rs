//! What the journal says of itself.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;

/// Counters of the journal.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    pub(crate) records: Counter,
    pub(crate) bytes: Counter,
    pub(crate) groups: Counter,
    pub(crate) failures: Counter,
    pub(crate) torn: Counter,
}

impl Metrics {
    #[must_use]
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register(
            "takt_journal_records",
            "Records acknowledged",
            metrics.records.clone(),
        );
        registry.register(
            "takt_journal_written_bytes",
            "Bytes of acknowledged records",
            metrics.bytes.clone(),
        );
        registry.register(
            "takt_journal_groups",
            "Writes, each with one fsync where fsync is `always`",
            metrics.groups.clone(),
        );
        registry.register(
            "takt_journal_failures",
            "Writes and syncs that failed",
            metrics.failures.clone(),
        );
        registry.register(
            "takt_journal_torn_tails",
            "Torn writes cut off at start",
            metrics.torn.clone(),
        );
        metrics
    }
}
