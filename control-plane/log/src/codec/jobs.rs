//! Work for workers.

use takt_domain::jobs::{Event, Jobs};
use takt_wire::takt::control::log::v1 as stored;

use super::DecodeError;

pub(super) fn event_to(event: &Event) -> stored::JobEvent {
    match *event {}
}

pub(super) fn event_from(_event: stored::JobEvent) -> Result<Event, DecodeError> {
    Err(DecodeError::UnknownKind)
}

pub(super) fn state_to(_state: &Jobs) -> stored::Jobs {
    stored::Jobs::default()
}

pub(super) fn state_from(_state: stored::Jobs) -> Result<Jobs, DecodeError> {
    Ok(Jobs::default())
}
