//! One bound on memory, shared by those who hold a lot of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A number of bytes that may be in use at once. Clones share it.
#[derive(Debug, Clone)]
pub struct Budget(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    limit: usize,
    used: AtomicUsize,
}

/// Bytes taken from a [`Budget`]; given back when dropped.
#[derive(Debug)]
pub struct Reservation {
    budget: Budget,
    bytes: usize,
}

/// There is not enough left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("memory budget of {limit} bytes is exhausted: {used} in use, {asked} more asked for")]
pub struct Exhausted {
    pub limit: usize,
    pub used: usize,
    pub asked: usize,
}

impl Budget {
    #[must_use]
    pub fn new(limit_bytes: usize) -> Self {
        Self(Arc::new(Inner {
            limit: limit_bytes,
            used: AtomicUsize::new(0),
        }))
    }

    #[must_use]
    pub fn limit(&self) -> usize {
        self.0.limit
    }

    #[must_use]
    pub fn used(&self) -> usize {
        self.0.used.load(Ordering::Relaxed)
    }

    /// Takes `bytes`, or nothing.
    ///
    /// # Errors
    /// When fewer are left.
    pub fn reserve(&self, bytes: usize) -> Result<Reservation, Exhausted> {
        let mut reservation = Reservation {
            budget: self.clone(),
            bytes: 0,
        };
        reservation.grow(bytes)?;
        Ok(reservation)
    }
}

impl Reservation {
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes `more` bytes on top, or nothing.
    ///
    /// # Errors
    /// When fewer are left; what was held before stays held.
    pub fn grow(&mut self, more: usize) -> Result<(), Exhausted> {
        let inner = &self.budget.0;
        inner
            .used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                used.checked_add(more).filter(|sum| *sum <= inner.limit)
            })
            .map_err(|used| Exhausted {
                limit: inner.limit,
                used,
                asked: more,
            })?;
        self.bytes += more;
        Ok(())
    }

    /// Holds exactly `bytes` from now on, even past the limit: for what is in memory already
    /// and only has to be accounted for. Whoever grows this way must look at [`Budget::used`] first.
    pub fn set(&mut self, bytes: usize) {
        let used = &self.budget.0.used;
        if bytes >= self.bytes {
            used.fetch_add(bytes - self.bytes, Ordering::Relaxed);
        } else {
            used.fetch_sub(self.bytes - bytes, Ordering::Relaxed);
        }
        self.bytes = bytes;
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.0.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_never_lends_more_than_it_has_and_gets_it_back() {
        let budget = Budget::new(100);
        let mut first = budget.reserve(60).unwrap();
        assert_eq!(
            budget.reserve(41).unwrap_err(),
            Exhausted {
                limit: 100,
                used: 60,
                asked: 41
            }
        );
        first.grow(40).unwrap();
        assert!(first.grow(1).is_err());
        drop(first);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn accounting_for_what_is_held_anyway_may_pass_the_limit() {
        let budget = Budget::new(10);
        let mut held = budget.reserve(0).unwrap();
        held.set(25);
        assert!(budget.reserve(1).is_err());
        held.set(5);
        assert_eq!(budget.used(), 5);
    }
}
