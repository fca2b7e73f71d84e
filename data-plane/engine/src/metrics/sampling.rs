//! Looking at a part of the traces only, and how wrong the answer may then be.

use takt_model::TraceId;

use super::interval::Clock;
use crate::Bitmap;
use crate::Stopped;
use crate::find::Search;

/// How much of the spans was looked at, where the query asked for sampling; all zero otherwise.
///
/// Whether a trace is looked at depends on its id alone, so every source of its spans agrees.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Sampling {
    /// Spans of traces that were looked at, and of those that were not.
    pub sampled: u64,
    pub skipped: u64,
    /// Spans that were counted, and the sum of the squares of how many those were in each trace.
    pub matched: f64,
    pub squares: f64,
}

impl Sampling {
    pub(super) fn add(&mut self, other: Self) {
        self.sampled += other.sampled;
        self.skipped += other.skipped;
        self.matched += other.matched;
        self.squares += other.squares;
    }

    /// By how much a count may be off, as a fraction of it, with a confidence of 95 %: `None` where
    /// nothing was skipped, or nothing matched.
    ///
    /// Each trace is taken with probability π (here: the part of the spans that was sampled),
    /// independent of all others (Bernoulli sampling of clusters). The total of `y` over all traces is estimated by `t = Σ y/π`, and the variance of
    /// that by `(1/π)(1/π − 1) Σ y²`, both sums over the sampled traces (the Horvitz–Thompson
    /// estimator; Särndal, Swensson and Wretman, Model Assisted Survey Sampling, 1992, section 3.2).
    /// Hence `1.96 √V / t = 1.96 √((1 − π) Σ y²) / Σ y`.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a ratio of counts")]
    pub fn relative_error(&self) -> Option<f64> {
        let left_out = self.skipped as f64 / (self.sampled + self.skipped) as f64;
        (self.skipped > 0 && self.matched > 0.0)
            .then(|| 1.96 * (left_out * self.squares).sqrt() / self.matched)
    }
}

/// Those of `rows` whose trace is looked at; the others are noted as skipped.
pub(super) fn candidates(
    search: &Search<'_>,
    rows: &Bitmap,
    ratio: f64,
    sampling: &mut Sampling,
) -> Result<Bitmap, Stopped> {
    let below = threshold(ratio);
    let ids = &search.columns.traces.id;
    let mut taken = Bitmap::none(ids.len());
    for (trace, id) in (0..).zip(ids) {
        if hash(*id) < below {
            taken.insert(trace);
        }
    }
    let mut kept = search.gather(&search.columns.trace, &taken)?;
    kept.and(rows);
    sampling.sampled += kept.count() as u64;
    sampling.skipped += (rows.count() - kept.count()) as u64;
    Ok(kept)
}

/// Notes how many spans count, trace by trace.
pub(super) fn count_matched(
    search: &Search<'_>,
    rows: &Bitmap,
    clock: Clock,
    sampling: &mut Sampling,
) -> Result<(), Stopped> {
    let columns = search.columns;
    let mut counts = vec![0u32; columns.traces.len()];
    search.guard.each(rows.iter(), |row| {
        if clock.step(columns.start[row as usize]) < clock.steps() {
            counts[columns.trace[row as usize] as usize] += 1;
        }
    })?;
    for count in counts {
        let count = f64::from(count);
        sampling.matched += count;
        sampling.squares += count * count;
    }
    Ok(())
}

/// A number for a trace that is as good as random, and the same everywhere.
///
/// The finish of splitmix64 over both halves of the id: ids are not always random in all their bits.
pub(super) fn hash(trace: TraceId) -> u64 {
    let (high, low) = halves(trace);
    mix(mix(high ^ 0x9e37_79b9_7f4a_7c15) ^ low)
}

/// The same for anything of 64 bits.
pub(super) fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "both halves are wanted, one after the other"
)]
fn halves(trace: TraceId) -> (u64, u64) {
    let bits = u128::from_be_bytes(trace.0);
    ((bits >> 64) as u64, bits as u64)
}

/// Hashes below this are sampled.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "saturates at both ends"
)]
pub(super) fn threshold(ratio: f64) -> u64 {
    (ratio * 2f64.powi(64)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_of_the_traces_is_taken_whatever_their_ids() {
        let below = threshold(0.1);
        for shift in [0, 40, 64, 100] {
            let taken = (0u128..100_000)
                .filter(|n| hash(TraceId((n << shift).to_be_bytes())) < below)
                .count();
            assert!((9_600..10_400).contains(&taken), "{taken} of 100000");
        }
    }

    #[test]
    fn the_stated_error_holds_in_at_least_nineteen_of_twenty_samples() {
        // 4,000 traces with 1 to 40 matching spans, sampled a thousand times at one in ten.
        let spans = |trace: u64| 1 + mix(trace) % 40;
        let all: u64 = (0..4_000).map(spans).sum();
        let held = (0..1_000u64)
            .filter(|round| {
                let mut sampling = Sampling::default();
                for trace in 0..4_000 {
                    let count = spans(trace);
                    if mix(trace ^ mix(round + 1_000_000)) < threshold(0.1) {
                        let y = f64::from(u32::try_from(count).unwrap());
                        sampling.add(Sampling {
                            sampled: count,
                            skipped: 0,
                            matched: y,
                            squares: y * y,
                        });
                    } else {
                        sampling.skipped += count;
                    }
                }
                let truth = f64::from(u32::try_from(all).unwrap());
                let off = (sampling.matched * 10.0 - truth).abs() / (sampling.matched * 10.0);
                off <= sampling.relative_error().unwrap()
            })
            .count();
        assert!((935..=975).contains(&held), "{held} of 1000");
    }
}
