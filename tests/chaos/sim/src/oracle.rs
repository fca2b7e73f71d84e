//! Knows what must be true: keeps the facts as the first node applied them, the state after each, and
//! holds every node and every answer against that.
//!
//! For linearizability the order of the facts is the witness. An answer must fit a state between
//! everything that was answered before the call and everything decided until the return; a change must
//! come after everything that was answered before its command was first sent. If every answer does,
//! the history is linearizable, because here is its order.

use std::collections::BTreeMap;
use std::sync::Arc;

use takt_domain::{Batch, Command, CommandId, Event, Facts, State, decide, invariants};
use takt_log::{Answer, Proposal, ProposeError};
use takt_model::{Revision, UnixNano};

use crate::history::{Call, Moment, Op, Reply};
use crate::violation::{Id, Violation};

/// The truth as far as anybody saw it.
#[derive(Debug)]
pub(crate) struct Oracle {
    /// The state after each batch, the empty one first.
    states: Vec<Arc<State>>,
    facts: Vec<Batch>,
    by_command: BTreeMap<CommandId, usize>,
    asked: BTreeMap<CommandId, Asked>,
    /// How far the answers had come at moments when one was given; both rise.
    floors: Vec<(Moment, Revision)>,
    /// Answers of nodes that were gone before anybody looked at them again, with what the clocks showed: others must
    /// come to what they say.
    ahead: Vec<(Op, Vec<UnixNano>)>,
    answered: u64,
}

/// A command that a client sent at least once.
#[derive(Debug)]
struct Asked {
    command: Command,
    first: Moment,
}

impl Default for Oracle {
    fn default() -> Self {
        Self {
            states: vec![Arc::default()],
            facts: Vec::new(),
            by_command: BTreeMap::new(),
            asked: BTreeMap::new(),
            floors: Vec::new(),
            ahead: Vec::new(),
            answered: 0,
        }
    }
}

impl Oracle {
    /// The newest state anybody has applied.
    #[must_use]
    pub(crate) fn newest(&self) -> &Arc<State> {
        self.states.last().expect("the empty state is always there")
    }

    #[must_use]
    pub(crate) fn is_applied(&self, command: CommandId) -> bool {
        self.by_command.contains_key(&command)
    }

    /// How many answers were checked.
    #[must_use]
    pub(crate) fn answered(&self) -> u64 {
        self.answered
    }

    /// A client sends a command, perhaps not for the first time.
    pub(crate) fn asked(&mut self, proposal: &Proposal, at: Moment) {
        self.asked.entry(proposal.id).or_insert_with(|| Asked {
            command: proposal.command.clone(),
            first: at,
        });
    }

    /// A node has applied a batch; the first to do so says what is true.
    ///
    /// # Errors
    /// When it contradicts what another applied, or follows from no command.
    pub(crate) fn applied(&mut self, node: u64, batch: &Batch) -> Result<(), Violation> {
        let newest = self.newest().revision;
        if batch.decided_at < newest {
            return self.applied_before(node, batch);
        }
        if batch.decided_at > newest {
            return Err(Id::FactsImmutable.violated(format!(
                "node {node} applied a batch at {} when nobody had come further than {newest}",
                batch.decided_at
            )));
        }
        self.decided_rightly(batch)?;
        if let Some(earlier) = self.by_command.get(&batch.command) {
            let at = self.facts[*earlier].decided_at;
            return Err(Id::CommandOnce.violated(format!(
                "command {} was applied at {at} and again at {}",
                batch.command, batch.decided_at
            )));
        }
        let mut state = State::clone(self.newest());
        state.apply(batch);
        invariants::check_step(self.newest(), batch, &state)
            .and_then(|()| invariants::check(&state))
            .map_err(|broken| Id::State.violated(broken.to_string()))?;
        self.by_command.insert(batch.command, self.facts.len());
        self.facts.push(batch.clone());
        self.states.push(Arc::new(state));
        Ok(())
    }

    fn applied_before(&self, node: u64, batch: &Batch) -> Result<(), Violation> {
        let same = self
            .position(batch.decided_at)
            .is_some_and(|position| self.facts.get(position) == Some(batch));
        if same {
            return Ok(());
        }
        Err(Id::FactsImmutable.violated(format!(
            "node {node} applied {batch} at {}, where another batch was applied before",
            batch.decided_at
        )))
    }

