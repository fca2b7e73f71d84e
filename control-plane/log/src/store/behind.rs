//! What is said now and written a moment later: everything that comes while the disk is busy shares the next commit.
//!
//! Raft hears that an entry is appended as soon as it can be read here, and that it is safe when the commit
//! with it is synced; so the others are sent it while this disk is still at work. What was applied is never waited
//! for: it stands in the same commits, behind the entries it came from.

use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::sync::Arc;

use openraft::storage::IOFlushed;
use parking_lot::Mutex;
use redb::{Durability, WriteTransaction};
use takt_model::Revision;
use tokio::sync::{Notify, watch};

use super::{APPLIED, HISTORY, LOG, Store, closed, put_value};
use crate::history;
use crate::types::{Entry, TypeConfig};

/// Entries stay in memory after they are written, so that nobody reads the file for what just came.
const RECENT_BYTES: usize = 4 << 20;

/// An applied batch on its way to the history.
#[derive(Debug)]
pub(crate) struct Row {
    /// After it.
    pub(crate) revision: u64,
    /// As it is stored.
    pub(crate) batch: Vec<u8>,
    /// What it is about, as the index has it.
    pub(crate) keys: BTreeSet<Vec<u8>>,
}

/// The queue before the file.
#[derive(Debug)]
pub(super) struct Behind {
    queue: Mutex<Queue>,
    /// There is something to write, or an end to it.
    wake: Notify,
    /// How many things are in the file.
    written: watch::Sender<Written>,
}

#[derive(Debug, Clone, Default)]
struct Written {
    count: u64,
    failed: Option<Failure>,
}

/// Why nothing is written any more; everybody who waits gets it.
#[derive(Debug, Clone)]
struct Failure {
    kind: io::ErrorKind,
    text: String,
}

impl From<&io::Error> for Failure {
    fn from(error: &io::Error) -> Self {
        Self {
            kind: error.kind(),
            text: error.to_string(),
        }
    }
}

impl From<Failure> for io::Error {
    fn from(failure: Failure) -> Self {
        Self::new(failure.kind, failure.text)
    }
}

#[derive(Debug, Default)]
struct Queue {
    /// How many things were ever put in.
    count: u64,
    waiting: Lot,
    /// Applied batches of the commit that is under way, or of one that failed.
    writing: Vec<Arc<Row>>,
    /// The newest entries, written or not, without a gap.
    recent: VecDeque<Recent>,
    recent_bytes: usize,
    /// Entries up to here may leave `recent`.
    on_disk: Option<u64>,
    closed: bool,
}

#[derive(Debug)]
struct Recent {
    entry: Entry,
    bytes: usize,
}

/// What goes into one commit.
#[derive(Default)]
struct Lot {
    entries: Vec<(u64, Vec<u8>)>,
    appended: Vec<IOFlushed<TypeConfig>>,
    history: Vec<Arc<Row>>,
    applied: Option<Vec<u8>>,
}

impl std::fmt::Debug for Lot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lot")
            .field("entries", &self.entries.len())
            .field("history", &self.history.len())
            .finish_non_exhaustive()
    }
}

impl Lot {
    fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.appended.is_empty() && self.applied.is_none()
    }

    /// Entries must be synced; what was applied can be applied again from them.
    fn durability(&self) -> Durability {
        if self.appended.is_empty() {
            Durability::None
        } else {
            entry_durability()
        }
    }

    fn last_index(&self) -> Option<u64> {
        self.entries.last().map(|(index, _)| *index)
    }
}

