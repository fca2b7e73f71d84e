//! Sampling policies and segments of the decision index whose time is over.

use takt_domain::{Command, State, decisions, policies};
use takt_model::UnixNano;

use super::Waits;

pub(super) fn policies(state: &State, _waits: &Waits, now: UnixNano) -> Vec<Command> {
    let due = policies::due(state, now);
    due.into_iter().map(Command::from).collect()
}

pub(super) fn segments(state: &State, _waits: &Waits, now: UnixNano) -> Vec<Command> {
    let due = decisions::due(state, now);
    due.into_iter().map(Command::from).collect()
}
