//! Usage and money.

use takt_domain::ledger::{Event, Ledger};
use takt_wire::takt::control::log::v1 as stored;

use super::DecodeError;

pub(super) fn event_to(event: &Event) -> stored::LedgerEvent {
    match *event {}
}

pub(super) fn event_from(_event: stored::LedgerEvent) -> Result<Event, DecodeError> {
    Err(DecodeError::UnknownKind)
}

pub(super) fn state_to(_state: &Ledger) -> stored::Ledger {
    stored::Ledger {}
}

pub(super) fn state_from(_state: stored::Ledger) -> Result<Ledger, DecodeError> {
    Ok(Ledger::default())
}
