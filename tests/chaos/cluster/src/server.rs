//! The crash test: writers send numbered spans while the server is killed, stopped and starved of
//! disk; afterwards every acknowledged span must be there exactly once, by trace id and by search.
//!
//! A request without an answer is sent again until it has one, as OpenTelemetry exporters do, so
//! what was stored twice would be seen twice.

mod disk;
mod ledger;
mod trial;
mod writer;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::ensure;
use clap::Args;
use takt_testkit::Signal;

use crate::random::{self, Random};
use trial::Trial;

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

#[derive(Debug, Args)]
pub(crate) struct Arguments {
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
    /// When the program gives up.
    #[arg(long, default_value_t = 170)]
    seconds: u64,
}

pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
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
