//! Which blocks there are, in memory: own blocks at once, those of others by polling.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use takt_block::Meta;
use takt_kit::Tasks;
use takt_model::{BlockId, TenantId};

use crate::{Error, Listed, Metrics, Store};

/// A poll that did not finish; the list is as before.
#[derive(Debug, thiserror::Error)]
#[error("the block list could not be polled: {0}")]
pub struct PollError(#[from] Error);

type Blocks = BTreeMap<TenantId, Arc<Vec<Arc<Meta>>>>;

/// A cheap handle; clones share the list. Reading takes no lock.
#[derive(Debug, Clone)]
pub struct BlockList {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Store,
    blocks: ArcSwap<Blocks>,
    writes: Mutex<Writes>,
    metrics: Metrics,
}

/// What writers did while a poll was under way, which it may have missed or not seen vanish.
#[derive(Debug, Default)]
struct Writes {
    added: BTreeMap<BlockId, Arc<Meta>>,
    removed: BTreeSet<BlockId>,
}

impl BlockList {
    #[must_use]
    pub fn new(store: Store, metrics: Metrics) -> Self {
        Self {
            inner: Arc::new(Inner {
                store,
                blocks: ArcSwap::default(),
                writes: Mutex::default(),
                metrics,
            }),
        }
    }

    /// The blocks of a tenant, the one with the newest end first.
    #[must_use]
    pub fn snapshot(&self, tenant: &TenantId) -> Arc<Vec<Arc<Meta>>> {
        self.inner
            .blocks
            .load()
            .get(tenant)
            .cloned()
            .unwrap_or_default()
    }

    /// The tenants that have blocks.
    #[must_use]
    pub fn tenants(&self) -> Vec<TenantId> {
        self.inner.blocks.load().keys().cloned().collect()
    }

    /// Lists a block that was stored just now.
    pub fn add(&self, meta: Meta) {
        let meta = Arc::new(meta);
        let mut writes = self.inner.writes.lock();
        writes.added.insert(meta.block, Arc::clone(&meta));
        let mut blocks = Blocks::clone(&self.inner.blocks.load());
        put(&mut blocks, &meta);
        self.publish(blocks);
    }

    /// Takes a block off the list, before it is deleted.
    pub fn remove(&self, tenant: &TenantId, block: BlockId) {
        let mut writes = self.inner.writes.lock();
        writes.removed.insert(block);
        let mut blocks = Blocks::clone(&self.inner.blocks.load());
        if let Some(list) = blocks.get_mut(tenant) {
            Arc::make_mut(list).retain(|meta| meta.block != block);
        }
        self.publish(blocks);
    }

    /// Reads the list from the store. Metas that are known already are not read again.
    ///
    /// # Errors
    /// When the store cannot be listed or a meta cannot be read; the list then stays as it is.
    pub async fn poll(&self) -> Result<(), PollError> {
        self.inner.metrics.polls.inc();
        *self.inner.writes.lock() = Writes::default();
        let polled = self.read().await.inspect_err(|_| {
            self.inner.metrics.poll_failures.inc();
        })?;
        let writes = self.inner.writes.lock();
        let mut blocks = polled;
        for meta in writes.added.values() {
            put(&mut blocks, meta);
        }
        for list in blocks.values_mut() {
            Arc::make_mut(list).retain(|meta| !writes.removed.contains(&meta.block));
        }
        self.publish(blocks);
        Ok(())
    }

    async fn read(&self) -> Result<Blocks, Error> {
        let store = &self.inner.store;
        let known = self.inner.blocks.load_full();
        let mut blocks = Blocks::new();
        let mut unreadable = 0;
        for tenant in store.list_tenants().await? {
            let before = known.get(&tenant).cloned().unwrap_or_default();
            let before: BTreeMap<BlockId, &Arc<Meta>> =
                before.iter().map(|meta| (meta.block, meta)).collect();
            for block in store.list_blocks(&tenant).await? {
                if let Some(meta) = before.get(&block) {
                    put(&mut blocks, meta);
                    continue;
                }
                match store.meta(&tenant, block).await? {
                    Listed::Block(meta) => put(&mut blocks, &meta),
                    Listed::Absent => {}
                    Listed::Unreadable(error) => {
                        unreadable += 1;
                        tracing::warn!(%tenant, %block, %error, "block left out: its meta cannot be read");
                    }
                }
            }
        }
        self.inner.metrics.unreadable.set(unreadable);
        Ok(blocks)
    }

    fn publish(&self, blocks: Blocks) {
        let count = blocks.values().map(|list| list.len()).sum::<usize>();
        self.inner
            .metrics
            .blocks
            .set(i64::try_from(count).unwrap_or(i64::MAX));
        self.inner.blocks.store(Arc::new(blocks));
    }

    /// Polls until stopped. A poll that fails is logged and counted, and tried again at the next turn.
    ///
    /// # Errors
    /// Never.
    pub async fn run(self, every: Duration, tasks: Tasks) -> Result<(), Infallible> {
        let mut stopped = std::pin::pin!(tasks.stopped());
        loop {
            tokio::select! {
                () = &mut stopped => return Ok(()),
                () = tokio::time::sleep(every) => {}
            }
            if let Err(error) = self.poll().await {
                tracing::warn!(%error, "the block list stays as it was");
            }
        }
    }
}

/// Enters a block at its place, once.
fn put(blocks: &mut Blocks, meta: &Arc<Meta>) {
    let list = Arc::make_mut(blocks.entry(meta.tenant.clone()).or_default());
    let rank = |meta: &Meta| (Reverse(meta.end), meta.block);
    if let Err(at) = list.binary_search_by_key(&rank(meta), |known| rank(known)) {
        list.insert(at, Arc::clone(meta));
    }
}
