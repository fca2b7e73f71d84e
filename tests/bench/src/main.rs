//! Measures the real server end to end: the shop corpus at full rate over gRPC, from acceptance to
//! block written, then questions to what is stored; and TraceQL over many spans, by one thread, with
//! warm columns. Prints two Markdown tables.
#![expect(clippy::print_stdout, reason = "a program reports on standard output")]

mod load;
mod numbers;
mod questions;
mod scans;
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
    /// How many spans the scans go over; zero leaves them out.
    #[arg(long, default_value_t = 10_000_000)]
    scan_spans: usize,
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

/// Between one time over and the next, so that the spans spread over hours.
const APART: Duration = Duration::from_secs(60);

/// Scans are measured on one core; answers kept from an earlier round would not be scans.
const ONE_THREAD: &str = "query: { workers: 1, job_cache_bytes: 0 }\n";

impl Arguments {
    fn peer(&self) -> Option<Target> {
        self.peer.as_ref().map(|url| {
            Target::Peer(Peer {
                url: url.clone(),
                otlp: self.peer_otlp.clone(),
                pid: self.peer_pid,
                settle: Duration::from_secs(self.peer_settle_seconds),
            })
        })
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let corpus = Corpus::open(&arguments.corpus)?;
    let mut columns = vec![(
        "Takt",
        measure(
            Target::start(&arguments.takt, "").await?,
            &arguments,
            &corpus,
        )
        .await?,
    )];
    if let Some(peer) = arguments.peer() {
        columns.push(("peer", measure(peer, &arguments, &corpus).await?));
    }
    println!("{}", table(&columns));
    if arguments.scan_spans > 0 {
        println!("{}", scan(&arguments, &corpus).await?);
    }
    Ok(())
}

/// The table of scans.
async fn scan(arguments: &Arguments, corpus: &Corpus) -> anyhow::Result<String> {
    let mut servers = Vec::new();
    let own = Target::start(&arguments.takt, ONE_THREAD).await?;
    let spans = fill(&own, arguments, corpus).await?;
    servers.push(("Takt", questions_over(&own, spans, corpus).await?));
    drop(own);
    if let Some(peer) = arguments.peer() {
        let spans = fill(&peer, arguments, corpus).await?;
        servers.push(("peer", questions_over(&peer, spans, corpus).await?));
    }
    Ok(scans::table(&servers, spans))
}

/// Sends what is scanned and waits until it is stored.
async fn fill(target: &Target, arguments: &Arguments, corpus: &Corpus) -> anyhow::Result<usize> {
    let sent = load::send(
        &target.otlp(),
        corpus,
        arguments.scan_spans,
        arguments.concurrency,
        APART,
    )
    .await?;
    target.settled(sent.spans).await?;
    Ok(sent.spans)
}

async fn questions_over(
    target: &Target,
    spans: usize,
    corpus: &Corpus,
) -> anyhow::Result<scans::Times> {
    let rounds = spans.div_ceil(corpus.spans()) as u64;
    let seconds = rounds * APART.as_secs() + 3600;
    scans::ask(&target.client(), load::now()?.as_secs() + 60, seconds).await
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
        Duration::ZERO,
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
