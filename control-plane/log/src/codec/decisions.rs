//! The decision index.

use takt_domain::decisions::{Decisions, Event};
use takt_wire::takt::control::log::v1 as stored;

use super::DecodeError;

pub(super) fn event_to(event: &Event) -> stored::DecisionEvent {
    match *event {}
}

pub(super) fn event_from(_event: stored::DecisionEvent) -> Result<Event, DecodeError> {
    Err(DecodeError::UnknownKind)
}

pub(super) fn state_to(_state: &Decisions) -> stored::Decisions {
    stored::Decisions {}
}

pub(super) fn state_from(_state: stored::Decisions) -> Result<Decisions, DecodeError> {
    Ok(Decisions::default())
}
