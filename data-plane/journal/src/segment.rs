//! One file of records.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use parking_lot::RwLock;

use crate::record::{self, HEADER};
use crate::{Metrics, Offset, OpenError, ReadError, Record};

pub(crate) const EXTENSION: &str = "journal";
const MAGIC: &[u8; 8] = b"TAKTJNL1";
/// Magic and first offset.
pub(crate) const PREFIX: u64 = 16;
/// A place is remembered about every this many bytes, so that a reader finds its record quickly.
const STRIDE: u64 = 64 << 10;

/// Where and how a segment is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Damage {
    pub byte: u64,
    pub kind: &'static str,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at byte {}: {}", self.byte, self.kind)
    }
}

/// A file of records with consecutive offsets. Many may read while one writes behind [`Segment::end`].
#[derive(Debug)]
pub(crate) struct Segment {
    path: PathBuf,
    file: File,
    first: Offset,
    state: RwLock<State>,
}

#[derive(Debug, Clone)]
struct State {
    end: Offset,
    bytes: u64,
    /// (offset, byte) of some records, ascending; the first record is always among them.
    places: Vec<(Offset, u64)>,
}

/// How far a read came.
pub(crate) struct Read {
    pub(crate) next: Offset,
    pub(crate) bytes: usize,
}

impl Segment {
    pub(crate) fn create(dir: &Path, first: Offset) -> io::Result<Self> {
        let path = dir.join(format!("{:020}.{EXTENSION}", first.0));
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&path)?;
        file.write_all_at(MAGIC, 0)?;
        file.write_all_at(&first.0.to_le_bytes(), 8)?;
        file.sync_all()?;
        File::open(dir)?.sync_all()?;
        let state = State {
            end: first,
            bytes: PREFIX,
            places: vec![(first, PREFIX)],
        };
        Ok(Self {
            path,
            file,
            first,
            state: RwLock::new(state),
        })
    }

    /// Opens a file and walks it. Only the newest may end in a torn write, which is cut off; one that
    /// was torn before its first record is removed (`None`). In the others, `next` is where the segment
    /// after it begins: whatever is behind that is of a refused write that could not be taken back.
    pub(crate) fn open(
        path: &Path,
        next: Option<Offset>,
        metrics: &Metrics,
    ) -> Result<Option<Self>, OpenError> {
        let newest = next.is_none();
        let io = |source| OpenError::Io {
            path: path.to_owned(),
            source,
        };
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .map_err(io)?;
        let length = file.metadata().map_err(io)?.len();
        let mut prefix = [0; 16];
        if length < PREFIX || file.read_exact_at(&mut prefix, 0).is_err() || prefix[..8] != *MAGIC {
            if newest && length <= PREFIX {
                std::fs::remove_file(path).map_err(io)?;
                return Ok(None);
            }
            return Err(OpenError::Damaged {
                path: path.to_owned(),
                damage: Damage {
                    byte: 0,
                    kind: "no segment begins like this",
                },
            });
        }
        let first = Offset(u64::from_le_bytes(
            prefix[8..].try_into().expect("eight of sixteen bytes"),
        ));
        let (state, damage) = walk(&file, first, next, length).map_err(io)?;
        if let Some(damage) = damage.filter(|_| !newest) {
            return Err(OpenError::Damaged {
                path: path.to_owned(),
                damage,
            });
        }
        if state.bytes < length {
            let damage = damage.map(|damage| damage.to_string());
            tracing::warn!(path = %path.display(), damage, cut_bytes = length - state.bytes, "the segment ended in a write that was never acknowledged; it is cut off");
            metrics.torn.inc();
            file.set_len(state.bytes).map_err(io)?;
            file.sync_all().map_err(io)?;
        }
        Ok(Some(Self {
            path: path.to_owned(),
            file,
            first,
            state: RwLock::new(state),
        }))
    }

    /// The first record of a segment, from its name.
    pub(crate) fn first_of(path: &Path) -> Option<Offset> {
        path.file_stem()?.to_str()?.parse().ok().map(Offset)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    pub(crate) fn first(&self) -> Offset {
        self.first
    }

    /// One past the last record that was acknowledged.
    pub(crate) fn end(&self) -> Offset {
        self.state.read().end
    }

    /// Where the next record goes.
    pub(crate) fn bytes(&self) -> u64 {
        self.state.read().bytes
    }

    /// Makes records readable that the writer has put behind the end; `lengths` are theirs in bytes.
    pub(crate) fn extend(&self, lengths: &[usize]) {
        let mut state = self.state.write();
        for length in lengths {
            state.push(*length as u64);
        }
    }

    /// Reads records from `from` up to `end`, until `max_bytes` are passed; at least one.
    pub(crate) fn read(
        &self,
        from: Offset,
        end: Offset,
        max_bytes: usize,
        out: &mut Vec<Record>,
    ) -> Result<Read, ReadError> {
        let (mut offset, mut at, stop) = {
            let state = self.state.read();
            let place = state.places.partition_point(|(offset, _)| *offset <= from);
            let (offset, at) = state.places[place.saturating_sub(1)];
            (offset, at, state.end.min(end))
        };
        let io = |source| ReadError::Io {
            path: self.path.clone(),
            source,
        };
        let damaged = |byte, kind| ReadError::Damaged {
            path: self.path.clone(),
            damage: Damage { byte, kind },
        };
        let mut taken = 0;
        let mut window = Window::default();
        let limit = self.bytes();
        while offset < stop && (taken < max_bytes || taken == 0) {
            let header = window.get(&self.file, at, HEADER, limit).map_err(io)?;
            let (length, crc) = record::header(header[..].try_into().expect("asked for a header"));
            if offset >= from {
                let payload = window
                    .get(&self.file, at + HEADER as u64, length, limit)
                    .map_err(io)?;
                if crc32fast::hash(&payload) != crc {
                    return Err(damaged(at, "the checksum is wrong"));
                }
                out.push(
                    record::parse(offset, &payload)
                        .ok_or_else(|| damaged(at, "the record cannot be understood"))?,
                );
                taken += HEADER + length;
            }
            at += (HEADER + length) as u64;
            offset = Offset(offset.0 + 1);
        }
        Ok(Read {
            next: offset,
            bytes: taken,
        })
    }
}

