//! What clients asked and heard, each call and each return with its place in one order.

use parking_lot::Mutex;
use uuid::Uuid;

/// A place in the order in which clients called and heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(pub(super) u64);

/// What a client wanted, until it knew what became of it.
#[derive(Debug, Clone)]
pub(super) struct Op {
    pub(super) what: What,
    /// When it was asked for the first time.
    pub(super) called: Moment,
    /// `None` as long as, or because, nobody knows.
    pub(super) heard: Option<(Moment, Heard)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// Sent until it was answered, always with the same id.
    Command {
        id: Uuid,
        /// The tenant whose version it changes, if it changes one.
        tenant: Option<String>,
        if_match: Option<u64>,
    },
    /// The version of a tenant.
    Read { tenant: String },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Heard {
    /// Carried out; the answer of some calls has the revision after it.
    Done(Option<u64>),
    /// Carried out, or there was nothing to do: the answer does not say.
    Perhaps,
    Refused(String),
    Version(u64),
}

/// Shared by all clients.
#[derive(Debug, Default)]
pub(super) struct History(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    now: u64,
    ops: Vec<Op>,
    attempts: u64,
}

impl Inner {
    fn moment(&mut self) -> Moment {
        self.now += 1;
        Moment(self.now)
    }
}

impl History {
    /// A client begins to ask; the number is for [`History::heard`].
    pub(super) fn called(&self, what: What) -> usize {
        let mut inner = self.0.lock();
        let called = inner.moment();
        inner.ops.push(Op {
            what,
            called,
            heard: None,
        });
        inner.ops.len() - 1
    }

    pub(super) fn heard(&self, number: usize, heard: Heard) {
        let mut inner = self.0.lock();
        let moment = inner.moment();
        inner.ops[number].heard = Some((moment, heard));
    }

    pub(super) fn attempt(&self) {
        self.0.lock().attempts += 1;
    }

    /// How often something was sent.
    pub(super) fn attempts(&self) -> u64 {
        self.0.lock().attempts
    }

    pub(super) fn ops(&self) -> Vec<Op> {
        self.0.lock().ops.clone()
    }

    /// How many commands were answered.
    pub(super) fn acknowledged(&self) -> u64 {
        let inner = self.0.lock();
        let done = |op: &&Op| matches!(op.heard, Some((_, Heard::Done(_))));
        inner.ops.iter().filter(done).count() as u64
    }
}
