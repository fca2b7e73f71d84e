//! What was refused: counted, logged, and kept for a while.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use takt_model::{TenantId, UnixNano};

/// How many are kept.
const MAX_KEPT: usize = 1000;

/// A call that was refused.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(crate) at: UnixNano,
    /// Who, as far as that is known, and from where.
    pub(crate) actor: String,
    pub(crate) method: &'static str,
    pub(crate) code: tonic::Code,
    /// More exact than the caller was told; bounded, ours.
    pub(crate) reason: String,
    pub(crate) tenant: Option<TenantId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    method: &'static str,
    code: String,
}

/// Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Refusals {
    kept: Arc<Mutex<VecDeque<Refusal>>>,
    total: Arc<AtomicU64>,
    counts: Family<Labels, Counter>,
}

impl Refusals {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let counts = Family::default();
        registry.register(
            "takt_server_refused_calls",
            "Calls of the control plane's methods that were refused",
            counts.clone(),
        );
        Self {
            kept: Arc::default(),
            total: Arc::default(),
            counts,
        }
    }

    pub(super) fn record(&self, refusal: Refusal) {
        let Refusal {
            actor,
            method,
            code,
            reason,
            tenant,
            ..
        } = &refusal;
        let tenant = tenant.as_ref().map(TenantId::as_str).unwrap_or_default();
        tracing::info!(actor, method, ?code, reason, tenant, "call refused");
        let code = format!("{code:?}");
        self.counts.get_or_create(&Labels { method, code }).inc();
        self.total.fetch_add(1, Ordering::Relaxed);
        let mut kept = self.kept.lock();
        if kept.len() == MAX_KEPT {
            kept.pop_front();
        }
        kept.push_back(refusal);
    }

    /// The newest first.
    pub(crate) fn newest(&self, limit: usize) -> Vec<Refusal> {
        self.kept.lock().iter().rev().take(limit).cloned().collect()
    }

    pub(crate) fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }
}
