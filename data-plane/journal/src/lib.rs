//! The ingest journal: what is acknowledged is on disk.
//!
//! - [`Journal::append`] returns when the record is as durable as `fsync` promises. Writers that
//!   wait at the same time share one write and one fsync.
//! - Readers see only records that were acknowledged, by dense offsets, and never wait for writers.
//! - A torn tail (a crash in the middle of a write) is cut at open. Damage anywhere else is an error.
//! - A full disk refuses writers and leaves no half record; when space returns, so does service. It
//!   counts as full a little early, so that what frees space again (blocks, commits) still finds some.
//! - A segment is deleted when every registered consumer has committed past it.
//!
//! The bytes on disk are described in `docs/journal-format.md`. Start reading at [`Journal`], then `writer`.

mod commits;
mod disk;
mod metrics;
mod record;
mod segment;
mod writer;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::{Mutex, RwLock};
use takt_model::{TenantId, UnixNano};
use tokio::sync::watch;

pub use metrics::Metrics;
pub use segment::Damage;

use commits::Commits;
use disk::Disk;
use segment::Segment;
use writer::Writer;

/// The number of a record; the first one of a journal is 0, and none is skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Offset(pub u64);

/// When a record counts as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fsync {
    /// After fdatasync. A crash of process or machine loses nothing acknowledged.
    Always,
    /// After the write; fdatasync follows within this time. A crash of the machine loses what was
    /// acknowledged since; a crash of the process loses nothing.
    Interval(Duration),
    /// After the write; the operating system decides when it reaches the disk.
    Never,
}

/// What a journal is told at start.
#[derive(Debug, Clone)]
pub struct Settings {
    pub dir: PathBuf,
    /// A segment is closed when it has this many bytes.
    pub segment_bytes: u64,
    pub fsync: Fsync,
    /// Bytes that may wait for the writer; more are refused at once.
    pub queue_bytes: usize,
    pub max_record_bytes: usize,
    /// Records are refused when less than this would be left on the disk.
    pub reserve_bytes: u64,
}

impl Settings {
    /// The defaults, in a directory.
    #[must_use]
    pub fn in_dir(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            segment_bytes: 64 << 20,
            fsync: Fsync::Always,
            queue_bytes: 64 << 20,
            max_record_bytes: 64 << 20,
            reserve_bytes: 64 << 20,
        }
    }
}

/// One record as it was appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub offset: Offset,
    pub tenant: TenantId,
    pub received: UnixNano,
    pub body: Bytes,
}

/// Why a journal cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("journal `{path}`: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error("journal `{0}` is in use by another process")]
    InUse(PathBuf),
    #[error(
        "journal segment `{path}` is damaged {damage}; it is not the newest one, so this is no torn write: restore it from a copy, or move it and all newer segments away and lose what they hold"
    )]
    Damaged { path: PathBuf, damage: Damage },
    #[error(
        "journal segment `{path}` should begin with record {expected} and begins with {found}: a segment is missing"
    )]
    Gap {
        path: PathBuf,
        expected: u64,
        found: u64,
    },
    #[error(
        "journal commits `{path}` are not readable: {reason}; remove the file to read the journal again from its beginning"
    )]
    Commits { path: PathBuf, reason: String },
}

/// Why a record was not taken. Nothing of it is in the journal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    #[error("record of {bytes} bytes is larger than the {limit} bytes the journal takes")]
    TooLarge { bytes: usize, limit: usize },
    #[error("the journal's queue is full")]
    Busy,
    #[error("no space is left for the journal")]
    Full,
    #[error("the journal cannot be written: {0}")]
    Failed(String),
    #[error("the journal is closed")]
    Closed,
}

/// Why records cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("journal segment `{path}`: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error("journal segment `{path}` is damaged {damage}")]
    Damaged { path: PathBuf, damage: Damage },
    #[error("record {0:?} is gone: every consumer had committed past it")]
    Gone(Offset),
}

/// Why a commit was not kept.
#[derive(Debug, thiserror::Error)]
#[error("journal commits `{path}`: {source}")]
pub struct CommitError {
    path: PathBuf,
    source: io::Error,
}

