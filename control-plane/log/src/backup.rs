//! The whole log as one file, and a log file from it.
//!
//! A backup holds the oldest state that is kept and every decision after it, so that what is restored
//! has the history too. Restoring makes the file of a single voter, from which a cluster grows again.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::Stream;
use openraft::{LogId, Membership, StoredMembership};
use prost::Message as _;
use redb::{Durability, ReadTransaction, ReadableTable as _};
use sha2::{Digest as _, Sha256};
use takt_domain::{Applied, State};
use takt_model::{NodeId, Revision};
use takt_wire::takt::control::log::v1::backup_part::Part;
use takt_wire::takt::control::log::v1::{self as stored, BackupPart};
use tokio::sync::mpsc;

use crate::codec::{self, DecodeError, LEVEL};
use crate::handle::Handle;
use crate::history;
use crate::node::{IN_PROCESS, Settings};
use crate::past::{begin_with, oldest_checkpoint};
use crate::store::{
    APPLIED, Disk, HISTORY, PURGED, Row, Sealing, Store, VOTE, name, put_value, reader,
};
use crate::types::{AppliedAt, LeaderId, Vote};

const VERSION: u32 = 1;
/// Parts are handed out in pieces of about this size, and the base is cut into such.
const PIECE_BYTES: usize = 256 * 1024;
/// A part of a file that claims to be larger is damage.
const PART_BYTES_MAX: usize = 64 * 1024 * 1024;
/// How many pieces may wait for a slow reader.
const PIECES_WAITING: usize = 4;
/// How many batches are written between two syncs.
const BATCHES_PER_SYNC: usize = 10_000;
/// Where the Raft log of a restored voter begins.
const BEGINNING: u64 = 1;

impl Handle {
    /// The log as far as it is applied here. Read it to its end: a file without its last part is refused.
    pub fn backup(&self) -> impl Stream<Item = io::Result<Bytes>> + Send + use<> {
        let (pieces, out) = mpsc::channel(PIECES_WAITING);
        let store = self.store.clone();
        tokio::task::spawn_blocking(move || {
            let failed = pieces.clone();
            let mut sink = Sink {
                pieces,
                waiting: Vec::new(),
                checksum: Sha256::new(),
            };
            let unwritten = store.unwritten(Revision(0));
            let written = store.read_now(|txn| write(txn, &unwritten, &mut sink));
            if let Err(error) = written {
                // Whoever read may be gone, and then there is nobody to tell.
                let _ = failed.blocking_send(Err(error));
            }
        });
        futures::stream::unfold(out, |mut out| async move { Some((out.recv().await?, out)) })
    }
}

/// Bytes on their way to a reader.
struct Sink {
    pieces: mpsc::Sender<io::Result<Bytes>>,
    waiting: Vec<u8>,
    checksum: Sha256,
}

impl Sink {
    fn part(&mut self, part: Part) -> Result<(), redb::Error> {
        let begun = self.waiting.len();
        let part = BackupPart { part: Some(part) };
        self.waiting.extend(part.encode_length_delimited_to_vec());
        self.checksum.update(&self.waiting[begun..]);
        if self.waiting.len() >= PIECE_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), redb::Error> {
        let piece = Bytes::from(std::mem::take(&mut self.waiting));
        let gone = |_| io::Error::new(io::ErrorKind::BrokenPipe, "nobody reads the backup");
        self.pieces.blocking_send(Ok(piece)).map_err(gone)?;
        Ok(())
    }
}

fn write(
    txn: &ReadTransaction,
    unwritten: &[Arc<Row>],
    sink: &mut Sink,
) -> Result<(), redb::Error> {
    let history = txn.open_table(HISTORY)?;
    let base = oldest_checkpoint(txn)?;
    let after = base.as_ref().map_or(0, |(revision, _)| *revision);
    let in_file = history
        .last()?
        .map_or(after, |(revision, _)| revision.value());
    let rest = unwritten.iter().filter(|row| row.revision > in_file);
    let newest = unwritten.last().map_or(0, |row| row.revision);
    sink.part(Part::Header(stored::BackupHeader {
        version: VERSION,
        level: LEVEL,
        revision: newest.max(in_file),
    }))?;
    if let Some((_, sealed)) = base {
        let mut base = reader(txn, &sealed)?;
        loop {
            let mut piece = Vec::with_capacity(PIECE_BYTES);
            base.by_ref()
                .take(PIECE_BYTES as u64)
                .read_to_end(&mut piece)?;
            if piece.is_empty() {
                break;
            }
            sink.part(Part::Base(piece))?;
        }
    }
    let mut batches = 0;
    for entry in history.range(after + 1..)? {
        let (_, batch) = entry?;
        let batch = stored::Batch::decode(batch.value()).map_err(io::Error::other)?;
        sink.part(Part::Batch(batch))?;
        batches += 1;
    }
    for row in rest {
        let batch = stored::Batch::decode(row.batch.as_slice()).map_err(io::Error::other)?;
        sink.part(Part::Batch(batch))?;
        batches += 1;
    }
    let checksum = sink.checksum.clone().finalize().to_vec();
    sink.part(Part::Trailer(stored::BackupTrailer { batches, checksum }))?;
    sink.flush()
}

