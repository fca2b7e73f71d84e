//! Where in the log a subscriber is.

use takt_domain::{CommandId, State};
use takt_log::Recorded;
use takt_model::Revision;
use uuid::Uuid;

/// The end of a decision. The command says which history is meant: after a restore from a backup the same
/// revision may be the end of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    pub revision: Revision,
    /// Nil before the first decision.
    pub command: CommandId,
}

impl Default for Moment {
    fn default() -> Self {
        Self {
            revision: Revision(0),
            command: CommandId(Uuid::nil()),
        }
    }
}

impl Moment {
    /// The newest one of a state.
    #[must_use]
    pub fn of(state: &State) -> Self {
        match state.seen.newest() {
            Some((command, revision)) => Self { revision, command },
            None => Self::default(),
        }
    }

    pub(crate) fn after(recorded: &Recorded) -> Self {
        Self {
            revision: recorded.revision,
            command: recorded.batch.command,
        }
    }
}
