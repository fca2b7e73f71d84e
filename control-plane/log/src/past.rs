//! The state as it was at a revision: the newest checkpoint before it, and the history from there on.
//!
//! A checkpoint is a snapshot that is kept beside the history. History is forgotten only up to a
//! checkpoint, so every revision from the oldest one on can be brought back.

use std::io;
use std::sync::Arc;

use prost::Message as _;
use redb::{Durability, ReadTransaction, ReadableTable as _, TableDefinition, WriteTransaction};
use takt_domain::{Applied, State};
use takt_model::Revision;

use crate::codec;
use crate::handle::Handle;
use crate::history;
use crate::machine::since;
use crate::pace::Since;
use crate::store::{SNAPSHOT, Sealed, Store, VALUES, adopt, corrupt, name, reader, slot_of};

/// Which pieces are the snapshot of a revision.
const KEPT: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("kept");
/// Where versions before this one kept them, each in one row.
const CHECKPOINTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("checkpoints");
/// There are about this many checkpoints in the history that is kept.
const CHECKPOINTS_KEPT: u64 = 4;
/// How many batches are held in memory at once on the way to a revision.
const REPLAY_STEP: usize = 10_000;

/// Why a state cannot be brought back.
#[derive(Debug, thiserror::Error)]
pub enum PastError {
    #[error("revision `{asked}` has not happened yet; the newest is `{current}`")]
    Future { asked: Revision, current: Revision },
    #[error("revision `{asked}` is forgotten; the oldest that is kept is `{oldest}`")]
    Forgotten { asked: Revision, oldest: Revision },
    #[error("the log file cannot be read")]
    Storage(#[from] io::Error),
}

impl Handle {
    /// The state after the last decision that ended at or before `revision`.
    ///
    /// # Errors
    /// When that is in the future, or was forgotten.
    pub async fn state_at(&self, revision: Revision) -> Result<Arc<State>, PastError> {
        let now = self.state();
        if revision == now.revision {
            return Ok(now);
        }
        if revision > now.revision {
            return Err(PastError::Future {
                asked: revision,
                current: now.revision,
            });
        }
        let store = self.store.clone();
        let disk = store.disk().clone();
        let state = disk.run(move || Ok(bring_back(&store, revision))).await??;
        Ok(Arc::new(state))
    }
}

fn bring_back(store: &Store, asked: Revision) -> Result<State, PastError> {
    let mut state = base(store, asked)?;
    loop {
        let batches = since(store, state.revision, REPLAY_STEP)?;
        let last = batches.len() < REPLAY_STEP;
        for batch in batches {
            if batch.decided_at != state.revision {
                let oldest = oldest(store)?;
                return Err(PastError::Forgotten { asked, oldest });
            }
            if batch.decided_at.0 + batch.events.len() as u64 > asked.0 {
                return Ok(state);
            }
            if !matches!(state.apply(&batch), Applied::At(_)) {
                return Err(hole(state.revision).into());
            }
        }
        if last {
            return Ok(state);
        }
    }
}

/// Folds everything that is kept after the revision of `state`.
pub(crate) fn replay(store: &Store, state: &mut State) -> io::Result<Since> {
    let mut folded = Since::default();
    loop {
        let batches = since(store, state.revision, REPLAY_STEP)?;
        let last = batches.len() < REPLAY_STEP;
        for batch in batches {
            folded.entries += 1;
            folded.bytes += codec::batch_to(&batch).encoded_len() as u64;
            if !matches!(state.apply(&batch), Applied::At(_)) {
                return Err(hole(state.revision));
            }
        }
        if last {
            return Ok(folded);
        }
    }
}

/// Where replaying begins: a checkpoint, or nothing at all.
fn base(store: &Store, asked: Revision) -> io::Result<State> {
    store.read_now(|txn| {
        let Some(table) = checkpoints(txn)? else {
            return Ok(State::default());
        };
        let Some(newest) = table.range(..=asked.0)?.next_back().transpose()? else {
            return Ok(State::default());
        };
        let bytes = reader(txn, newest.1.value())?;
        Ok(codec::read_snapshot(bytes).map_err(corrupt)?.0)
    })
}

/// The oldest revision that can be brought back.
fn oldest(store: &Store) -> io::Result<Revision> {
    store.read_now(|txn| {
        let checkpoint = match checkpoints(txn)? {
            Some(table) => table.first()?.map(|(revision, _)| revision.value()),
            None => None,
        };
        Ok(Revision(checkpoint.unwrap_or(0)))
    })
}

/// A file that never saw a snapshot has no such table.
fn checkpoints(
    txn: &ReadTransaction,
) -> Result<Option<redb::ReadOnlyTable<u64, &'static [u8]>>, redb::Error> {
    match txn.open_table(KEPT) {
        Ok(table) => Ok(Some(table)),
        Err(redb::TableError::TableDoesNotExist(_)) => Ok(None),
        Err(other) => Err(other.into()),
    }
}

