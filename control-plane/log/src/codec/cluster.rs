//! The control plane itself.

use takt_domain::cluster::{Cluster, Event};
use takt_wire::takt::control::log::v1 as stored;

use super::DecodeError;

pub(super) fn event_to(event: &Event) -> stored::ClusterEvent {
    match *event {}
}

pub(super) fn event_from(_event: stored::ClusterEvent) -> Result<Event, DecodeError> {
    Err(DecodeError::UnknownKind)
}

pub(super) fn state_to(_state: &Cluster) -> stored::Cluster {
    stored::Cluster {}
}

pub(super) fn state_from(_state: stored::Cluster) -> Result<Cluster, DecodeError> {
    Ok(Cluster::default())
}
