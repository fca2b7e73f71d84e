//! The disk of a node: a small tmpfs that can be filled up, under syncs that can be made slow.
//!
//! Syncs are slowed inside the process, by a library that is loaded before libc's: a limit of a control group
//! counts bytes of a block device and not syncs, and `dm-delay` is a module that most machines do not have.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::room::{run, told};

/// Enough for what a run writes; filled within a moment.
const SIZE: &str = "size=96m";
const SLOW_SYNC: &str = include_str!("slow_sync.c");

#[derive(Debug)]
pub(super) struct Disk {
    dir: PathBuf,
    /// Milliseconds that a sync waits.
    wait: PathBuf,
}

impl Disk {
    /// # Errors
    /// When nothing can be mounted there.
    pub(super) fn mount(dir: PathBuf, wait: PathBuf) -> anyhow::Result<Self> {
        fs::create_dir_all(&dir)?;
        let at = dir.to_string_lossy();
        run("mount", &["-t", "tmpfs", "-o", SIZE, "tmpfs", &at])?;
        let disk = Self { dir, wait };
        disk.sync_within(0)?;
        Ok(disk)
    }

    pub(super) fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    /// Where the control log is.
    pub(super) fn log(&self) -> PathBuf {
        self.data().join("control")
    }

    /// For the environment of the server.
    pub(super) fn wait_file(&self) -> &Path {
        &self.wait
    }

    /// Every sync takes at least so long.
    pub(super) fn sync_within(&self, milliseconds: u64) -> anyhow::Result<()> {
        // Renamed, so that nobody reads half a number.
        let next = self.wait.with_extension("next");
        fs::write(&next, milliseconds.to_string())?;
        fs::rename(next, &self.wait).context("making syncs slow")
    }

    /// Takes every byte that is left.
    pub(super) fn fill(&self) -> anyhow::Result<()> {
        let mut ballast = File::create(self.ballast())?;
        for size in [1 << 20, 1 << 12, 1] {
            let piece = vec![0; size];
            loop {
                match ballast.write_all(&piece) {
                    Ok(()) => {}
                    Err(error) if error.kind() == ErrorKind::StorageFull => break,
                    Err(error) => return Err(error).context("filling a disk"),
                }
            }
        }
        Ok(())
    }

    pub(super) fn is_full(&self) -> bool {
        self.ballast().exists()
    }

    pub(super) fn make_room(&self) -> anyhow::Result<()> {
        match fs::remove_file(self.ballast()) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Everything on it is lost.
    pub(super) fn wipe(&self) -> anyhow::Result<()> {
        fs::remove_dir_all(self.data()).context("wiping a disk")
    }

    fn ballast(&self) -> PathBuf {
        self.dir.join("ballast")
    }
}

/// Builds the library with the slow syncs; where it is.
///
/// # Errors
/// When there is no C compiler that can.
pub(super) fn slow_sync(dir: &Path) -> anyhow::Result<PathBuf> {
    let library = dir.join("slow_sync.so");
    let to = library.to_string_lossy();
    let arguments = ["-shared", "-fPIC", "-O1", "-o", &to, "-x", "c", "-", "-ldl"];
    told("cc", &arguments, SLOW_SYNC)?;
    Ok(library)
}
