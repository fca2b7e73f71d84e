//! Everything that has been decided, as it stands.

use std::collections::{BTreeMap, VecDeque};

use takt_model::{Revision, TenantId, UnixNano};

use crate::overrides::Values;
use crate::{Applied, Batch, CommandId, Event, Layer, Tenant, overrides, tenants};

/// How many commands are remembered, so that a retry gets the first answer.
/// Part of the state's meaning: replicas that differ here would diverge, so it never changes.
pub const SEEN_MAX: usize = 4096;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct State {
    /// How many events are folded in.
    pub revision: Revision,
    /// When the newest of them was decided.
    pub at: UnixNano,
    pub tenants: BTreeMap<TenantId, Tenant>,
    pub overrides: BTreeMap<Layer, Values>,
    /// The last commands and the revision after each, oldest first.
    pub seen: VecDeque<(CommandId, Revision)>,
}

impl State {
    /// Folds a batch, whole or not at all. A batch without events leaves no trace.
    pub fn apply(&mut self, batch: &Batch) -> Applied {
        if let Some(revision) = self.seen(batch.command) {
            return Applied::Seen(revision);
        }
        if batch.decided_at != self.revision {
            return Applied::Stale(self.revision);
        }
        if batch.events.is_empty() {
            return Applied::At(self.revision);
        }
        for event in &batch.events {
            self.evolve(event, batch.at);
        }
        self.at = self.at.max(batch.at);
        self.seen.push_back((batch.command, self.revision));
        if self.seen.len() > SEEN_MAX {
            self.seen.pop_front();
        }
        Applied::At(self.revision)
    }

    /// The revision after a command that was applied before.
    #[must_use]
    pub fn seen(&self, command: CommandId) -> Option<Revision> {
        self.seen
            .iter()
            .rev()
            .find(|(id, _)| *id == command)
            .map(|(_, revision)| *revision)
    }

    fn evolve(&mut self, event: &Event, at: UnixNano) {
        let version = Revision(self.revision.0 + 1);
        match event {
            Event::Tenant(event) => tenants::evolve(self, event, at, version),
            Event::Override(event) => overrides::evolve(self, event, version),
        }
        self.revision = version;
    }
}
