//! Fresh ids. Like the clock, they come from here so that the rest stays reproducible.

use std::hash::{BuildHasher as _, RandomState};

use takt_model::BlockId;
use uuid::{NoContext, Timestamp, Uuid};

use crate::Clock;

/// A block id nobody has used: a UUID of version 7, so blocks list in the order they were made.
#[must_use]
pub fn block(clock: &dyn Clock) -> BlockId {
    let now = clock.now();
    let nanos = u32::try_from(now.0 % 1_000_000_000).expect("less than 10^9");
    BlockId(Uuid::new_v7(Timestamp::from_unix(
        NoContext,
        now.as_secs(),
        nanos,
    )))
}

/// A number nobody can foretell, to start a reproducible random sequence from. Simulations pass their own.
#[must_use]
pub fn seed() -> u64 {
    RandomState::new().hash_one(())
}
