//! What the disk can do and refuse in interesting ways, as a seam.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

/// Writing, syncing and how much space there is; tests pass one that runs full.
pub(crate) trait Disk: Send + fmt::Debug {
    fn write(&mut self, file: &File, bytes: &[u8], at: u64) -> io::Result<()>;
    fn sync(&mut self, file: &File) -> io::Result<()>;
    /// Bytes that are free on the disk of a file.
    fn free(&mut self, file: &File) -> io::Result<u64>;
}

/// The real one.
#[derive(Debug)]
pub(crate) struct Real;

impl Disk for Real {
    fn write(&mut self, file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
        file.write_all_at(bytes, at)
    }

    fn sync(&mut self, file: &File) -> io::Result<()> {
        file.sync_data()
    }

    fn free(&mut self, file: &File) -> io::Result<u64> {
        let disk = rustix::fs::fstatvfs(file)?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }
}
