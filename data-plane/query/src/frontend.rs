//! The engine room's door: every query enters here, takes a consistent picture of what is live and
//! what is stored, and leaves as one answer. Knows nothing of HTTP.

use std::sync::Arc;

use takt_control::{View, ViewHandle};
use takt_kit::{Budget, Clock};
use takt_live::Live;
use takt_model::{Limits, TenantId, UnixNano};
use takt_store::{BlockList, Store};
use takt_traceql::Query;

use crate::failure::Failure;
use crate::metrics::Metrics;
use crate::remote::Querier;
use crate::run::Dispatch;
use crate::settings::Settings;
use crate::sources::Sources;
use crate::work::{Admission, Admitted, Asked, Asking, Memory, Workers};

/// Answers queries; clones are the same one.
#[derive(Debug, Clone)]
pub struct Frontend(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    parts: Parts,
    workers: Workers,
    admission: Admission,
    budget: Budget,
    dispatch: Dispatch,
}

/// What the read path works with.
#[derive(Debug)]
pub struct Parts {
    pub settings: Settings,
    pub live: Live,
    pub store: Store,
    pub blocks: BlockList,
    pub view: ViewHandle,
    pub clock: Arc<dyn Clock>,
    pub metrics: Metrics,
}

impl Frontend {
    /// # Errors
    /// When the address of a querier is none.
    pub fn new(parts: Parts) -> Result<Self, String> {
        let timeout = parts.settings.querier_timeout;
        let queriers = parts.settings.queriers.iter();
        let queriers = queriers
            .map(|address| Querier::at(address, timeout))
            .collect::<Result<_, _>>()?;
        Ok(Self(Arc::new(Inner {
            workers: Workers::new(parts.settings.workers),
            admission: Admission::new(
                parts.settings.max_outstanding_per_tenant,
                parts.metrics.clone(),
            ),
            budget: Budget::new(parts.settings.memory_bytes),
            dispatch: Dispatch::new(&parts.settings, queriers, parts.metrics.clone()),
            parts,
        })))
    }

    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.0.parts.settings
    }

    #[must_use]
    pub fn now(&self) -> UnixNano {
        self.0.parts.clock.now()
    }

    #[must_use]
    pub fn view(&self) -> Arc<View> {
        self.0.parts.view.load()
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.0.parts.metrics
    }

    pub(crate) fn live(&self) -> &Live {
        &self.0.parts.live
    }

    pub(crate) fn store(&self) -> &Store {
        &self.0.parts.store
    }

    pub(crate) fn workers(&self) -> &Workers {
        &self.0.workers
    }

    /// Whether one more query of this tenant may be under way; it is until the result is dropped.
    pub(crate) fn admit(&self, tenant: &TenantId) -> Result<Admitted, Failure> {
        self.0.admission.enter(tenant)
    }

    /// The limits of a query over several tenants: of each limit the strictest.
    pub(crate) fn limits(&self, tenants: &[TenantId]) -> Limits {
        let view = self.view();
        let mut all = tenants.iter().map(|tenant| view.limits(tenant));
        let mut strictest = all
            .next()
            .map_or_else(Limits::default, |first| (**first).clone());
        for limits in all {
            strictest.max_bytes_per_trace.0 = stricter(
                strictest.max_bytes_per_trace.0,
                limits.max_bytes_per_trace.0,
            );
            strictest.max_metrics_duration =
                stricter(strictest.max_metrics_duration, limits.max_metrics_duration);
            strictest.max_search_duration =
                stricter(strictest.max_search_duration, limits.max_search_duration);
            strictest.max_bytes_per_tag_values_query = strictest
                .max_bytes_per_tag_values_query
                .min(limits.max_bytes_per_tag_values_query);
            strictest.left_pad_trace_ids |= limits.left_pad_trace_ids;
        }
        strictest
    }

    /// What there is to read, after everything acknowledged so far has become readable, or a
    /// bounded wait. In the second case the reason for `missing` comes along.
    pub(crate) async fn sources(&self, tenants: &[TenantId]) -> (Sources, Vec<String>) {
        let mut missing = Vec::new();
        if !self.live().catch_up(self.settings().journal_wait).await {
            self.metrics().behind.inc();
            missing.push(
                "the live store is still reading the journal, so the newest spans may be missing"
                    .to_owned(),
            );
        }
        (
            Sources::snapshot(self.live(), &self.0.parts.blocks, tenants),
            missing,
        )
    }

    /// A query under way for `tenants`, the first of whom it counts for.
    pub(crate) fn asking(&self, tenants: &[TenantId]) -> Asking {
        let tenant = tenants.first().cloned().unwrap_or_else(TenantId::single);
        Asking::new(tenant, self.memory())
    }

    /// The memory of one query.
    pub(crate) fn memory(&self) -> Memory {
        let used = i64::try_from(self.0.budget.used()).unwrap_or(i64::MAX);
        self.metrics().memory.set(used);
        Memory::new(self.0.budget.clone(), self.settings().query_memory_bytes)
    }

    pub(crate) fn dispatch(&self) -> &Dispatch {
        &self.0.dispatch
    }

    /// A query as text, or what is wrong with it and where.
    pub(crate) fn parse(&self, text: &str) -> Result<Query, Failure> {
        takt_traceql::parse(text).map_err(|error| Failure::Query(error.explain(text)))
    }
}

/// Zero is no bound.
fn stricter<T: Ord + Default>(a: T, b: T) -> T {
    match (a == T::default(), b == T::default()) {
        (true, _) => b,
        (_, true) => a,
        (false, false) => a.min(b),
    }
}

/// What one query did, for the metrics in its answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Cost {
    pub(crate) bytes: u64,
    pub(crate) spans: u64,
    pub(crate) traces: u64,
    /// Sources looked at, live segments and blocks.
    pub(crate) jobs: u32,
    pub(crate) groups: u64,
    pub(crate) groups_skipped: u64,
}

impl std::ops::AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        self.bytes += other.bytes;
        self.spans += other.spans;
        self.traces += other.traces;
        self.jobs += other.jobs;
        self.groups += other.groups;
        self.groups_skipped += other.groups_skipped;
    }
}

/// Runs `work` over the columns of one live segment on a worker thread.
pub(crate) async fn in_segment<T: Send + 'static>(
    frontend: &Frontend,
    segment: &takt_live::Segment,
    asked: &Asked,
    work: impl FnOnce(&takt_trace::SpanColumns, &Asked) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let segment = segment.clone();
    frontend
        .workers()
        .run(asked, move |asked| {
            segment.read(|columns| work(columns, asked))
        })
        .await
}
