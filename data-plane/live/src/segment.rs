//! A set of live spans that is read as one.

use std::sync::Arc;

use parking_lot::RwLock;
use takt_model::BlockId;
use takt_trace::SpanColumns;

/// Live spans of one tenant, open (still growing) or sealed (being written to a block).
#[derive(Debug, Clone)]
pub struct Segment {
    columns: Arc<RwLock<SpanColumns>>,
    block: Option<BlockId>,
}

impl Segment {
    pub(crate) fn open() -> Self {
        Self::holding(SpanColumns::default())
    }

    pub(crate) fn holding(columns: SpanColumns) -> Self {
        Self {
            columns: Arc::new(RwLock::new(columns)),
            block: None,
        }
    }

    pub(crate) fn sealed_as(&self, block: BlockId) -> Self {
        Self {
            columns: Arc::clone(&self.columns),
            block: Some(block),
        }
    }

    /// Reads the columns; whoever appends waits meanwhile, so be brief with an open segment.
    pub fn read<R>(&self, f: impl FnOnce(&SpanColumns) -> R) -> R {
        f(&self.columns.read())
    }

    pub(crate) fn write<R>(&self, f: impl FnOnce(&mut SpanColumns) -> R) -> R {
        f(&mut self.columns.write())
    }

    /// The block this segment is being written to. When the block list already holds that block,
    /// the same spans are there: read one of the two.
    #[must_use]
    pub fn block(&self) -> Option<BlockId> {
        self.block
    }
}
