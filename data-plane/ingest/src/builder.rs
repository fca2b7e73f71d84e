//! The block builder: closes live segments, writes them as blocks, and only then lets the journal forget.
//!
//! ```text
//! cut (live) -> checkpoint: pending -> store: data, index, meta.json -> block list -> checkpoint: done
//!            -> release (live) -> commit (journal)
//! ```
//! A crash between any two steps leaves either a pending cut without `meta.json` (forgotten, its
//! spans are replayed) or one with it (kept, its spans are skipped): nothing is lost or stored twice.
//!
//! A step that fails is tried again until it succeeds or the process stops, and the next one waits:
//! a full disk or a store that is away delays blocks and ends nothing.

pub mod metrics;

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use takt_block::{JournalRange, Spec, write};
use takt_journal::{CommitError, Journal, Offset};
use takt_kit::{Clock, Tasks};
use takt_live::{CONSUMER, Cut, CutPolicy, Live, Shape};
use takt_model::{BlockId, TenantId, UnixNano};
use takt_store::{BlockList, Store};

use self::metrics::Metrics;
use crate::checkpoint::{Checkpoint, CheckpointError};

/// When a segment is closed.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// A segment is cut when its oldest span arrived this long ago.
    pub max_block_age: Duration,
    /// A segment is cut when it holds this many spans, however young.
    pub max_block_spans: usize,
    /// A segment is cut when it takes this many bytes of memory, however young.
    pub max_block_bytes: usize,
    /// Traces that got a span this recently wait for the next cut.
    pub trace_idle: Duration,
    /// A trace is not kept back longer than this after its first span.
    pub max_trace_age: Duration,
    /// How often the decision is taken.
    pub check_period: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_block_age: Duration::from_secs(20),
            max_block_spans: 100_000,
            max_block_bytes: 128 << 20,
            trace_idle: Duration::from_secs(5),
            max_trace_age: Duration::from_secs(40),
            check_period: Duration::from_millis(250),
        }
    }
}

/// Segments of more spans than this are cut whole; see [`CutPolicy::max_spans_to_split`].
const MAX_SPANS_TO_SPLIT: usize = 100_000;
const RETRY_FIRST: Duration = Duration::from_millis(200);
const RETRY_MOST: Duration = Duration::from_secs(10);

