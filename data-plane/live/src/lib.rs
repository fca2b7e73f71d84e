//! The live store: recent spans in columns, found as soon as they are acknowledged.
//!
//! - One consumer follows the journal, decodes each record once and appends it to the open segment
//!   of its tenant. Readers see it under a short read lock.
//! - A [`Cut`] closes the open segment: it is then sealed, stays readable, and is written to the
//!   block named in the cut. Only [`Live::release`] lets it go, after the block can be found.
//! - Nothing acknowledged is dropped here. When memory runs out the store says so
//!   ([`Live::saturated`]) and the distributor refuses, before the acknowledgement.
//!
//! Start reading at [`Live`], then `consumer`.

mod consumer;
mod covered;
mod metrics;
mod segment;
mod tenant;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::RwLock;
use takt_control::ViewHandle;
use takt_journal::{Journal, Offset};
use takt_kit::Budget;
use takt_model::{BlockId, TenantId, TraceId};
use tokio::sync::watch;

pub use consumer::{CONSUMER, ConsumeError};
pub use covered::{Covered, CutRange};
pub use metrics::Metrics;
pub use segment::Segment;
pub use tenant::{Cut, CutPolicy, Shape};

use tenant::TenantLive;

/// What the live store is told at start.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The share of the memory budget, in bytes, that spans may take before writers are refused.
    pub max_bytes: usize,
    /// How much of the journal is decoded in one go, in bytes.
    pub batch_bytes: usize,
    /// Where spans that already are in blocks are skipped after a restart.
    pub covered: BTreeMap<TenantId, Covered>,
    /// The first journal record to consume.
    pub from: Offset,
}

/// A cheap handle; clones are the same store.
#[derive(Debug, Clone)]
pub struct Live {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    settings: Settings,
    journal: Journal,
    view: ViewHandle,
    budget: Budget,
    metrics: Metrics,
    tenants: RwLock<BTreeMap<TenantId, Arc<TenantLive>>>,
    consumed: watch::Sender<Offset>,
    /// Where the cuts of earlier runs end: up to here only what they left live is read again.
    covered_to: Offset,
    saturated: AtomicBool,
}

impl Live {
    #[must_use]
    pub fn new(
        settings: Settings,
        journal: Journal,
        view: ViewHandle,
        budget: Budget,
        metrics: Metrics,
    ) -> Self {
        let consumed = watch::Sender::new(settings.from);
        let ends = settings.covered.values().map(Covered::end);
        let covered_to = ends.max().unwrap_or_default();
        let tenants = settings
            .covered
            .iter()
            .map(|(tenant, covered)| {
                (
                    tenant.clone(),
                    Arc::new(TenantLive::new(&budget, covered.clone())),
                )
            })
            .collect();
        Self {
            inner: Arc::new(Inner {
                settings,
                journal,
                view,
                budget,
                metrics,
                tenants: RwLock::new(tenants),
                consumed,
                covered_to,
                saturated: AtomicBool::new(false),
            }),
        }
    }

    /// What is live of a tenant, the open segment first. Take this snapshot before that of the block
    /// list: whatever moves from one to the other in between is then seen twice, never missed.
    #[must_use]
    pub fn segments(&self, tenant: &TenantId) -> Vec<Segment> {
        self.tenant(tenant)
            .map_or_else(Vec::new, |live| live.segments())
    }

    /// The tenants that have or had live spans.
    #[must_use]
    pub fn tenants(&self) -> Vec<TenantId> {
        self.inner.tenants.read().keys().cloned().collect()
    }

    /// One past the last journal record that can be found here.
    #[must_use]
    pub fn consumed(&self) -> Offset {
        *self.inner.consumed.borrow()
    }

    /// Waits until the record before `offset` can be found, `at_most` that long. False when time ran out.
    pub async fn wait_for(&self, offset: Offset, at_most: Duration) -> bool {
        let mut consumed = self.inner.consumed.subscribe();
        let wait = consumed.wait_for(|now| *now >= offset);
        matches!(tokio::time::timeout(at_most, wait).await, Ok(Ok(_)))
    }

