//! The redb file: one table for the Raft log, one for the applied batches, one for single values.

mod behind;
mod disk;
mod log;
mod pieces;

use std::io;
use std::path::Path;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use redb::{
    Database, Durability, ReadTransaction, ReadableDatabase as _, TableDefinition, WriteTransaction,
};

pub(crate) use behind::Row;
pub use disk::{Disk, Medium};
#[cfg(test)]
pub(crate) use pieces::PIECE_BYTES;
pub(crate) use pieces::{Sealed, Sealing, adopt, name, reader, slot_of};

use behind::Behind;
use pieces::{PIECES, Slots};

/// Entry by index.
pub(crate) const LOG: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("log");
/// Applied batch by the revision after it.
pub(crate) const HISTORY: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("history");
/// Single values by the names below.
pub(crate) const VALUES: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("values");

pub(crate) const NODE: &str = "node";
pub(crate) const IDENTITY: &str = "identity";
pub(crate) const VOTE: &str = "vote";
pub(crate) const PURGED: &str = "purged";
pub(crate) const APPLIED: &str = "applied";
/// Where versions before this one kept the snapshot, in one row.
pub(crate) const SNAPSHOT: &str = "snapshot";
/// Which pieces are the snapshot.
pub(crate) const SEALED: &str = "sealed";

/// Clones share the file, until it is closed.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    database: Arc<RwLock<Option<Database>>>,
    disk: Disk,
    behind: Arc<Behind>,
    slots: Arc<Mutex<Slots>>,
}

impl Store {
    /// Opens the file or makes it. `None` when another process has it.
    pub(crate) fn open(disk: Disk, file: &Path) -> io::Result<Option<Self>> {
        let database = match disk.open(file) {
            Ok(database) => database,
            Err(redb::DatabaseError::DatabaseAlreadyOpen) => return Ok(None),
            Err(other) => return Err(io::Error::other(other)),
        };
        let database = Arc::new(RwLock::new(Some(database)));
        let store = Self {
            database,
            disk,
            behind: Arc::default(),
            slots: Arc::default(),
        };
        store.write_now(Durability::Immediate, |txn| {
            txn.open_table(LOG)?;
            txn.open_table(HISTORY)?;
            txn.open_table(VALUES)?;
            txn.open_table(PIECES)?;
            Ok(())
        })?;
        store.number_slots()?;
        Ok(Some(store))
    }

    /// Lets go of the file, so that another process can open it, when the work in progress is done.
    /// Clones that are still around get an error from now on.
    pub(crate) async fn close(&self) -> io::Result<()> {
        let finished = self.finish().await;
        let store = self.clone();
        self.disk
            .run(move || {
                drop(store.database.write().take());
                Ok(())
            })
            .await?;
        finished
    }

    /// What it is kept on.
    pub(crate) fn disk(&self) -> &Disk {
        &self.disk
    }

    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&ReadTransaction) -> Result<T, redb::Error> + Send + 'static,
    ) -> io::Result<T> {
        let store = self.clone();
        self.disk.run(move || store.read_now(work)).await
    }

    /// Commits all of `work` or nothing, after everything that was appended and applied before; with
    /// [`Durability::Immediate`] it is synced when this returns.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        durability: Durability,
        work: impl FnOnce(&WriteTransaction) -> Result<T, redb::Error> + Send + 'static,
    ) -> io::Result<T> {
        self.settled().await?;
        self.commit(durability, work).await
    }

    async fn commit<T: Send + 'static>(
        &self,
        durability: Durability,
        work: impl FnOnce(&WriteTransaction) -> Result<T, redb::Error> + Send + 'static,
    ) -> io::Result<T> {
        if matches!(durability, Durability::Immediate) {
            self.disk.wait_for_sync().await;
        }
        let store = self.clone();
        self.disk
            .run(move || store.write_now(durability, work))
            .await
    }

    pub(crate) fn read_now<T>(
        &self,
        work: impl FnOnce(&ReadTransaction) -> Result<T, redb::Error>,
    ) -> io::Result<T> {
        let open = self.database.read();
        let database = open.as_ref().ok_or_else(closed)?;
        let run = || work(&database.begin_read()?);
        run().map_err(io::Error::other)
    }

    pub(crate) fn write_now<T>(
        &self,
        durability: Durability,
        work: impl FnOnce(&WriteTransaction) -> Result<T, redb::Error>,
    ) -> io::Result<T> {
        let open = self.database.read();
        let database = open.as_ref().ok_or_else(closed)?;
        let run = || {
            let mut txn = database.begin_write()?;
            txn.set_durability(durability)?;
            let done = work(&txn)?;
            txn.commit()?;
            Ok::<T, redb::Error>(done)
        };
        run().map_err(io::Error::other)
    }

    pub(crate) fn value_now(&self, name: &'static str) -> io::Result<Option<Vec<u8>>> {
        self.read_now(|txn| value(txn, name))
    }

    pub(crate) async fn value(&self, name: &'static str) -> io::Result<Option<Vec<u8>>> {
        self.read(move |txn| value(txn, name)).await
    }
}

fn value(txn: &ReadTransaction, name: &str) -> Result<Option<Vec<u8>>, redb::Error> {
    let table = txn.open_table(VALUES)?;
    Ok(table.get(name)?.map(|guard| guard.value().to_vec()))
}

pub(crate) fn put_value(
    txn: &WriteTransaction,
    name: &str,
    bytes: &[u8],
) -> Result<(), redb::Error> {
    txn.open_table(VALUES)?.insert(name, bytes)?;
    Ok(())
}

fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "the control log is closed")
}

#[cfg(test)]
mod tests;

pub(crate) fn corrupt(error: impl std::error::Error + Send + Sync + 'static) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
