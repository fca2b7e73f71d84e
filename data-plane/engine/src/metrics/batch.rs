//! Rows in pieces that fit the nearest cache.

use super::accumulate::Run;
use super::interval::Clock;
use crate::Stopped;

/// Rows of one batch at most; a multiple of 64.
const ROWS: usize = 4096;
/// Batches between two questions to the caller.
const EVERY: usize = 16;

/// Some matching rows, in ascending order, and what is known of each.
pub(super) struct Batch {
    pub(super) rows: Vec<u32>,
    /// The number of steps for a row outside of the interval.
    pub(super) steps: Vec<u32>,
    pub(super) groups: Vec<u32>,
    pub(super) weights: Vec<f64>,
    /// What the function measures, as one of these.
    pub(super) numbers: Vec<f64>,
    pub(super) buckets: Vec<u8>,
}

/// Calls `visit` with all matching rows, their steps and weights.
pub(super) fn each_batch(
    run: &Run<'_>,
    mut visit: impl FnMut(&mut Batch) -> Result<(), Stopped>,
) -> Result<(), Stopped> {
    let clock = run.plan.interval.clock();
    let mut batch = Batch {
        rows: Vec::with_capacity(ROWS),
        steps: Vec::with_capacity(ROWS),
        groups: Vec::new(),
        weights: vec![1.0; ROWS],
        numbers: Vec::new(),
        buckets: Vec::new(),
    };
    let starts = run.search.columns.start.as_slice();
    for (at, words) in run.rows.words().chunks(ROWS / 64).enumerate() {
        if at % EVERY == 0 {
            run.search.guard.check()?;
        }
        let first = at * ROWS;
        batch.rows.clear();
        batch.steps.clear();
        if words.iter().all(|word| *word == u64::MAX) {
            let starts = &starts[first..first + words.len() * 64];
            batch.rows.extend(row(first)..row(first + starts.len()));
            batch
                .steps
                .extend(starts.iter().map(|start| clock.step(*start)));
        } else {
            batch.some(first, words, starts, clock);
        }
        if batch.rows.is_empty() {
            continue;
        }
        if let Some(weights) = &run.weights {
            batch.weights.clear();
            batch
                .weights
                .extend(batch.rows.iter().map(|row| weights.of(*row)));
        }
        visit(&mut batch)?;
    }
    Ok(())
}

impl Batch {
    /// The rows of set bits.
    fn some(&mut self, first: usize, words: &[u64], starts: &[u64], clock: Clock) {
        for (word, base) in words.iter().zip((first..).step_by(64)) {
            let mut rest = *word;
            while rest != 0 {
                self.rows.push(row(base) + rest.trailing_zeros());
                rest &= rest - 1;
            }
        }
        let starts = self.rows.iter().map(|row| starts[*row as usize]);
        self.steps.extend(starts.map(|start| clock.step(start)));
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "rows are u32 by construction"
)]
fn row(at: usize) -> u32 {
    at as u32
}
