//! `journal`: what an acknowledgement means.

use std::path::{Path, PathBuf};
use std::time::Duration;

use takt_model::ByteSize;

use crate::config::fields::Fields;
use crate::config::value::words;

/// When a record is on disk before its sender hears of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fsync {
    Always,
    Interval,
    Never,
}

words!(Fsync, "`always`, `interval` or `never`": Fsync::Always = "always", Fsync::Interval = "interval", Fsync::Never = "never");

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Journal {
    pub(crate) dir: PathBuf,
    pub(crate) segment_bytes: ByteSize,
    pub(crate) fsync: Fsync,
    pub(crate) fsync_interval: Duration,
    pub(crate) queue_bytes: ByteSize,
}

impl Journal {
    pub(super) fn read(fields: &mut Fields<'_, '_, '_>, data: &Path) -> Self {
        fields.section("journal", "What is acknowledged is here first.", |fields| {
            let journal = Self {
                dir: fields.value_or("dir", data.join("journal"), "`journal` in `data_dir`", "Where the segments are."),
                segment_bytes: fields.value(
                    "segment_bytes",
                    "64MiB",
                    "When a new segment is begun; whole segments are deleted once their spans are in blocks.",
                ),
                fsync: fields.value(
                    "fsync",
                    "always",
                    "`always`: nothing acknowledged is ever lost. `interval`: a power failure loses at most `fsync_interval`. `never`: a power failure loses what the system had not written. A killed process loses nothing in any of the three.",
                ),
                fsync_interval: fields.value("fsync_interval", "1s", "How often to sync with `fsync: interval`; unused otherwise."),
                queue_bytes: fields.value(
                    "queue_bytes",
                    "64MiB",
                    "How much may wait for the disk before writes are refused with a retry hint.",
                ),
            };
            if journal.segment_bytes < ByteSize::mib(1) {
                fields.refuse("segment_bytes", format!("`{}` makes too many files: give at least 1MiB", journal.segment_bytes));
            }
            if journal.fsync == Fsync::Interval && journal.fsync_interval.is_zero() {
                fields.refuse("fsync_interval", "must be longer than zero; `fsync: always` syncs every time");
            }
            journal
        })
    }
}