/// Why what is in blocks was not written down; until it is, a restart reads it again to skip it.
#[derive(Debug, thiserror::Error)]
enum NoteError {
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    #[error(transparent)]
    Commit(#[from] CommitError),
}

/// Why one attempt to store a block failed.
#[derive(Debug, thiserror::Error)]
enum StoreError {
    #[error("the block cannot be encoded: {0}")]
    Encode(#[from] takt_block::Error),
    #[error("the object store refused: {0}")]
    Put(#[from] takt_store::Error),
    #[error("the encoder's thread ended: {0}")]
    Thread(#[from] tokio::task::JoinError),
}

/// One per process; owns the checkpoint.
#[derive(Debug)]
pub struct BlockBuilder {
    settings: Settings,
    live: Live,
    journal: Journal,
    store: Store,
    blocks: BlockList,
    checkpoint: Checkpoint,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
    /// Whether the last commit failed: the log says so once, and once when it is over.
    commit_failing: bool,
}

/// What the builder works with.
#[derive(Debug)]
pub struct Parts {
    pub live: Live,
    pub journal: Journal,
    pub store: Store,
    pub blocks: BlockList,
    pub checkpoint: Checkpoint,
    pub clock: Arc<dyn Clock>,
    pub metrics: Metrics,
}

impl BlockBuilder {
    #[must_use]
    pub fn new(settings: Settings, parts: Parts) -> Self {
        let Parts {
            live,
            journal,
            store,
            blocks,
            checkpoint,
            clock,
            metrics,
        } = parts;
        Self {
            settings,
            live,
            journal,
            store,
            blocks,
            checkpoint,
            clock,
            metrics,
            commit_failing: false,
        }
    }

    /// Cuts and stores until stopped; then stores what is left, as long as the process is given time.
    ///
    /// # Errors
    /// Never; the type is what [`Tasks::spawn`] takes.
    pub async fn run(mut self, tasks: Tasks) -> Result<(), Infallible> {
        let mut stopped = std::pin::pin!(tasks.stopped());
        loop {
            tokio::select! {
                () = &mut stopped => break,
                () = tokio::time::sleep(self.settings.check_period) => {}
            }
            for tenant in self.live.tenants() {
                let shape = self.live.shape(&tenant);
                if shape.is_some_and(|shape| due(&self.settings, &shape, self.clock.now()))
                    && !self.build(&tenant, self.policy(), &tasks).await
                {
                    return Ok(());
                }
            }
            self.commit();
        }
        // Nothing of this is needed for safety, the journal has it all; it makes the next start quick.
        self.live.catch_up(Duration::from_secs(5)).await;
        for tenant in self.live.tenants() {
            let everything = CutPolicy {
                trace_idle: Duration::ZERO,
                ..self.policy()
            };
            if !self.build(&tenant, everything, &tasks).await {
                return Ok(());
            }
        }
        self.commit();
        Ok(())
    }

    fn policy(&self) -> CutPolicy {
        CutPolicy {
            now: self.clock.now(),
            trace_idle: self.settings.trace_idle,
            max_age: self.settings.max_trace_age,
            max_spans_to_split: MAX_SPANS_TO_SPLIT,
        }
    }

    /// Turns what is due of a tenant into a block. False when the process stopped before it was
    /// stored: nothing may be cut after that, since a later block must not be recorded before an earlier one.
    async fn build(&mut self, tenant: &TenantId, policy: CutPolicy, tasks: &Tasks) -> bool {
        let block = takt_kit::ids::block(&*self.clock);
        let Some(cut) = self.live.cut(tenant, block, policy) else {
            return true;
        };
        let begun = self.checkpoint.begin(tenant, &cut);
        if !self.save_until_done(begun, tasks).await
            || !self.store_until_done(tenant, &cut, tasks).await
        {
            return false;
        }
        // The block is listed and its cut is known as pending: a start that reads no more than that
        // asks the store and finds it. So its spans may leave memory, done or not.
        self.live.release(tenant, cut.block);
        let finished = self.checkpoint.finish(tenant, cut.block);
        if !self.save_until_done(finished, tasks).await {
            return false;
        }
        self.commit();
        true
    }

    /// Tries until the checkpoint is on disk, or the process stops (then false).
    async fn save_until_done(&self, mut saved: Result<(), CheckpointError>, tasks: &Tasks) -> bool {
        let mut pause = RETRY_FIRST;
        while let Err(error) = saved {
            self.metrics.failures.inc();
            tracing::warn!(%error, retry_in = ?pause, "checkpoint not kept; no block is written meanwhile");
            if !wait(&mut pause, tasks).await {
                return false;
            }
            saved = self.checkpoint.save();
        }
        true
    }

    /// Tries until the block is stored and listed, or the process stops (then false).
    async fn store_until_done(&self, tenant: &TenantId, cut: &Cut, tasks: &Tasks) -> bool {
        let mut pause = RETRY_FIRST;
        while let Err(error) = self.store(tenant, cut).await {
            self.metrics.failures.inc();
            tracing::warn!(%tenant, block = %cut.block, spans = cut.spans, %error, retry_in = ?pause, "block not stored; its spans stay live");
            if !wait(&mut pause, tasks).await {
                return false;
            }
        }
        true
    }

    #[tracing::instrument(level = "debug", name = "store_block", skip_all, fields(%tenant, block = %cut.block, spans = cut.spans))]
    async fn store(&self, tenant: &TenantId, cut: &Cut) -> Result<(), StoreError> {
        let journal = Some(JournalRange {
            from: cut.from.0,
            to: cut.to.0,
        });
        let spec = Spec {
            block: cut.block,
            tenant: tenant.clone(),
            journal,
            compaction_level: 0,
        };
        let segment = cut.segment.clone();
        let encoded =
            tokio::task::spawn_blocking(move || segment.read(|columns| write(columns, &spec)))
                .await??;
        self.store.put_block(&encoded).await?;
        let bytes = encoded.data.len() + encoded.index.len();
        tracing::info!(%tenant, block = %cut.block, spans = cut.spans, bytes, carried = cut.carried.len(), "block stored");
        self.metrics.stored(cut.spans, bytes);
        self.blocks.add(encoded.meta);
        Ok(())
    }

    /// Lets the journal forget what is in blocks. When that fails the next turn tries again: until
    /// then the journal holds more than it must.
    fn commit(&mut self) {
        let noted = self.note_committed();
        match &noted {
            Err(error) if !self.commit_failing => {
                tracing::warn!(%error, "the journal is not told what is in blocks and keeps it");
            }
            Ok(()) if self.commit_failing => {
                tracing::info!("the journal is told again what is in blocks")
            }
            Ok(()) | Err(_) => {}
        }
        self.commit_failing = noted.is_err();
    }

    fn note_committed(&mut self) -> Result<(), NoteError> {
        let low = self.live.low_watermark();
        if self
            .journal
            .committed(CONSUMER)
            .is_none_or(|committed| committed < low)
        {
            self.journal.commit(CONSUMER, low)?;
            self.checkpoint.forget_before(low)?;
        }
        Ok(())
    }
}

/// Waits before the next attempt, each time longer. False when the process stops: one attempt was all.
async fn wait(pause: &mut Duration, tasks: &Tasks) -> bool {
    if tasks.is_stopped() {
        return false;
    }
    tokio::select! {
        () = tasks.stopped() => {}
        () = tokio::time::sleep(*pause) => {}
    }
    *pause = (*pause * 2).min(RETRY_MOST);
    true
}

/// Whether a segment of this shape is to be cut now.
fn due(settings: &Settings, shape: &Shape, now: UnixNano) -> bool {
    let old = now.since(shape.first_arrival) >= settings.max_block_age;
    old || shape.spans >= settings.max_block_spans || shape.memory_bytes >= settings.max_block_bytes
}

/// Brings the checkpoint of an earlier run up to date: the journal ends at `end`, and the store knows
/// which blocks of pending cuts are complete.
///
/// A disk that is full now is no reason not to start: what is found out here would be found out again,
/// and the next cut writes it down before its block is stored.
///
/// # Errors
/// When the store does not answer, or when the journal has lost records and that cannot be written
/// down: new records would get their numbers and be taken for stored.
pub async fn settle(
    checkpoint: &mut Checkpoint,
    store: &Store,
    end: Offset,
) -> Result<(), SettleError> {
    let pending: BTreeSet<(TenantId, BlockId)> = checkpoint.pending();
    for (tenant, block) in pending {
        let complete = store.has_block(&tenant, block).await?;
        tracing::info!(%tenant, %block, complete, "an earlier run ended while it wrote a block");
        let settled = if complete {
            checkpoint.finish(&tenant, block)
        } else {
            store.delete_block(&tenant, block).await?;
            checkpoint.abandon(&tenant, block)
        };
        if let Err(error) = settled {
            tracing::warn!(%error, %tenant, %block, "it is not written down what became of this block; the next start asks again");
        }
    }
    Ok(checkpoint.cut_off(end)?)
}

/// Why the state of an earlier run could not be settled.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    #[error("the checkpoint cannot be kept")]
    Checkpoint(#[from] CheckpointError),
    #[error("the object store cannot be asked about unfinished blocks: {0}")]
    Store(#[from] takt_store::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_is_due_by_age_spans_or_bytes() {
        let settings = Settings::default();
        let now = UnixNano::from_secs(1000);
        let young = Shape {
            spans: 10,
            traces: 1,
            memory_bytes: 1000,
            first_arrival: now.minus(Duration::from_secs(1)),
            last_arrival: now,
        };
        assert!(!due(&settings, &young, now));
        assert!(due(
            &settings,
            &Shape {
                first_arrival: now.minus(settings.max_block_age),
                ..young
            },
            now
        ));
        assert!(due(
            &settings,
            &Shape {
                spans: settings.max_block_spans,
                ..young
            },
            now
        ));
        assert!(due(
            &settings,
            &Shape {
                memory_bytes: settings.max_block_bytes,
                ..young
            },
            now
        ));
    }
}
