//! What the clients saw: every call and every return, in the order in which they happened.

use std::sync::Arc;

use parking_lot::Mutex;
use takt_domain::{CommandId, State};
use takt_log::{Answer, Proposal, ProposeError};
use takt_model::{Revision, UnixNano};

/// What a client asks of a node.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "most calls are the large one")]
pub(crate) enum Call {
    Propose(Proposal),
    /// The state with everything acknowledged before in it.
    Read,
    Operate(Operation),
}

/// What an operator does to the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Found,
    Add(u64),
    Promote(u64),
    Remove(u64),
    Transfer(u64),
}

/// What became of it.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    Done(Answer),
    Failed(ProposeError),
    State(Arc<State>),
    /// An operation was answered, one way or another.
    Operated,
}

impl Reply {
    /// Whether it says nothing about whether the call was carried out.
    #[must_use]
    pub(crate) fn is_unknown(&self) -> bool {
        match self {
            Self::Done(_) | Self::State(_) | Self::Failed(ProposeError::Rejected(_)) => false,
            Self::Failed(_) | Self::Operated => true,
        }
    }

    /// The revision that it is of, if it says.
    #[must_use]
    pub(crate) fn revision(&self) -> Option<Revision> {
        match self {
            Self::Done(answer) => Some(answer.revision),
            Self::State(state) => Some(state.revision),
            Self::Failed(_) | Self::Operated => None,
        }
    }
}

/// A moment: no two things happen at the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(pub u64);

/// One attempt of one client at one node.
#[derive(Debug, Clone)]
pub(crate) struct Op {
    pub client: u32,
    pub node: u64,
    pub call: Call,
    pub called: Moment,
    /// `None` as long as, or because, nobody knows.
    pub returned: Option<(Moment, Reply)>,
}

impl Op {
    #[must_use]
    pub(crate) fn command(&self) -> Option<CommandId> {
        match &self.call {
            Call::Propose(proposal) => Some(proposal.id),
            Call::Read | Call::Operate(_) => None,
        }
    }
}

/// Everything the clients saw. Clones are the same history.
#[derive(Debug, Clone, Default)]
pub(crate) struct History(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    now: u64,
    ops: Vec<Op>,
    /// How many calls somebody asked for already.
    told: usize,
    /// Returned since somebody last asked.
    fresh: Vec<usize>,
    /// What the clocks of the nodes showed when they were looked at.
    readings: Vec<(Moment, UnixNano)>,
}

impl Inner {
    fn moment(&mut self) -> Moment {
        self.now += 1;
        Moment(self.now)
    }
}

impl History {
    /// A client calls. The number is for [`History::returned`] and [`History::call`].
    #[must_use]
    pub(crate) fn called(&self, client: u32, node: u64, call: Call) -> usize {
        let mut inner = self.0.lock();
        let called = inner.moment();
        inner.ops.push(Op {
            client,
            node,
            call,
            called,
            returned: None,
        });
        inner.ops.len() - 1
    }

    /// What was called under a number; `None` if nothing was.
    #[must_use]
    pub(crate) fn call(&self, number: usize) -> Option<Call> {
        Some(self.0.lock().ops.get(number)?.call.clone())
    }

    /// An answer reached the client.
    pub(crate) fn returned(&self, number: usize, reply: Reply) {
        let mut inner = self.0.lock();
        let moment = inner.moment();
        inner.ops[number].returned = Some((moment, reply));
        inner.fresh.push(number);
    }

    /// The operations that were called, and those that returned, since this was asked last.
    #[must_use]
    pub(crate) fn news(&self) -> (Vec<Op>, Vec<Op>) {
        let mut inner = self.0.lock();
        let called = inner.ops[inner.told..].to_vec();
        inner.told = inner.ops.len();
        let fresh = std::mem::take(&mut inner.fresh);
        let returned = fresh.iter().map(|number| inner.ops[*number].clone());
        let returned = returned.collect();
        (called, returned)
    }

    /// A node looks at its clock.
    pub(crate) fn clock_showed(&self, time: UnixNano) {
        let mut inner = self.0.lock();
        let moment = Moment(inner.now);
        inner.readings.push((moment, time));
    }

    /// What the clocks showed between two moments.
    #[must_use]
    pub(crate) fn readings(&self, from: Moment, until: Moment) -> Vec<UnixNano> {
        let inner = self.0.lock();
        let first = inner.readings.partition_point(|(moment, _)| *moment < from);
        let rest = inner.readings[first..].iter();
        rest.take_while(|(moment, _)| *moment <= until)
            .map(|(_, time)| *time)
            .collect()
    }

    #[must_use]
    pub(crate) fn now(&self) -> Moment {
        Moment(self.0.lock().now)
    }

    #[must_use]
    pub(crate) fn ops(&self) -> Vec<Op> {
        self.0.lock().ops.clone()
    }
}
