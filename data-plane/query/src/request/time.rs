//! `start`, `end` and `since`: which time a query is about.

use std::time::Duration;

use takt_model::{TimeRange, UnixNano};

use crate::params::{Invalid, Params};

/// What a request said about time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// Nothing: everything kept is meant.
    Everything,
    Between(TimeRange),
}

impl Window {
    #[must_use]
    pub fn range(self) -> TimeRange {
        match self {
            Self::Everything => TimeRange::ALL,
            Self::Between(range) => range,
        }
    }
}

/// The window of a search: both ends or none, and not longer than `longest` (zero is no bound).
pub(crate) fn search(params: &Params, now: UnixNano, longest: Duration) -> Result<Window, Invalid> {
    let range = if let Some(since) = params.duration("since")? {
        ordered(now.minus(since), now)?
    } else {
        match (params.moment("start")?, params.moment("end")?) {
            (None, None) => return Ok(Window::Everything),
            (Some(start), Some(end)) => ordered(start, end)?,
            _ => {
                return Err(Invalid::rule(
                    "please provide both start and end, or neither",
                ));
            }
        }
    };
    if !longest.is_zero() && range.end.since(range.start) > longest {
        return Err(Invalid::rule(format!(
            "range specified by start and end exceeds {}. received start={} end={}",
            go_duration(longest),
            range.start.as_secs(),
            range.end.as_secs()
        )));
    }
    Ok(Window::Between(range))
}

/// The window of a lookup (trace by id, tags): each end may stand alone.
pub(crate) fn lookup(params: &Params, now: UnixNano) -> Result<Window, Invalid> {
    if let Some(since) = params.duration("since")? {
        return ordered(now.minus(since), now).map(Window::Between);
    }
    match (params.moment("start")?, params.moment("end")?) {
        (None, None) => Ok(Window::Everything),
        (start, end) => ordered(start.unwrap_or(UnixNano::MIN), end.unwrap_or(UnixNano::MAX))
            .map(Window::Between),
    }
}

pub(super) fn ordered(start: UnixNano, end: UnixNano) -> Result<TimeRange, Invalid> {
    if end <= start {
        return Err(Invalid::rule(format!(
            "http parameter start must be before end. received start={} end={}",
            start.as_secs(),
            end.as_secs()
        )));
    }
    Ok(TimeRange { start, end })
}

/// A duration of whole seconds as Go prints it: `168h0m0s`.
pub(super) fn go_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, seconds) => format!("{minutes}m{seconds}s"),
        (hours, minutes, seconds) => format!("{hours}h{minutes}m{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixNano = UnixNano::from_secs(1_700_000_000);
    const WEEK: Duration = Duration::from_secs(168 * 3600);

    fn between(start: u64, end: u64) -> Window {
        Window::Between(TimeRange {
            start: UnixNano::from_secs(start),
            end: UnixNano::from_secs(end),
        })
    }

    #[test]
    fn a_search_names_both_ends_or_none() {
        let window = |query: &str| {
            search(&Params::parse(query), NOW, WEEK).map_err(|error| error.to_string())
        };
        assert_eq!(window(""), Ok(Window::Everything));
        assert_eq!(window("start=0&end=0"), Ok(Window::Everything));
        assert_eq!(window("start=10&end=20"), Ok(between(10, 20)));
        assert_eq!(
            window("since=1h&start=10&end=20"),
            Ok(between(1_699_996_400, 1_700_000_000)),
            "since stands above start and end"
        );
        assert_eq!(
            window("start=10"),
            Err("please provide both start and end, or neither".into())
        );
        assert_eq!(
            window("start=20&end=20"),
            Err("http parameter start must be before end. received start=20 end=20".into())
        );
        assert_eq!(
            window("since=0"),
            Err(
                "http parameter start must be before end. received start=1700000000 end=1700000000"
                    .into()
            )
        );
        assert_eq!(
            window("start=0.5&end=604801"),
            Err(
                "range specified by start and end exceeds 168h0m0s. received start=0 end=604801"
                    .into()
            )
        );
        assert_eq!(
            search(
                &Params::parse("start=1&end=1700000000"),
                NOW,
                Duration::ZERO
            ),
            Ok(between(1, 1_700_000_000))
        );
    }

    #[test]
    fn a_lookup_may_leave_one_end_open() {
        let window = |query: &str| lookup(&Params::parse(query), NOW);
        assert_eq!(window(""), Ok(Window::Everything));
        assert_eq!(
            window("end=20"),
            Ok(Window::Between(TimeRange {
                start: UnixNano::MIN,
                end: UnixNano::from_secs(20)
            }))
        );
        assert!(window("start=20&end=10").is_err());
    }

    #[test]
    fn durations_print_as_in_go() {
        for (seconds, text) in [
            (5, "5s"),
            (65, "1m5s"),
            (3600, "1h0m0s"),
            (604_800, "168h0m0s"),
        ] {
            assert_eq!(go_duration(Duration::from_secs(seconds)), text);
        }
    }
}
