//! Reads files in one thread, sends requests from several tasks, and adds up what became of them.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::batch::Batcher;
use super::client::{Client, Outcome};
use super::fresh::{Change, salt, spans};
use super::read::{self, Format};

/// What to replay, where to, and how fast.
#[derive(Debug, Clone)]
pub(crate) struct Replay {
    pub(crate) files: Vec<PathBuf>,
    /// `http://`, `https://`, `grpc://` or `grpcs://`.
    pub(crate) endpoint: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) format: Option<Format>,
    /// Spans in a request.
    pub(crate) batch: usize,
    /// Spans a second.
    pub(crate) rate: Option<usize>,
    pub(crate) concurrency: usize,
    pub(crate) repeat: usize,
    pub(crate) fresh_ids: bool,
    pub(crate) end_now: bool,
    pub(crate) retry_for: Duration,
}

/// What was replayed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Summary {
    /// Files read, counted again for every repeat.
    pub(crate) files: u64,
    pub(crate) traces: u64,
    pub(crate) spans: u64,
    pub(crate) requests: u64,
    /// Requests that were sent again.
    pub(crate) retried: u64,
    /// Spans that were not taken in.
    pub(crate) refused: u64,
    /// Some of the reasons why.
    pub(crate) reasons: BTreeSet<String>,
    pub(crate) seconds: f64,
}

/// How many different reasons are kept.
const MOST_REASONS: usize = 5;

/// One request, ready to go.
#[derive(Debug)]
struct Ready {
    body: Bytes,
    spans: u64,
}

/// Replays; `progress` hears of every request's spans once they are answered.
///
/// # Errors
/// When a file cannot be read or the endpoint makes no sense. Refused spans are no error.
pub(crate) async fn replay(
    replay: Replay,
    progress: impl Fn(u64) + Send + Sync + 'static,
) -> anyhow::Result<Summary> {
    let client = Client::new(&replay.endpoint, &replay.headers, replay.retry_for)?;
    let pace = replay
        .rate
        .map(|rate| Arc::new(Mutex::new(Pace::new(rate))));
    let concurrency = replay.concurrency;
    let (ready, requests) = mpsc::channel(concurrency);
    let requests = Arc::new(Mutex::new(requests));
    let progress = Arc::new(progress);
    let started = Instant::now();

    let reader = tokio::task::spawn_blocking(move || read_all(&replay, &ready));
    let mut senders = JoinSet::new();
    for _ in 0..concurrency {
        let (client, requests) = (client.clone(), Arc::clone(&requests));
        let (pace, progress) = (pace.clone(), Arc::clone(&progress));
        senders.spawn(async move {
            let mut done = Summary::default();
            while let Some(request) = next(&requests).await {
                if let Some(pace) = &pace {
                    pace.lock().await.wait(request.spans).await;
                }
                done.add(
                    request.spans,
                    client.send(request.body, request.spans).await,
                );
                progress(request.spans);
            }
            done
        });
    }
    drop(requests);
    let mut sum = Summary::default();
    while let Some(done) = senders.join_next().await {
        sum.merge(done.context("a sender was lost")?);
    }
    let read = reader.await.context("the reader was lost")??;
    sum.files = read.files;
    sum.traces = read.traces.len() as u64;
    sum.seconds = started.elapsed().as_secs_f64();
    Ok(sum)
}

async fn next(requests: &Mutex<mpsc::Receiver<Ready>>) -> Option<Ready> {
    requests.lock().await.recv().await
}

/// What the reader has seen.
#[derive(Debug, Default)]
struct Seen {
    files: u64,
    traces: HashSet<Vec<u8>>,
}

fn read_all(replay: &Replay, ready: &mpsc::Sender<Ready>) -> anyhow::Result<Seen> {
    let mut seen = Seen::default();
    let end = if replay.end_now { last_end(replay)? } else { 0 };
    for round in 0..replay.repeat {
        let round_salt = if round == 0 { 0 } else { salt() };
        let shift = if replay.end_now { shift_to_now(end) } else { 0 };
        for file in &replay.files {
            let salt = if replay.fresh_ids { salt() } else { round_salt };
            let wanted = read_file(replay, file, Change { salt, shift }, ready, &mut seen)?;
            seen.files += 1;
            if !wanted {
                return Ok(seen);
            }
        }
    }
    Ok(seen)
}

