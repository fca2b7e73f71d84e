//! Where nodes are heard, and hear what they may act on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use takt_domain::State;
use takt_domain::nodes::{MAX_NODES, NodeName};
use takt_kit::Clock;
use takt_model::UnixNano;
use takt_wire::takt::control::v1 as wire;
use tokio::sync::{Notify, watch};

use crate::{Heard, Heartbeat, HeartbeatError, Observed, leases_of};

/// Cheap to clone; clones are one.
#[derive(Debug, Clone)]
pub struct Presence {
    clock: Arc<dyn Clock>,
    ttl: Duration,
    nodes: Arc<Mutex<BTreeMap<NodeName, Entry>>>,
    poke: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Entry {
    heard: Option<Heard>,
    /// Nobody has answered the newest heartbeat yet.
    unanswered: bool,
    leases: watch::Sender<wire::Leases>,
}

impl Presence {
    pub(crate) fn new(clock: Arc<dyn Clock>, ttl: Duration) -> Self {
        Self {
            clock,
            ttl,
            nodes: Arc::default(),
            poke: Arc::default(),
        }
    }

    /// A node lives. Older heartbeats than the newest are passed over.
    ///
    /// # Errors
    /// When the heartbeat makes no sense.
    pub fn heard(&self, heartbeat: wire::Heartbeat) -> Result<NodeName, HeartbeatError> {
        let heartbeat = Heartbeat::try_from(heartbeat)?;
        let name = heartbeat.node.clone();
        let at = self.clock.now();
        let mut nodes = self.nodes.lock();
        if nodes.len() >= MAX_NODES && !nodes.contains_key(&name) {
            return Err(HeartbeatError::TooMany);
        }
        let entry = nodes.entry(name.clone()).or_default();
        let before = entry.heard.as_ref().map(|heard| &heard.heartbeat);
        let order = |heartbeat: &Heartbeat| (heartbeat.incarnation, heartbeat.sequence);
        if before.is_some_and(|before| order(before) > order(&heartbeat)) {
            return Ok(name);
        }
        let news = before.is_none_or(|before| {
            Heartbeat {
                sequence: heartbeat.sequence,
                ..before.clone()
            } != heartbeat
        });
        entry.heard = Some(Heard { heartbeat, at });
        entry.unanswered = true;
        if news {
            self.poke.notify_one();
        }
        Ok(name)
    }

    /// The answers to a node's heartbeats: one for each, or for the newest of several. Nothing comes while
    /// nobody leads the control plane, and while the node does not take part yet.
    #[must_use]
    pub fn leases(&self, node: &NodeName) -> watch::Receiver<wire::Leases> {
        let mut nodes = self.nodes.lock();
        nodes.entry(node.clone()).or_default().leases.subscribe()
    }

    /// For the leader: what these nodes may act on by this state, after it heard them.
    ///
    /// # Errors
    /// When one of the heartbeats makes no sense; the ones before it are heard.
    pub fn report(
        &self,
        state: &State,
        heartbeats: Vec<wire::Heartbeat>,
    ) -> Result<Vec<wire::Leases>, HeartbeatError> {
        let mut answers = Vec::with_capacity(heartbeats.len());
        for heartbeat in heartbeats {
            let (incarnation, sequence) = (heartbeat.incarnation, heartbeat.sequence);
            let node = self.heard(heartbeat)?;
            answers.extend(leases_of(state, &node, incarnation, sequence, self.ttl));
        }
        Ok(answers)
    }

    /// Who was heard, for a plan.
    pub(crate) fn observed(&self, since: UnixNano) -> Observed {
        let nodes = self.nodes.lock();
        let heard = nodes
            .iter()
            .filter_map(|(name, entry)| Some((name.clone(), entry.heard.clone()?)));
        Observed {
            since,
            heard: heard.collect(),
        }
    }

    /// Answers what was not answered yet from a state that is current.
    pub(crate) fn answer_all(&self, state: &State) {
        let mut nodes = self.nodes.lock();
        for (name, entry) in nodes.iter_mut().filter(|(_, entry)| entry.unanswered) {
            let Some(heard) = &entry.heard else { continue };
            let (incarnation, sequence) = (heard.heartbeat.incarnation, heard.heartbeat.sequence);
            if let Some(leases) = leases_of(state, name, incarnation, sequence, self.ttl) {
                entry.unanswered = false;
                entry.leases.send_replace(leases);
            }
        }
    }

    /// What the leader has not heard yet, as far as anybody here knows.
    pub(crate) fn unanswered(&self) -> Vec<wire::Heartbeat> {
        let nodes = self.nodes.lock();
        nodes
            .values()
            .filter(|entry| entry.unanswered)
            .filter_map(|entry| Some(entry.heard.as_ref()?.heartbeat.to_wire()))
            .collect()
    }

    /// What the leader answered.
    pub(crate) fn answered(&self, answers: Vec<wire::Leases>) {
        let mut nodes = self.nodes.lock();
        for leases in answers {
            let Ok(name) = NodeName::new(&leases.node) else {
                continue;
            };
            let Some(entry) = nodes.get_mut(&name) else {
                continue;
            };
            let newest = entry.heard.as_ref().map(|heard| &heard.heartbeat);
            let same = newest.is_some_and(|newest| {
                (newest.incarnation, newest.sequence) == (leases.incarnation, leases.sequence)
            });
            entry.unanswered &= !same;
            entry.leases.send_replace(leases);
        }
    }

    /// Forgets who has not been heard for so long and is not listened for.
    pub(crate) fn forget(&self, silent: Duration) {
        let now = self.clock.now();
        self.nodes.lock().retain(|_, entry| {
            let heard = entry.heard.as_ref();
            let recent = heard.is_some_and(|heard| now.since(heard.at) <= silent);
            recent || entry.leases.receiver_count() > 0
        });
    }

    pub(crate) fn len(&self) -> usize {
        let nodes = self.nodes.lock();
        nodes.values().filter(|entry| entry.heard.is_some()).count()
    }

    /// Somebody said something new.
    pub(crate) async fn news(&self) {
        self.poke.notified().await;
    }
}