impl State {
    fn push(&mut self, length: u64) {
        if self
            .places
            .last()
            .is_none_or(|(_, at)| self.bytes - at >= STRIDE)
        {
            self.places.push((self.end, self.bytes));
        }
        self.end = Offset(self.end.0 + 1);
        self.bytes += length;
    }
}

/// Walks the records of a file before `next`; says where the first bad one is, if any.
fn walk(
    file: &File,
    first: Offset,
    next: Option<Offset>,
    length: u64,
) -> io::Result<(State, Option<Damage>)> {
    let mut state = State {
        end: first,
        bytes: PREFIX,
        places: vec![(first, PREFIX)],
    };
    let mut window = Window::default();
    while state.bytes < length && next.is_none_or(|next| state.end < next) {
        let damage = |kind| {
            Some(Damage {
                byte: state.bytes,
                kind,
            })
        };
        if length - state.bytes < HEADER as u64 {
            return Ok((state.clone(), damage("a record's header is cut short")));
        }
        let header = window.get(file, state.bytes, HEADER, length)?;
        let (payload_length, crc) =
            record::header(header[..].try_into().expect("asked for a header"));
        let at = state.bytes + HEADER as u64;
        if payload_length == 0 || length - at < payload_length as u64 {
            return Ok((state.clone(), damage("a record is cut short")));
        }
        let payload = window.get(file, at, payload_length, length)?;
        if crc32fast::hash(&payload) != crc {
            return Ok((state.clone(), damage("the checksum is wrong")));
        }
        if record::parse(state.end, &payload).is_none() {
            return Ok((state.clone(), damage("the record cannot be understood")));
        }
        state.push((HEADER + payload_length) as u64);
    }
    Ok((state, None))
}

/// A piece of a file that is read ahead, so that small records do not cost a system call each.
#[derive(Default)]
struct Window {
    at: u64,
    bytes: Bytes,
}

const READ_AHEAD: usize = 1 << 20;

impl Window {
    /// `length` bytes at `at`, of a file that has `limit` bytes.
    fn get(&mut self, file: &File, at: u64, length: usize, limit: u64) -> io::Result<Bytes> {
        let begin = at
            .checked_sub(self.at)
            .and_then(|skip| usize::try_from(skip).ok());
        if let Some(begin) = begin.filter(|begin| begin + length <= self.bytes.len()) {
            return Ok(self.bytes.slice(begin..begin + length));
        }
        let left = usize::try_from(limit.saturating_sub(at)).unwrap_or(usize::MAX);
        if left < length {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "a record reaches past the end of its segment",
            ));
        }
        let mut bytes = vec![0; length.max(READ_AHEAD.min(left))];
        file.read_exact_at(&mut bytes, at)?;
        self.at = at;
        self.bytes = bytes.into();
        Ok(self.bytes.slice(..length))
    }
}