fn put(
    txn: &WriteTransaction,
    entries: &[(u64, Vec<u8>)],
    history: &[Arc<Row>],
    applied: Option<&[u8]>,
) -> Result<(), redb::Error> {
    if !entries.is_empty() {
        let mut table = txn.open_table(LOG)?;
        for (index, bytes) in entries {
            table.insert(index, bytes.as_slice())?;
        }
    }
    if !history.is_empty() {
        let mut table = txn.open_table(HISTORY)?;
        for row in history {
            table.insert(row.revision, row.batch.as_slice())?;
        }
        history::index(txn, history.iter().map(|row| (row.revision, &row.keys)))?;
    }
    match applied {
        Some(position) => put_value(txn, APPLIED, position),
        None => Ok(()),
    }
}

impl Default for Behind {
    fn default() -> Self {
        Self {
            queue: Mutex::default(),
            wake: Notify::new(),
            written: watch::Sender::default(),
        }
    }
}

impl Behind {
    fn put(&self, add: impl FnOnce(&mut Queue)) -> io::Result<()> {
        if let Some(failure) = self.written.borrow().failed.clone() {
            return Err(failure.into());
        }
        let mut queue = self.queue.lock();
        if queue.closed {
            return Err(closed());
        }
        queue.count += 1;
        add(&mut queue);
        drop(queue);
        self.wake.notify_one();
        Ok(())
    }

    /// Entries, each with its stored form. `appended` is told when they are synced.
    pub(super) fn append(
        &self,
        entries: Vec<(Entry, Vec<u8>)>,
        appended: IOFlushed<TypeConfig>,
    ) -> io::Result<()> {
        self.put(|queue| {
            for (entry, stored) in entries {
                let index = entry.log_id.index;
                queue.remember(entry, stored.len());
                queue.waiting.entries.push((index, stored));
            }
            queue.waiting.appended.push(appended);
        })
    }

    fn applied(&self, history: Vec<Arc<Row>>, position: Vec<u8>) -> io::Result<()> {
        self.put(|queue| {
            queue.waiting.history.extend(history);
            queue.waiting.applied = Some(position);
        })
    }

    /// The entries from `from` to before `until` that are in memory: none, or the last ones of these; at most `bytes`
    /// of them, but one.
    pub(super) fn recent(&self, from: u64, until: u64, bytes: usize) -> Vec<Entry> {
        let queue = self.queue.lock();
        let Some(first) = queue.recent.front().map(|first| first.entry.log_id.index) else {
            return Vec::new();
        };
        let skipped = usize::try_from(from.saturating_sub(first)).unwrap_or(usize::MAX);
        let mut left = bytes;
        let mut found = Vec::new();
        for recent in queue.recent.iter().skip(skipped) {
            let fits = found.is_empty() || recent.bytes <= left;
            if recent.entry.log_id.index >= until || !fits {
                break;
            }
            left = left.saturating_sub(recent.bytes);
            found.push(recent.entry.clone());
        }
        found
    }

    /// Entries after `last` are no more.
    pub(super) fn cut(&self, last: Option<u64>) {
        let mut queue = self.queue.lock();
        queue.keep(|index| Some(index) <= last);
        queue.on_disk = queue.on_disk.min(last);
    }

    /// Entries up to `last` are no more.
    pub(super) fn purge(&self, last: u64) {
        self.queue.lock().keep(|index| index > last);
    }

    /// Applied batches after a revision that may not be in the file yet.
    fn unwritten(&self, after: Revision) -> Vec<Arc<Row>> {
        let queue = self.queue.lock();
        let rows = queue.writing.iter().chain(&queue.waiting.history);
        rows.filter(|row| row.revision > after.0).cloned().collect()
    }

    /// Waits until everything that was put in before is in the file.
    async fn settled(&self) -> io::Result<()> {
        let asked = self.queue.lock().count;
        let mut written = self.written.subscribe();
        let done = written
            .wait_for(|written| written.count >= asked || written.failed.is_some())
            .await
            .map_err(|_| closed())?;
        match done.failed.clone() {
            Some(failure) => Err(failure.into()),
            None => Ok(()),
        }
    }

