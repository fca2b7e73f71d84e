//! The one thread that writes: it takes everything that waits, writes it with one call, syncs once,
//! and answers all of them.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use bytes::Bytes;
use parking_lot::{Condvar, Mutex};
use takt_model::{TenantId, UnixNano};
use tokio::sync::oneshot;

use crate::disk::Disk;
use crate::segment::{PREFIX, Segment};
use crate::{AppendError, Fsync, Metrics, Offset, Settings, Shared, record};

type Answer = Result<Offset, AppendError>;

/// The handle: hands records to the thread and joins it at the end.
pub(crate) struct Writer {
    queue: Arc<Queue>,
    limit: usize,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer")
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Queue {
    state: Mutex<Waiting>,
    wake: Condvar,
}

#[derive(Default)]
struct Waiting {
    items: VecDeque<Item>,
    bytes: usize,
    closed: bool,
}

struct Item {
    tenant: TenantId,
    received: UnixNano,
    body: Bytes,
    done: oneshot::Sender<Answer>,
}

impl Item {
    /// About what it takes on disk.
    fn size(&self) -> usize {
        self.body.len() + self.tenant.as_str().len() + 32
    }
}

impl Writer {
    pub(crate) fn start(
        settings: Settings,
        shared: Arc<Shared>,
        disk: Box<dyn Disk>,
        metrics: Metrics,
    ) -> io::Result<Self> {
        let queue = Arc::new(Queue::default());
        let limit = settings.queue_bytes;
        let work = Work {
            settings,
            shared,
            disk,
            metrics,
            queue: Arc::clone(&queue),
            buffer: Vec::new(),
            unsynced: None,
            broken: false,
            refusing: false,
        };
        let thread = thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || work.run())?;
        Ok(Self {
            queue,
            limit,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Queues a record; the receiver answers when it is written.
    pub(crate) fn submit(
        &self,
        tenant: TenantId,
        received: UnixNano,
        body: Bytes,
    ) -> Result<oneshot::Receiver<Answer>, AppendError> {
        let (done, answer) = oneshot::channel();
        let item = Item {
            tenant,
            received,
            body,
            done,
        };
        let mut waiting = self.queue.state.lock();
        if waiting.closed {
            return Err(AppendError::Closed);
        }
        // A record that is larger than the whole queue may pass when it is alone.
        if !waiting.items.is_empty() && waiting.bytes + item.size() > self.limit {
            return Err(AppendError::Busy);
        }
        waiting.bytes += item.size();
        waiting.items.push_back(item);
        drop(waiting);
        self.queue.wake.notify_one();
        Ok(answer)
    }

    pub(crate) fn close(&self) {
        self.queue.state.lock().closed = true;
        self.queue.wake.notify_one();
        if let Some(thread) = self.thread.lock().take() {
            // The thread ends by itself; that it panicked was logged by the panic itself.
            let _joined = thread.join();
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.close();
    }
}

/// The thread's state.
struct Work {
    settings: Settings,
    shared: Arc<Shared>,
    disk: Box<dyn Disk>,
    metrics: Metrics,
    queue: Arc<Queue>,
    buffer: Vec<u8>,
    /// Written and acknowledged, but not synced yet (only with [`Fsync::Interval`]).
    unsynced: Option<Instant>,
    /// The newest segment may hold bytes behind its end that could not be taken back.
    broken: bool,
    /// The last write failed: the log says so once, and once when it is over.
    refusing: bool,
}

/// The most that one write takes: more would make those who come first wait for those who come last.
const GROUP_BYTES: usize = 8 << 20;

enum Next {
    Group(Vec<Item>),
    Sync,
    Close,
}

impl Work {
    fn run(mut self) {
        loop {
            match self.next() {
                Next::Group(items) => self.group(items),
                Next::Sync => self.sync_late(),
                Next::Close => {
                    self.sync_late();
                    return;
                }
            }
        }
    }

    fn next(&self) -> Next {
        let due = self.sync_due();
        // Before the next group, so that unbroken load does not put the sync off for ever.
        if due.is_some_and(|due| due <= now()) {
            return Next::Sync;
        }
        let mut waiting = self.queue.state.lock();
        while waiting.items.is_empty() {
            if waiting.closed {
                return Next::Close;
            }
            match due {
                Some(due) if self.queue.wake.wait_until(&mut waiting, due).timed_out() => {
                    return Next::Sync;
                }
                Some(_) => {}
                None => self.queue.wake.wait(&mut waiting),
            }
        }
        let mut items = Vec::new();
        let mut bytes = 0;
        while let Some(item) = waiting.items.pop_front() {
            bytes += item.size();
            items.push(item);
            if bytes >= GROUP_BYTES {
                break;
            }
        }
        waiting.bytes -= bytes;
        Next::Group(items)
    }

    /// When what was acknowledged without a sync must be synced.
    fn sync_due(&self) -> Option<Instant> {
        match self.settings.fsync {
            Fsync::Interval(within) => self.unsynced.map(|since| since + within),
            Fsync::Always | Fsync::Never => None,
        }
    }

    fn group(&mut self, items: Vec<Item>) {
        match self.write(&items) {
            Ok(first) => {
                if std::mem::take(&mut self.refusing) {
                    tracing::info!("the journal is written again");
                }
                self.metrics.groups.inc();
                self.metrics.records.inc_by(items.len() as u64);
                self.metrics.bytes.inc_by(self.buffer.len() as u64);
                for (offset, item) in (first.0..).zip(items) {
                    // Whoever asked may have gone away; the record stays.
                    let _gone = item.done.send(Ok(Offset(offset)));
                }
            }
            Err(error) => {
                self.metrics.failures.inc();
                let refusal = refusal(&error);
                if !std::mem::replace(&mut self.refusing, true) {
                    tracing::error!(%error, "the journal cannot be written; writers are refused until it can");
                }
                for item in items {
                    let _gone = item.done.send(Err(refusal.clone()));
                }
            }
        }
    }

    /// Writes and syncs a group and makes it readable; returns its first offset.
    fn write(&mut self, items: &[Item]) -> io::Result<Offset> {
        self.leave_reserve(items)?;
        let segment = self.segment()?;
        self.buffer.clear();
        let mut lengths = Vec::with_capacity(items.len());
        for item in items {
            let before = self.buffer.len();
            record::put(&mut self.buffer, &item.tenant, item.received, &item.body);
            lengths.push(self.buffer.len() - before);
        }
        let at = segment.bytes();
        let written = self
            .disk
            .write(segment.file(), &self.buffer, at)
            .and_then(|()| match self.settings.fsync {
                Fsync::Always => self.disk.sync(segment.file()),
                Fsync::Interval(_) | Fsync::Never => Ok(()),
            });
        if let Err(error) = written {
            // Take back what may be there. After a failed fsync the kernel may have dropped dirty pages
            // and report the next fsync as fine, so this file is not written to any more either way.
            self.broken = true;
            if let Err(error) = segment.file().set_len(at) {
                tracing::error!(%error, path = %segment.path().display(), "a refused write could not be taken back");
            }
            return Err(error);
        }
        if matches!(self.settings.fsync, Fsync::Interval(_)) {
            self.unsynced.get_or_insert_with(now);
        }
        let first = segment.end();
        segment.extend(&lengths);
        self.shared.end.send_replace(segment.end());
        Ok(first)
    }

    /// Refuses to use up the space that blocks, checkpoint and commits need: without those the journal
    /// could never let go of anything and the disk would stay full.
    fn leave_reserve(&mut self, items: &[Item]) -> io::Result<()> {
        let newest = self.shared.segments.read().last().cloned();
        let newest = newest.expect("a journal always has a segment");
        let wanted = items.iter().map(Item::size).sum::<usize>() as u64;
        if self.disk.free(newest.file())? < self.settings.reserve_bytes.saturating_add(wanted) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    /// The segment to write to, a new one if the newest is full or broken.
    fn segment(&mut self) -> io::Result<Arc<Segment>> {
        let newest = self.shared.segments.read().last().cloned();
        let newest = newest.expect("a journal always has a segment");
        let empty = newest.bytes() == PREFIX;
        if empty && self.broken {
            // Its name is that of its successor: clean it instead of replacing it.
            newest.file().set_len(PREFIX)?;
            newest.file().sync_all()?;
            self.broken = false;
            return Ok(newest);
        }
        if newest.bytes() < self.settings.segment_bytes && !self.broken {
            return Ok(newest);
        }
        if self.unsynced.is_some() {
            self.disk.sync(newest.file())?;
            self.unsynced = None;
        }
        let next = Arc::new(Segment::create(&self.settings.dir, newest.end())?);
        self.shared.segments.write().push(Arc::clone(&next));
        self.broken = false;
        Ok(next)
    }

    /// The sync that [`Fsync::Interval`] owes, and the last one before closing.
    fn sync_late(&mut self) {
        if self.unsynced.take().is_none() {
            return;
        }
        let newest = self.shared.segments.read().last().cloned();
        if let Some(Err(error)) = newest.map(|segment| self.disk.sync(segment.file())) {
            self.metrics.failures.inc();
            self.broken = true;
            tracing::error!(%error, "late sync of the journal failed; a crash of the machine may lose what was acknowledged since the last one");
        }
    }
}

fn refusal(error: &io::Error) -> AppendError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => AppendError::Full,
        _ => AppendError::Failed(error.to_string()),
    }
}

fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
