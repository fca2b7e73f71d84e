//! The disk fills up: the server refuses with a retry hint, loses nothing it acknowledged, answers
//! questions all the while, and recovers by itself when space returns.
//!
//! The directory in question is a small tmpfs, which takes the right to mount one; without it this
//! part is not run and says so.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use bytes::Bytes;
use takt_testkit::{Server, eventually};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::server::ledger::{Ledger, Number, SPANS_PER_TRACE};
use crate::server::trial::check;
use crate::server::writer::request;

const SMALL_MIB: u64 = 8;
const GROWN_MIB: u64 = 128;
/// Bytes of noise in a span, which no codec makes much smaller: few traces fill the disk.
const NOISE: usize = 32 << 10;
/// The disk counts as full when the server has refused for this long: blocks that still fit give
/// space in the journal back.
const FULL_FOR: Duration = Duration::from_secs(2);
/// The block builder tries again after ten seconds at most.
const STORED_WITHIN: Duration = Duration::from_secs(20);

const OPTIONS: &str = "
ingest: { max_block_age: 1s, trace_idle: 200ms }
journal: { segment_bytes: 1MiB, reserve_bytes: 1MiB }
overrides: { defaults: { ingestion: { rate_limit_bytes: 1GB, burst_size_bytes: 1GB } } }
query: { search: { max_spans_per_span_set: 0, max_result_limit: 0 } }
";

/// A tmpfs over a directory, taken away again at the end.
#[derive(Debug)]
struct Mount(PathBuf);

impl Mount {
    /// `None` where mounting is not permitted.
    fn small(path: PathBuf) -> anyhow::Result<Option<Self>> {
        fs::create_dir_all(&path)?;
        let size = format!("size={SMALL_MIB}m");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(&path)
            .output()
            .is_ok_and(|output| output.status.success());
        if !mounted {
            println!("disk full: NOT RUN, mounting a tmpfs is not permitted here");
        }
        Ok(mounted.then_some(Self(path)))
    }

    fn grow(&self) -> anyhow::Result<()> {
        let size = format!("remount,size={GROWN_MIB}m");
        let status = Command::new("mount")
            .args(["-o", &size])
            .arg(&self.0)
            .status()?;
        ensure!(status.success(), "the tmpfs could not be made larger");
        Ok(())
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Nothing to do about a mount that is gone already.
        let _gone = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

/// Journal, checkpoint and blocks on one disk.
pub(crate) async fn filled(takt: &Path) -> anyhow::Result<()> {
    let dir = TempDir::new()?;
    let Some(mount) = Mount::small(dir.path().join("data"))? else {
        return Ok(());
    };
    let mut server = Server::start(takt, dir.path(), OPTIONS).await?;
    let mut ledger = Ledger::default();
    let mut next = 0;

    let refusal = fill(&server, &mut ledger, &mut next).await?;
    refused_over_http(&server, next).await?;
    check(&ledger, &server)
        .await
        .context("while the disk is full")?;
    server.kill()?;
    server.run().await?;
    check(&ledger, &server)
        .await
        .context("after a restart with a full disk")?;

    mount.grow()?;
    recovered(&server, &mut ledger, next).await?;
    killed_and_started(&mut server, &ledger).await?;
    println!(
        "disk full: refused with `{refusal}`, recovered; {} acknowledged spans, each there exactly once",
        ledger.spans()
    );
    Ok(())
}

/// Only the blocks are on the full disk: the journal takes in what memory can hold meanwhile.
pub(crate) async fn filled_by_blocks(takt: &Path) -> anyhow::Result<()> {
    let dir = TempDir::new()?;
    let Some(mount) = Mount::small(dir.path().join("data/blocks"))? else {
        return Ok(());
    };
    let mut server = Server::start(takt, dir.path(), OPTIONS).await?;
    let mut ledger = Ledger::default();
    let mut sender = server.sender().await?;
    let enough = 3 * (SMALL_MIB << 20) / whole(0).len() as u64;
    for number in 0..enough {
        let answer = sender.send(whole(number)).await?;
        ensure!(answer.rejected_spans == 0, "spans were refused");
        ledger.acknowledge(number);
    }
    eventually(STORED_WITHIN, || async {
        ensure!(
            server.log().contains("block not stored"),
            "the disk did not fill"
        );
        Ok(())
    })
    .await?;
    check(&ledger, &server)
        .await
        .context("while blocks cannot be stored")?;
    server.kill()?;
    server.run().await?;
    mount.grow()?;
    recovered(&server, &mut ledger, enough).await?;
    killed_and_started(&mut server, &ledger).await?;
    println!(
        "disk of the blocks full: recovered; {} acknowledged spans, each there exactly once",
        ledger.spans()
    );
    Ok(())
}

/// Sends until the server does nothing but refuse; returns what it says.
async fn fill(server: &Server, ledger: &mut Ledger, next: &mut Number) -> anyhow::Result<String> {
    let mut sender = server.sender().await?;
    let give_up = Instant::now() + Duration::from_secs(60);
    let mut refused_since = None;
    while Instant::now() < give_up {
        match sender.send(whole(*next)).await {
            Ok(answer) => {
                ensure!(
                    answer.rejected_spans == 0,
                    "spans were refused: {}",
                    answer.reason
                );
                ledger.acknowledge(*next);
                refused_since = None;
            }
            // The answer is no, so this number is never counted; the next request has another.
            Err(status) => {
                ensure!(
                    status.code() == tonic::Code::Unavailable
                        && status.message().contains("no space"),
                    "a full disk must be a refusal that can be retried, not: {status}\n{}",
                    server.log()
                );
                if refused_since.get_or_insert_with(Instant::now).elapsed() >= FULL_FOR {
                    *next += 1;
                    return Ok(status.message().to_owned());
                }
                sleep(Duration::from_millis(50)).await;
            }
        }
        *next += 1;
    }
    bail!("the disk did not fill")
}

/// The same refusal in the words of HTTP.
async fn refused_over_http(server: &Server, number: Number) -> anyhow::Result<()> {
    let answer = reqwest::Client::new()
        .post(format!("{}/v1/traces", server.otlp_http()))
        .header("content-type", "application/x-protobuf")
        .body(whole(number))
        .send()
        .await?;
    ensure!(
        answer.status() == 503 && answer.headers().contains_key("retry-after"),
        "a full disk must be a refusal that can be retried, not: {answer:?}"
    );
    Ok(())
}

/// Without a restart: writes are taken again, and everything ends up in blocks.
async fn recovered(server: &Server, ledger: &mut Ledger, number: Number) -> anyhow::Result<()> {
    eventually(Duration::from_secs(20), || one_more(server, number))
        .await
        .context("after space returned")?;
    ledger.acknowledge(number);
    let spans = usize::try_from(ledger.spans())?;
    server
        .stored(spans, STORED_WITHIN)
        .await
        .with_context(|| server.log())?;
    check(ledger, server).await.context("after space returned")
}

async fn one_more(server: &Server, number: Number) -> anyhow::Result<()> {
    let answer = server.sender().await?.send(whole(number)).await?;
    ensure!(
        answer.rejected_spans == 0,
        "spans were refused: {}",
        answer.reason
    );
    Ok(())
}

async fn killed_and_started(server: &mut Server, ledger: &Ledger) -> anyhow::Result<()> {
    server.kill()?;
    server.run().await?;
    check(ledger, server).await.context("after a restart")
}

fn whole(number: Number) -> Bytes {
    request(number, 0..SPANS_PER_TRACE, NOISE)
}
