//! The events of one decision, and what became of them.

use std::fmt;

use takt_model::{Revision, UnixNano};
use uuid::Uuid;

use crate::Event;

/// Names a command, so that sending it twice does it once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId(pub Uuid);

impl fmt::Display for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.hyphenated())
    }
}

impl fmt::Debug for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CommandId({self})")
    }
}

/// The events of one decision: one entry of the log, applied whole or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    pub command: CommandId,
    /// Who asked.
    pub actor: String,
    /// When it was decided.
    pub at: UnixNano,
    /// The revision it was decided on. It counts only if that is still the newest.
    pub decided_at: Revision,
    /// The command that had led to that revision: another one may have led to a revision of the same number. Batches
    /// of older versions do not say.
    pub after: Option<CommandId>,
    pub events: Vec<Event>,
}

impl fmt::Display for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.events.len();
        write!(f, "{count} events of command {}", self.command)
    }
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// Its events are folded; this is the revision after them.
    At(Revision),
    /// Something else came first; decide again. This is the revision now.
    Stale(Revision),
    /// The same command was applied before, and this was the revision after it.
    Seen(Revision),
}
