//! `takt send`: replays trace files to an OTLP endpoint.
//!
//! Files of any known format become OTLP requests of `--batch` spans, at `--rate` spans a second,
//! over `--concurrency` connections. Refusals with a retry hint are tried again; what is refused for
//! good is counted, explained, and makes the command fail.
//!
//! Nothing here knows the rest of the program, so that tests and measurements can use the replayer
//! by including this file.

mod batch;
mod client;
mod fresh;
mod read;
mod replay;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};

pub(crate) use read::Format;
pub(crate) use replay::{Replay, replay};

/// Replays trace files: OTLP protobuf frames, OTLP JSON, Jaeger, Zipkin, Tracetest, F5 JSON lines, Nezha CSV.
/// Files may be compressed with gzip or zstd.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Files to replay, in this order.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Where to send: `http://host:port` for OTLP over HTTP, `grpc://host:port` for gRPC.
    #[arg(long, default_value = "http://127.0.0.1:4318", value_name = "URL")]
    endpoint: String,
    /// Tenant to write as, the `X-Scope-OrgID` header.
    #[arg(long)]
    tenant: Option<String>,
    /// Another header of every request, `name: value`; may be given several times.
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = header)]
    headers: Vec<(String, String)>,
    /// What the files hold; found out by looking when not given.
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Spans in a request.
    #[arg(long, default_value_t = 400, value_parser = positive)]
    batch: usize,
    /// Spans a second over all connections; as fast as answers come when not given.
    #[arg(long, value_name = "SPANS_PER_SECOND", value_parser = positive)]
    rate: Option<usize>,
    /// Requests under way at once.
    #[arg(long, default_value_t = 4, value_parser = positive)]
    concurrency: usize,
    /// How often to replay the files. From the second time on every trace gets a new id.
    #[arg(long, default_value_t = 1, value_parser = positive)]
    repeat: usize,
    /// Give every trace a new id, a different one in each file. For files that use the same ids for different traces.
    #[arg(long)]
    fresh_ids: bool,
    /// Shift all times so that the last span ends now.
    #[arg(long)]
    now: bool,
    /// How many seconds a request is tried again before it counts as refused.
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    retry_for: u64,
}

/// Runs the command.
///
/// # Errors
/// When a file cannot be read, the endpoint makes no sense, or spans were refused for good.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let bar = progress();
    let summary = replay(args.into_replay(), {
        let bar = bar.clone();
        move |spans| bar.inc(spans)
    })
    .await;
    bar.finish_and_clear();
    let summary = summary?;
    print!("{summary}");
    anyhow::ensure!(
        summary.refused == 0,
        "{} of {} spans were refused",
        summary.refused,
        summary.spans
    );
    Ok(())
}

impl Args {
    fn into_replay(self) -> Replay {
        let mut headers: BTreeMap<String, String> = self.headers.into_iter().collect();
        if let Some(tenant) = self.tenant {
            headers.insert("x-scope-orgid".to_owned(), tenant);
        }
        Replay {
            files: self.files,
            endpoint: self.endpoint,
            headers,
            format: self.format,
            batch: self.batch,
            rate: self.rate,
            concurrency: self.concurrency,
            repeat: self.repeat,
            fresh_ids: self.fresh_ids,
            end_now: self.now,
            retry_for: Duration::from_secs(self.retry_for),
        }
    }
}

/// A counter on standard error; hidden when that is no terminal.
fn progress() -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {human_pos} spans, {per_sec}, {elapsed}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner());
    let bar = ProgressBar::new_spinner().with_style(style);
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

fn positive(text: &str) -> anyhow::Result<usize> {
    let number: usize = text
        .parse()
        .with_context(|| format!("`{text}` is not a whole number"))?;
    anyhow::ensure!(number > 0, "must be greater than zero");
    Ok(number)
}

fn header(text: &str) -> anyhow::Result<(String, String)> {
    let (name, value) = text
        .split_once([':', '='])
        .with_context(|| format!("`{text}` is not of the form `name: value`"))?;
    Ok((name.trim().to_ascii_lowercase(), value.trim().to_owned()))
}

#[cfg(test)]
mod tests;
