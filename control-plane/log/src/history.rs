//! The applied batches, newest first: all of them, or those about one thing.
//!
//! An index beside the history says which batches are about what, so that asking for one thing costs what
//! is answered. It follows from the history alone and is written and forgotten with it; a file without one
//! gets it when it is opened.

use std::collections::BTreeSet;
use std::io;

use prost::Message as _;
use redb::{
    Durability, ReadTransaction, ReadableTable as _, TableDefinition, TableError, WriteTransaction,
};
use takt_domain::{Batch, Subject};
use takt_model::Revision;
use takt_wire::takt::control::log::v1 as stored;

use crate::codec;
use crate::handle::{Handle, ReadError, Recorded};
use crate::store::{HISTORY, Store, corrupt};

/// What a batch is about and the revision after it.
const SUBJECTS: TableDefinition<'_, (&[u8], u64), ()> = TableDefinition::new("subjects");

/// How many rows of an index that is made anew are held in memory and sorted: about 100 MB.
const RUN: usize = 1 << 20;

impl Handle {
    /// The decisions that ended before a revision, newest first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn before(&self, before: Revision, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        self.recorded(move |txn| {
            let table = txn.open_table(HISTORY)?;
            let newest = table.range(..before.0)?.rev().take(limit);
            newest.map(|entry| Ok(entry?.1.value().to_vec())).collect()
        })
        .await
    }

    /// The same, of those that have an event about `subject`.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn about(
        &self,
        subject: &Subject,
        before: Revision,
        limit: usize,
    ) -> Result<Vec<Recorded>, ReadError> {
        let key = key(subject);
        self.recorded(move |txn| {
            let Some(index) = subjects(txn)? else {
                return Ok(Vec::new());
            };
            let table = txn.open_table(HISTORY)?;
            let range = (key.as_slice(), 0)..(key.as_slice(), before.0);
            let mut batches = Vec::new();
            for entry in index.range(range)?.rev().take(limit) {
                let (_, revision) = entry?.0.value();
                if let Some(batch) = table.get(revision)? {
                    batches.push(batch.value().to_vec());
                }
            }
            Ok(batches)
        })
        .await
    }

    async fn recorded(
        &self,
        read: impl FnOnce(&ReadTransaction) -> Result<Vec<Vec<u8>>, redb::Error> + Send + 'static,
    ) -> Result<Vec<Recorded>, ReadError> {
        self.store.settled().await?;
        let batches = self.store.read(read).await?;
        let recorded = batches.iter().map(|bytes| decode(bytes).map(record));
        Ok(recorded.collect::<io::Result<_>>()?)
    }
}

type Subjects = redb::ReadOnlyTable<(&'static [u8], u64), ()>;

/// There is no such table before the first batch.
fn subjects(txn: &ReadTransaction) -> Result<Option<Subjects>, redb::Error> {
    match txn.open_table(SUBJECTS) {
        Ok(table) => Ok(Some(table)),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(other) => Err(other.into()),
    }
}

fn decode(bytes: &[u8]) -> io::Result<Batch> {
    let batch = stored::Batch::decode(bytes).map_err(corrupt)?;
    codec::batch_from(batch).map_err(corrupt)
}

fn record(batch: Batch) -> Recorded {
    Recorded {
        revision: Revision(batch.decided_at.0 + batch.events.len() as u64),
        batch,
    }
}

/// What the events of a batch are about, as the index has it.
pub(crate) fn keys(batch: &Batch) -> BTreeSet<Vec<u8>> {
    let subjects = batch.events.iter().map(takt_domain::Event::subject);
    subjects.map(|subject| key(&subject)).collect()
}

/// Kind, tenant and name; none of the first two contains a zero byte.
fn key(subject: &Subject) -> Vec<u8> {
    let tenant = subject.tenant.as_ref().map_or("", |tenant| tenant.as_str());
    [subject.resource.name(), tenant, &subject.name]
        .join("\0")
        .into_bytes()
}

/// Enters a batch that goes into the history in the same transaction.
pub(crate) fn index<'a>(
    txn: &WriteTransaction,
    batches: impl IntoIterator<Item = (u64, &'a BTreeSet<Vec<u8>>)>,
) -> Result<(), redb::Error> {
    let mut table = txn.open_table(SUBJECTS)?;
    for (revision, keys) in batches {
        for key in keys {
            table.insert((key.as_slice(), revision), ())?;
        }
    }
    Ok(())
}

/// Forgets the batches up to a revision.
pub(crate) fn forget(txn: &WriteTransaction, up_to: Revision) -> Result<(), redb::Error> {
    let mut history = txn.open_table(HISTORY)?;
    let mut index = txn.open_table(SUBJECTS)?;
    for entry in history.range(..=up_to.0)? {
        let (revision, bytes) = entry?;
        let batch = decode(bytes.value()).map_err(redb::Error::Io)?;
        for key in keys(&batch) {
            index.remove((key.as_slice(), revision.value()))?;
        }
    }
    history.retain_in(..=up_to.0, |_, _| false)?;
    Ok(())
}

/// Forgets all batches.
pub(crate) fn forget_all(txn: &WriteTransaction) -> Result<(), redb::Error> {
    txn.open_table(HISTORY)?.retain(|_, _| false)?;
    txn.delete_table(SUBJECTS)?;
    Ok(())
}

/// Makes the index of a file that has none.
pub(crate) fn index_if_missing(store: &Store) -> io::Result<()> {
    if store.read_now(|txn| Ok(subjects(txn)?.is_some()))? {
        return Ok(());
    }
    // In one transaction, so that there is a whole index or none.
    store.write_now(Durability::Immediate, |txn| {
        let history = txn.open_table(HISTORY)?;
        let mut run = Vec::new();
        for entry in history.iter()? {
            let (revision, bytes) = entry?;
            let batch = decode(bytes.value()).map_err(redb::Error::Io)?;
            run.extend(keys(&batch).into_iter().map(|key| (key, revision.value())));
            if run.len() >= RUN {
                index_run(txn, &mut run)?;
            }
        }
        index_run(txn, &mut run)
    })
}

/// In order, so that each page is written once and not once for each of its rows.
fn index_run(txn: &WriteTransaction, run: &mut Vec<(Vec<u8>, u64)>) -> Result<(), redb::Error> {
    run.sort_unstable();
    let mut table = txn.open_table(SUBJECTS)?;
    for (key, revision) in run.drain(..) {
        table.insert((key.as_slice(), revision), ())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
