//! What an evaluation may use, and long loops that can be stopped.

use takt_model::TimeRange;

use crate::bitmap::Bitmap;

/// What an evaluation is about and what it may use.
#[derive(Clone, Copy)]
#[expect(
    missing_debug_implementations,
    reason = "two questions cannot be shown"
)]
pub struct Scope<'a> {
    /// Traces must overlap it.
    pub window: TimeRange,
    /// Traces, by ordinal, that must not be evaluated here.
    pub skip: Option<&'a Bitmap>,
    /// Asked every so often; no stops the evaluation with [`Stopped::Cancelled`].
    pub keep_going: &'a dyn Fn() -> bool,
    /// Asked with all the bytes that the evaluation would hold, before it takes what grows with the
    /// data; no stops it with [`Stopped::OverBudget`].
    pub may_hold: &'a dyn Fn(usize) -> bool,
}

/// Why an evaluation ended before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Stopped {
    #[error("the evaluation was stopped before its end")]
    Cancelled,
    #[error("the evaluation needs more memory than it may use")]
    OverBudget,
}

impl<'a> Scope<'a> {
    /// Every trace that overlaps `window`, with any amount of memory.
    #[must_use]
    pub fn new(window: TimeRange, keep_going: &'a dyn Fn() -> bool) -> Self {
        Self {
            window,
            skip: None,
            keep_going,
            may_hold: &|_| true,
        }
    }
}

/// Asks `keep_going` at every start of a loop and then once in [`Guard::EVERY`] rounds.
pub(crate) struct Guard<'a> {
    keep_going: &'a dyn Fn() -> bool,
}

impl<'a> Guard<'a> {
    const EVERY: usize = 1 << 16;

    pub(crate) fn new(keep_going: &'a dyn Fn() -> bool) -> Self {
        Self { keep_going }
    }

    pub(crate) fn check(&self) -> Result<(), Stopped> {
        if (self.keep_going)() {
            Ok(())
        } else {
            Err(Stopped::Cancelled)
        }
    }

    pub(crate) fn each<T>(
        &self,
        items: impl Iterator<Item = T>,
        mut visit: impl FnMut(T),
    ) -> Result<(), Stopped> {
        let mut left = 0;
        for item in items {
            if left == 0 {
                self.check()?;
                left = Self::EVERY;
            }
            left -= 1;
            visit(item);
        }
        Ok(())
    }
}
