//! Partitions and their owners.

use takt_domain::ring::{Event, Rings};
use takt_wire::takt::control::log::v1 as stored;

use super::DecodeError;

pub(super) fn event_to(event: &Event) -> stored::RingEvent {
    match *event {}
}

pub(super) fn event_from(_event: stored::RingEvent) -> Result<Event, DecodeError> {
    Err(DecodeError::UnknownKind)
}

pub(super) fn state_to(_state: &Rings) -> stored::Rings {
    stored::Rings::default()
}

pub(super) fn state_from(_state: stored::Rings) -> Result<Rings, DecodeError> {
    Ok(Rings::default())
}