/// Reads one file into requests; `false` once nobody wants them any more.
fn read_file(
    replay: &Replay,
    file: &std::path::Path,
    change: Change,
    ready: &mpsc::Sender<Ready>,
    seen: &mut Seen,
) -> anyhow::Result<bool> {
    let mut batcher = Batcher::new(replay.batch);
    let give = |request: ExportTraceServiceRequest| {
        let request = Ready {
            spans: spans(&request.resource_spans).count() as u64,
            body: Bytes::from(request.encode_to_vec()),
        };
        ready.blocking_send(request)
    };
    for piece in read::open(file, replay.format)? {
        let mut piece = piece.with_context(|| format!("cannot read `{}`", file.display()))?;
        change.apply(&mut piece);
        for span in spans(&piece) {
            if !seen.traces.contains(&span.trace_id) {
                seen.traces.insert(span.trace_id.clone());
            }
        }
        for resource in piece {
            if batcher.add(resource, give).is_err() {
                return Ok(false);
            }
        }
    }
    Ok(match batcher.rest() {
        Some(request) => give(request).is_ok(),
        None => true,
    })
}

/// When the last span of all files ends.
fn last_end(replay: &Replay) -> anyhow::Result<u64> {
    let mut last = 0;
    for file in &replay.files {
        for piece in read::open(file, replay.format)? {
            let piece = piece.with_context(|| format!("cannot read `{}`", file.display()))?;
            let ends = spans(&piece).map(|span| span.end_time_unix_nano);
            last = last.max(ends.max().unwrap_or_default());
        }
    }
    Ok(last)
}

fn shift_to_now(end: u64) -> i64 {
    #[expect(
        clippy::disallowed_methods,
        reason = "a command line program asks the machine's clock"
    )]
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let now = i128::try_from(since.as_nanos()).unwrap_or(i128::MAX);
    i64::try_from(now - i128::from(end)).unwrap_or_default()
}

/// Spreads spans evenly over time.
#[derive(Debug)]
pub(super) struct Pace {
    seconds_per_span: f64,
    next: Instant,
}

impl Pace {
    #[expect(
        clippy::cast_precision_loss,
        reason = "nobody asks for 2^53 spans a second"
    )]
    pub(super) fn new(spans_per_second: usize) -> Self {
        Self {
            seconds_per_span: 1.0 / spans_per_second as f64,
            next: Instant::now(),
        }
    }

    /// Waits for the turn of a request. Time lost while nobody sent is not made up for.
    #[expect(
        clippy::cast_precision_loss,
        reason = "requests are smaller than 2^53 spans"
    )]
    pub(super) async fn wait(&mut self, spans: u64) {
        let turn = self.next.max(Instant::now());
        self.next = turn + Duration::from_secs_f64(self.seconds_per_span * spans as f64);
        tokio::time::sleep_until(turn).await;
    }
}

impl Summary {
    fn add(&mut self, spans: u64, outcome: Outcome) {
        self.spans += spans;
        self.requests += 1;
        self.retried += outcome.retries;
        self.refused += outcome.refused;
        self.add_reasons(outcome.reason);
    }

    fn merge(&mut self, other: Self) {
        self.spans += other.spans;
        self.requests += other.requests;
        self.retried += other.retried;
        self.refused += other.refused;
        self.add_reasons(other.reasons);
    }

    fn add_reasons(&mut self, reasons: impl IntoIterator<Item = String>) {
        for reason in reasons {
            if self.reasons.len() < MOST_REASONS {
                self.reasons.insert(reason);
            }
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "spans are fewer than 2^53")]
    pub(crate) fn spans_per_second(&self) -> f64 {
        self.spans as f64 / self.seconds.max(1e-9)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, number) in [
            ("files", self.files),
            ("traces", self.traces),
            ("spans", self.spans),
            ("refused", self.refused),
            ("requests", self.requests),
            ("retried", self.retried),
        ] {
            writeln!(f, "{name:<9} {number}")?;
        }
        writeln!(f, "seconds   {:.3}", self.seconds)?;
        writeln!(f, "spans/s   {:.0}", self.spans_per_second())?;
        for reason in &self.reasons {
            writeln!(f, "because   {reason}")?;
        }
        Ok(())
    }
}
