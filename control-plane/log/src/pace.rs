//! When a snapshot is worth its price.
//!
//! It costs as many bytes as it has; not taking it costs a start that folds everything since the last one. So the next one is
//! due when the log since the last is as large as that was: over its life a log is written about twice, however
//! large the state has become, and a start reads at most about twice the state. Two bounds: a small state is
//! written at once when enough entries have come, and a start never has to fold more than [`ENTRIES_MAX`].

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

/// Writing this much is cheap, however often.
const CHEAP_BYTES: u64 = 1 << 20;
/// Folding so many takes one or two seconds.
const ENTRIES_MAX: u64 = 500_000;

/// What was applied since the last snapshot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Since {
    pub(crate) entries: u64,
    pub(crate) bytes: u64,
}

/// Whether another snapshot is due, the last one having had so many bytes; never before `entries_min`.
fn due(since: Since, last_bytes: u64, entries_min: u64) -> bool {
    let grown = last_bytes <= CHEAP_BYTES || since.bytes >= last_bytes;
    since.entries >= entries_min && (grown || since.entries >= ENTRIES_MAX)
}

/// Counts, and says when a snapshot is due.
#[derive(Debug)]
pub(crate) struct Pace {
    entries_min: u64,
    since: Since,
    last_bytes: Arc<AtomicU64>,
    due: Arc<Notify>,
}

impl Pace {
    pub(crate) fn new(entries_min: u64) -> Self {
        Self {
            entries_min,
            since: Since::default(),
            last_bytes: Arc::default(),
            due: Arc::default(),
        }
    }

    /// Wakes up when a snapshot is due.
    pub(crate) fn alarm(&self) -> Arc<Notify> {
        Arc::clone(&self.due)
    }

    /// More was applied.
    pub(crate) fn count(&mut self, entries: u64, bytes: u64) {
        self.since.entries += entries;
        self.since.bytes += bytes;
        let last_bytes = self.last_bytes.load(Ordering::Relaxed);
        if due(self.since, last_bytes, self.entries_min) {
            self.due.notify_one();
        }
    }

    /// A snapshot of what is applied now is being made; how large it becomes is put in what this returns.
    pub(crate) fn begin(&mut self) -> Arc<AtomicU64> {
        self.since = Since::default();
        Arc::clone(&self.last_bytes)
    }

    /// There is one of so many bytes that covers all that is applied.
    pub(crate) fn taken(&mut self, bytes: u64) {
        self.begin().store(bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(entries: u64, bytes: u64) -> Since {
        Since { entries, bytes }
    }

    #[test]
    fn a_small_state_is_written_after_enough_entries() {
        assert!(!due(after(999, u64::MAX), 0, 1000));
        assert!(due(after(1000, 10), 0, 1000));
        assert!(due(after(1000, 10), CHEAP_BYTES, 1000));
    }

    #[test]
    fn a_large_state_waits_until_the_log_is_as_large() {
        let large = 300 << 20;
        assert!(!due(after(100_000, large - 1), large, 1000));
        assert!(due(after(100_000, large), large, 1000));
    }

    #[test]
    fn no_start_folds_more_than_the_most() {
        let large = 300 << 20;
        assert!(!due(after(ENTRIES_MAX - 1, 1), large, 1000));
        assert!(due(after(ENTRIES_MAX, 1), large, 1000));
        // Unless it was asked for.
        assert!(!due(after(ENTRIES_MAX, 1), 0, ENTRIES_MAX + 1));
    }

    /// Over a long life the snapshots together are about as large as the log, not as the square of it.
    #[test]
    fn snapshots_together_are_no_larger_than_a_few_logs() {
        let (entry, mut state, mut log, mut written) = (200, 0_u64, 0_u64, 0_u64);
        let mut pace = Pace::new(1000);
        for _ in 0..400_000 {
            log += entry;
            state += entry / 2;
            pace.count(1, entry);
            let last = pace.last_bytes.load(Ordering::Relaxed);
            if due(pace.since, last, pace.entries_min) {
                pace.taken(state);
                written += state;
            }
        }
        assert!(written < 2 * log, "{written} for {log}");
        assert!(written > state, "{written} for {state}");
    }

    #[test]
    fn the_alarm_sounds_once_for_many_reasons() {
        let mut pace = Pace::new(2);
        let alarm = pace.alarm();
        pace.count(1, 1);
        assert!(futures::FutureExt::now_or_never(alarm.notified()).is_none());
        pace.count(1, 1);
        pace.count(1, 1);
        assert!(futures::FutureExt::now_or_never(alarm.notified()).is_some());
        assert!(futures::FutureExt::now_or_never(alarm.notified()).is_none());
    }
}
