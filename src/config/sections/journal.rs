//! `journal`: what an acknowledgement means.

use std::path::Path;
use std::time::Duration;

use takt_journal::{Fsync, Settings};
use takt_model::ByteSize;

use crate::config::fields::Fields;
use crate::config::value::words;

/// [`Fsync`] as one word; the interval is a field of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Always,
    Interval,
    Never,
}

words!(When, "`always`, `interval` or `never`": When::Always = "always", When::Interval = "interval", When::Never = "never");

/// `largest` is the largest request that can come in; the journal takes every one of them.
pub(super) fn read(fields: &mut Fields<'_, '_, '_>, data: &Path, largest: ByteSize) -> Settings {
    fields.section("journal", "What is acknowledged is here first.", |fields| {
        let dir = fields.value_or("dir", data.join("journal"), "`journal` in `data_dir`", "Where the segments are.");
        let segment_bytes: ByteSize = fields.value(
            "segment_bytes",
            "64MiB",
            "When a new segment is begun; whole segments are deleted once their spans are in blocks.",
        );
        let when = fields.value(
            "fsync",
            "always",
            "`always`: nothing acknowledged is ever lost. `interval`: a power failure loses at most `fsync_interval`. `never`: a power failure loses what the system had not written. A killed process loses nothing in any of the three.",
        );
        let interval: Duration = fields.value("fsync_interval", "1s", "How often to sync with `fsync: interval`; unused otherwise.");
        let queue_bytes: ByteSize = fields.value(
            "queue_bytes",
            "64MiB",
            "How much may wait for the disk before writes are refused with a retry hint.",
        );
        let reserve_bytes: ByteSize = fields.value(
            "reserve_bytes",
            "64MiB",
            "Writes are refused with a retry hint when less than this would be left on the disk: blocks and commits need some to free the rest.",
        );
        if segment_bytes < ByteSize::mib(1) {
            fields.refuse("segment_bytes", format!("`{segment_bytes}` makes too many files: give at least 1MiB"));
        }
        if when == When::Interval && interval.is_zero() {
            fields.refuse("fsync_interval", "must be longer than zero; `fsync: always` syncs every time");
        }
        Settings {
            dir,
            segment_bytes: segment_bytes.0,
            fsync: match when {
                When::Always => Fsync::Always,
                When::Interval => Fsync::Interval(interval),
                When::Never => Fsync::Never,
            },
            queue_bytes: queue_bytes.as_usize(),
            max_record_bytes: largest.as_usize(),
            reserve_bytes: reserve_bytes.0,
        }
    })
}
