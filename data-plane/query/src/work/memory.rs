//! How much memory one query may take, of what all queries together may take.

use takt_kit::budget::Exhausted;
use takt_kit::{Budget, Reservation};

use crate::failure::Failure;

/// A query's memory: a bound of its own within the bound of all.
#[derive(Debug, Clone)]
pub(crate) struct Memory {
    own: Budget,
    shared: Budget,
}

/// What one piece of a query holds of both bounds; given back when dropped.
#[derive(Debug)]
pub(crate) struct Lease {
    own: Reservation,
    shared: Reservation,
}

impl Memory {
    pub(crate) fn new(shared: Budget, own_bytes: usize) -> Self {
        Self {
            own: Budget::new(own_bytes),
            shared,
        }
    }

    pub(crate) fn lease(&self) -> Lease {
        let nothing = |budget: &Budget| budget.reserve(0).expect("nothing always fits");
        Lease {
            own: nothing(&self.own),
            shared: nothing(&self.shared),
        }
    }
}

impl Lease {
    /// Holds `bytes` in all from now on.
    ///
    /// # Errors
    /// When the query or all queries together would hold too much; then this lease is as before.
    pub(crate) fn hold(&mut self, bytes: usize) -> Result<(), Failure> {
        let held = self.own.bytes();
        if bytes > held {
            let more = bytes - held;
            // Its own bound first: what no query may take does not pass by waiting.
            if let Err(Exhausted { limit, .. }) = self.own.grow(more) {
                return Err(Failure::QueryTooLarge(limit));
            }
            if let Err(exhausted) = self.shared.grow(more) {
                self.own.set(held);
                return Err(exhausted.into());
            }
        } else {
            self.own.set(bytes);
            self.shared.set(bytes);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_bounded_by_itself_and_by_all() {
        let shared = Budget::new(100);
        let (one, other) = (
            Memory::new(shared.clone(), 60),
            Memory::new(shared.clone(), 60),
        );
        let (mut first, mut second) = (one.lease(), one.lease());
        first.hold(40).unwrap();
        assert!(matches!(second.hold(21), Err(Failure::QueryTooLarge(60))));
        assert_eq!(shared.used(), 40, "what did not fit is not held");
        second.hold(20).unwrap();
        let mut third = other.lease();
        assert!(matches!(third.hold(41), Err(Failure::Memory(_))));
        first.hold(10).unwrap();
        third.hold(41).unwrap();
        drop((first, second, third));
        assert_eq!(shared.used(), 0);
    }
}
