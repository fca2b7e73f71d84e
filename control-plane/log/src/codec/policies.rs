//! Sampling policies.

use takt_domain::policies::{Event, Policies};
use takt_wire::takt::control::log::v1 as stored;

use super::DecodeError;

pub(super) fn event_to(event: &Event) -> stored::PolicyEvent {
    match *event {}
}

pub(super) fn event_from(_event: stored::PolicyEvent) -> Result<Event, DecodeError> {
    Err(DecodeError::UnknownKind)
}

pub(super) fn state_to(_state: &Policies) -> stored::Policies {
    stored::Policies {}
}

pub(super) fn state_from(_state: stored::Policies) -> Result<Policies, DecodeError> {
    Ok(Policies::default())
}