/// Takes note of a new snapshot, and forgets checkpoints and history that are older than wanted.
pub(crate) fn keep(
    txn: &WriteTransaction,
    revision: Revision,
    sealed: &Sealed,
    history_keep: u64,
) -> Result<(), redb::Error> {
    let mut table = txn.open_table(KEPT)?;
    let newest = table.last()?.map(|(revision, _)| revision.value());
    let apart = (history_keep / CHECKPOINTS_KEPT).max(1);
    if newest.is_none_or(|newest| revision.0 >= newest + apart) {
        table.insert(revision.0, sealed.named().as_slice())?;
    }
    let wanted = revision.0.saturating_sub(history_keep);
    let floor = table.range(..=wanted)?.next_back().transpose()?;
    let Some(floor) = floor.map(|(revision, _)| revision.value()) else {
        return Ok(());
    };
    table.retain_in(..floor, |_, _| false)?;
    history::forget(txn, Revision(floor))
}

/// Forgets everything and begins with a snapshot that came from elsewhere.
pub(crate) fn begin_with(
    txn: &WriteTransaction,
    revision: Revision,
    sealed: &Sealed,
) -> Result<(), redb::Error> {
    history::forget_all(txn)?;
    let mut table = txn.open_table(KEPT)?;
    table.retain(|_, _| false)?;
    table.insert(revision.0, sealed.named().as_slice())?;
    Ok(())
}

pub(crate) fn hole(after: Revision) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("history has a hole after revision {}", after.0),
    )
}

/// The oldest checkpoint, if there is one: its revision, and the row that names its pieces.
pub(crate) fn oldest_checkpoint(
    txn: &ReadTransaction,
) -> Result<Option<(u64, Vec<u8>)>, redb::Error> {
    let Some(table) = checkpoints(txn)? else {
        return Ok(None);
    };
    let oldest = table.first()?;
    Ok(oldest.map(|(revision, sealed)| (revision.value(), sealed.value().to_vec())))
}

/// The slots of all checkpoints.
pub(crate) fn named_slots(txn: &WriteTransaction) -> Result<Vec<u64>, redb::Error> {
    let mut slots = Vec::new();
    for row in txn.open_table(KEPT)?.iter()? {
        slots.push(slot_of(row?.1.value())?);
    }
    Ok(slots)
}

/// Brings a file into the present form in which snapshots stood in one row each.
pub(crate) fn adopt_snapshots(store: &Store) -> io::Result<()> {
    if let Some(whole) = store.value_now(SNAPSHOT)? {
        let sealed = adopt(store, &whole)?;
        store.write_now(Durability::Immediate, |txn| {
            name(txn, &sealed)?;
            txn.open_table(VALUES)?.remove(SNAPSHOT)?;
            Ok(())
        })?;
    }
    while let Some((revision, whole)) = old_checkpoint(store)? {
        let sealed = adopt(store, &whole)?;
        store.write_now(Durability::Immediate, |txn| {
            let mut table = txn.open_table(KEPT)?;
            table.insert(revision, sealed.named().as_slice())?;
            txn.open_table(CHECKPOINTS)?.remove(revision)?;
            Ok(())
        })?;
    }
    Ok(())
}

fn old_checkpoint(store: &Store) -> io::Result<Option<(u64, Vec<u8>)>> {
    store.read_now(|txn| {
        let table = match txn.open_table(CHECKPOINTS) {
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
            table => table?,
        };
        let first = table.first()?;
        Ok(first.map(|(revision, whole)| (revision.value(), whole.value().to_vec())))
    })
}

#[cfg(test)]
mod tests;
