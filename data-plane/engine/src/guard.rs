//! What an evaluation may use, and long loops that can be stopped.

use std::cell::Cell;
use std::fmt;
use std::ops::Range;

use takt_model::TimeRange;

use crate::bitmap::Bitmap;

/// What an evaluation is about and what it may use.
#[derive(Clone, Copy)]
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

impl fmt::Debug for Scope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope")
            .field("window", &self.window)
            .field("skip", &self.skip)
            .finish_non_exhaustive()
    }
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

/// Asks the scope's questions, so that loops and allocations need not count themselves.
pub(crate) struct Guard<'a> {
    keep_going: &'a dyn Fn() -> bool,
    may_hold: &'a dyn Fn(usize) -> bool,
    held: Cell<usize>,
}

impl<'a> Guard<'a> {
    /// Rounds of a loop between two questions.
    const EVERY: usize = 1 << 16;

    pub(crate) fn new(scope: &Scope<'a>) -> Self {
        Self {
            keep_going: scope.keep_going,
            may_hold: scope.may_hold,
            held: Cell::new(0),
        }
    }

    pub(crate) fn check(&self) -> Result<(), Stopped> {
        if (self.keep_going)() {
            Ok(())
        } else {
            Err(Stopped::Cancelled)
        }
    }

    /// Says that `bytes` more are about to be held until the end of the evaluation.
    pub(crate) fn hold(&self, bytes: usize) -> Result<(), Stopped> {
        let held = self.held.get().saturating_add(bytes);
        if !(self.may_hold)(held) {
            return Err(Stopped::OverBudget);
        }
        self.held.set(held);
        Ok(())
    }

    /// Says that room for `len` of `T` is about to be held.
    pub(crate) fn hold_many<T>(&self, len: usize) -> Result<(), Stopped> {
        self.hold(len.saturating_mul(size_of::<T>()))
    }

    pub(crate) fn each<T>(
        &self,
        items: impl Iterator<Item = T>,
        mut visit: impl FnMut(T),
    ) -> Result<(), Stopped> {
        self.try_each(items, |item| {
            visit(item);
            Ok(())
        })
    }

    pub(crate) fn try_each<T>(
        &self,
        items: impl Iterator<Item = T>,
        mut visit: impl FnMut(T) -> Result<(), Stopped>,
    ) -> Result<(), Stopped> {
        let mut left = 0;
        for item in items {
            if left == 0 {
                self.check()?;
                left = Self::EVERY;
            }
            left -= 1;
            visit(item)?;
        }
        Ok(())
    }

    /// Calls `visit` with `0..len` in pieces, so that the loop inside needs no check.
    pub(crate) fn pieces(
        &self,
        len: usize,
        mut visit: impl FnMut(Range<usize>),
    ) -> Result<(), Stopped> {
        for start in (0..len).step_by(Self::EVERY) {
            self.check()?;
            visit(start..len.min(start + Self::EVERY));
        }
        Ok(())
    }

    /// The rows among `rows` that `keep` wants.
    pub(crate) fn filter(
        &self,
        rows: &Bitmap,
        keep: impl Fn(u32) -> bool,
    ) -> Result<Bitmap, Stopped> {
        let mut kept = Bitmap::none(rows.len());
        self.pieces(rows.len(), |piece| kept.filter_from(rows, piece, &keep))?;
        Ok(kept)
    }

    /// The rows among `rows` whose value `holds`; every row has one.
    pub(crate) fn select<T: Copy>(
        &self,
        rows: &Bitmap,
        values: &[T],
        holds: impl Fn(T) -> bool,
    ) -> Result<Bitmap, Stopped> {
        let mut kept = Bitmap::none(rows.len());
        self.pieces(rows.len(), |piece| {
            kept.select_from(rows, piece, values, &holds);
        })?;
        Ok(kept)
    }
}
