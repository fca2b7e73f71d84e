//! `/api/metrics/query_range` and `/api/metrics/query`: every rule of their parameters, and how time is
//! divided into intervals (Tempo's `engine_metrics.go` tells the same).

use std::time::Duration;

use takt_model::{TimeRange, UnixNano};

use super::expression;
use super::time::{go_duration, ordered};
use crate::params::{Invalid, Params};
use crate::settings::Settings;

/// A metrics query over time or at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metrics {
    pub query: String,
    /// As asked for, before it is aligned to the step.
    pub window: TimeRange,
    /// Length of an interval in nanoseconds; that of the whole window for an instant query.
    pub step: u64,
    /// One interval, and a value instead of samples.
    pub instant: bool,
    /// Most exemplars wanted.
    pub exemplars: u32,
    /// Most series wanted; zero is no bound.
    pub max_series: u32,
}

/// How far back a query looks that does not say so.
const SINCE: Duration = Duration::from_secs(3600);
/// About so many intervals are made when no step is given.
const INTERVALS: u64 = 240;
const MILLI: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MILLI;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

impl Metrics {
    /// # Errors
    /// With Tempo's words, when a parameter breaks a rule.
    pub fn range(
        params: &Params,
        settings: &Settings,
        now: UnixNano,
        longest: Duration,
    ) -> Result<Self, Invalid> {
        let query = query(params, settings)?;
        let window = window(params, now, longest)?;
        let bounds = &settings.metrics;
        let exemplars = params.count("exemplars")?;
        let max_series = params.count("maxSeries")?.unwrap_or(0);
        let step = match step(params)? {
            Some(step) => step,
            None => default_step(window),
        };
        few_enough_intervals(window, step, bounds.max_intervals)?;
        Ok(Self {
            query,
            window,
            step,
            instant: false,
            exemplars: exemplars
                .filter(|wanted| *wanted > 0)
                .map_or(bounds.max_exemplars, |wanted| {
                    wanted.min(bounds.max_exemplars)
                }),
            max_series: match (max_series, bounds.max_response_series) {
                (0, bound) => bound,
                (wanted, 0) => wanted,
                (wanted, bound) => wanted.min(bound),
            },
        })
    }

    /// # Errors
    /// With Tempo's words, when a parameter breaks a rule.
    pub fn instant(
        params: &Params,
        settings: &Settings,
        now: UnixNano,
        longest: Duration,
    ) -> Result<Self, Invalid> {
        let window = window(params, now, longest)?;
        Ok(Self {
            query: query(params, settings)?,
            window,
            step: window.end.0 - window.start.0,
            instant: true,
            exemplars: 0,
            max_series: settings.metrics.max_response_series,
        })
    }

    /// The window in whole steps: one more step before its start, and none cut at its end.
    #[must_use]
    pub fn aligned(&self) -> TimeRange {
        if self.instant {
            return self.window;
        }
        let (start, end, step) = (self.window.start.0, self.window.end.0, self.step);
        let start = start - start % step;
        let end = end.checked_next_multiple_of(step).unwrap_or(end);
        TimeRange {
            start: UnixNano(start.saturating_sub(step)),
            end: UnixNano(end),
        }
    }
}

fn query(params: &Params, settings: &Settings) -> Result<String, Invalid> {
    let query = expression(params, settings.max_query_expression_size_bytes)?;
    query
        .map(str::to_owned)
        .ok_or_else(|| Invalid::rule("please provide a query in `q`"))
}

fn window(params: &Params, now: UnixNano, longest: Duration) -> Result<TimeRange, Invalid> {
    let end = params.moment("end")?.unwrap_or(now);
    let start = match (params.moment("start")?, params.duration("since")?) {
        (Some(start), None) => start,
        (_, since) => end.min(now).minus(since.unwrap_or(SINCE)),
    };
    let window = ordered(start, end).map_err(|_| {
        Invalid::rule(format!(
            "end must be greater than start. received start={} end={}",
            start.as_secs(),
            end.as_secs()
        ))
    })?;
    if !longest.is_zero() && window.end.since(window.start) > longest {
        return Err(Invalid::rule(format!(
            "metrics query time range exceeds the maximum allowed duration of {}",
            go_duration(longest)
        )));
    }
    Ok(window)
}