/// A cheap handle; clones are the same journal. The journal closes when the last one is dropped.
#[derive(Debug, Clone)]
pub struct Journal {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    shared: Arc<Shared>,
    writer: Writer,
    max_record_bytes: usize,
    commits: Mutex<Commits>,
    _lock: File,
}

/// What readers and the writer both hold.
#[derive(Debug)]
struct Shared {
    segments: RwLock<Vec<Arc<Segment>>>,
    /// One past the last acknowledged record.
    end: watch::Sender<Offset>,
}

impl Journal {
    /// Opens the journal of a directory, which is made if it is not there. Blocks on the disk.
    ///
    /// # Errors
    /// When the directory cannot be used, another process uses it, or a segment is damaged.
    pub fn open(settings: Settings, metrics: Metrics) -> Result<Self, OpenError> {
        Self::open_on(settings, metrics, Box::new(disk::Real))
    }

    fn open_on(
        settings: Settings,
        metrics: Metrics,
        disk: Box<dyn Disk>,
    ) -> Result<Self, OpenError> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| OpenError::Io { path, source }
        };
        fs::create_dir_all(&settings.dir).map_err(io(&settings.dir))?;
        let lock = lock(&settings.dir)?;
        let mut commits = Commits::open(&settings.dir)?;
        let segments = segments(&settings.dir, commits.highest(), &metrics)?;
        let end = segments.last().map_or(Offset(0), |last| last.end());
        if commits.highest().is_some_and(|highest| highest > end) {
            tracing::warn!(
                end = end.0,
                "the journal ends before what its consumers have committed: a crash of the machine took records that were not synced; numbers go on from the end"
            );
            let path = settings.dir.clone();
            commits
                .cut_off(end)
                .map_err(|CommitError { path: _, source }| OpenError::Io { path, source })?;
        }
        let shared = Arc::new(Shared {
            segments: RwLock::new(segments),
            end: watch::Sender::new(end),
        });
        let writer = Writer::start(settings.clone(), Arc::clone(&shared), disk, metrics)
            .map_err(io(&settings.dir))?;
        let inner = Inner {
            shared,
            writer,
            max_record_bytes: settings.max_record_bytes,
            commits: Mutex::new(commits),
            _lock: lock,
        };
        let journal = Self {
            inner: Arc::new(inner),
        };
        journal.delete_committed();
        Ok(journal)
    }

    /// Appends a record and returns its offset once it is written as `fsync` promises.
    ///
    /// # Errors
    /// When it was not taken; then no reader will ever see it.
    pub async fn append(
        &self,
        tenant: &TenantId,
        received: UnixNano,
        body: Bytes,
    ) -> Result<Offset, AppendError> {
        let limit = self.inner.max_record_bytes;
        if body.len() > limit {
            return Err(AppendError::TooLarge {
                bytes: body.len(),
                limit,
            });
        }
        let done = self.inner.writer.submit(tenant.clone(), received, body)?;
        done.await.unwrap_or(Err(AppendError::Closed))
    }

    /// One past the last acknowledged record.
    #[must_use]
    pub fn end(&self) -> Offset {
        *self.inner.shared.end.borrow()
    }

    /// Follows [`Journal::end`].
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Offset> {
        self.inner.shared.end.subscribe()
    }

    /// Reads acknowledged records from `from` on, until they pass `max_bytes` (at least one, if there
    /// is one). Blocks on the disk.
    ///
    /// # Errors
    /// When a segment cannot be read or is damaged, or the record has been deleted.
    pub fn read(&self, from: Offset, max_bytes: usize) -> Result<Vec<Record>, ReadError> {
        let end = self.end();
        let mut records = Vec::new();
        let (mut next, mut left) = (from, max_bytes);
        while next < end && (left > 0 || records.is_empty()) {
            let segment = self.segment_of(next).ok_or(ReadError::Gone(next))?;
            let read = segment.read(next, end, left, &mut records)?;
            next = read.next;
            left = left.saturating_sub(read.bytes);
        }
        Ok(records)
    }

    fn segment_of(&self, offset: Offset) -> Option<Arc<Segment>> {
        let segments = self.inner.shared.segments.read();
        let after = segments.partition_point(|segment| segment.first() <= offset);
        segments.get(after.checked_sub(1)?).cloned()
    }

    /// Where a consumer goes on: what it committed last, or the oldest record for a new one. From now
    /// on no segment it has not committed past is deleted.
    ///
    /// # Errors
    /// When the registration cannot be kept.
    pub fn register(&self, consumer: &'static str) -> Result<Offset, CommitError> {
        let mut commits = self.inner.commits.lock();
        if let Some(committed) = commits.get(consumer) {
            return Ok(committed);
        }
        let oldest = self
            .inner
            .shared
            .segments
            .read()
            .first()
            .map_or(Offset(0), |segment| segment.first());
        commits.set(consumer, oldest)?;
        Ok(oldest)
    }

    /// What a consumer committed last.
    #[must_use]
    pub fn committed(&self, consumer: &str) -> Option<Offset> {
        self.inner.commits.lock().get(consumer)
    }

    /// Says that a consumer is done with everything before `offset`. Never goes back.
    ///
    /// # Errors
    /// When it cannot be kept; the consumer will then see records again after a restart.
    pub fn commit(&self, consumer: &'static str, offset: Offset) -> Result<(), CommitError> {
        {
            let mut commits = self.inner.commits.lock();
            if commits
                .get(consumer)
                .is_some_and(|committed| committed >= offset)
            {
                return Ok(());
            }
            commits.set(consumer, offset)?;
        }
        self.delete_committed();
        Ok(())
    }

    fn delete_committed(&self) {
        let Some(lowest) = self.inner.commits.lock().lowest() else {
            return;
        };
        let mut segments = self.inner.shared.segments.write();
        // The newest segment stays whatever was committed: it says where offsets go on.
        while segments.len() > 1 && segments[0].end() <= lowest {
            let gone = segments.remove(0);
            // A reader that holds it goes on reading; the space returns when it is done.
            if let Err(error) = fs::remove_file(gone.path()) {
                tracing::warn!(path = %gone.path().display(), %error, "a journal segment that nobody needs was not deleted");
            }
        }
    }

    /// Writes what is queued, syncs, and refuses everything after. Blocks until done.
    pub fn close(&self) {
        self.inner.writer.close();
    }
}

