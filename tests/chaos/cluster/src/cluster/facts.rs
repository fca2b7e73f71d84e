//! What nodes show: the decisions each has applied, who leads in which term, how far it is.
//!
//! The first node to show a decision says what is true; the others are held against it, for ever.

use std::collections::BTreeMap;

use anyhow::{bail, ensure};
use parking_lot::Mutex;
use takt_wire::takt::admin::v1::{AuditEntry, GetStatusResponse};
use uuid::Uuid;

/// One decision, under the revision after it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fact {
    pub(super) command: Uuid,
    entry: AuditEntry,
}

impl Fact {
    /// The control plane decided it by itself, and for no caller.
    pub(super) fn by_itself(&self) -> bool {
        self.entry.address.is_empty()
    }

    /// The revision it was decided at.
    pub(super) fn before(&self) -> u64 {
        self.entry.revision - self.entry.events.len() as u64
    }
}

/// Everything any node ever showed.
#[derive(Debug, Default)]
pub(super) struct Facts(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    by_revision: BTreeMap<u64, Fact>,
    leaders: BTreeMap<u64, u64>,
    /// By node.
    reached: BTreeMap<u64, Reached>,
}

/// How far a node had come, in which of its lives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Reached {
    life: u64,
    term: u64,
    revision: u64,
}

impl Facts {
    /// A node shows a decision.
    ///
    /// # Errors
    /// When another showed something else in its place.
    pub(super) fn shown(&self, node: u64, entry: AuditEntry) -> anyhow::Result<()> {
        let fact = Fact {
            command: entry.command_id.parse()?,
            entry,
        };
        let mut inner = self.0.lock();
        let revision = fact.entry.revision;
        match inner.by_revision.get(&revision) {
            Some(known) if *known == fact => Ok(()),
            Some(known) => bail!(
                "node {node} shows another decision at revision {revision} than was shown before:\n{fact:?}\n{known:?}"
            ),
            None => {
                inner.by_revision.insert(revision, fact);
                Ok(())
            }
        }
    }

    /// How far a node was when it was last heard of; for [`Facts::said`].
    pub(super) fn reached(&self, node: u64) -> Reached {
        self.0
            .lock()
            .reached
            .get(&node)
            .copied()
            .unwrap_or_default()
    }

    /// A node says how it is, in its so-manieth life, after it had come so far.
    ///
    /// # Errors
    /// When a term has two leaders, or the node has gone back.
    pub(super) fn said(
        &self,
        node: u64,
        life: u64,
        before: Reached,
        status: &GetStatusResponse,
    ) -> anyhow::Result<()> {
        let (term, revision) = (status.term, status.revision);
        let mut inner = self.0.lock();
        if let Some(leader) = status.leader {
            let first = *inner.leaders.entry(term).or_insert(leader);
            ensure!(
                first == leader,
                "term {term} has two leaders: {first}, and {leader} as node {node} says"
            );
        }
        ensure!(
            before.life != life || (before.term <= term && before.revision <= revision),
            "node {node} went back from {before:?} to term {term} and revision {revision}"
        );
        // Several may ask at once, and the answers overtake each other.
        let reached = inner.reached.entry(node).or_default();
        *reached = (*reached).max(Reached {
            life,
            term,
            revision,
        });
        Ok(())
    }

    /// How many terms had a leader.
    pub(super) fn terms(&self) -> usize {
        self.0.lock().leaders.len()
    }

    /// Every decision, in order.
    ///
    /// # Errors
    /// When there is a hole between two.
    pub(super) fn all(&self) -> anyhow::Result<BTreeMap<u64, Fact>> {
        let facts = self.0.lock().by_revision.clone();
        let mut at = 0;
        for (revision, fact) in &facts {
            let before = fact.before();
            ensure!(
                before == at,
                "the decision at revision {revision} was made at {before}, the one before it came to {at}"
            );
            at = *revision;
        }
        Ok(facts)
    }
}

#[cfg(test)]
mod tests;
