//! From a request to its acknowledgement: may it come in, which of its spans, and is it durable.
//!
//! Spans are not decoded here. One scan finds ids and byte ranges; a request is copied only if some
//! of its spans are refused. Tempo refuses a whole request for one bad span; here the good spans are
//! kept and the sender is told by a partial success how many were not, and why.

mod verdict;

use std::sync::Arc;

use bytes::Bytes;
use prometheus_client::registry::Registry;
use takt_control::ViewHandle;
use takt_journal::{AppendError, Journal};
use takt_kit::{Clock, Code, Reject};
use takt_live::Live;
use takt_model::{Limits, TenantId, UnixNano};
use takt_trace::scan::{Scan, scan};

use crate::metrics::{Discarded, DistributorMetrics, TenantCounters};
use crate::rate::{Rate, RateLimiter, Refused as RateRefused};
use verdict::Verdict;

/// How long a sender is asked to wait when it may try again.
pub const RETRY_AFTER: std::time::Duration = std::time::Duration::from_secs(5);

/// What became of a request that was accepted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accepted {
    /// Spans that are durable now.
    pub accepted_spans: u64,
    /// Spans that were refused for good; sending them again changes nothing.
    pub rejected_spans: u64,
    /// Why, if any were.
    pub reason: Option<String>,
}

/// A request of which nothing was taken in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reject}")]
pub struct Refused {
    pub reject: Reject,
    /// How many spans it held, as far as that could be read.
    pub spans: u64,
}

/// Takes requests in.
#[derive(Debug)]
pub struct Distributor {
    journal: Journal,
    view: ViewHandle,
    live: Live,
    clock: Arc<dyn Clock>,
    rates: RateLimiter,
    metrics: DistributorMetrics,
}

impl Distributor {
    pub fn new(
        journal: Journal,
        view: ViewHandle,
        live: Live,
        clock: Arc<dyn Clock>,
        registry: &mut Registry,
    ) -> Self {
        Self {
            journal,
            view,
            live,
            clock,
            rates: RateLimiter::default(),
            metrics: DistributorMetrics::register(registry),
        }
    }

    /// Takes in an encoded `ExportTraceServiceRequest`. When it returns `Ok`, the accepted spans are durable.
    ///
    /// # Errors
    /// When nothing was taken in: the tenant may not write, the bytes are no such request, the rate
    /// is used up, or the journal cannot take more.
    #[tracing::instrument(level = "debug", skip_all, fields(%tenant, bytes = request.len()))]
    pub async fn push(&self, tenant: &TenantId, request: Bytes) -> Result<Accepted, Refused> {
        let started = tokio::time::Instant::now();
        let accepted = self.push_untimed(tenant, request).await;
        let seconds = started.elapsed().as_secs_f64();
        self.metrics.push_duration.observe(seconds);
        accepted
    }

    async fn push_untimed(&self, tenant: &TenantId, request: Bytes) -> Result<Accepted, Refused> {
        let view = self.view.load();
        view.admit_write(tenant)
            .map_err(|reject| Refused { reject, spans: 0 })?;
        let scan = scan(&request).map_err(|malformed| Refused {
            reject: Reject::new(
                Code::Invalid,
                "REQUEST_MALFORMED",
                format!("request is not an ExportTraceServiceRequest: {malformed}"),
            ),
            spans: 0,
        })?;
        let counters = self.metrics.tenant(tenant);
        counters.ingress_bytes.inc_by(request.len() as u64);
        if scan.spans.is_empty() {
            return Ok(Accepted::default());
        }
        let spans = scan.spans.len() as u64;
        self.admit_memory()
            .map_err(|reject| Refused { reject, spans })?;
        self.admit_traces(tenant, view.limits(tenant))
            .map_err(|reject| {
                counters
                    .discarded(Discarded::LiveTracesExceeded)
                    .inc_by(spans);
                Refused { reject, spans }
            })?;
        let now = self.clock.now();
        self.admit_bytes(tenant, view.limits(tenant), request.len() as u64, now)
            .map_err(|reject| {
                counters.discarded(Discarded::RateLimited).inc_by(spans);
                Refused { reject, spans }
            })?;
        counters.received_bytes.inc_by(request.len() as u64);
        counters.received_spans.inc_by(spans);
        self.append(tenant, request, &scan, now, &counters)
            .await
            .map_err(|reject| Refused { reject, spans })
    }