fn lock(dir: &Path) -> Result<File, OpenError> {
    let path = dir.join("lock");
    let file = File::create(&path).map_err(|source| OpenError::Io {
        path: path.clone(),
        source,
    })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(OpenError::InUse(dir.to_owned())),
        Err(fs::TryLockError::Error(source)) => Err(OpenError::Io { path, source }),
    }
}

/// Opens every segment of a directory, cuts a torn tail off the newest, and checks that none is missing.
fn segments(
    dir: &Path,
    at_least: Option<Offset>,
    metrics: &Metrics,
) -> Result<Vec<Arc<Segment>>, OpenError> {
    let io = |source| OpenError::Io {
        path: dir.to_owned(),
        source,
    };
    let mut paths: Vec<PathBuf> = fs::read_dir(dir)
        .map_err(io)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()
        .map_err(io)?;
    paths.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == segment::EXTENSION)
    });
    paths.sort();
    let mut segments: Vec<Arc<Segment>> = Vec::new();
    for (at, path) in paths.iter().enumerate() {
        let next = paths.get(at + 1).map(|next| {
            // A name that is no number is found out when that segment is opened itself.
            Segment::first_of(next).unwrap_or(Offset(u64::MAX))
        });
        let Some(segment) = Segment::open(path, next, metrics)? else {
            continue;
        };
        if let Some(before) = segments
            .last()
            .filter(|before| before.end() != segment.first())
        {
            return Err(OpenError::Gap {
                path: path.clone(),
                expected: before.end().0,
                found: segment.first().0,
            });
        }
        segments.push(Arc::new(segment));
    }
    if segments.is_empty() {
        let first = at_least.unwrap_or_default();
        segments.push(Arc::new(Segment::create(dir, first).map_err(io)?));
    }
    Ok(segments)
}

#[cfg(test)]
mod tests;
