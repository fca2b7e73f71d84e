//! Access policies, tokens and issuers.

use takt_domain::access::{Access, Event};
use takt_wire::takt::control::log::v1 as stored;

use super::DecodeError;

pub(super) fn event_to(event: &Event) -> stored::AccessEvent {
    match *event {}
}

pub(super) fn event_from(_event: stored::AccessEvent) -> Result<Event, DecodeError> {
    Err(DecodeError::UnknownKind)
}

pub(super) fn state_to(_state: &Access) -> stored::Access {
    stored::Access {}
}

pub(super) fn state_from(_state: stored::Access) -> Result<Access, DecodeError> {
    Ok(Access::default())
}