    /// The rules, asked again, say the same of the state it was applied to. This is what a missing
    /// stale check breaks.
    fn decided_rightly(&self, batch: &Batch) -> Result<(), Violation> {
        let Some(asked) = self.asked.get(&batch.command) else {
            // What the control plane tells itself.
            let own = batch
                .events
                .iter()
                .all(|event| matches!(event, Event::Cluster(_)));
            return if own {
                Ok(())
            } else {
                Err(Id::NothingFromNothing.violated(format!("nobody sent {}", batch.command)))
            };
        };
        let facts = Facts {
            at: batch.at,
            command: batch.command,
        };
        let decided = decide(self.newest(), &asked.command, &facts);
        if decided.as_ref() == Ok(&batch.events) {
            return Ok(());
        }
        Err(Id::DecidedRightly.violated(format!(
            "at {} the rules make {decided:?} of {:?}, and {:?} was applied",
            batch.decided_at, asked.command, batch.events
        )))
    }

    /// A node shows its state.
    ///
    /// # Errors
    /// When it is not the state after the facts up to its revision.
    pub(crate) fn shown(&self, node: u64, state: &State) -> Result<(), Violation> {
        match self.state_at(state.revision) {
            Some(known) if **known == *state => Ok(()),
            Some(_) => Err(Id::SameState.violated(format!(
                "node {node} has another state at {} than the facts lead to",
                state.revision
            ))),
            None => Err(Id::SameState.violated(format!(
                "node {node} is at {}, to which no facts lead",
                state.revision
            ))),
        }
    }

    /// An answer reached a client; meanwhile the clocks showed `readings`, of which one decided. Whether the node
    /// that gave it `is_gone`: then it may have applied what nobody saw.
    ///
    /// # Errors
    /// When no order of everything that happened explains it.
    pub(crate) fn returned(
        &mut self,
        op: &Op,
        readings: &[UnixNano],
        is_gone: bool,
    ) -> Result<(), Violation> {
        let Some((moment, reply)) = &op.returned else {
            return Ok(());
        };
        let reached = match self.judge(op, reply, readings) {
            Ok(reached) => reached,
            Err(_) if is_gone => {
                self.ahead.push((op.clone(), readings.to_vec()));
                reply.revision()
            }
            Err(violation) => return Err(violation),
        };
        let Some(reached) = reached else {
            return Ok(());
        };
        self.answered += 1;
        let newest = self.floors.last().map_or(Revision(0), |(_, floor)| *floor);
        self.floors.push((*moment, newest.max(reached)));
        Ok(())
    }

    /// Everybody has come as far as anybody did.
    ///
    /// # Errors
    /// When there is still no order that explains an answer.
    pub(crate) fn close(&mut self) -> Result<(), Violation> {
        for (op, readings) in std::mem::take(&mut self.ahead) {
            if let Some((_, reply)) = &op.returned {
                self.judge(&op, reply, &readings)?;
            }
        }
        Ok(())
    }

    /// The revision that an answer shows to be reached; `None` if it shows nothing.
    fn judge(
        &self,
        op: &Op,
        reply: &Reply,
        readings: &[UnixNano],
    ) -> Result<Option<Revision>, Violation> {
        let floor = self.floor(op.called);
        let reached = match (&op.call, reply) {
            (Call::Propose(proposal), Reply::Done(answer)) => {
                self.done(proposal, answer, floor, readings)?
            }
            (Call::Propose(proposal), Reply::Failed(ProposeError::Rejected(rejection))) => self
                .explained(floor, op, readings, |state, facts| {
                    decide(state, &proposal.command, facts).as_ref() == Err(rejection)
                })?,
            (Call::Read, Reply::State(state)) => {
                self.current(floor, state.revision, op)?;
                self.shown(op.node, state)?;
                state.revision
            }
            (_, Reply::Failed(_) | Reply::Operated) => return Ok(None),
            (Call::Propose(_) | Call::Operate(_), Reply::State(_))
            | (Call::Read | Call::Operate(_), Reply::Done(_)) => {
                return Err(Id::Linearizable.violated("the answer is to another question".into()));
            }
        };
        Ok(Some(reached))
    }

