//! The engine room's door: every query enters here, takes a consistent picture of what is live and
//! what is stored, and leaves as one answer. Knows nothing of HTTP.

use std::sync::Arc;

use takt_control::{View, ViewHandle};
use takt_kit::{Budget, Clock};
use takt_live::Live;
use takt_model::{Limits, TenantId, UnixNano};
use takt_store::{BlockList, Store};

use crate::failure::Failure;
use crate::metrics::Metrics;
use crate::params::{Invalid, Params};
use crate::request;
use crate::settings::Settings;
use crate::sources::Sources;
use crate::work::{Admission, Admitted, Asked, Workers};

/// Answers queries; clones are the same one.
#[derive(Debug, Clone)]
pub struct Frontend(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    parts: Parts,
    workers: Workers,
    admission: Admission,
    budget: Budget,
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
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(Inner {
            workers: Workers::new(parts.settings.workers),
            admission: Admission::new(
                parts.settings.max_outstanding_per_tenant,
                parts.metrics.clone(),
            ),
            budget: Budget::new(parts.settings.memory_bytes),
            parts,
        }))
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

    /// Takes memory for `bytes` until the result is dropped.
    pub(crate) fn reserve(&self, bytes: usize) -> Result<Held, Failure> {
        let held = Held {
            reservation: self.0.budget.reserve(bytes)?,
            frontend: self.clone(),
        };
        held.show();
        Ok(held)
    }

    /// Metrics queries are TraceQL too, so a text that is none is told what is wrong with it.
    pub(crate) fn refuse_metrics(&self, params: &Params) -> Failure {
        match request::expression(params, self.settings().max_query_expression_size_bytes) {
            Err(invalid) => invalid.into(),
            Ok(None) => Invalid::rule("please provide a query in `q`").into(),
            Ok(Some(query)) => match takt_traceql::parse(query) {
                Err(error) => Failure::Query(error),
                Ok(_) => Failure::MetricsUnsupported,
            },
        }
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

/// Memory a query holds.
#[derive(Debug)]
pub(crate) struct Held {
    reservation: takt_kit::Reservation,
    frontend: Frontend,
}

impl Held {
    /// Holds as much as the columns turned out to take.
    pub(crate) fn set(&mut self, bytes: usize) {
        self.reservation.set(bytes);
        self.show();
    }

    fn show(&self) {
        let used = i64::try_from(self.frontend.0.budget.used()).unwrap_or(i64::MAX);
        self.frontend.metrics().memory.set(used);
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
