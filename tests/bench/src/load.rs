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

pub(crate) async fn send(
    otlp: &str,
    corpus: &Corpus,
    spans: usize,
    concurrency: usize,
) -> anyhow::Result<Sent> {
    let rounds = spans.div_ceil(corpus.spans());
    let requests = rounds * corpus.len();
    let next = Arc::new(AtomicUsize::new(0));
    let shift = shift_to_now(corpus.newest())?;
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

async fn worker(
    otlp: &str,
    corpus: &Corpus,
    shift: i64,
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
        let salt = (number / corpus.len()) as u64 + 1;
        let request = corpus.request(number % corpus.len(), Replay { salt, shift });
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
#[expect(
    clippy::disallowed_methods,
    reason = "a replay is set to the wall clock once"
)]
fn shift_to_now(newest: u64) -> anyhow::Result<i64> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    Ok(i64::try_from(now.as_nanos())? - i64::try_from(newest)?)
}