/// What a restored log holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restored {
    pub oldest: Revision,
    pub newest: Revision,
    pub batches: u64,
}

/// Why a log cannot be restored. Nothing is left behind.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    #[error("`{0}` exists already; restore into an empty directory")]
    Exists(PathBuf),
    #[error("the backup cannot be read")]
    Read(#[from] io::Error),
    #[error("`{path}` cannot be written")]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the backup is damaged: {0}")]
    Damaged(&'static str),
    #[error(
        "the backup is of layout {version} and level {level}; this version reads {VERSION} and up to {LEVEL}"
    )]
    TooNew { version: u32, level: u32 },
    #[error("the backup holds something that makes no sense: {0}")]
    Decode(String),
}

impl From<DecodeError> for RestoreError {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error.to_string())
    }
}

impl Settings {
    /// Makes the log file of this node, as a single voter, from a backup. Blocks.
    ///
    /// # Errors
    /// As [`restore()`].
    pub fn restore(&self, backup: impl Read) -> Result<Restored, RestoreError> {
        let address = self.address.as_deref().unwrap_or(IN_PROCESS);
        restore(backup, &self.dir, self.node, address)
    }
}

/// Makes the log file of a single voter from a backup. Blocks.
///
/// # Errors
/// When the backup is damaged or too new, or the directory holds a log already.
pub fn restore(
    backup: impl Read,
    dir: &Path,
    node: NodeId,
    address: &str,
) -> Result<Restored, RestoreError> {
    let path = dir.join(crate::node::FILE);
    if path.exists() {
        return Err(RestoreError::Exists(path));
    }
    let failed = |source| RestoreError::Write {
        path: path.clone(),
        source,
    };
    std::fs::create_dir_all(dir).map_err(failed)?;
    let unfinished = path.with_extension("restoring");
    let made = fill(backup, &unfinished, node, address);
    let finished = made.and_then(|restored| {
        std::fs::rename(&unfinished, &path).map_err(failed)?;
        std::fs::File::open(dir)
            .and_then(|dir| dir.sync_all())
            .map_err(failed)?;
        Ok(restored)
    });
    if finished.is_err() {
        // It may not have come to be; the reason of the failure matters more.
        let _ = std::fs::remove_file(&unfinished);
    }
    finished
}

fn fill(
    backup: impl Read,
    path: &Path,
    node: NodeId,
    address: &str,
) -> Result<Restored, RestoreError> {
    let failed = |source| RestoreError::Write {
        path: path.to_owned(),
        source,
    };
    let store = Store::open(Disk::File, path).map_err(failed)?;
    let store = store.ok_or_else(|| RestoreError::Exists(path.to_owned()))?;
    let mut waiting = Vec::new();
    let take = |revision: Revision, batch| {
        waiting.push((revision.0, batch));
        if waiting.len() >= BATCHES_PER_SYNC {
            put_history(&store, &mut waiting).map_err(failed)?;
        }
        Ok(())
    };
    let begin = |base: Sealing, revision, applied| {
        let begun = base.finish(applied).and_then(|sealed| {
            store.write_now(Durability::Immediate, |txn| {
                begin_with(txn, revision, &sealed)
            })
        });
        begun.map_err(failed)
    };
    let (state, restored) = read(backup, Some(Sealing::begin(&store)), begin, take)?;
    put_history(&store, &mut waiting).map_err(failed)?;
    history::index_if_missing(&store).map_err(failed)?;
    become_voter(&store, &state, node, address).map_err(failed)?;
    Ok(restored)
}

/// The state a backup leads to; the whole backup is read, decoded, folded and checked. Blocks.
///
/// # Errors
/// When the backup is damaged or too new.
pub fn replay(backup: impl Read) -> Result<(State, Restored), RestoreError> {
    read(backup, None, |_, _, _| Ok(()), |_, _| Ok(()))
}

/// The state at the beginning of a backup, read from its parts as they come, which are also written to where they
/// are to be kept.
struct Base<'a, R> {
    source: &'a mut Source<R>,
    /// The part after the last one that was read.
    next: Option<Part>,
    piece: io::Cursor<Vec<u8>>,
    keep: Option<Sealing>,
}

impl<R: Read> Read for Base<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.piece.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            let Some(Part::Base(piece)) = &mut self.next else {
                return Ok(0);
            };
            let piece = std::mem::take(piece);
            if let Some(keep) = &mut self.keep {
                keep.add(&piece)?;
            }
            self.piece = io::Cursor::new(piece);
            self.next = self.source.next()?;
        }
    }
}

