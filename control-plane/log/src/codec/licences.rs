//! Licences.

use takt_domain::licences::{Event, Licences};
use takt_wire::takt::control::log::v1 as stored;

use super::DecodeError;

pub(super) fn event_to(event: &Event) -> stored::LicenceEvent {
    match *event {}
}

pub(super) fn event_from(_event: stored::LicenceEvent) -> Result<Event, DecodeError> {
    Err(DecodeError::UnknownKind)
}

pub(super) fn state_to(_state: &Licences) -> stored::Licences {
    stored::Licences {}
}

pub(super) fn state_from(_state: stored::Licences) -> Result<Licences, DecodeError> {
    Ok(Licences::default())
}
