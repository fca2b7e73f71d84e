//! The last commands, so that a retry gets the first answer.

use takt_model::Revision;

use crate::{CommandId, Map};

/// How many commands are remembered.
/// Part of the state's meaning: replicas that differ here would diverge, so it never changes.
pub const SEEN_MAX: usize = 65_536;

/// The last [`SEEN_MAX`] commands and the revision after each.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen {
    by_command: Map<CommandId, Revision>,
    /// The same by revision, which is the order of their arrival.
    by_revision: Map<Revision, CommandId>,
}

impl Seen {
    /// The revision after a command, if it is remembered.
    #[must_use]
    pub fn revision(&self, command: CommandId) -> Option<Revision> {
        self.by_command.get(&command).copied()
    }

    /// Remembers one more and forgets the oldest if they are too many. Revisions rise.
    pub fn remember(&mut self, command: CommandId, revision: Revision) {
        self.by_command.insert(command, revision);
        self.by_revision.insert(revision, command);
        if self.by_revision.len() > SEEN_MAX
            && let Some((oldest, command)) = self.by_revision.get_min().copied()
        {
            self.by_revision.remove(&oldest);
            self.by_command.remove(&command);
        }
    }

    /// The last one and the revision after it.
    #[must_use]
    pub fn newest(&self) -> Option<(CommandId, Revision)> {
        self.by_revision
            .get_max()
            .map(|(revision, command)| (*command, *revision))
    }

    /// Oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (CommandId, Revision)> + '_ {
        self.by_revision
            .iter()
            .map(|(revision, command)| (*command, *revision))
    }
}

impl FromIterator<(CommandId, Revision)> for Seen {
    fn from_iter<T: IntoIterator<Item = (CommandId, Revision)>>(iter: T) -> Self {
        let mut seen = Self::default();
        for (command, revision) in iter {
            seen.remember(command, revision);
        }
        seen
    }
}
