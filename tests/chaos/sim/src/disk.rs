//! A disk in memory that loses power as disks do.
//!
//! What is written is seen at once and kept only by a sync. When power goes, of everything since the
//! last sync each write is kept, lost or torn at a sector, in whatever order the disk liked: that is
//! all an operating system promises.

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use redb::StorageBackend;
use takt_log::Medium;

const SECTOR_BYTES: usize = 512;
/// A disk that stalls does so for at most this long.
const STALL_MAX_MILLIS: u64 = 400;

/// How a disk misbehaves. The default is a disk that is only as bad as every disk.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Temper {
    /// A sync takes up to this long.
    pub sync_max: Duration,
    /// One sync in so many stalls; never if 0.
    pub stall_one_in: u32,
    /// A sync says that it is done and is not: what a build does that acknowledges before it syncs.
    pub sync_lies: bool,
}

/// The disk of one node. Clones are the same disk; it outlives the machine.
#[derive(Debug, Clone)]
pub(crate) struct SimDisk(Arc<Mutex<Inner>>);

struct Inner {
    rng: SmallRng,
    temper: Temper,
    /// What is there when power comes back.
    kept: Vec<u8>,
    /// What the machine sees: `kept` and everything in `unsynced`.
    seen: Vec<u8>,
    unsynced: Vec<Change>,
    /// How often power came. A machine of an earlier time has no access.
    powered: u64,
    on: bool,
    /// Power goes after so many further writes and syncs.
    fuse: Option<u64>,
    /// The length at which the disk is full.
    capacity: usize,
    /// So many further writes or syncs fail with an I/O error.
    failing: u32,
}

#[derive(Debug)]
enum Change {
    Bytes { at: usize, bytes: Vec<u8> },
    Length(usize),
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner")
            .field("kept", &self.kept.len())
            .field("unsynced", &self.unsynced.len())
            .field("powered", &self.powered)
            .field("on", &self.on)
            .finish_non_exhaustive()
    }
}

impl SimDisk {
    /// An empty disk that no machine uses yet.
    #[must_use]
    pub(crate) fn new(seed: u64, temper: Temper) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            rng: SmallRng::seed_from_u64(seed),
            temper,
            kept: Vec::new(),
            seen: Vec::new(),
            unsynced: Vec::new(),
            powered: 0,
            on: true,
            fuse: None,
            capacity: usize::MAX,
            failing: 0,
        })))
    }

    /// Power comes: a machine starts that may use the disk until power goes.
    #[must_use]
    pub(crate) fn power_on(&self) -> Arc<dyn Medium> {
        let mut inner = self.0.lock();
        inner.powered += 1;
        inner.on = true;
        inner.fuse = None;
        inner.failing = 0;
        let disk = self.clone();
        let powered = inner.powered;
        Arc::new(Attached { disk, powered })
    }

    /// Power goes. Says how many unsynced writes there were.
    pub(crate) fn power_off(&self) -> usize {
        self.0.lock().power_off()
    }

    /// Power goes in the middle of the work, after so many further writes and syncs.
    pub(crate) fn light_fuse(&self, operations: u64) {
        self.0.lock().fuse = Some(operations);
    }

    #[must_use]
    pub(crate) fn has_power(&self) -> bool {
        self.0.lock().on
    }

    /// The next writes or syncs fail; what they were to write may or may not be there.
    pub(crate) fn fail_next(&self, operations: u32) {
        self.0.lock().failing = operations;
    }

    /// The disk has room for this much more than is on it.
    pub(crate) fn leave_room(&self, bytes: usize) {
        let mut inner = self.0.lock();
        inner.capacity = inner.seen.len().saturating_add(bytes);
    }

    /// The disk has all the room there is.
    pub(crate) fn make_room(&self) {
        self.0.lock().capacity = usize::MAX;
    }
}

impl Inner {
    fn power_off(&mut self) -> usize {
        self.on = false;
        let unsynced = std::mem::take(&mut self.unsynced);
        let count = unsynced.len();
        for change in unsynced {
            match self.rng.random_range(0..4) {
                0 | 1 => {}
                2 => change.apply(&mut self.kept),
                _ => change.tear(&mut self.kept, &mut self.rng),
            }
        }
        self.seen.clone_from(&self.kept);
        count
    }

