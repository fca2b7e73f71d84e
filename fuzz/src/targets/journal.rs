//! The journal: a segment of any bytes is read, cut at a torn tail, or refused.
//!
//! Every input is read twice, once as it is and once with its checksums made right, so that what
//! lies behind them is met as well.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use bytes::Bytes;
use takt_journal::{Fsync, Journal, Metrics, Offset, Settings};
use takt_model::{TenantId, UnixNano};
use tempfile::TempDir;

use super::{Effect, Target, effect};

/// Magic and first offset; then records of length, checksum and payload.
const PREFIX: usize = 16;
const HEADER: usize = 8;

pub(super) fn target() -> anyhow::Result<Target> {
    let bodies: &[&[u8]] = &[b"", b"one", &[7; 300], b"\x0a\x00"];
    let seeds = (1..=bodies.len())
        .map(|count| segment(&bodies[..count]))
        .collect::<anyhow::Result<_>>()?;
    Ok(Target {
        name: "journal",
        seeds,
        words: &[
            b"\x00\x00\x00\x00",
            b"\xff\xff\xff\xff",
            b"\x09\x00\x00\x00",
            b"\x01a",
            b"\x96",
        ],
        run,
    })
}

fn run(input: &[u8]) -> Effect {
    let outcomes = [open(input), open(&with_checksums(input))];
    effect(&outcomes.join(" "))
}

/// What the only segment of a journal gives; everything it says it holds can be read.
fn open(segment: &[u8]) -> String {
    let dir = scratch();
    let first = segment.get(8..16).map_or(0, |bytes| {
        u64::from_le_bytes(bytes.try_into().unwrap_or_default())
    });
    let path = dir.path().join(format!(
        "{:020}.journal",
        if first < 1000 { first } else { 0 }
    ));
    fs::write(path, segment).expect("a file in it");
    match Journal::open(settings(&dir), Metrics::default()) {
        Err(error) => error
            .to_string()
            .replace(&dir.path().display().to_string(), "")
            .chars()
            .filter(|c| !c.is_ascii_digit())
            .collect(),
        Ok(journal) => {
            let end = journal.end();
            let read = journal
                .read(Offset(first.min(end.0)), usize::MAX)
                .expect("what was opened can be read");
            assert!(read.iter().all(|record| record.offset < end));
            format!("{} records", read.len())
        }
    }
}

/// In memory where the system has such a place, since every open waits for the disk.
fn scratch() -> TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .expect("a temporary directory")
}

fn settings(dir: &TempDir) -> Settings {
    Settings {
        fsync: Fsync::Never,
        ..Settings::in_dir(dir.path())
    }
}

fn with_checksums(segment: &[u8]) -> Vec<u8> {
    let mut bytes = segment.to_vec();
    let mut at = PREFIX;
    while let Some(length) = bytes.get(at..at + 4) {
        let length = u32::from_le_bytes(length.try_into().unwrap_or_default()) as usize;
        let Some(payload) = bytes.get(at + HEADER..at + HEADER + length) else {
            break;
        };
        let checksum = crc32fast::hash(payload).to_le_bytes();
        bytes[at + 4..at + HEADER].copy_from_slice(&checksum);
        at += HEADER + length;
    }
    bytes
}

/// The bytes of a segment that holds these records.
fn segment(bodies: &[&'static [u8]]) -> anyhow::Result<Vec<u8>> {
    let dir = TempDir::new()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let journal = Journal::open(settings(&dir), Metrics::default())?;
        let tenant = TenantId::new("single-tenant")?;
        for (second, body) in (0..).zip(bodies) {
            journal
                .append(
                    &tenant,
                    UnixNano::from_secs(second),
                    Bytes::from_static(body),
                )
                .await?;
        }
        journal.close();
        anyhow::Ok(())
    })?;
    fs::read(newest(dir.path())?).context("reading the segment")
}

fn newest(dir: &Path) -> anyhow::Result<PathBuf> {
    let mut segments = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "journal")
        {
            segments.push(path);
        }
    }
    segments
        .into_iter()
        .max()
        .context("the journal has no segment")
}
