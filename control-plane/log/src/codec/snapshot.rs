//! Snapshots: the whole state, versioned and checked, written and read row by row.
//!
//! A snapshot is one protobuf message that nobody ever holds as a whole: a state is encoded as its rows, which one after
//! another are the encoding of all of it, and read field by field.

use std::io::{self, BufRead, BufReader, Read};

use prost::Message as _;
use prost::encoding::{WireType, decode_key, decode_varint, encode_key, encode_varint};
use sha2::{Digest as _, Sha256};
use takt_domain::State;
use takt_wire::takt::control::log::v1 as stored;

use super::state::{Folding, parts};
use super::{DecodeError, LEVEL, applied_from, applied_to};
use crate::types::AppliedAt;

const VERSION: u32 = 1;
/// The number of `Snapshot.state`.
const STATE: u32 = 5;

/// What replicas compare: the same state has the same digest.
pub(crate) fn digest(state: &State) -> [u8; 32] {
    let mut digest = Sha256::new();
    let hashed: Result<(), std::convert::Infallible> = encode_parts(state, |bytes| {
        digest.update(bytes);
        Ok(())
    });
    let Ok(()) = hashed;
    digest.finalize().into()
}

/// Hands out the encoding of a state, a row at a time.
fn encode_parts<E>(state: &State, mut take: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
    parts(state).try_for_each(|part| take(&part.encode_to_vec()))
}

/// What stands before and after the state in its snapshot.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) before: Vec<u8>,
    pub(crate) after: Vec<u8>,
}

/// Hands out the encoding of a state in small pieces; what has to stand around them is known afterwards.
pub(crate) fn write_snapshot<E>(
    state: &State,
    applied: &AppliedAt,
    mut take: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<Frame, E> {
    let (mut checksum, mut length) = (Sha256::new(), 0);
    encode_parts(state, |bytes| {
        checksum.update(bytes);
        length += bytes.len() as u64;
        take(bytes)
    })?;
    let head = stored::Snapshot {
        version: VERSION,
        level: LEVEL,
        revision: state.revision.0,
        applied: Some(applied_to(applied)),
        ..stored::Snapshot::default()
    };
    let mut before = head.encode_to_vec();
    encode_key(STATE, WireType::LengthDelimited, &mut before);
    encode_varint(length, &mut before);
    let tail = stored::Snapshot {
        checksum: checksum.finalize().to_vec(),
        ..stored::Snapshot::default()
    };
    Ok(Frame {
        before,
        after: tail.encode_to_vec(),
    })
}

/// Reads a snapshot to its end, and checks it.
pub(crate) fn read_snapshot(source: impl Read) -> Result<(State, AppliedAt), DecodeError> {
    let mut source = BufReader::new(source);
    let mut head = stored::Snapshot::default();
    let mut folding = Folding::default();
    let mut found = None;
    let mut field = Field::default();
    while field.begin(&mut source)? {
        if field.number == STATE && field.wire_type == WireType::LengthDelimited {
            check_layout(&head)?;
            if found.is_some() {
                return Err(DecodeError::Illegal("a second state"));
            }
            let mut state = source.by_ref().take(field.length);
            found = Some(read_state(&mut state, &mut folding));
        } else {
            field.read_rest(&mut source)?;
            head.merge(field.bytes.as_slice())?;
        }
    }
    check_layout(&head)?;
    let (checksum, folded) = found.ok_or(DecodeError::Missing("state"))?;
    if checksum.finalize().as_slice() != head.checksum {
        return Err(DecodeError::Checksum);
    }
    folded?;
    let applied = head.applied.ok_or(DecodeError::Missing("applied"))?;
    Ok((folding.finish()?, applied_from(applied)?))
}

fn check_layout(head: &stored::Snapshot) -> Result<(), DecodeError> {
    if head.version != VERSION {
        return Err(DecodeError::SnapshotVersion(head.version));
    }
    if head.level > LEVEL {
        return Err(DecodeError::Level(head.level));
    }
    Ok(())
}

/// The checksum is that of all there is, also when it makes no sense: then it says whether that is damage.
fn read_state(
    source: &mut impl BufRead,
    folding: &mut Folding,
) -> (Sha256, Result<(), DecodeError>) {
    let mut checksum = Sha256::new();
    let mut field = Field::default();
    let mut fold = || -> Result<(), DecodeError> {
        loop {
            let begun = field.begin(source);
            let read = begun.and_then(|more| {
                field.read_rest(source)?;
                Ok(more)
            });
            checksum.update(&field.bytes);
            if !read? {
                return Ok(());
            }
            folding.add(&field.bytes)?;
        }
    };
    let folded = fold().or_else(|error| {
        io::copy(source, &mut checksum)?;
        Err(error)
    });
    (checksum, folded)
}

/// A field of a message as it stands in the stream, key and all.
#[derive(Debug)]
struct Field {
    number: u32,
    wire_type: WireType,
    /// How many bytes of it follow.
    length: u64,
    bytes: Vec<u8>,
}

impl Default for Field {
    fn default() -> Self {
        Self {
            number: 0,
            wire_type: WireType::Varint,
            length: 0,
            bytes: Vec::new(),
        }
    }
}

impl Field {
    /// Reads the key, and what says how long the value is; no at the end of the stream.
    fn begin(&mut self, source: &mut impl BufRead) -> Result<bool, DecodeError> {
        self.bytes.clear();
        self.length = 0;
        if source.fill_buf()?.is_empty() {
            return Ok(false);
        }
        self.varint(source)?;
        (self.number, self.wire_type) = decode_key(&mut self.bytes.as_slice())?;
        self.length = match self.wire_type {
            WireType::Varint => {
                self.varint(source)?;
                0
            }
            WireType::SixtyFourBit => 8,
            WireType::ThirtyTwoBit => 4,
            WireType::LengthDelimited => self.varint(source)?,
            WireType::StartGroup | WireType::EndGroup => {
                return Err(DecodeError::Illegal("group"));
            }
        };
        Ok(true)
    }

    /// A number that claims to be longer than any is not read on.
    fn varint(&mut self, source: &mut impl BufRead) -> Result<u64, DecodeError> {
        let begun = self.bytes.len();
        loop {
            let mut byte = [0];
            source.read_exact(&mut byte)?;
            self.bytes.push(byte[0]);
            if byte[0] < 0x80 || self.bytes.len() - begun == 10 {
                return Ok(decode_varint(&mut &self.bytes[begun..])?);
            }
        }
    }

    fn read_rest(&mut self, source: &mut impl BufRead) -> Result<(), DecodeError> {
        let read = source.by_ref().take(self.length);
        let read = io::copy(&mut { read }, &mut self.bytes)?;
        if read < self.length {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        Ok(())
    }
}

#[cfg(test)]
pub(crate) fn seal_snapshot(state: &State, applied: &AppliedAt) -> Vec<u8> {
    let mut bytes = Vec::new();
    let written: Result<Frame, std::convert::Infallible> =
        write_snapshot(state, applied, |piece| {
            bytes.extend_from_slice(piece);
            Ok(())
        });
    let Ok(frame) = written;
    [frame.before, bytes, frame.after].concat()
}

#[cfg(test)]
pub(crate) fn open_snapshot(bytes: &[u8]) -> Result<(State, AppliedAt), DecodeError> {
    read_snapshot(bytes)
}
