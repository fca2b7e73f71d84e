//! What was read once and may be asked for again, bounded by bytes.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;

use moka::future::Cache;
use moka::policy::EvictionPolicy;
use takt_block::Opened;
use takt_model::BlockId;
use takt_trace::{Column, SpanColumns};

use crate::Error;

type ColumnsKey = (BlockId, usize, BTreeSet<Column>);

/// Indexes and footers get a quarter of the bytes, columns the rest.
#[derive(Debug, Clone)]
pub(crate) struct Caches {
    opened: Cache<BlockId, Arc<Opened>>,
    columns: Cache<ColumnsKey, Arc<SpanColumns>>,
}

impl Caches {
    pub(crate) fn new(bytes: u64) -> Self {
        let opened = Cache::builder()
            .max_capacity(bytes / 4)
            .weigher(|_, opened: &Arc<Opened>| weight(opened.memory()))
            .build();
        // What was asked last is asked again soonest: a dashboard, a search made narrower. Counting how
        // often would keep yesterday's columns and turn today's away.
        let columns = Cache::builder()
            .eviction_policy(EvictionPolicy::lru())
            .max_capacity(bytes - bytes / 4)
            .weigher(|_, columns: &Arc<SpanColumns>| weight(columns.memory()))
            .build();
        Self { opened, columns }
    }

    /// Those who ask at the same time wait for one read.
    pub(crate) async fn opened(
        &self,
        block: BlockId,
        read: impl Future<Output = Result<Arc<Opened>, Error>>,
    ) -> Result<Arc<Opened>, Error> {
        self.opened
            .try_get_with(block, read)
            .await
            .map_err(Error::Shared)
    }

    pub(crate) async fn columns_at_hand(&self, key: &ColumnsKey) -> Option<Arc<SpanColumns>> {
        self.columns.get(key).await
    }

    pub(crate) async fn columns(
        &self,
        key: ColumnsKey,
        read: impl Future<Output = Result<Arc<SpanColumns>, Error>>,
    ) -> Result<Arc<SpanColumns>, Error> {
        self.columns
            .try_get_with(key, read)
            .await
            .map_err(Error::Shared)
    }
}

fn weight(bytes: usize) -> u32 {
    u32::try_from(bytes.max(1)).unwrap_or(u32::MAX)
}
