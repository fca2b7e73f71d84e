//! What the file is kept on, and where work on it runs.

use std::fmt::Debug;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use redb::{Database, DatabaseError, StorageBackend};

/// What the control log is kept on.
#[derive(Debug, Clone, Default)]
pub enum Disk {
    /// A file in the directory of the settings. Work on it runs on the blocking pool: a sync takes
    /// milliseconds, and data-plane tasks may share the runtime.
    #[default]
    File,
    /// Something in memory. Work on it runs at once in the task that asks, so that nothing depends on threads.
    Given(Arc<dyn Medium>),
}

/// A disk that is not one: what a simulation keeps the log on.
pub trait Medium: StorageBackend {
    /// How long the next sync takes; asked before each.
    fn sync_takes(&self) -> Duration;
}

impl Disk {
    /// Makes room for the file.
    pub(crate) fn prepare(&self, dir: &Path) -> io::Result<()> {
        match self {
            Self::File => std::fs::create_dir_all(dir),
            Self::Given(_) => Ok(()),
        }
    }

    /// Opens `file`, or makes it.
    pub(super) fn open(&self, file: &Path) -> Result<Database, DatabaseError> {
        match self {
            Self::File => Database::create(file),
            Self::Given(medium) => {
                Database::builder().create_with_backend(Shared(Arc::clone(medium)))
            }
        }
    }

    /// Runs work that may wait for the disk.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        match self {
            Self::File => tokio::task::spawn_blocking(work)
                .await
                .map_err(io::Error::other)?,
            Self::Given(_) => work(),
        }
    }

    pub(super) async fn wait_for_sync(&self) {
        if let Self::Given(medium) = self {
            tokio::time::sleep(medium.sync_takes()).await;
        }
    }
}

/// Redb wants a medium of its own.
#[derive(Debug)]
struct Shared(Arc<dyn Medium>);

impl StorageBackend for Shared {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.0.close()
    }
}
