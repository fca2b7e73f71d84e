//! The crash test: writers send numbered spans while the server is killed, stopped and starved of
//! disk; afterwards every acknowledged span must be there exactly once, by trace id and by search.
//!
//! A request without an answer is sent again until it has one, as OpenTelemetry exporters do, so
//! what was stored twice would be seen twice.
#![expect(clippy::print_stdout, reason = "a program reports on standard output")]

mod disk;
mod ledger;
mod random;
mod trial;
mod writer;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::ensure;
use clap::Parser;
use takt_testkit::{Corpus, Signal};

use crate::random::Random;
use crate::trial::Trial;

/// Blocks are cut all the time, so that kills meet every stage of writing one.
const BUSY: &str = "
ingest: { max_block_age: 1s, trace_idle: 200ms }
journal: { segment_bytes: 1MiB }
overrides: { defaults: { ingestion: { rate_limit_bytes: 1GB, burst_size_bytes: 1GB } } }
query: { search: { max_spans_per_span_set: 0, max_result_limit: 0 } }
";

/// The same with several blocks a second, for every other life of the server: more kills then meet
/// one that is being written.
fn hasty() -> String {
    BUSY.replace("max_block_age: 1s", "max_block_age: 200ms")
}

#[derive(Debug, Parser)]
struct Arguments {
    /// The server's binary.
    #[arg(long)]
    takt: PathBuf,
    /// How often the server is killed.
    #[arg(long, default_value_t = 30)]
    kills: u32,
    /// How often it is stopped and continued, and once stopped and killed.
    #[arg(long, default_value_t = 5)]
    stops: u32,
    /// Decides every random moment; printed, so that a failure can be run again.
    #[arg(long)]
    seed: Option<u64>,
    /// Instead of all that: how many seconds a data plane goes on without its control plane.
    #[arg(long)]
    outage: Option<u64>,
    /// The requests sent meanwhile.
    #[arg(long, default_value = "tests/golden/shop-3k/shop-3k.otlp.zst")]
    corpus: PathBuf,
    /// When the program gives up.
    #[arg(long, default_value_t = 170)]
    seconds: u64,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if let Some(seconds) = arguments.outage {
        return outage(&arguments, Duration::from_secs(seconds)).await;
    }
    let seed = arguments.seed.unwrap_or_else(random::fresh_seed);
    println!("seed {seed}");
    let all = async {
        killed(&arguments, Random::new(seed)).await?;
        stopped(&arguments, Random::new(seed ^ 1)).await?;
        disk::filled(&arguments.takt).await?;
        disk::filled_by_blocks(&arguments.takt).await
    };
    match tokio::time::timeout(Duration::from_secs(arguments.seconds), all).await {
        Ok(result) => result,
        Err(_) => anyhow::bail!("not done after {} s", arguments.seconds),
    }
}

/// The control plane is gone for so long.
async fn outage(arguments: &Arguments, away: Duration) -> anyhow::Result<()> {
    let corpus = Corpus::open(&arguments.corpus)?;
    let dir = tempfile::tempdir()?;
    let outage = takt_testkit::outage(&arguments.takt, dir.path(), &corpus, away).await?;
    println!(
        "control plane gone for {away:?} and the data plane restarted: {} requests taken and found, view {:.1} s old in the end, the next decision arrived within {:?}",
        outage.requests, outage.view_age_seconds, outage.arrived_within
    );
    Ok(())
}

/// SIGKILL at random moments.
async fn killed(arguments: &Arguments, mut random: Random) -> anyhow::Result<()> {
    let mut trial = Trial::start(&arguments.takt, BUSY, 4).await?;
    for kill in 0..arguments.kills {
        tokio::time::sleep(random.between(Duration::ZERO, Duration::from_millis(1500))).await;
        trial.server.kill()?;
        let options = if kill % 2 == 0 { &hasty() } else { BUSY };
        trial.server.configure(options)?;
        trial.server.run().await?;
    }
    let outcome = trial.finish().await?;
    ensure!(
        outcome.spans > 0 && outcome.blocks > 0,
        "nothing was tested: {outcome}"
    );
    println!("killed {} times: {outcome}", arguments.kills);
    Ok(())
}

/// SIGSTOP at random moments, often enough to meet a flush; the last time it does not wake up again.
async fn stopped(arguments: &Arguments, mut random: Random) -> anyhow::Result<()> {
    let mut trial = Trial::start(&arguments.takt, BUSY, 4).await?;
    for _ in 0..arguments.stops {
        tokio::time::sleep(random.between(Duration::from_millis(200), Duration::from_millis(1500)))
            .await;
        trial.server.signal(Signal::Stop)?;
        tokio::time::sleep(random.between(Duration::from_millis(500), Duration::from_millis(2000)))
            .await;
        trial.server.signal(Signal::Continue)?;
    }
    trial.server.signal(Signal::Stop)?;
    trial.server.kill()?;
    trial.server.run().await?;
    let outcome = trial.finish().await?;
    ensure!(
        outcome.spans > 0 && outcome.blocks > 0,
        "nothing was tested: {outcome}"
    );
    println!(
        "stopped {} times and killed while stopped: {outcome}",
        arguments.stops
    );
    Ok(())
}