    /// All that waits, and up to which count it goes; `None` when there will be nothing more.
    async fn next(&self) -> Option<(Lot, u64)> {
        loop {
            let woken = self.wake.notified();
            {
                let mut queue = self.queue.lock();
                if !queue.waiting.is_empty() {
                    let lot = std::mem::take(&mut queue.waiting);
                    queue.writing.clone_from(&lot.history);
                    return Some((lot, queue.count));
                }
                if queue.closed {
                    return None;
                }
            }
            woken.await;
        }
    }

    fn is_written(&self, last_index: Option<u64>, count: u64) {
        let mut queue = self.queue.lock();
        queue.writing.clear();
        queue.on_disk = queue.on_disk.max(last_index);
        queue.shrink();
        drop(queue);
        self.written.send_modify(|written| written.count = count);
    }

    fn has_failed(&self, error: &io::Error) {
        let failure = Failure::from(error);
        self.written
            .send_modify(|written| written.failed = Some(failure));
    }

    fn close(&self) {
        self.queue.lock().closed = true;
        self.wake.notify_one();
    }
}

impl Queue {
    fn remember(&mut self, entry: Entry, bytes: usize) {
        let last = self.recent.back().map(|last| last.entry.log_id.index);
        if last.is_some_and(|last| last + 1 != entry.log_id.index) {
            // A snapshot came between them: what stood before it is asked for no more.
            self.recent.clear();
            self.recent_bytes = 0;
        }
        self.recent_bytes += bytes;
        self.recent.push_back(Recent { entry, bytes });
    }

    fn keep(&mut self, wanted: impl Fn(u64) -> bool) {
        self.recent
            .retain(|recent| wanted(recent.entry.log_id.index));
        self.recent_bytes = self.recent.iter().map(|recent| recent.bytes).sum();
    }

    fn shrink(&mut self) {
        while self.recent_bytes > RECENT_BYTES
            && let Some(first) = self.recent.front()
            && Some(first.entry.log_id.index) <= self.on_disk
        {
            self.recent_bytes -= first.bytes;
            self.recent.pop_front();
        }
    }
}

impl Store {
    /// Takes note of what was applied, and up to where; see [`Store::unwritten`].
    pub(crate) fn applied(&self, history: Vec<Arc<Row>>, position: Vec<u8>) -> io::Result<()> {
        self.behind.applied(history, position)
    }

    /// Applied batches after a revision that may not be in the file yet. Whoever also reads the file asks here first.
    pub(crate) fn unwritten(&self, after: Revision) -> Vec<Arc<Row>> {
        self.behind.unwritten(after)
    }

    /// Waits until everything that was appended and applied before is in the file.
    pub(crate) async fn settled(&self) -> io::Result<()> {
        self.behind.settled().await
    }

    /// Writes what is put in, until the file is closed. Nothing is written later than said without this.
    pub(crate) async fn write_behind(self) -> io::Result<()> {
        while let Some((lot, count)) = self.behind.next().await {
            let (durability, last_index) = (lot.durability(), lot.last_index());
            let Lot {
                entries,
                appended,
                history,
                applied,
            } = lot;
            let done = self
                .commit(durability, move |txn| {
                    put(txn, &entries, &history, applied.as_deref())
                })
                .await;
            match &done {
                Ok(()) => self.behind.is_written(last_index, count),
                Err(error) => self.behind.has_failed(error),
            }
            for callback in appended {
                let outcome = done.as_ref().copied();
                callback.io_completed(outcome.map_err(|error| Failure::from(error).into()));
            }
            done?;
        }
        Ok(())
    }

    /// Nothing more is put in; waits until all that was is in the file.
    pub(super) async fn finish(&self) -> io::Result<()> {
        self.behind.close();
        self.settled().await
    }
}

/// Entries are on disk when they are acknowledged.
fn entry_durability() -> Durability {
    #[cfg(takt_flaws)]
    return crate::flaws::durability_of_entries();
    #[cfg(not(takt_flaws))]
    Durability::Immediate
}
