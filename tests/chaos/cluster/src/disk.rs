//! The disk fills up: the server refuses with a retry hint, loses nothing it acknowledged, and
//! recovers when space returns.
//!
//! The data directory is a small tmpfs, which takes the right to mount one; without it this part
//! is not run and says so.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use takt_testkit::{Sender, Server, eventually};
use tempfile::TempDir;

use crate::ledger::Ledger;
use crate::trial::check;
use crate::writer::request;

const DISK_MIB: u64 = 48;
const BALLAST_MIB: u64 = 24;
/// Bytes of noise in a span: the disk is full after a few hundred requests.
const NOISE: usize = 1800;

const OPTIONS: &str = "
ingest: { max_block_age: 1s, trace_idle: 200ms }
journal: { segment_bytes: 1MiB }
query: { search: { max_spans_per_span_set: 0, max_result_limit: 0 } }
";

/// A tmpfs over a directory, taken away again at the end.
#[derive(Debug)]
struct Mount(std::path::PathBuf);

impl Mount {
    fn tmpfs(path: &Path) -> Option<Self> {
        let size = format!("size={DISK_MIB}m");
        let status = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(path)
            .output()
            .ok()?
            .status;
        status.success().then(|| Self(path.to_owned()))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Nothing to do about a mount that is gone already.
        let _gone = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

pub(crate) async fn filled(takt: &Path) -> anyhow::Result<()> {
    let dir = TempDir::new()?;
    let data = dir.path().join("data");
    fs::create_dir(&data)?;
    let Some(_mount) = Mount::tmpfs(&data) else {
        println!("disk full: NOT RUN, mounting a tmpfs is not permitted here");
        return Ok(());
    };
    let ballast = data.join("ballast");
    fs::write(&ballast, vec![0; usize::try_from(BALLAST_MIB << 20)?])?;
    let mut server = Server::start(takt, dir.path(), OPTIONS).await?;
    let mut ledger = Ledger::default();
    let mut sender = server.sender().await?;
    let mut next = 0;

    let refusal = fill(&mut sender, &mut ledger, &mut next).await?;
    check(&ledger, &server)
        .await
        .context("while the disk is full")?;
    fs::remove_file(&ballast)?;
    eventually(Duration::from_secs(20), || {
        one_more(server.otlp_grpc(), next)
    })
    .await
    .context("after space returned")?;
    ledger.acknowledge(next);
    server.kill()?;
    server.run().await?;
    check(&ledger, &server)
        .await
        .context("after space returned and a restart")?;
    println!(
        "disk full (tmpfs of {DISK_MIB} MiB): refused with `{refusal}`, recovered; {} acknowledged spans, each there exactly once",
        ledger.spans()
    );
    Ok(())
}

/// Sends until the server refuses; returns what it said.
async fn fill(sender: &mut Sender, ledger: &mut Ledger, next: &mut u64) -> anyhow::Result<String> {
    for _ in 0..20_000 {
        match sender.send(request(*next, NOISE)).await {
            Ok(answer) => {
                ensure!(
                    answer.rejected_spans == 0,
                    "spans were refused: {}",
                    answer.reason
                );
                ledger.acknowledge(*next);
            }
            Err(status) => {
                let retryable = matches!(
                    status.code(),
                    tonic::Code::ResourceExhausted | tonic::Code::Unavailable
                );
                ensure!(
                    retryable,
                    "a full disk must be a refusal that can be retried, not: {status}"
                );
                // The answer is no, so this number is never counted; the next request has another.
                *next += 1;
                return Ok(status.message().to_owned());
            }
        }
        *next += 1;
    }
    bail!("the disk did not fill")
}

async fn one_more(otlp: String, number: u64) -> anyhow::Result<()> {
    let answer = Sender::connect(&otlp)
        .await?
        .send(request(number, NOISE))
        .await?;
    ensure!(
        answer.rejected_spans == 0,
        "spans were refused: {}",
        answer.reason
    );
    Ok(())
}