    /// Waits until everything acknowledged before this call can be found.
    pub async fn catch_up(&self, at_most: Duration) -> bool {
        self.wait_for(self.inner.journal.end(), at_most).await
    }

    /// Whether there is no memory for more spans; writers are refused while it lasts.
    #[must_use]
    pub fn saturated(&self) -> bool {
        self.inner.saturated.load(Ordering::Relaxed)
    }

    /// Whether a trace has passed the tenant's `max_bytes_per_trace` while live.
    #[must_use]
    pub fn is_oversized(&self, tenant: &TenantId, trace: TraceId) -> bool {
        self.tenant(tenant)
            .is_some_and(|live| live.is_oversized(trace))
    }

    /// Whether any live trace of the tenant is oversized: a cheap question to ask before asking for each.
    #[must_use]
    pub fn has_oversized(&self, tenant: &TenantId) -> bool {
        self.tenant(tenant).is_some_and(|live| live.has_oversized())
    }

    /// How many traces of a tenant are still taking spans.
    #[must_use]
    pub fn traces(&self, tenant: &TenantId) -> usize {
        self.tenant(tenant).map_or(0, |live| live.traces())
    }

    /// What the open segment of a tenant looks like, for the decision to cut.
    #[must_use]
    pub fn shape(&self, tenant: &TenantId) -> Option<Shape> {
        self.tenant(tenant).and_then(|live| live.shape())
    }

    /// Closes the open segment of a tenant and names the block it will become.
    /// Traces that `policy` calls active stay behind in a new open segment.
    /// `None` when there is nothing to cut, or while a restart still reads what earlier cuts left:
    /// a trace that went before all of its spans are back would leave the rest of them behind.
    #[must_use]
    pub fn cut(&self, tenant: &TenantId, block: BlockId, policy: CutPolicy) -> Option<Cut> {
        let live = self.tenant(tenant)?;
        if live.covered().reaches(self.consumed()) {
            return None;
        }
        let cut = live.cut(block, policy, &self.inner.budget);
        if cut.is_some() {
            self.inner
                .metrics
                .blocks_cut
                .get_or_create(&metrics::tenant(tenant))
                .inc();
        }
        cut
    }

    /// Lets a sealed segment go, now that its block can be found.
    pub fn release(&self, tenant: &TenantId, block: BlockId) {
        if let Some(live) = self.tenant(tenant) {
            live.release(block);
        }
        self.weigh();
    }

    /// The lowest journal record that any live span came from: everything before it is in blocks.
    #[must_use]
    pub fn low_watermark(&self) -> Offset {
        // Read first: records consumed while we look belong to segments whose first record is not before this.
        let consumed = self.consumed();
        let tenants = self.inner.tenants.read();
        tenants
            .values()
            .filter_map(|live| live.first_offset())
            .min()
            .map_or(consumed, |first| first.min(consumed))
    }

    fn tenant(&self, tenant: &TenantId) -> Option<Arc<TenantLive>> {
        self.inner.tenants.read().get(tenant).cloned()
    }

    fn tenant_or_new(&self, tenant: &TenantId) -> Arc<TenantLive> {
        if let Some(live) = self.tenant(tenant) {
            return live;
        }
        let mut tenants = self.inner.tenants.write();
        let live = tenants
            .entry(tenant.clone())
            .or_insert_with(|| Arc::new(TenantLive::new(&self.inner.budget, Covered::default())));
        Arc::clone(live)
    }

    /// Brings the gauges and the answer of [`Live::saturated`] up to date.
    fn weigh(&self) {
        let mut total = Shape::default();
        for live in self.inner.tenants.read().values() {
            let shape = live.total();
            total.spans += shape.spans;
            total.traces += shape.traces;
            total.memory_bytes += shape.memory_bytes;
        }
        let full = total.memory_bytes > self.inner.settings.max_bytes;
        if self.inner.saturated.swap(full, Ordering::Relaxed) != full {
            tracing::warn!(
                full,
                memory_bytes = total.memory_bytes,
                limit_bytes = self.inner.settings.max_bytes,
                "live store memory"
            );
        }
        self.inner.metrics.observe(&total);
    }
}