    /// Whether a write or sync by the machine of that time is done, and if not why.
    fn admit(&mut self, powered: u64) -> io::Result<()> {
        self.attached(powered)?;
        match &mut self.fuse {
            Some(0) => {
                self.power_off();
                return Err(gone());
            }
            Some(left) => *left -= 1,
            None => {}
        }
        if self.failing > 0 {
            self.failing -= 1;
            return Err(io::Error::other("the simulated disk fails"));
        }
        Ok(())
    }

    fn attached(&self, powered: u64) -> io::Result<()> {
        if self.on && self.powered == powered {
            Ok(())
        } else {
            Err(gone())
        }
    }

    fn change(&mut self, change: Change) {
        change.apply(&mut self.seen);
        self.unsynced.push(change);
    }

    fn sync(&mut self) {
        if self.temper.sync_lies {
            return;
        }
        for change in std::mem::take(&mut self.unsynced) {
            change.apply(&mut self.kept);
        }
    }
}

impl Change {
    fn apply(&self, disk: &mut Vec<u8>) {
        match self {
            Self::Length(length) => disk.resize(*length, 0),
            Self::Bytes { at, bytes } => put(disk, *at, bytes),
        }
    }

    /// Only some of the sectors arrive.
    fn tear(&self, disk: &mut Vec<u8>, rng: &mut SmallRng) {
        match self {
            Self::Length(_) => self.apply(disk),
            Self::Bytes { at, bytes } => {
                for (number, sector) in bytes.chunks(SECTOR_BYTES).enumerate() {
                    if rng.random_bool(0.5) {
                        put(disk, at + number * SECTOR_BYTES, sector);
                    }
                }
            }
        }
    }
}

/// A write may be kept while the growth before it was lost; then the disk grows for it.
fn put(disk: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    let end = at + bytes.len();
    if disk.len() < end {
        disk.resize(end, 0);
    }
    disk[at..end].copy_from_slice(bytes);
}

fn gone() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "the simulated disk is off")
}

fn full() -> io::Error {
    io::Error::new(io::ErrorKind::StorageFull, "the simulated disk is full")
}

/// The disk as the machine of one start sees it.
#[derive(Debug)]
struct Attached {
    disk: SimDisk,
    powered: u64,
}

impl StorageBackend for Attached {
    fn len(&self) -> io::Result<u64> {
        let inner = self.disk.0.lock();
        inner.attached(self.powered)?;
        Ok(inner.seen.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let inner = self.disk.0.lock();
        inner.attached(self.powered)?;
        let range = range(offset, out.len())?;
        let bytes = inner.seen.get(range).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(bytes);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let length = range(len, 0)?.end;
        let mut inner = self.disk.0.lock();
        inner.admit(self.powered)?;
        if length > inner.capacity {
            return Err(full());
        }
        inner.change(Change::Length(length));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut inner = self.disk.0.lock();
        inner.admit(self.powered)?;
        inner.sync();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let range = range(offset, data.len())?;
        let mut inner = self.disk.0.lock();
        inner.admit(self.powered)?;
        if range.end > inner.seen.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        inner.change(Change::Bytes {
            at: range.start,
            bytes: data.to_vec(),
        });
        Ok(())
    }
}

impl Medium for Attached {
    fn sync_takes(&self) -> Duration {
        let mut inner = self.disk.0.lock();
        let Temper {
            sync_max,
            stall_one_in,
            ..
        } = inner.temper;
        if stall_one_in > 0 && inner.rng.random_ratio(1, stall_one_in) {
            return Duration::from_millis(inner.rng.random_range(0..=STALL_MAX_MILLIS));
        }
        sync_max.mul_f64(inner.rng.random())
    }
}

fn range(offset: u64, length: usize) -> io::Result<Range<usize>> {
    let start = usize::try_from(offset).map_err(io::Error::other)?;
    let end = start
        .checked_add(length)
        .ok_or(io::ErrorKind::InvalidInput)?;
    Ok(start..end)
}

#[cfg(test)]
mod tests;
