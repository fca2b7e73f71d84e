//! Long loops that can be stopped.

/// The caller's `keep_going` said no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the search was stopped before its end")]
pub struct Stopped;

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
            Err(Stopped)
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
