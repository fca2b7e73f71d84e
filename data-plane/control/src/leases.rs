//! What this node may act on, and until when.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use takt_wire::takt::control::v1 as wire;
use tokio::time::Instant;

/// More heartbeats than this are never under way: the stream counts as lost before.
const UNDER_WAY_MAX: usize = 16;

/// The leases as they were last granted. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct LeaseHandle(Arc<ArcSwapOption<Granted>>);

#[derive(Debug)]
struct Granted {
    leases: Arc<wire::Leases>,
    until: Instant,
}

impl LeaseHandle {
    /// What this node may act on now; `None` once it heard of nobody for as long as they were granted.
    #[must_use]
    pub fn current(&self) -> Option<Arc<wire::Leases>> {
        let granted = self.0.load();
        let granted = granted.as_ref()?;
        (Instant::now() < granted.until).then(|| Arc::clone(&granted.leases))
    }
}

/// Heartbeats that were sent and not answered yet, and what the answers grant.
#[derive(Debug)]
pub(crate) struct Beats {
    handle: LeaseHandle,
    sequence: u64,
    sent: VecDeque<(u64, Instant)>,
}

impl Beats {
    pub(crate) fn new(handle: LeaseHandle) -> Self {
        Self {
            handle,
            sequence: 0,
            sent: VecDeque::new(),
        }
    }

    /// Takes note that this is sent now.
    pub(crate) fn send(&mut self, mut heartbeat: wire::Heartbeat) -> wire::Heartbeat {
        self.sequence += 1;
        if self.sent.len() == UNDER_WAY_MAX {
            self.sent.pop_front();
        }
        self.sent.push_back((self.sequence, Instant::now()));
        heartbeat.sequence = self.sequence;
        heartbeat
    }

    /// Takes what a heartbeat was answered with. Time counts from when that heartbeat was sent, so a slow
    /// answer makes a lease shorter and never longer than the control plane thinks.
    pub(crate) fn hear(&mut self, leases: wire::Leases) {
        let answered = leases.sequence;
        while self.sent.front().is_some_and(|(sent, _)| *sent < answered) {
            self.sent.pop_front();
        }
        let Some((_, at)) = self.sent.front().filter(|(sent, _)| *sent == answered) else {
            return;
        };
        let granted = Granted {
            until: *at + Duration::from_millis(leases.ttl_milliseconds),
            leases: Arc::new(leases),
        };
        self.handle.0.store(Some(Arc::new(granted)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leases(sequence: u64, revision: u64) -> wire::Leases {
        wire::Leases {
            sequence,
            ttl_milliseconds: 10_000,
            revision,
            ..wire::Leases::default()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_ends_as_long_after_the_heartbeat_as_was_granted() {
        let handle = LeaseHandle::default();
        let mut beats = Beats::new(handle.clone());
        assert!(handle.current().is_none());
        beats.send(wire::Heartbeat::default());
        tokio::time::advance(Duration::from_secs(4)).await;
        beats.send(wire::Heartbeat::default());
        tokio::time::advance(Duration::from_secs(1)).await;
        beats.hear(leases(1, 7));
        assert_eq!(handle.current().unwrap().revision, 7);
        tokio::time::advance(Duration::from_millis(4999)).await;
        assert!(handle.current().is_some());
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(
            handle.current().is_none(),
            "ten seconds after it was asked for"
        );
        beats.hear(leases(2, 8));
        assert_eq!(handle.current().unwrap().revision, 8);
        tokio::time::advance(Duration::from_secs(4)).await;
        assert!(handle.current().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_to_nothing_grants_nothing() {
        let handle = LeaseHandle::default();
        let mut beats = Beats::new(handle.clone());
        beats.hear(leases(1, 7));
        beats.send(wire::Heartbeat::default());
        beats.hear(leases(2, 7));
        assert!(handle.current().is_none());
    }
}
