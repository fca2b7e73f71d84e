//! Follows the journal and makes its records readable.

use std::time::Duration;

use takt_journal::{Offset, ReadError, Record};
use takt_kit::Tasks;
use takt_model::TenantId;
use takt_trace::decode::DecodeLimits;
use takt_trace::scan::scan;

use crate::tenant::{Arrival, TenantLive};
use crate::{Live, metrics};

/// The name under which the journal keeps what this consumer is done with.
pub const CONSUMER: &str = "blocks";

/// How long a saturated store waits before it looks again whether blocks were written.
const SATURATED_PAUSE: Duration = Duration::from_millis(50);

/// Why the consumer gave up.
#[derive(Debug, thiserror::Error)]
pub enum ConsumeError {
    #[error("the journal cannot be read")]
    Journal(#[from] ReadError),
    #[error("the consumer's thread ended")]
    Thread(#[from] tokio::task::JoinError),
}

impl Live {
    /// Consumes the journal until stopped.
    ///
    /// # Errors
    /// When the journal cannot be read: what was acknowledged can then not be found, and going on
    /// would hide that.
    pub async fn run(self, tasks: Tasks) -> Result<(), ConsumeError> {
        let mut end = self.inner.journal.watch();
        let mut stopped = std::pin::pin!(tasks.stopped());
        loop {
            let next = self.consumed();
            if *end.borrow_and_update() <= next {
                tokio::select! {
                    biased;
                    () = &mut stopped => return Ok(()),
                    changed = end.changed() => if changed.is_err() { return Ok(()) },
                }
                continue;
            }
            // What earlier cuts left live was in memory before, and only once it is back can be cut.
            if self.saturated() && next >= self.inner.covered_to {
                // Not the end of the world: the journal keeps what we do not read, and writers are refused.
                tokio::select! {
                    () = &mut stopped => return Ok(()),
                    () = tokio::time::sleep(SATURATED_PAUSE) => self.weigh(),
                }
                continue;
            }
            let live = self.clone();
            tokio::task::spawn_blocking(move || live.consume(next)).await??;
            if tasks.is_stopped() {
                return Ok(());
            }
        }
    }

    /// Reads one batch from `next` on and appends it. Blocks on the disk and the decoder.
    fn consume(&self, next: Offset) -> Result<(), ReadError> {
        let records = self
            .inner
            .journal
            .read(next, self.inner.settings.batch_bytes)?;
        let Some(last) = records.last() else {
            return Ok(());
        };
        let upto = Offset(last.offset.0 + 1);
        let view = self.inner.view.load();
        let mut rest = &records[..];
        while let Some(first) = rest.first() {
            let tenant = &first.tenant;
            let same = rest
                .iter()
                .take_while(|record| record.tenant == *tenant)
                .count();
            let limits = view.limits(tenant);
            let live = self.tenant_or_new(tenant);
            let decode = DecodeLimits {
                max_attribute_bytes: limits.max_attribute_bytes.as_usize(),
            };
            for record in &rest[..same] {
                self.append(tenant, &live, record, decode, limits.max_bytes_per_trace.0);
            }
            live.weigh();
            rest = &rest[same..];
        }
        self.weigh();
        self.inner.consumed.send_replace(upto);
        Ok(())
    }

    fn append(
        &self,
        tenant: &TenantId,
        live: &TenantLive,
        record: &Record,
        limits: DecodeLimits,
        max_bytes_per_trace: u64,
    ) {
        let Some(body) = uncovered(live, record) else {
            return;
        };
        let arrival = Arrival {
            offset: record.offset,
            at: record.received,
            body: &body,
            limits,
            max_bytes_per_trace,
        };
        match live.append(&arrival) {
            Ok(appended) => {
                self.inner
                    .metrics
                    .spans
                    .get_or_create(&metrics::tenant(tenant))
                    .inc_by(appended.spans as u64);
                if appended.truncated_attributes > 0 {
                    let truncated = self
                        .inner
                        .metrics
                        .attributes_truncated
                        .get_or_create(&metrics::tenant(tenant));
                    truncated.inc_by(appended.truncated_attributes as u64);
                }
            }
            // The distributor has scanned every record it acknowledged, so this is a record it let
            // pass wrongly or one written by other hands. It stays in the journal; the count says so.
            Err(error) => {
                self.inner
                    .metrics
                    .malformed
                    .get_or_create(&metrics::tenant(tenant))
                    .inc();
                tracing::error!(%tenant, offset = record.offset.0, %error, "a journal record is not an export request and cannot be found");
            }
        }
    }
}

/// The record's body without the spans that already are in blocks; `None` when nothing is left.
fn uncovered<'a>(live: &TenantLive, record: &'a Record) -> Option<std::borrow::Cow<'a, [u8]>> {
    let covered = live.covered();
    if !covered.reaches(record.offset) {
        return Some(std::borrow::Cow::Borrowed(&record.body));
    }
    let Ok(found) = scan(&record.body) else {
        return Some(std::borrow::Cow::Borrowed(&record.body));
    };
    let live_span = |at: usize| {
        found.spans[at]
            .trace_id
            .is_some_and(|trace| !covered.contains(record.offset, trace))
    };
    if !(0..found.spans.len()).any(live_span) {
        return None;
    }
    Some(std::borrow::Cow::Owned(
        found.reframe(&record.body, live_span),
    ))
}
