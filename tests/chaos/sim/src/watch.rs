//! Looks at every node after every step.

use std::collections::{BTreeMap, BTreeSet};

use futures::FutureExt as _;
use takt_log::{Handle, History as Told};
use takt_model::{NodeId, Revision, Term};

use crate::history::{Call, Moment, Op};
use crate::logs::Logs;
use crate::oracle::Oracle;
use crate::violation::{Id, Violation};
use crate::world::World;

/// How many batches are asked for at once.
const BATCHES: usize = 1_000;
/// Once in so many steps the logs are compared; what is not applied does not go away so soon.
const LOGS_EVERY: u64 = 500;
/// So many changes must be carried out once faults are over.
const CHANGES_MIN: u64 = 10;

/// What was seen of the nodes so far.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    pub(crate) oracle: Oracle,
    logs: Logs,
    steps: u64,
    leaders: BTreeMap<Term, NodeId>,
    seen: BTreeMap<u64, Seen>,
    /// How often something was compared.
    pub(crate) checks: u64,
    /// Since when answers are counted, and how many each node gave to calls after that.
    counted_from: Moment,
    answers: BTreeMap<u64, u64>,
    changes: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    start: u64,
    /// When it was first looked at after that start.
    since: Moment,
    revision: Revision,
    term: Term,
}

impl Watch {
    /// Looks at everything that happened in a step.
    pub(crate) fn look(&mut self, world: &World) -> Result<(), Violation> {
        let (called, returned) = world.history.news();
        for op in called {
            if let Call::Propose(proposal) = &op.call {
                self.oracle.asked(proposal, op.called);
            }
        }
        let now = world.history.now();
        for node in &world.nodes {
            if let Some((start, handle)) = node.handle() {
                self.look_at(node.id, start, now, &handle)?;
                if self.steps.is_multiple_of(LOGS_EVERY) {
                    self.look_into(node.id, &handle)?;
                }
            }
        }
        self.steps += 1;
        for op in &returned {
            if let Some((moment, _)) = &op.returned {
                let readings = world.history.readings(op.called, *moment);
                let is_gone = self.is_gone(world, op);
                self.oracle.returned(op, &readings, is_gone)?;
            }
            self.count(op);
        }
        Ok(())
    }

    /// Whether what answered a call stopped since, even if the node runs again.
    fn is_gone(&self, world: &World, op: &Op) -> bool {
        let seen = self.seen.get(&op.node);
        let stayed = seen.is_some_and(|seen| seen.since < op.called);
        world.node(op.node).handle().is_none() || !stayed
    }

    pub(crate) fn count_answers_from_here(&mut self, now: Moment) {
        self.counted_from = now;
        self.answers.clear();
        self.changes = 0;
    }

    fn count(&mut self, op: &Op) {
        let known = op
            .returned
            .as_ref()
            .is_some_and(|(_, reply)| !reply.is_unknown());
        if !known || op.called < self.counted_from {
            return;
        }
        *self.answers.entry(op.node).or_default() += 1;
        self.changes += u64::from(matches!(op.call, Call::Propose(_)));
    }

    /// Every node answers, and changes are carried out.
    pub(crate) fn serves(&self, world: &World) -> Result<(), String> {
        for node in &world.nodes {
            if !self.answers.contains_key(&node.id) {
                return Err(format!("node {} answers nobody", node.id));
            }
        }
        if self.changes < CHANGES_MIN {
            return Err(format!("only {} changes are answered", self.changes));
        }
        Ok(())
    }

    /// Every node knows the same leader and has applied everything anybody has.
    pub(crate) fn is_settled(&self, world: &World) -> Result<(), String> {
        let newest = self.oracle.newest().revision;
        let mut leaders = BTreeSet::new();
        for node in &world.nodes {
            let Some((_, handle)) = node.handle() else {
                return Err(format!("node {} does not run", node.id));
            };
            let status = handle.status();
            if status.revision != newest {
                let revision = status.revision;
                return Err(format!("node {} is at {revision} of {newest}", node.id));
            }
            let voters = status.voters.len() as u64;
            if voters != world.plan.nodes {
                return Err(format!("node {} knows {voters} voters", node.id));
            }
            leaders.insert((status.term, status.leader));
        }
        match leaders.first() {
            Some((_, Some(_))) if leaders.len() == 1 => Ok(()),
            _ => Err(format!("the nodes know these leaders: {leaders:?}")),
        }
    }

    fn look_at(
        &mut self,
        node: u64,
        start: u64,
        now: Moment,
        handle: &Handle,
    ) -> Result<(), Violation> {
        self.checks += 1;
        let status = handle.status();
        let before = self.seen.get(&node).copied().unwrap_or_default();
        if let Some(leader) = status.leader {
            let known = *self.leaders.entry(status.term).or_insert(leader);
            if known != leader {
                return Err(Id::ElectionSafety.violated(format!(
                    "term {} has leaders {known} and {leader}",
                    status.term.0
                )));
            }
        }
        let fresh = start != before.start;
        let after = if fresh { Revision(0) } else { before.revision };
        if !fresh && status.term < before.term {
            return Err(Id::TermsRise.violated(format!(
                "node {node} was in term {} and is in {}",
                before.term.0, status.term.0
            )));
        }
        if status.revision < after {
            return Err(Id::RevisionsRise.violated(format!(
                "node {node} was at {after} and is at {}",
                status.revision
            )));
        }
        if fresh || status.revision > after {
            self.compare(node, after, handle)?;
        }
        let seen = Seen {
            start,
            since: if fresh { now } else { before.since },
            revision: status.revision,
            term: status.term,
        };
        self.seen.insert(node, seen);
        Ok(())
    }

    /// Compares the whole log that a node keeps.
    fn look_into(&mut self, node: u64, handle: &Handle) -> Result<(), Violation> {
        let log = handle.entries().now_or_never();
        match log.expect("a disk in memory does not wait") {
            Ok(log) => self.logs.look(node, log),
            // Its disk is off; it will be gone in a moment.
            Err(_) => Ok(()),
        }
    }

    /// Compares what a node applied since a revision, and the state it has now.
    fn compare(&mut self, node: u64, after: Revision, handle: &Handle) -> Result<(), Violation> {
        let told = handle.history(after, BATCHES).now_or_never();
        match told.expect("a disk in memory does not wait") {
            Ok(Told::Batches(batches)) => {
                for recorded in &batches {
                    self.oracle.applied(node, &recorded.batch)?;
                }
            }
            Ok(Told::TooOld(_)) => {}
            // Its disk is off; it will be gone in a moment.
            Err(_) => return Ok(()),
        }
        self.oracle.shown(node, &handle.state())
    }
}
