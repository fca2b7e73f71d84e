//! When rules are evaluated: at whole multiples of their interval since 1970, whoever evaluates them.

use std::time::Duration;

use takt_model::rules::{Purpose, Rule, RuleGroup};
use takt_model::{TimeRange, UnixNano};

use crate::settings::Settings;

/// Most moments of the past at which a rule is asked to find its state again.
const REPLAYS_MAX: u64 = 60;

/// The times of one group, defaults filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timing {
    pub(crate) interval: Duration,
    pub(crate) window: Duration,
    pub(crate) offset: Duration,
}

impl Timing {
    pub(crate) fn new(group: &RuleGroup, settings: &Settings) -> Self {
        let interval = group.interval.unwrap_or(settings.evaluation_interval);
        Self {
            interval,
            window: group.query_window.unwrap_or(interval),
            offset: group.query_offset.unwrap_or(settings.query_offset),
        }
    }

    /// The first moment after `now` at which the group is evaluated.
    pub(crate) fn after(self, now: UnixNano) -> UnixNano {
        self.at_or_before(now).plus(self.interval)
    }

    /// The moment to evaluate after `last`, and how many before it came and went unused.
    pub(crate) fn next(self, last: UnixNano, now: UnixNano) -> (UnixNano, u64) {
        let next = last.plus(self.interval);
        let newest = self.at_or_before(now);
        if newest <= next {
            return (next, 0);
        }
        (newest, nanos(newest.since(next)) / self.step())
    }

    /// What a query at `at` looks at: after the start of the window, to its end.
    pub(crate) fn range(self, at: UnixNano) -> TimeRange {
        let end = at.minus(self.offset);
        TimeRange {
            start: end.minus(self.window).plus(Duration::from_nanos(1)),
            end,
        }
    }

    /// The moments before `at` whose answers tell what state a rule is in, oldest first: as far back as
    /// the rule remembers. Few enough to ask at once; a long memory is looked at in larger steps.
    pub(crate) fn replay(self, rule: &Rule, at: UnixNano) -> impl Iterator<Item = UnixNano> {
        let memory = match &rule.purpose {
            Purpose::Alert(alert) => alert.hold.saturating_add(alert.keep_firing),
            Purpose::Record(_) => Duration::ZERO,
        };
        let ticks = nanos(memory).div_ceil(self.step());
        let stride = ticks.div_ceil(REPLAYS_MAX).max(1);
        let steps = ticks.div_ceil(stride);
        let back = move |steps: u64| at.minus(Duration::from_nanos(self.step() * stride * steps));
        (1..=steps).rev().map(back)
    }

    fn at_or_before(self, now: UnixNano) -> UnixNano {
        UnixNano(now.0 - now.0 % self.step())
    }

    fn step(self) -> u64 {
        nanos(self.interval).max(1)
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use takt_model::RuleGroups;

    use super::*;

    const fn secs(seconds: u64) -> UnixNano {
        UnixNano::from_secs(seconds)
    }

    fn group(fields: &str) -> std::sync::Arc<RuleGroup> {
        let text = format!(r#"[{{"name":"g",{fields}}}]"#);
        std::sync::Arc::clone(&text.parse::<RuleGroups>().unwrap()[0])
    }

    fn timing(fields: &str) -> Timing {
        Timing::new(&group(fields), &Settings::default())
    }

    #[test]
    fn moments_are_multiples_of_the_interval() {
        let timing = timing(r#""interval":"15s""#);
        assert_eq!(timing.after(secs(100)), secs(105));
        assert_eq!(timing.after(secs(105)), secs(120));
    }

    #[test]
    fn moments_that_passed_meanwhile_are_left_out_and_counted() {
        let timing = timing(r#""interval":"10s""#);
        assert_eq!(timing.next(secs(100), secs(101)), (secs(110), 0));
        assert_eq!(timing.next(secs(100), secs(112)), (secs(110), 0));
        assert_eq!(timing.next(secs(100), secs(121)), (secs(120), 1));
        assert_eq!(timing.next(secs(100), secs(155)), (secs(150), 4));
        // A clock that was set back waits for what was next.
        assert_eq!(timing.next(secs(100), secs(50)), (secs(110), 0));
    }

    #[test]
    fn the_window_ends_the_offset_before_and_does_not_hold_its_start() {
        let timing = timing(r#""interval":"1m","query_window":"5m","query_offset":"10s""#);
        let range = timing.range(secs(1000));
        assert_eq!(range.end, secs(990));
        assert_eq!(range.start, UnixNano(secs(690).0 + 1));
    }

    #[test]
    fn the_past_is_asked_for_as_long_as_a_rule_remembers() {
        let replay = |rule: &str| -> Vec<u64> {
            let group = group(&format!(r#""interval":"10s","rules":[{rule}]"#));
            let timing = Timing::new(&group, &Settings::default());
            let moments = timing.replay(&group.rules[0], secs(10_000));
            moments.map(UnixNano::as_secs).collect()
        };
        assert_eq!(
            replay(r#"{"alert":"A","expr":"x","for":"25s"}"#),
            [9970, 9980, 9990]
        );
        assert_eq!(
            replay(r#"{"alert":"A","expr":"x","keep_firing_for":"10s"}"#),
            [9990]
        );
        assert_eq!(replay(r#"{"alert":"A","expr":"x"}"#), [0; 0]);
        assert_eq!(replay(r#"{"record":"r","expr":"x"}"#), [0; 0]);
        let long = replay(r#"{"alert":"A","expr":"x","for":"1000s"}"#);
        assert_eq!((long.len(), long[0], long[49]), (50, 9000, 9980));
    }
}