/// Hands out the base, which is also kept if there is where, and then every batch with the revision after it.
fn read(
    backup: impl Read,
    keep: Option<Sealing>,
    begin: impl FnOnce(Sealing, Revision, AppliedAt) -> Result<(), RestoreError>,
    mut take: impl FnMut(Revision, Vec<u8>) -> Result<(), RestoreError>,
) -> Result<(State, Restored), RestoreError> {
    let mut source = Source::new(backup);
    let Some(Part::Header(header)) = source.next()? else {
        return Err(RestoreError::Damaged("it does not begin as a backup does"));
    };
    if header.version != VERSION || header.level > LEVEL {
        let (version, level) = (header.version, header.level);
        return Err(RestoreError::TooNew { version, level });
    }
    let mut next = source.next()?;
    let mut state = State::default();
    if let Some(Part::Base(_)) = next {
        let mut base = Base {
            source: &mut source,
            next,
            piece: io::Cursor::default(),
            keep,
        };
        let applied;
        (state, applied) = codec::read_snapshot(&mut base)?;
        next = base.next;
        if let Some(keep) = base.keep {
            begin(keep, state.revision, applied)?;
        }
    }
    let oldest = state.revision;
    let mut batches = 0;
    while let Some(Part::Batch(stored)) = next {
        let encoded = stored.encode_to_vec();
        let batch = codec::batch_from(stored)?;
        if !matches!(state.apply(&batch), Applied::At(_)) {
            return Err(RestoreError::Damaged("its history has a hole"));
        }
        batches += 1;
        take(state.revision, encoded)?;
        next = source.next()?;
    }
    let whole = matches!(next, Some(Part::Trailer(ref trailer)) if trailer.batches == batches
        && trailer.checksum == source.checksum_before_trailer);
    if !whole {
        return Err(RestoreError::Damaged(
            "it is cut off, or its checksum is wrong",
        ));
    }
    let newest = state.revision;
    let restored = Restored {
        oldest,
        newest,
        batches,
    };
    Ok((state, restored))
}

fn put_history(store: &Store, waiting: &mut Vec<(u64, Vec<u8>)>) -> io::Result<()> {
    store.write_now(Durability::Immediate, |txn| {
        let mut table = txn.open_table(HISTORY)?;
        for (revision, batch) in waiting.drain(..) {
            table.insert(revision, batch.as_slice())?;
        }
        Ok(())
    })
}

/// The state stands as if it had come by a snapshot to a cluster with one voter.
fn become_voter(store: &Store, state: &State, node: NodeId, address: &str) -> io::Result<()> {
    let node = node.0;
    let at = LogId::new(BEGINNING.into(), BEGINNING);
    let nodes = [(node, openraft::BasicNode::new(address))];
    let membership = Membership::new(
        vec![[node].into()],
        nodes
            .into_iter()
            .collect::<std::collections::BTreeMap<_, _>>(),
    );
    let membership = membership.map_err(io::Error::other)?;
    let applied = AppliedAt {
        last: Some(at),
        membership: StoredMembership::new(Some(at), membership),
    };
    let vote = Vote {
        leader_id: LeaderId {
            term: BEGINNING,
            voted_for: node,
        },
        committed: false,
    };
    let sealed = store.seal(state, &applied)?;
    store.write_now(Durability::Immediate, |txn| {
        name(txn, &sealed)?;
        put_value(txn, APPLIED, &codec::applied_to(&applied).encode_to_vec())?;
        put_value(txn, PURGED, &codec::log_id_to(&at).encode_to_vec())?;
        put_value(txn, VOTE, &codec::vote_to(&vote).encode_to_vec())
    })
}

/// Parts of a file, and the checksum of what was read.
struct Source<R> {
    file: io::BufReader<R>,
    checksum: Sha256,
    /// Of everything before the trailer, once that was read.
    checksum_before_trailer: Vec<u8>,
}

impl<R: Read> Source<R> {
    fn new(file: R) -> Self {
        Self {
            file: io::BufReader::with_capacity(PIECE_BYTES, file),
            checksum: Sha256::new(),
            checksum_before_trailer: Vec::new(),
        }
    }

    /// `None` at the end of the file, and for a part of a kind this version does not know.
    fn next(&mut self) -> io::Result<Option<Part>> {
        let before = self.checksum.clone();
        let Some(length) = self.length()? else {
            return Ok(None);
        };
        let mut bytes = vec![0; length];
        self.file.read_exact(&mut bytes)?;
        self.checksum.update(&bytes);
        let part = BackupPart::decode(bytes.as_slice())
            .map_err(io::Error::other)?
            .part;
        if let Some(Part::Trailer(_)) = part {
            self.checksum_before_trailer = before.finalize().to_vec();
        }
        Ok(part)
    }

    fn length(&mut self) -> io::Result<Option<usize>> {
        let mut prefix = Vec::with_capacity(5);
        loop {
            let mut byte = [0];
            if self.file.read(&mut byte)? == 0 {
                return match prefix.as_slice() {
                    [] => Ok(None),
                    _ => Err(io::ErrorKind::UnexpectedEof.into()),
                };
            }
            prefix.push(byte[0]);
            if byte[0] < 0x80 {
                break;
            }
            if prefix.len() == 5 {
                return Err(too_large());
            }
        }
        self.checksum.update(&prefix);
        let length = prost::decode_length_delimiter(prefix.as_slice()).map_err(io::Error::other)?;
        if length > PART_BYTES_MAX {
            return Err(too_large());
        }
        Ok(Some(length))
    }
}

fn too_large() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "a part claims to be larger than any is",
    )
}
