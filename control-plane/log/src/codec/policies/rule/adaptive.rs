//! Rates that adapt.

use takt_domain::policies::rule::{Adaptive, Algorithm, Average};
use takt_wire::takt::control::log::v1 as stored;
use takt_wire::takt::control::log::v1::adaptive_rule::Algorithm as Stored;

use crate::codec::policies::spec::{Malformed, share_from};

pub(super) fn to(rule: &Adaptive) -> stored::AdaptiveRule {
    stored::AdaptiveRule {
        keys: rule.keys.clone(),
        max_keys: rule.max_keys,
        use_trace_length: rule.use_trace_length,
        algorithm: Some(algorithm_to(&rule.algorithm)),
    }
}

pub(super) fn from(rule: stored::AdaptiveRule) -> Result<Adaptive, Malformed> {
    Ok(Adaptive {
        algorithm: algorithm_from(rule.algorithm)?,
        keys: rule.keys,
        max_keys: rule.max_keys,
        use_trace_length: rule.use_trace_length,
    })
}

fn algorithm_to(algorithm: &Algorithm) -> Stored {
    match *algorithm {
        Algorithm::Deterministic { one_in } => {
            Stored::Deterministic(stored::DeterministicRate { one_in })
        }
        Algorithm::Dynamic {
            one_in,
            interval_ns,
        } => Stored::Dynamic(stored::DynamicRate {
            one_in,
            interval_ns,
        }),
        Algorithm::EmaDynamic { one_in, average } => Stored::EmaDynamic(stored::EmaDynamicRate {
            one_in,
            average: Some(average_to(average)),
        }),
        Algorithm::EmaThroughput {
            per_second,
            initial_one_in,
            average,
        } => Stored::EmaThroughput(stored::EmaThroughputRate {
            spans_per_second: per_second,
            initial_one_in,
            average: Some(average_to(average)),
        }),
        Algorithm::WindowedThroughput {
            per_second,
            update_ns,
            lookback_ns,
        } => Stored::WindowedThroughput(stored::WindowedThroughputRate {
            spans_per_second: per_second,
            update_ns,
            lookback_ns,
        }),
        Algorithm::TotalThroughput {
            per_second,
            interval_ns,
        } => Stored::TotalThroughput(stored::TotalThroughputRate {
            spans_per_second: per_second,
            interval_ns,
        }),
        Algorithm::Percentage { share } => Stored::Percentage(stored::AdaptivePercentageRate {
            share: share.parts(),
        }),
        Algorithm::Throughput { per_second } => {
            Stored::Throughput(stored::AdaptiveThroughputRate {
                spans_per_second: per_second,
            })
        }
    }
}

fn algorithm_from(algorithm: Option<Stored>) -> Result<Algorithm, Malformed> {
    Ok(match algorithm.ok_or(Malformed::Missing("algorithm"))? {
        Stored::Deterministic(rate) => Algorithm::Deterministic {
            one_in: rate.one_in,
        },
        Stored::Dynamic(rate) => Algorithm::Dynamic {
            one_in: rate.one_in,
            interval_ns: rate.interval_ns,
        },
        Stored::EmaDynamic(rate) => Algorithm::EmaDynamic {
            one_in: rate.one_in,
            average: average_from(rate.average)?,
        },
        Stored::EmaThroughput(rate) => Algorithm::EmaThroughput {
            per_second: rate.spans_per_second,
            initial_one_in: rate.initial_one_in,
            average: average_from(rate.average)?,
        },
        Stored::WindowedThroughput(rate) => Algorithm::WindowedThroughput {
            per_second: rate.spans_per_second,
            update_ns: rate.update_ns,
            lookback_ns: rate.lookback_ns,
        },
        Stored::TotalThroughput(rate) => Algorithm::TotalThroughput {
            per_second: rate.spans_per_second,
            interval_ns: rate.interval_ns,
        },
        Stored::Percentage(rate) => Algorithm::Percentage {
            share: share_from("percentage.share", rate.share)?,
        },
        Stored::Throughput(rate) => Algorithm::Throughput {
            per_second: rate.spans_per_second,
        },
    })
}

fn average_to(average: Average) -> stored::MovingAverage {
    stored::MovingAverage {
        interval_ns: average.interval_ns,
        weight: average.weight.parts(),
        age_out: average.age_out.parts(),
        burst_thousandths: average.burst_thousandths,
        burst_delay: average.burst_delay,
    }
}

fn average_from(average: Option<stored::MovingAverage>) -> Result<Average, Malformed> {
    let average = average.ok_or(Malformed::Missing("average"))?;
    Ok(Average {
        interval_ns: average.interval_ns,
        weight: share_from("average.weight", average.weight)?,
        age_out: share_from("average.age_out", average.age_out)?,
        burst_thousandths: average.burst_thousandths,
        burst_delay: average.burst_delay,
    })
}
