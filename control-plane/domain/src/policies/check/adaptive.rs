//! Rates that adapt.

use super::fields::{DAY, MAX_KEYS, MAX_PER_SECOND, SECOND, keys, ordered, within};
use super::{Within as _, Wrong};
use crate::policies::Share;
use crate::policies::rule::{Adaptive, Algorithm, Average};

pub(super) fn adaptive(rule: &Adaptive) -> Result<(), Wrong> {
    keys("keys", &rule.keys)?;
    within("max_keys", u64::from(rule.max_keys), 1, MAX_KEYS)?;
    algorithm(&rule.algorithm).within("algorithm")
}

fn algorithm(algorithm: &Algorithm) -> Result<(), Wrong> {
    let rate = |path, one_in| within(path, one_in, 1, MAX_PER_SECOND);
    let time = |path, nanos| within(path, nanos, SECOND / 10, DAY);
    match algorithm {
        Algorithm::Deterministic { one_in } => rate("one_in", *one_in),
        Algorithm::Dynamic {
            one_in,
            interval_ns,
        } => {
            rate("one_in", *one_in)?;
            time("interval_ns", *interval_ns)
        }
        Algorithm::EmaDynamic { one_in, average } => {
            rate("one_in", *one_in)?;
            check_average(average)
        }
        Algorithm::EmaThroughput {
            per_second,
            initial_one_in,
            average,
        } => {
            rate("per_second", *per_second)?;
            rate("initial_one_in", *initial_one_in)?;
            check_average(average)
        }
        Algorithm::WindowedThroughput {
            per_second,
            update_ns,
            lookback_ns,
        } => {
            rate("per_second", *per_second)?;
            time("update_ns", *update_ns)?;
            time("lookback_ns", *lookback_ns)?;
            ordered("lookback_ns", *update_ns, *lookback_ns)
        }
        Algorithm::TotalThroughput {
            per_second,
            interval_ns,
        } => {
            rate("per_second", *per_second)?;
            time("interval_ns", *interval_ns)
        }
        Algorithm::Percentage { share: _ } => Ok(()),
        Algorithm::Throughput { per_second } => rate("per_second", *per_second),
    }
}

fn check_average(average: &Average) -> Result<(), Wrong> {
    let whole = u64::from(Share::WHOLE.parts());
    within("average.interval_ns", average.interval_ns, SECOND / 10, DAY)?;
    within(
        "average.weight",
        u64::from(average.weight.parts()),
        1,
        whole,
    )?;
    let burst = u64::from(average.burst_thousandths);
    within("average.burst_thousandths", burst, 1_000, 1_000_000)?;
    let delay = u64::from(average.burst_delay);
    within("average.burst_delay", delay, 0, 1_000)
}