    fn done(
        &self,
        proposal: &Proposal,
        answer: &Answer,
        floor: Revision,
        readings: &[UnixNano],
    ) -> Result<Revision, Violation> {
        let carried_out = self.by_command.get(&proposal.id).map(|position| {
            let batch = &self.facts[*position];
            (batch, self.states[position + 1].revision)
        });
        match carried_out {
            Some((batch, revision)) if answer.revision == revision => {
                if !answer.events.is_empty() && answer.events != batch.events {
                    return Err(Id::AcknowledgedKept.violated(format!(
                        "command {} was answered with other events than were applied",
                        proposal.id
                    )));
                }
                let first = self
                    .asked
                    .get(&proposal.id)
                    .map(|asked| self.floor(asked.first));
                let first = first.unwrap_or(floor);
                if batch.decided_at < first {
                    return Err(Id::Linearizable.violated(format!(
                        "command {} took effect at {revision}, and {first} was answered before it was sent",
                        proposal.id
                    )));
                }
                Ok(revision)
            }
            _ if answer.events.is_empty() => self.was_so_already(proposal, answer, floor, readings),
            Some((_, revision)) => Err(Id::CommandOnce.violated(format!(
                "command {} was applied at {revision} and answered with {}",
                proposal.id, answer.revision
            ))),
            None => Err(Id::AcknowledgedKept.violated(format!(
                "command {} was answered with {} and nobody applied it",
                proposal.id, answer.revision
            ))),
        }
    }

    /// A yes with nothing to say.
    fn was_so_already(
        &self,
        proposal: &Proposal,
        answer: &Answer,
        floor: Revision,
        readings: &[UnixNano],
    ) -> Result<Revision, Violation> {
        let state = self.state_at(answer.revision);
        let so = state.is_some_and(|state| {
            readings.iter().any(|&at| {
                let facts = Facts {
                    at,
                    command: proposal.id,
                };
                decide(state, &proposal.command, &facts) == Ok(Vec::new())
            })
        });
        if so && answer.revision >= floor {
            return Ok(answer.revision);
        }
        Err(Id::Linearizable.violated(format!(
            "command {} was so already at {}, the answer says; {floor} was answered before",
            proposal.id, answer.revision
        )))
    }

    /// The first state since `floor` that explains an answer.
    fn explained(
        &self,
        floor: Revision,
        op: &Op,
        readings: &[UnixNano],
        by: impl Fn(&State, &Facts) -> bool,
    ) -> Result<Revision, Violation> {
        let command = op.command().expect("only commands are rejected");
        let from = self.states.partition_point(|state| state.revision < floor);
        let explains =
            |state: &&Arc<State>| readings.iter().any(|&at| by(state, &Facts { at, command }));
        let found = self.states[from..].iter().find(explains);
        found.map(|state| state.revision).ok_or_else(|| {
            let newest = self.newest().revision;
            Id::Linearizable.violated(format!(
                "no state from {floor} to {newest} explains {:?} to {:?}",
                op.returned, op.call
            ))
        })
    }

    fn current(&self, floor: Revision, found: Revision, op: &Op) -> Result<(), Violation> {
        if found >= floor {
            return Ok(());
        }
        Err(Id::Linearizable.violated(format!(
            "client {} read {found} from node {} when {floor} had been answered",
            op.client, op.node
        )))
    }

    /// How far the answers before a moment had come.
    fn floor(&self, before: Moment) -> Revision {
        let count = self.floors.partition_point(|(moment, _)| *moment < before);
        match count.checked_sub(1) {
            Some(last) => self.floors[last].1,
            None => Revision(0),
        }
    }

    fn position(&self, revision: Revision) -> Option<usize> {
        self.states
            .binary_search_by_key(&revision, |state| state.revision)
            .ok()
    }

    fn state_at(&self, revision: Revision) -> Option<&Arc<State>> {
        Some(&self.states[self.position(revision)?])
    }
}

#[cfg(test)]
mod tests;
