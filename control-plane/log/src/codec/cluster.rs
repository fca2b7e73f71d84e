//! The control plane itself.

use takt_domain::cluster::{Cluster, ClusterId, Event, FIRST_LEVEL};
use takt_model::{Revision, UnixNano};
use takt_wire::takt::control::log::v1 as stored;
use uuid::Uuid;

use super::DecodeError;

pub(super) fn event_to(event: &Event) -> stored::ClusterEvent {
    use stored::cluster_event::Event as Stored;
    let event = match event {
        Event::Founded { id } => Stored::Founded(stored::ClusterFounded {
            cluster: id_to(*id),
        }),
        Event::LevelRaised { level } => {
            Stored::LevelRaised(stored::ClusterLevelRaised { level: *level })
        }
    };
    stored::ClusterEvent { event: Some(event) }
}

pub(super) fn event_from(event: stored::ClusterEvent) -> Result<Event, DecodeError> {
    use stored::cluster_event::Event as Stored;
    Ok(match event.event.ok_or(DecodeError::UnknownKind)? {
        Stored::Founded(founded) => Event::Founded {
            id: id_from(&founded.cluster)?.ok_or(DecodeError::Missing("cluster"))?,
        },
        Stored::LevelRaised(raised) => Event::LevelRaised {
            level: raised.level,
        },
    })
}

pub(super) fn state_to(state: &Cluster) -> stored::Cluster {
    stored::Cluster {
        cluster: state.id.map(id_to).unwrap_or_default(),
        founded_at: state.founded_at.0,
        level: state.level,
        version: state.version.0,
    }
}

pub(super) fn state_from(state: stored::Cluster) -> Result<Cluster, DecodeError> {
    Ok(Cluster {
        id: id_from(&state.cluster)?,
        founded_at: UnixNano(state.founded_at),
        level: state.level.max(FIRST_LEVEL),
        version: Revision(state.version),
    })
}

pub(crate) fn id_to(id: ClusterId) -> Vec<u8> {
    id.0.as_bytes().to_vec()
}

/// Empty is none.
pub(crate) fn id_from(bytes: &[u8]) -> Result<Option<ClusterId>, DecodeError> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let id = Uuid::from_slice(bytes).map_err(|_| DecodeError::ClusterId)?;
    Ok(Some(ClusterId(id)))
}
