//! The two operations of the disk that can fail in interesting ways, as a seam.

use std::fmt;
use std::fs::File;
use std::io::{self};
use std::os::unix::fs::FileExt as _;

/// Writing and syncing; tests pass one that runs full.
pub(crate) trait Disk: Send + fmt::Debug {
    fn write(&mut self, file: &File, bytes: &[u8], at: u64) -> io::Result<()>;
    fn sync(&mut self, file: &File) -> io::Result<()>;
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
}
