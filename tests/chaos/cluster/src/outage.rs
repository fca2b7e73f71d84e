//! A data plane whose control plane is gone.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use takt_testkit::Corpus;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The server's binary.
    #[arg(long)]
    takt: PathBuf,
    /// How long the control plane is gone.
    #[arg(long, default_value_t = 600)]
    seconds: u64,
    /// The requests sent meanwhile.
    #[arg(long, default_value = "tests/golden/shop-3k/shop-3k.otlp.zst")]
    corpus: PathBuf,
}

pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let corpus = Corpus::open(&arguments.corpus)?;
    let away = Duration::from_secs(arguments.seconds);
    let dir = tempfile::tempdir()?;
    let outage = takt_testkit::outage(&arguments.takt, dir.path(), &corpus, away).await?;
    println!(
        "control plane gone for {away:?} and the data plane restarted: {} requests taken and found, view {:.1} s old in the end, the next decision arrived within {:?}",
        outage.requests, outage.view_age_seconds, outage.arrived_within
    );
    Ok(())
}
