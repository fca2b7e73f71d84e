//! Snapshots in the file, in pieces: written, sent and read without being held as a whole.
//!
//! The pieces of a snapshot share a slot. They are written while it is being made or received, without a sync, and count
//! for nothing until a row names their slot, in the same commit as what the snapshot is for. Slots that
//! nobody names any more are swept.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use prost::Message as _;
use redb::{Durability, ReadTransaction, ReadableTable as _, TableDefinition, WriteTransaction};
use takt_domain::State;
use takt_wire::takt::control::log::v1 as stored;

use super::{SEALED, Store, VALUES, corrupt, put_value};
use crate::codec;
use crate::past::named_slots;
use crate::types::AppliedAt;

/// Bytes of a snapshot by slot and number.
pub(crate) const PIECES: TableDefinition<'_, (u64, u64), &[u8]> = TableDefinition::new("pieces");
pub(crate) const PIECE_BYTES: usize = 1 << 20;

/// The slots that somebody writes or reads, which are not to be swept.
#[derive(Debug, Default)]
pub(super) struct Slots {
    next: u64,
    held: BTreeMap<u64, u32>,
}

/// Keeps a slot from being swept.
#[derive(Debug)]
struct Hold {
    slots: Arc<Mutex<Slots>>,
    slot: u64,
}

impl Hold {
    fn of(slots: &Arc<Mutex<Slots>>, held: &mut MutexGuard<'_, Slots>, slot: u64) -> Arc<Self> {
        *held.held.entry(slot).or_default() += 1;
        let slots = Arc::clone(slots);
        Arc::new(Self { slots, slot })
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut slots = self.slots.lock();
        if let Some(count) = slots.held.get_mut(&self.slot) {
            *count -= 1;
            if *count == 0 {
                slots.held.remove(&self.slot);
            }
        }
    }
}

/// A whole snapshot in the file. While there is a clone of this it stays.
#[derive(Debug, Clone)]
pub(crate) struct Sealed {
    store: Store,
    hold: Arc<Hold>,
    pub(crate) pieces: u64,
    pub(crate) bytes: u64,
    /// Where in the log it stands.
    pub(crate) applied: AppliedAt,
}

impl Sealed {
    /// What a row says that names it.
    pub(crate) fn named(&self) -> Vec<u8> {
        let named = stored::SealedSnapshot {
            slot: self.hold.slot,
            pieces: self.pieces,
            bytes: self.bytes,
            applied: Some(codec::applied_to(&self.applied)),
        };
        named.encode_to_vec()
    }

    /// One piece of it. Blocks.
    pub(crate) fn piece(&self, number: u64) -> io::Result<Vec<u8>> {
        let slot = self.hold.slot;
        let found = self.store.read_now(|txn| piece(txn, slot, number))?;
        found.ok_or_else(|| missing(slot, number))
    }

    /// All of it, piece by piece. Blocks.
    pub(crate) fn reader(&self) -> impl Read + '_ {
        Pieces::new(self.pieces, |number| self.piece(number))
    }

    /// The same on whatever the file is kept on.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let sealed = self.clone();
        self.store.disk.run(move || work(&sealed)).await
    }
}

/// The bytes of a snapshot that a row names, as the transaction sees them.
pub(crate) fn reader<'a>(txn: &'a ReadTransaction, named: &[u8]) -> io::Result<impl Read + 'a> {
    let named = stored::SealedSnapshot::decode(named).map_err(corrupt)?;
    Ok(Pieces::new(named.pieces, move |number| {
        let found = piece(txn, named.slot, number).map_err(io::Error::other)?;
        found.ok_or_else(|| missing(named.slot, number))
    }))
}

/// Which slot a row names.
pub(crate) fn slot_of(named: &[u8]) -> io::Result<u64> {
    let named = stored::SealedSnapshot::decode(named).map_err(corrupt)?;
    Ok(named.slot)
}

fn piece(txn: &ReadTransaction, slot: u64, number: u64) -> Result<Option<Vec<u8>>, redb::Error> {
    let table = txn.open_table(PIECES)?;
    let piece = table.get((slot, number))?;
    Ok(piece.map(|piece| piece.value().to_vec()))
}

fn missing(slot: u64, number: u64) -> io::Error {
    let text = format!("piece {number} of snapshot {slot} is missing");
    io::Error::new(io::ErrorKind::InvalidData, text)
}

struct Pieces<F> {
    get: F,
    next: u64,
    count: u64,
    piece: io::Cursor<Vec<u8>>,
}

impl<F: FnMut(u64) -> io::Result<Vec<u8>>> Pieces<F> {
    fn new(count: u64, get: F) -> Self {
        Self {
            get,
            next: 0,
            count,
            piece: io::Cursor::default(),
        }
    }
}

impl<F: FnMut(u64) -> io::Result<Vec<u8>>> Read for Pieces<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.piece.read(buffer)?;
            if read > 0 || buffer.is_empty() || self.next == self.count {
                return Ok(read);
            }
            self.piece = io::Cursor::new((self.get)(self.next)?);
            self.next += 1;
        }
    }
}

