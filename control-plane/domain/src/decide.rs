//! Command in, facts out. Runs on the leader only.

use crate::{Event, Rejection, State, overrides, tenants};

/// A wish; never stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    Tenant(tenants::Command),
    Overrides(overrides::Command),
}

/// What follows from a command. An empty list is a yes with nothing to say: it is so already.
///
/// # Errors
/// When a rule says no.
pub fn decide(state: &State, command: &Command) -> Result<Vec<Event>, Rejection> {
    match command {
        Command::Tenant(command) => tenants::decide(state, command),
        Command::Overrides(command) => overrides::decide(state, command),
    }
}
