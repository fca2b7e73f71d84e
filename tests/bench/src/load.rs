//! The corpus, over and over, as fast as the server takes it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use takt_testkit::{Corpus, Replay, Sender, spans_by_trace};
use tokio::time::Instant;

/// One request in so many gives a trace id to ask for.
const REMEMBER_EVERY: usize = 10;

/// What was sent, and how it was taken.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) spans: usize,
    pub(crate) elapsed: Duration,
    pub(crate) acknowledged: Vec<Duration>,
    /// Some of the traces.
    pub(crate) traces: Vec<String>,
}

/// Sends the corpus until there are at least `spans` spans; each time over, `apart` later than before, the
/// last one until now.
pub(crate) async fn send(
    otlp: &str,
    corpus: &Corpus,
    spans: usize,
    concurrency: usize,
    apart: Duration,
) -> anyhow::Result<Sent> {
    let rounds = spans.div_ceil(corpus.spans());
    let requests = rounds * corpus.len();
    let next = Arc::new(AtomicUsize::new(0));
    let apart = i64::try_from(apart.as_nanos())?;
    let shift = Shift {
        first: shift_to_now(corpus.newest())? - apart * i64::try_from(rounds - 1)?,
        apart,
    };
    let began = Instant::now();
    let workers = (0..concurrency).map(|_| worker(otlp, corpus, shift, requests, &next));
    let mut sent = Sent {
        spans: rounds * corpus.spans(),
        elapsed: Duration::ZERO,
        acknowledged: Vec::with_capacity(requests),
        traces: Vec::new(),
    };
    for part in futures::future::try_join_all(workers).await? {
        sent.acknowledged.extend(part.0);
        sent.traces.extend(part.1);
    }
    sent.elapsed = began.elapsed();
    Ok(sent)
}

/// What is added to the times of each round, in nanoseconds.
#[derive(Debug, Clone, Copy)]
struct Shift {
    first: i64,
    apart: i64,
}

async fn worker(
    otlp: &str,
    corpus: &Corpus,
    shift: Shift,
    requests: usize,
    next: &AtomicUsize,
) -> anyhow::Result<(Vec<Duration>, Vec<String>)> {
    let mut sender = Sender::connect(otlp).await?;
    let (mut acknowledged, mut traces) = (Vec::new(), Vec::new());
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= requests {
            return Ok((acknowledged, traces));
        }
        let round = number / corpus.len();
        let replay = Replay {
            salt: round as u64 + 1,
            shift: shift.first + shift.apart * i64::try_from(round)?,
        };
        let request = corpus.request(number % corpus.len(), replay);
        if number.is_multiple_of(REMEMBER_EVERY) {
            traces.extend(spans_by_trace(&request)?.into_keys().next());
        }
        let began = Instant::now();
        let answer = sender
            .send(request)
            .await
            .context("a request was refused")?;
        acknowledged.push(began.elapsed());
        ensure!(
            answer.rejected_spans == 0,
            "spans were refused: {}",
            answer.reason
        );
    }
}

/// What to add to the times of the corpus so that the newest is now.
fn shift_to_now(newest: u64) -> anyhow::Result<i64> {
    Ok(i64::try_from(now()?.as_nanos())? - i64::try_from(newest)?)
}

/// The time since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "a replay is set to the wall clock once"
)]
pub(crate) fn now() -> anyhow::Result<Duration> {
    Ok(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?)
}
