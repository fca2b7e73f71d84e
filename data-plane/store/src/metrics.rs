//! What the store says of itself.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Counters and gauges of the store and the block list.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    read_bytes: Counter,
    written_bytes: Counter,
    pub(crate) polls: Counter,
    pub(crate) poll_failures: Counter,
    pub(crate) unreadable: Gauge,
    pub(crate) blocks: Gauge,
}

impl Metrics {
    #[must_use]
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register(
            "takt_store_read_bytes",
            "Bytes read from the object store",
            metrics.read_bytes.clone(),
        );
        registry.register(
            "takt_store_written_bytes",
            "Bytes written to the object store",
            metrics.written_bytes.clone(),
        );
        registry.register(
            "takt_store_polls",
            "Polls of the block list",
            metrics.polls.clone(),
        );
        registry.register(
            "takt_store_poll_failures",
            "Polls of the block list that failed; the last list stays",
            metrics.poll_failures.clone(),
        );
        registry.register(
            "takt_store_blocks_unreadable",
            "Blocks of another format, or damaged",
            metrics.unreadable.clone(),
        );
        registry.register(
            "tempodb_blocklist_length",
            "Blocks in the list",
            metrics.blocks.clone(),
        );
        metrics
    }

    pub(crate) fn read(&self, bytes: usize) {
        self.read_bytes.inc_by(bytes as u64);
    }

    pub(crate) fn written(&self, bytes: usize) {
        self.written_bytes.inc_by(bytes as u64);
    }
}
