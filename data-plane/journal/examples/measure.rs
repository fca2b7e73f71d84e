//! What the journal costs and gives: CPU per appended kilobyte, records a second with fsync for some
//! numbers of concurrent writers, and the speed of reading back.
//!
//! `cargo run --release --workspace --example journal-measure -- DIR` uses a fresh directory inside DIR,
//! which decides the disk, and leaves nothing there.

#![expect(clippy::print_stdout, reason = "an example speaks to a person")]
#![expect(
    clippy::disallowed_methods,
    reason = "an example may look at a clock and spawn its writers"
)]
#![expect(
    clippy::cast_precision_loss,
    reason = "measured numbers are far below 2^52"
)]

use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use takt_journal::{Fsync, Journal, Metrics, Offset, Settings};
use takt_model::{TenantId, UnixNano};

/// A small export request: some dozens of spans.
const BODY: usize = 8 << 10;
/// How long each number of writers appends.
const TIME: Duration = Duration::from_secs(3);
/// Appended without fsync, to see the processor's share alone.
const BULK: u64 = 512 << 20;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let place = std::env::args().nth(1).ok_or("name a directory")?;
    let dir = tempfile::tempdir_in(place)?;
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        cost(&dir.path().join("cost")).await?;
        for writers in [1, 16, 64] {
            let path = dir.path().join(writers.to_string());
            rate(&path, writers).await?;
        }
        Ok(())
    })
}

fn open(dir: &Path, fsync: Fsync) -> Result<Journal> {
    let mut settings = Settings::in_dir(dir);
    settings.fsync = fsync;
    Ok(Journal::open(settings, Metrics::default())?)
}

/// Bytes that do not repeat soon; the journal does not look at them.
fn body() -> Bytes {
    let mut state = 0x9e37_79b9_u32;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..BODY).map(next).collect()
}

/// Processor time of appends, and the speed at which they are read again.
async fn cost(dir: &Path) -> Result<()> {
    let journal = open(dir, Fsync::Never)?;
    let before = processor_time()?;
    let mut writers = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let journal = journal.clone();
        writers.spawn(append(journal, BULK / 16 / BODY as u64));
    }
    while let Some(done) = writers.join_next().await {
        done??;
    }
    let spent = processor_time()?.saturating_sub(before);
    let kilobytes = BULK as f64 / 1024.0;
    println!(
        "append, no fsync, 16 writers: {:.2} us of processor time per KB",
        spent.as_secs_f64() * 1e6 / kilobytes
    );

    let began = Instant::now();
    let (mut next, mut bytes) = (Offset(0), 0);
    while next < journal.end() {
        for record in journal.read(next, 4 << 20)? {
            bytes += record.body.len();
            next = Offset(record.offset.0 + 1);
        }
    }
    println!(
        "read back, from the page cache: {:.0} MB/s",
        bytes as f64 / 1e6 / began.elapsed().as_secs_f64()
    );
    Ok(())
}

async fn append(
    journal: Journal,
    records: u64,
) -> std::result::Result<(), takt_journal::AppendError> {
    let (tenant, body) = (TenantId::single(), body());
    for _ in 0..records {
        journal.append(&tenant, UnixNano(0), body.clone()).await?;
    }
    Ok(())
}

/// Records a second when each is answered after fsync.
async fn rate(dir: &Path, writers: usize) -> Result<()> {
    let journal = open(dir, Fsync::Always)?;
    let began = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..writers {
        let journal = journal.clone();
        tasks.spawn(async move {
            let mut records = 0_u32;
            while began.elapsed() < TIME {
                append(journal.clone(), 1).await?;
                records += 1;
            }
            Ok::<_, takt_journal::AppendError>(records)
        });
    }
    let mut records = 0;
    while let Some(done) = tasks.join_next().await {
        records += done??;
    }
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "append, fsync always, {writers} writers: {:.0} records/s of {} KiB",
        f64::from(records) / seconds,
        BODY >> 10
    );
    Ok(())
}

/// What this process has used of the processors, as Linux counts it.
fn processor_time() -> Result<Duration> {
    const TICKS_PER_SECOND: u64 = 100;
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit_once(')').ok_or("no process name in stat")?.1;
    let ticks: u64 = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(str::parse::<u64>)
        .sum::<std::result::Result<_, _>>()?;
    Ok(Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND))
}