/// A snapshot that is being written. Blocks.
#[derive(Debug)]
pub(crate) struct Sealing {
    store: Store,
    hold: Arc<Hold>,
    waiting: Vec<u8>,
    pieces: u64,
    bytes: u64,
}

impl Sealing {
    pub(crate) fn begin(store: &Store) -> Self {
        let mut slots = store.slots.lock();
        let slot = slots.next;
        slots.next += 1;
        let hold = Hold::of(&store.slots, &mut slots, slot);
        drop(slots);
        Self {
            store: store.clone(),
            hold,
            waiting: Vec::new(),
            pieces: 0,
            bytes: 0,
        }
    }

    pub(crate) fn add(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() >= PIECE_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        let piece = std::mem::take(&mut self.waiting);
        self.put(self.pieces, &piece)?;
        self.pieces += 1;
        Ok(())
    }

    fn put(&mut self, number: u64, piece: &[u8]) -> io::Result<()> {
        self.bytes += piece.len() as u64;
        let slot = self.hold.slot;
        self.store.write_now(Durability::None, |txn| {
            let mut table = txn.open_table(PIECES)?;
            table.insert((slot, number), piece)?;
            Ok(())
        })
    }

    pub(crate) fn finish(mut self, applied: AppliedAt) -> io::Result<Sealed> {
        if !self.waiting.is_empty() {
            self.flush()?;
        }
        Ok(Sealed {
            store: self.store,
            hold: self.hold,
            pieces: self.pieces,
            bytes: self.bytes,
            applied,
        })
    }
}

impl Store {
    /// Writes a snapshot of a state, which nobody names yet. Blocks.
    pub(crate) fn seal(&self, state: &State, applied: &AppliedAt) -> io::Result<Sealed> {
        let mut sealing = Sealing::begin(self);
        // What stands before the state is known last, and has a place of its own.
        sealing.pieces = 1;
        let frame = codec::write_snapshot(state, applied, |bytes| sealing.add(bytes))?;
        sealing.add(&frame.after)?;
        sealing.put(0, &frame.before)?;
        sealing.finish(applied.clone())
    }

    /// The snapshot to start from, if there is one. Blocks.
    pub(crate) fn sealed(&self) -> io::Result<Option<Sealed>> {
        loop {
            let Some(named) = self.value_now(SEALED)? else {
                return Ok(None);
            };
            let slot = slot_of(&named)?;
            let hold = Hold::of(&self.slots, &mut self.slots.lock(), slot);
            // It may have been swept just before it was held; then another is named by now.
            if self.value_now(SEALED)?.as_deref() != Some(named.as_slice()) {
                continue;
            }
            let named = stored::SealedSnapshot::decode(named.as_slice()).map_err(corrupt)?;
            let applied = named.applied.unwrap_or_default();
            return Ok(Some(Sealed {
                store: self.clone(),
                hold,
                pieces: named.pieces,
                bytes: named.bytes,
                applied: codec::applied_from(applied).map_err(corrupt)?,
            }));
        }
    }

    /// Frees the slots that nobody names or holds. Blocks.
    pub(crate) fn sweep(&self) -> io::Result<()> {
        let slots = self.slots.lock();
        self.write_now(Durability::None, |txn| {
            let mut wanted: BTreeSet<u64> = slots.held.keys().copied().collect();
            wanted.extend(named_slots(txn)?);
            if let Some(named) = txn.open_table(VALUES)?.get(SEALED)? {
                wanted.insert(slot_of(named.value())?);
            }
            let mut table = txn.open_table(PIECES)?;
            let mut from = 0;
            while let Some(slot) = first_slot(&table, from)? {
                if !wanted.contains(&slot) {
                    table.retain_in((slot, 0)..=(slot, u64::MAX), |_, _| false)?;
                }
                from = slot + 1;
            }
            Ok(())
        })
    }

    /// Slots are numbered on from the largest there is.
    pub(super) fn number_slots(&self) -> io::Result<()> {
        let last = self.read_now(|txn| {
            let table = txn.open_table(PIECES)?;
            Ok(table.last()?.map(|(key, _)| key.value().0))
        })?;
        self.slots.lock().next = last.map_or(0, |last| last + 1);
        Ok(())
    }
}

fn first_slot(
    table: &impl redb::ReadableTable<(u64, u64), &'static [u8]>,
    from: u64,
) -> Result<Option<u64>, redb::Error> {
    let first = table.range((from, 0)..)?.next().transpose()?;
    Ok(first.map(|(key, _)| key.value().0))
}

/// Takes over a snapshot that an earlier version wrote in one row.
pub(crate) fn adopt(store: &Store, whole: &[u8]) -> io::Result<Sealed> {
    let snapshot = stored::Snapshot::decode(whole).map_err(corrupt)?;
    let applied = snapshot.applied.unwrap_or_default();
    let mut sealing = Sealing::begin(store);
    for piece in whole.chunks(PIECE_BYTES) {
        sealing.add(piece)?;
    }
    sealing.finish(codec::applied_from(applied).map_err(corrupt)?)
}

/// The row of the snapshot to start from.
pub(crate) fn name(txn: &WriteTransaction, sealed: &Sealed) -> Result<(), redb::Error> {
    put_value(txn, SEALED, &sealed.named())
}

#[cfg(test)]
mod tests;
