//! Measures the real server end to end: the shop corpus at full rate over gRPC, from acceptance to
//! block written, then questions to what is stored. Prints one Markdown table.
#![expect(clippy::print_stdout, reason = "a program reports on standard output")]

mod load;
mod numbers;
mod questions;
mod target;

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use takt_testkit::Corpus;

use crate::numbers::{Numbers, table};
use crate::target::{Peer, Target};

#[derive(Debug, Parser)]
struct Arguments {
    /// The server's binary; a release build, or the numbers mean nothing.
    #[arg(long)]
    takt: PathBuf,
    /// The requests to replay.
    #[arg(long, default_value = "tests/golden/shop-3k/shop-3k.otlp.zst")]
    corpus: PathBuf,
    /// How many spans at least; the corpus is sent over and over with fresh ids.
    #[arg(long, default_value_t = 1_000_000)]
    spans: usize,
    /// Requests under way at once.
    #[arg(long, default_value_t = 8)]
    concurrency: usize,
    /// A second server that is asked the same: the base of its HTTP API.
    #[arg(long)]
    peer: Option<String>,
    /// Where the second server takes OTLP over gRPC.
    #[arg(long, default_value = "http://127.0.0.1:14317")]
    peer_otlp: String,
    /// Its process, if it is on this machine, for processor time and memory.
    #[arg(long)]
    peer_pid: Option<u32>,
    /// How long the second server gets to write its blocks, since its disk is not looked into.
    #[arg(long, default_value_t = 60)]
    peer_settle_seconds: u64,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let corpus = Corpus::open(&arguments.corpus)?;
    let mut columns = vec![(
        "Takt",
        measure(Target::start(&arguments.takt).await?, &arguments, &corpus).await?,
    )];
    if let Some(url) = &arguments.peer {
        let peer = Target::Peer(Peer {
            url: url.clone(),
            otlp: arguments.peer_otlp.clone(),
            pid: arguments.peer_pid,
            settle: Duration::from_secs(arguments.peer_settle_seconds),
        });
        columns.push(("peer", measure(peer, &arguments, &corpus).await?));
    }
    println!("{}", table(&columns));
    Ok(())
}

async fn measure(
    target: Target,
    arguments: &Arguments,
    corpus: &Corpus,
) -> anyhow::Result<Numbers> {
    let before = target.usage()?;
    let sent = load::send(
        &target.otlp(),
        corpus,
        arguments.spans,
        arguments.concurrency,
    )
    .await?;
    let stored = target.settled(sent.spans).await?;
    let after = target.usage()?;
    let asked = questions::ask(&target.client(), &sent.traces).await?;
    Ok(Numbers {
        sent,
        cpu_seconds: before
            .zip(after)
            .map(|(before, after)| after.cpu_seconds - before.cpu_seconds),
        peak_bytes: after.map(|after| after.peak_resident_bytes),
        stored,
        asked,
    })
}
