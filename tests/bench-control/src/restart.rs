//! Opening a large log, after a clean stop and after a kill.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use prometheus_client::registry::Registry;
use takt_kit::{SystemClock, Tasks};
use takt_log::{Handle, Parts, Settings, open, restore};
use takt_model::NodeId;

use crate::Row;
use crate::history::History;

/// Bytes of file for each event of [`History`], roughly; the log is made at least as large as asked.
const BYTES_PER_EVENT: u64 = 60;
const TENANTS: u64 = 50_000;

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
pub(crate) async fn measure(bytes: u64) -> Result<Vec<Row>> {
    let dir = tempfile::tempdir()?;
    let events = bytes.div_ceil(TENANTS * BYTES_PER_EVENT);
    restore(
        History::new(TENANTS, events),
        dir.path(),
        NodeId(1),
        "in-process",
    )?;
    let size = std::fs::metadata(dir.path().join("control.redb"))?.len();

    let begun = Instant::now();
    let (log, tasks) = start(dir.path()).await?;
    let clean = begun.elapsed();
    log.read().await?;
    let killed = tempfile::tempdir()?;
    // A copy of the file of a running node is what a kill leaves behind.
    std::fs::copy(
        dir.path().join("control.redb"),
        killed.path().join("control.redb"),
    )?;
    stop(log, tasks).await;
    let begun = Instant::now();
    let (log, tasks) = start(killed.path()).await?;
    let after_kill = begun.elapsed();
    stop(log, tasks).await;
    let row = |how, took: Duration, bound| Row {
        what: format!("opening a log of {} MB {how}", size / 1_000_000),
        figure: format!("{:.2} s", took.as_secs_f64()),
        mark: "≤ 5 s",
        bound,
    };
    Ok(vec![
        row(
            "after a clean stop",
            clean,
            "reading the snapshot, and one election",
        ),
        row(
            "after a kill",
            after_kill,
            "the same, and redb's check of the file",
        ),
    ])
}

async fn start(dir: &Path) -> Result<(Handle, Tasks)> {
    let tasks = Tasks::default();
    let parts = Parts::new(Arc::new(SystemClock));
    let log = open(
        Settings::new(dir.into()),
        parts,
        &tasks,
        &mut Registry::default(),
    )
    .await?;
    Ok((log, tasks))
}

async fn stop(log: Handle, tasks: Tasks) {
    tasks.stop();
    drop(log);
    tasks.drain(Duration::from_secs(10)).await;
}
