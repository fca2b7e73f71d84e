//! The clock of one node: simulated time, and however wrong it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use takt_kit::Clock;
use takt_model::UnixNano;

use crate::history::History;

/// The time at which every simulation begins, since the Unix epoch.
pub(crate) const EPOCH_SECONDS: u64 = 1_700_000_000;

/// Clones are the same clock; it outlives the machine.
#[derive(Debug, Clone)]
pub(crate) struct SimClock {
    /// What it showed is kept, because answers depend on it.
    history: History,
    ahead_nanos: Arc<AtomicI64>,
}

impl SimClock {
    pub(crate) fn new(history: History) -> Self {
        Self {
            history,
            ahead_nanos: Arc::default(),
        }
    }

    /// From now on it shows this much later, or earlier.
    pub(crate) fn jump(&self, by_millis: i64) {
        self.ahead_nanos
            .fetch_add(by_millis * 1_000_000, Ordering::Relaxed);
    }

    /// From now on it is right.
    pub(crate) fn correct(&self) {
        self.ahead_nanos.store(0, Ordering::Relaxed);
    }
}

impl Clock for SimClock {
    fn now(&self) -> UnixNano {
        let since = turmoil::sim_elapsed().unwrap_or(Duration::ZERO);
        let right = Duration::from_secs(EPOCH_SECONDS) + since;
        let right = u64::try_from(right.as_nanos()).unwrap_or(u64::MAX);
        let now = right.saturating_add_signed(self.ahead_nanos.load(Ordering::Relaxed));
        let now = UnixNano(now);
        self.history.clock_showed(now);
        now
    }
}
