//! What the block builder says of itself.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;

/// Counters of the block builder.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    blocks: Counter,
    spans: Counter,
    bytes: Counter,
    pub(super) failures: Counter,
}

impl Metrics {
    #[must_use]
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register(
            "tempo_block_builder_flushed_blocks",
            "Blocks stored",
            metrics.blocks.clone(),
        );
        registry.register(
            "takt_ingest_spans_stored",
            "Spans stored in blocks",
            metrics.spans.clone(),
        );
        registry.register(
            "takt_ingest_stored_bytes",
            "Bytes of blocks stored, index included",
            metrics.bytes.clone(),
        );
        registry.register(
            "takt_ingest_store_failures",
            "Attempts to store a block that failed",
            metrics.failures.clone(),
        );
        metrics
    }

    pub(super) fn stored(&self, spans: usize, bytes: usize) {
        self.blocks.inc();
        self.spans.inc_by(spans as u64);
        self.bytes.inc_by(bytes as u64);
    }
}
