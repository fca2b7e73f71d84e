//! Periods to close, credits and commitments that are over, and licences whose standing has changed.

use takt_domain::{Command, State, ledger, licences};
use takt_model::UnixNano;

use super::{PLAN_MAX, Waits};

pub(super) fn ledger(state: &State, _waits: &Waits, now: UnixNano) -> Vec<Command> {
    let due = ledger::due(state, now, PLAN_MAX);
    due.into_iter().map(Command::from).collect()
}

pub(super) fn licences(state: &State, _waits: &Waits, now: UnixNano) -> Vec<Command> {
    let due = licences::due(state, now);
    due.into_iter().map(Command::from).collect()
}
