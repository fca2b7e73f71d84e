//! Time cut into steps.

/// The time a metrics query looks at, in nanoseconds since the Unix epoch.
///
/// Step `i` holds the spans that start in `(start + i * step, start + (i + 1) * step]`, and its sample
/// is stamped with the end of that. When one step is all there is, the query is an instant one: then
/// the start belongs to it as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    pub start: u64,
    pub end: u64,
    pub step: u64,
}

/// Longer intervals (146 years) and more steps than this are refused.
const LONGEST: u64 = 1 << 62;
const MOST_STEPS: u64 = 1 << 24;

impl Interval {
    /// Whether the interval is one step.
    #[must_use]
    pub fn is_instant(&self) -> bool {
        self.end - self.start == self.step
    }

    /// How many steps there are; the last one may be cut by the end.
    #[must_use]
    pub fn steps(&self) -> usize {
        usize::try_from((self.end - self.start).div_ceil(self.step))
            .expect("a plan has at most 2^24 steps")
    }

    /// The time of a step's sample.
    #[must_use]
    pub fn stamp(&self, step: usize) -> u64 {
        self.start + (step as u64 + 1) * self.step
    }

    pub(super) fn is_usable(&self) -> bool {
        self.step > 0
            && self.start < self.end
            && self.end - self.start <= LONGEST
            && (self.end - self.start).div_ceil(self.step) <= MOST_STEPS
    }

    pub(super) fn clock(&self) -> Clock {
        let steps = u32::try_from(self.steps()).expect("a plan has at most 2^24 steps");
        if self.is_instant() {
            let length = self.end - self.start + 1;
            Clock::new(self.start, length, length, steps)
        } else {
            Clock::new(self.start + 1, self.end - self.start, self.step, steps)
        }
    }
}

/// Times to steps, without dividing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    /// The first nanosecond, and how many there are.
    first: u64,
    length: u64,
    /// `2^(63 + shift) / step`, rounded up. Multiplied with an offset below 2^62 it is off by less
    /// than one part in the quotient's own unit, so the whole part is exact.
    factor: u64,
    shift: u32,
    steps: u32,
}

impl Clock {
    fn new(first: u64, length: u64, step: u64, steps: u32) -> Self {
        let shift = step.ilog2();
        let factor = (1u128 << (63 + shift)).div_ceil(u128::from(step));
        Self {
            first,
            length,
            factor: u64::try_from(factor).expect("2^shift is not above the step"),
            shift,
            steps,
        }
    }

    /// How many steps there are.
    pub(super) fn steps(&self) -> u32 {
        self.steps
    }

    /// The step of a time; the number of steps for times outside of the interval.
    pub(super) fn step(&self, time: u64) -> u32 {
        let offset = time.wrapping_sub(self.first);
        let product = u128::from(offset << 1) * u128::from(self.factor);
        let step = ((product >> 64) as u64 >> self.shift) as u32;
        if offset < self.length {
            step
        } else {
            self.steps
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn step_at(interval: Interval, time: u64) -> Option<u32> {
        let clock = interval.clock();
        Some(clock.step(time)).filter(|step| *step < clock.steps())
    }

    #[test]
    fn steps_are_closed_on_the_right() {
        let interval = Interval {
            start: 100,
            end: 160,
            step: 20,
        };
        let steps = [100, 101, 120, 121, 160, 161].map(|time| step_at(interval, time));
        assert_eq!(steps, [None, Some(0), Some(0), Some(1), Some(2), None]);
        assert_eq!((interval.steps(), interval.stamp(2)), (3, 160));
    }

    #[test]
    fn an_instant_interval_has_both_of_its_ends() {
        let interval = Interval {
            start: 100,
            end: 160,
            step: 60,
        };
        let steps = [99, 100, 160, 161].map(|time| step_at(interval, time));
        assert_eq!(steps, [None, Some(0), Some(0), None]);
    }

    #[test]
    fn a_last_step_may_be_cut() {
        let interval = Interval {
            start: 0,
            end: 50,
            step: 20,
        };
        let steps = [40, 41, 50, 51].map(|time| step_at(interval, time));
        assert_eq!(
            (interval.steps(), steps),
            (3, [Some(1), Some(2), Some(2), None])
        );
    }

    proptest! {
        #[test]
        fn multiplying_is_dividing(start in 0u64..1 << 62, step in 1u64..1 << 45, steps in 2u64..10_000, at in 0.0f64..1.0) {
            let length = step * steps;
            let interval = Interval { start, end: start + length, step };
            #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "any number will do")]
            let offset = ((length as f64 * at) as u64).min(length - 1);
            for offset in [offset, offset / step * step, (offset / step * step).saturating_sub(1), length - 1] {
                prop_assert_eq!(step_at(interval, start + 1 + offset), u32::try_from(offset / step).ok());
            }
        }
    }
}