    fn admit_bytes(
        &self,
        tenant: &TenantId,
        limits: &Limits,
        bytes: u64,
        now: UnixNano,
    ) -> Result<(), Reject> {
        let rate = Rate {
            bytes_per_second: limits.ingestion_rate_limit.0,
            burst_bytes: limits.ingestion_burst.0,
        };
        let Err(refused) = self.rates.take(tenant, bytes, rate, now) else {
            return Ok(());
        };
        let reject = Reject::new(
            Code::Exhausted,
            "RATE_LIMITED",
            rate_limited(refused, rate, bytes, tenant),
        );
        Err(match refused {
            RateRefused::TooFast if limits.retry_info_enabled => reject.retry_after(RETRY_AFTER),
            RateRefused::TooFast | RateRefused::LargerThanBurst => reject,
        })
    }

    /// What is acknowledged must fit the live store, or it could not be found at once.
    fn admit_memory(&self) -> Result<(), Reject> {
        if !self.live.saturated() {
            return Ok(());
        }
        let message = "the live store is out of memory until blocks are written";
        Err(Reject::new(Code::Exhausted, "LIVE_STORE_FULL", message).retry_after(RETRY_AFTER))
    }

    /// Tempo drops spans of further traces after it has acknowledged them; here the request is
    /// refused while there are too many traces, and its sender comes again.
    fn admit_traces(&self, tenant: &TenantId, limits: &Limits) -> Result<(), Reject> {
        let limit = limits.max_live_traces;
        if limit == 0 || (self.live.traces(tenant) as u64) < limit {
            return Ok(());
        }
        let message = format!(
            "tenant `{tenant}` has {limit} live traces, which is its limit (`ingestion.max_traces_per_user`)"
        );
        Err(Reject::new(Code::Exhausted, "LIVE_TRACES_EXCEEDED", message).retry_after(RETRY_AFTER))
    }

    async fn append(
        &self,
        tenant: &TenantId,
        request: Bytes,
        scan: &Scan,
        now: UnixNano,
        counters: &TenantCounters,
    ) -> Result<Accepted, Reject> {
        let any_oversized = self.live.has_oversized(tenant);
        let verdict = Verdict::of(scan, |trace| {
            any_oversized && self.live.is_oversized(tenant, trace)
        });
        let spans = scan.spans.len() as u64;
        let accepted = Accepted {
            accepted_spans: spans - verdict.refused(),
            rejected_spans: verdict.refused(),
            reason: verdict.reason(),
        };
        let body = match accepted.rejected_spans {
            0 => request,
            _ => Bytes::from(scan.reframe(&request, |span| verdict.keeps(span))),
        };
        if accepted.accepted_spans > 0 {
            let appended = self.journal.append(tenant, now, body).await;
            appended.map_err(|error| journal_refused(&error))?;
        }
        // Only now: a sender that is told to try again brings the same spans once more.
        verdict.count(counters);
        Ok(accepted)
    }
}

/// Tempo's two texts; programs look for the prefix.
fn rate_limited(refused: RateRefused, rate: Rate, bytes: u64, tenant: &TenantId) -> String {
    let Rate {
        bytes_per_second,
        burst_bytes,
    } = rate;
    let limits =
        format!("local: {bytes_per_second} bytes/s, global: 0 bytes/s, burst: {burst_bytes} bytes");
    match refused {
        RateRefused::LargerThanBurst => format!(
            "RATE_LIMITED: batch size ({bytes} bytes) exceeds ingestion limit ({limits}) for user {tenant}; \
             send smaller batches or raise `ingestion.burst_size_bytes`"
        ),
        RateRefused::TooFast => format!(
            "RATE_LIMITED: ingestion rate limit ({limits}) exceeded while adding {bytes} bytes for user {tenant}; \
             send less or raise `ingestion.rate_limit_bytes`"
        ),
    }
}

fn journal_refused(error: &AppendError) -> Reject {
    let (code, reason) = match error {
        AppendError::TooLarge { .. } => {
            return Reject::new(Code::Invalid, "REQUEST_TOO_LARGE", error.to_string());
        }
        AppendError::Busy => (Code::Exhausted, "JOURNAL_BUSY"),
        AppendError::Full => (Code::Unavailable, "JOURNAL_FULL"),
        AppendError::Failed(_) => (Code::Unavailable, "JOURNAL_FAILED"),
        AppendError::Closed => (Code::Unavailable, "STOPPING"),
    };
    Reject::new(code, reason, error.to_string()).retry_after(RETRY_AFTER)
}

#[cfg(test)]
mod tests;
