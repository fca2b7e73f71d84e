//! The state as it was at a revision: the newest checkpoint before it, and the history from there on.
//!
//! A checkpoint is a snapshot that is kept beside the history. History is forgotten only up to a
//! checkpoint, so every revision from the oldest one on can be brought back.

use std::io;
use std::sync::Arc;

use redb::{ReadTransaction, ReadableTable as _, TableDefinition, WriteTransaction};
use takt_domain::{Applied, State};
use takt_model::Revision;

use crate::codec;
use crate::handle::Handle;
use crate::history;
use crate::machine::since;
use crate::store::{Store, corrupt};

/// Sealed snapshot by its revision.
pub(crate) const CHECKPOINTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("checkpoints");
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

/// Where replaying begins: a checkpoint, or nothing at all.
fn base(store: &Store, asked: Revision) -> io::Result<State> {
    let sealed = store.read_now(|txn| {
        let Some(table) = checkpoints(txn)? else {
            return Ok(None);
        };
        let newest = table.range(..=asked.0)?.next_back().transpose()?;
        Ok(newest.map(|(_, sealed)| sealed.value().to_vec()))
    })?;
    match sealed {
        Some(sealed) => Ok(codec::open_snapshot(&sealed).map_err(corrupt)?.0),
        None => Ok(State::default()),
    }
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
    match txn.open_table(CHECKPOINTS) {
        Ok(table) => Ok(Some(table)),
        Err(redb::TableError::TableDoesNotExist(_)) => Ok(None),
        Err(other) => Err(other.into()),
    }
}

/// Takes note of a new snapshot, and forgets checkpoints and history that are older than wanted.
pub(crate) fn keep(
    txn: &WriteTransaction,
    revision: Revision,
    sealed: &[u8],
    history_keep: u64,
) -> Result<(), redb::Error> {
    let mut table = txn.open_table(CHECKPOINTS)?;
    let newest = table.last()?.map(|(revision, _)| revision.value());
    let apart = (history_keep / CHECKPOINTS_KEPT).max(1);
    if newest.is_none_or(|newest| revision.0 >= newest + apart) {
        table.insert(revision.0, sealed)?;
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
    sealed: &[u8],
) -> Result<(), redb::Error> {
    history::forget_all(txn)?;
    let mut table = txn.open_table(CHECKPOINTS)?;
    table.retain(|_, _| false)?;
    table.insert(revision.0, sealed)?;
    Ok(())
}

pub(crate) fn hole(after: Revision) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("history has a hole after revision {}", after.0),
    )
}

/// The oldest checkpoint as it is stored, if there is one.
pub(crate) fn oldest_checkpoint(txn: &ReadTransaction) -> Result<Option<Vec<u8>>, redb::Error> {
    let Some(table) = checkpoints(txn)? else {
        return Ok(None);
    };
    Ok(table.first()?.map(|(_, sealed)| sealed.value().to_vec()))
}

#[cfg(test)]
mod tests;