/// Seconds as a number, or a duration. Zero is "not given".
fn step(params: &Params) -> Result<Option<u64>, Invalid> {
    let Some(text) = params.get("step") else {
        return Ok(None);
    };
    let step = match text.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).map_err(|_| {
            Invalid::parameter(
                "step",
                format!("`{text}` is not a positive number of seconds"),
            )
        })?,
        Err(_) => params.duration("step")?.unwrap_or_default(),
    };
    let nanos = u64::try_from(step.as_nanos()).unwrap_or(u64::MAX);
    Ok((nanos > 0).then_some(nanos))
}

/// A round step that makes about [`INTERVALS`] intervals.
fn default_step(window: TimeRange) -> u64 {
    let length = window.end.0 - window.start.0;
    let wanted = length / INTERVALS;
    let rounded = |grain: u64| (wanted > grain).then(|| wanted / grain * grain);
    if length < MINUTE {
        return rounded(50 * MILLI).unwrap_or(50 * MILLI);
    }
    [HOUR, 5 * MINUTE, MINUTE, 15 * SECOND, 5 * SECOND, SECOND]
        .into_iter()
        .find_map(rounded)
        .unwrap_or(SECOND)
}

fn few_enough_intervals(window: TimeRange, step: u64, most: u64) -> Result<(), Invalid> {
    let length = window.end.0 - window.start.0;
    if most == 0 || length / step <= most {
        return Ok(());
    }
    let least = Duration::from_nanos(length.div_ceil(most));
    Err(Invalid::rule(format!(
        "step of {:?} is too small, minimum step for given range is {least:?}",
        Duration::from_nanos(step)
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixNano = UnixNano::from_secs(1_700_000_000);
    const DAY: Duration = Duration::from_secs(24 * 3600);

    fn range(query: &str) -> Result<Metrics, String> {
        Metrics::range(&Params::parse(query), &Settings::default(), NOW, DAY)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn defaults_are_tempos() {
        let metrics = range("q=x").unwrap();
        assert_eq!(metrics.window.start, NOW.minus(Duration::from_secs(3600)));
        assert_eq!(metrics.window.end, NOW);
        assert_eq!((metrics.step, metrics.exemplars), (15 * SECOND, 100));
    }

    #[test]
    fn steps_are_round_and_make_some_hundred_intervals() {
        for (seconds, step) in [
            (10, 50 * MILLI),
            (30, 100 * MILLI),
            (60, SECOND),
            (15 * 60, 3 * SECOND),
            (3600, 15 * SECOND),
            (6 * 3600, MINUTE),
            (24 * 3600, 5 * MINUTE),
            (30 * 24 * 3600, 3 * HOUR),
        ] {
            let window = TimeRange {
                start: NOW,
                end: NOW.plus(Duration::from_secs(seconds)),
            };
            assert_eq!(default_step(window), step, "{seconds} s");
        }
    }

    #[test]
    fn a_window_is_aligned_to_whole_steps_and_one_more() {
        let metrics = range("q=x&start=1699999925&end=1699999995&step=60").unwrap();
        let aligned = metrics.aligned();
        assert_eq!(aligned.start.as_secs(), 1_699_999_860);
        assert_eq!(aligned.end.as_secs(), 1_700_000_040);
        let metrics = Metrics::instant(
            &Params::parse("q=x&start=5&end=8"),
            &Settings::default(),
            NOW,
            DAY,
        );
        let metrics = metrics.unwrap();
        assert_eq!(
            (metrics.aligned(), metrics.step),
            (metrics.window, 3 * SECOND)
        );
    }

    #[test]
    fn every_broken_rule_has_its_words() {
        for (query, words) in [
            ("", "please provide a query in `q`"),
            (
                "q=x&start=20&end=10",
                "end must be greater than start. received start=20 end=10",
            ),
            (
                "q=x&start=1&end=100000",
                "metrics query time range exceeds the maximum allowed duration of 24h0m0s",
            ),
            (
                "q=x&start=1&end=80001&step=1",
                "step of 1s is too small, minimum step for given range is 8s",
            ),
            (
                "q=x&step=-5",
                "invalid step: `-5` is not a positive number of seconds",
            ),
        ] {
            assert_eq!(range(query), Err(words.into()), "{query}");
        }
    }

    #[test]
    fn exemplars_and_series_are_capped() {
        let metrics = range("q=x&exemplars=1000&maxSeries=7").unwrap();
        assert_eq!((metrics.exemplars, metrics.max_series), (100, 7));
    }
}
