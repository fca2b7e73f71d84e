//! The processes that take part.

use takt_domain::nodes::{Event, Nodes};
use takt_wire::takt::control::log::v1 as stored;

use super::DecodeError;

pub(super) fn event_to(event: &Event) -> stored::NodeEvent {
    match *event {}
}

pub(super) fn event_from(_event: stored::NodeEvent) -> Result<Event, DecodeError> {
    Err(DecodeError::UnknownKind)
}

pub(super) fn state_to(_state: &Nodes) -> stored::Nodes {
    stored::Nodes::default()
}

pub(super) fn state_from(_state: stored::Nodes) -> Result<Nodes, DecodeError> {
    Ok(Nodes::default())
}
