//! Everything that has been decided, as it stands.

use std::sync::Arc;

use takt_model::{Revision, TenantId, UnixNano};

use crate::access::Access;
use crate::cluster::Cluster;
use crate::decisions::Decisions;
use crate::jobs::Jobs;
use crate::ledger::Ledger;
use crate::licences::Licences;
use crate::nodes::Nodes;
use crate::overrides::Values;
use crate::policies::Policies;
use crate::ring::Rings;
use crate::seen::Seen;
use crate::{
    Applied, Batch, CommandId, Event, Layer, Tenant, access, cluster, decisions, jobs, ledger,
    licences, nodes, overrides, policies, ring, tenants,
};

/// An ordered map whose clones share what they have in common: a clone costs nothing, a change copies
/// the path to it.
pub type Map<K, V> = imbl::OrdMap<K, V>;

/// Cheap to clone, whatever is in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct State {
    /// How many events are folded in.
    pub revision: Revision,
    /// When the newest of them was decided.
    pub at: UnixNano,
    pub tenants: Map<TenantId, Arc<Tenant>>,
    pub overrides: Map<Layer, Arc<Values>>,
    pub ring: Rings,
    pub policies: Policies,
    pub decisions: Decisions,
    pub access: Access,
    pub licences: Licences,
    pub ledger: Ledger,
    pub jobs: Jobs,
    pub nodes: Nodes,
    pub cluster: Cluster,
    pub seen: Seen,
}

impl State {
    /// Folds a batch, whole or not at all. A batch without events leaves no trace.
    pub fn apply(&mut self, batch: &Batch) -> Applied {
        if let Some(revision) = self.seen.revision(batch.command) {
            return Applied::Seen(revision);
        }
        let other = batch.after.is_some() && batch.after != self.last_command();
        if batch.decided_at != self.revision || other {
            return Applied::Stale(self.revision);
        }
        if batch.events.is_empty() {
            return Applied::At(self.revision);
        }
        for event in &batch.events {
            self.evolve(event, batch.at);
        }
        self.at = self.at.max(batch.at);
        self.seen.remember(batch.command, self.revision);
        Applied::At(self.revision)
    }

    /// The command that led to this revision.
    #[must_use]
    pub fn last_command(&self) -> Option<CommandId> {
        self.seen.newest().map(|(command, _)| command)
    }

    /// The revision after a command that was applied before.
    #[must_use]
    pub fn seen(&self, command: CommandId) -> Option<Revision> {
        self.seen.revision(command)
    }

    fn evolve(&mut self, event: &Event, at: UnixNano) {
        let version = Revision(self.revision.0 + 1);
        match event {
            Event::Tenant(event) => tenants::evolve(self, event, at, version),
            Event::Override(event) => overrides::evolve(self, event, at, version),
            Event::Ring(event) => ring::evolve(self, event, at, version),
            Event::Policy(event) => policies::evolve(self, event, at, version),
            Event::Decision(event) => decisions::evolve(self, event, at, version),
            Event::Access(event) => access::evolve(self, event, at, version),
            Event::Licence(event) => licences::evolve(self, event, at, version),
            Event::Ledger(event) => ledger::evolve(self, event, at, version),
            Event::Job(event) => jobs::evolve(self, event, at, version),
            Event::Node(event) => nodes::evolve(self, event, at, version),
            Event::Cluster(event) => cluster::evolve(self, event, at, version),
        }
        self.revision = version;
    }
}
