//! Who takes part, and what each alone may do.

use std::sync::Arc;

use takt_domain::Fence;
use takt_domain::nodes::{
    Event, Lease, LeaseName, Node, NodeName, Nodes, Profile, Role, Standing, Zone,
};
use takt_model::{Revision, UnixNano};
use takt_wire::takt::control::log::v1 as stored;
use takt_wire::takt::control::log::v1::node_event::Event as Stored;

use super::DecodeError;

pub(super) fn event_to(event: &Event) -> stored::NodeEvent {
    let event = match event {
        Event::Joined {
            node,
            incarnation,
            profile,
        } => Stored::Joined(stored::NodeJoined {
            node: node.to_string(),
            incarnation: *incarnation,
            profile: Some(profile_to(profile)),
        }),
        Event::Updated {
            node,
            incarnation,
            profile,
        } => Stored::Updated(stored::NodeUpdated {
            node: node.to_string(),
            incarnation: *incarnation,
            profile: Some(profile_to(profile)),
        }),
        Event::Drained { node } => Stored::Drained(stored::NodeDrained {
            node: node.to_string(),
        }),
        Event::Resumed { node } => Stored::Resumed(stored::NodeResumed {
            node: node.to_string(),
        }),
        Event::Left { node, incarnation } => Stored::Left(stored::NodeLeft {
            node: node.to_string(),
            incarnation: *incarnation,
        }),
        Event::Lost {
            node,
            incarnation,
            last_heard,
        } => Stored::Lost(stored::NodeLost {
            node: node.to_string(),
            incarnation: *incarnation,
            last_heard: last_heard.0,
        }),
        Event::Forgotten { node } => Stored::Forgotten(stored::NodeForgotten {
            node: node.to_string(),
        }),
        Event::LeaseGranted {
            lease,
            node,
            incarnation,
            fence,
        } => Stored::LeaseGranted(stored::LeaseGranted {
            lease: lease.to_string(),
            node: node.to_string(),
            incarnation: *incarnation,
            fence: fence.0,
        }),
        Event::LeaseReleased { lease, node, fence } => {
            Stored::LeaseReleased(stored::LeaseReleased {
                lease: lease.to_string(),
                node: node.to_string(),
                fence: fence.0,
            })
        }
        Event::LeaseLost { lease, node, fence } => Stored::LeaseLost(stored::LeaseLost {
            lease: lease.to_string(),
            node: node.to_string(),
            fence: fence.0,
        }),
    };
    stored::NodeEvent { event: Some(event) }
}

pub(super) fn event_from(event: stored::NodeEvent) -> Result<Event, DecodeError> {
    Ok(match event.event.ok_or(DecodeError::UnknownKind)? {
        Stored::Joined(event) => Event::Joined {
            node: node_from(&event.node)?,
            incarnation: event.incarnation,
            profile: profile_from(event.profile)?,
        },
        Stored::Updated(event) => Event::Updated {
            node: node_from(&event.node)?,
            incarnation: event.incarnation,
            profile: profile_from(event.profile)?,
        },
        Stored::Drained(event) => Event::Drained {
            node: node_from(&event.node)?,
        },
        Stored::Resumed(event) => Event::Resumed {
            node: node_from(&event.node)?,
        },
        Stored::Left(event) => Event::Left {
            node: node_from(&event.node)?,
            incarnation: event.incarnation,
        },
        Stored::Lost(event) => Event::Lost {
            node: node_from(&event.node)?,
            incarnation: event.incarnation,
            last_heard: UnixNano(event.last_heard),
        },
        Stored::Forgotten(event) => Event::Forgotten {
            node: node_from(&event.node)?,
        },
        Stored::LeaseGranted(event) => Event::LeaseGranted {
            lease: lease_from(&event.lease)?,
            node: node_from(&event.node)?,
            incarnation: event.incarnation,
            fence: Fence(event.fence),
        },
        Stored::LeaseReleased(event) => Event::LeaseReleased {
            lease: lease_from(&event.lease)?,
            node: node_from(&event.node)?,
            fence: Fence(event.fence),
        },
        Stored::LeaseLost(event) => Event::LeaseLost {
            lease: lease_from(&event.lease)?,
            node: node_from(&event.node)?,
            fence: Fence(event.fence),
        },
    })
}

pub(super) fn state_to(state: &Nodes) -> stored::Nodes {
    let nodes = state.by_name.iter().map(|(name, node)| stored::Node {
        node: name.to_string(),
        incarnation: node.incarnation,
        profile: Some(profile_to(&node.profile)),
        standing: standing_to(node.standing).into(),
        since: node.since.0,
        joined_at: node.joined_at.0,
        version: node.version.0,
    });
    let leases = state
        .leases
        .iter()
        .map(|(name, lease)| stored::StoredLease {
            lease: name.to_string(),
            node: lease.node.to_string(),
            incarnation: lease.incarnation,
            fence: lease.fence.0,
            granted_at: lease.granted_at.0,
            version: lease.version.0,
        });
    stored::Nodes {
        nodes: nodes.collect(),
        leases: leases.collect(),
        fence: state.fence.0,
    }
}

pub(super) fn state_from(state: stored::Nodes) -> Result<Nodes, DecodeError> {
    let nodes = state.nodes.into_iter().map(|node| {
        let standing = standing_from(node.standing())?;
        let read = Node {
            incarnation: node.incarnation,
            profile: profile_from(node.profile)?,
            standing,
            since: UnixNano(node.since),
            joined_at: UnixNano(node.joined_at),
            version: Revision(node.version),
        };
        Ok((node_from(&node.node)?, Arc::new(read)))
    });
    let leases = state.leases.into_iter().map(|lease| {
        let read = Lease {
            node: node_from(&lease.node)?,
            incarnation: lease.incarnation,
            fence: Fence(lease.fence),
            granted_at: UnixNano(lease.granted_at),
            version: Revision(lease.version),
        };
        Ok((lease_from(&lease.lease)?, Arc::new(read)))
    });
    Ok(Nodes {
        by_name: nodes.collect::<Result<_, DecodeError>>()?,
        leases: leases.collect::<Result<_, DecodeError>>()?,
        fence: Fence(state.fence),
    })
}

pub(super) fn node_from(text: &str) -> Result<NodeName, DecodeError> {
    NodeName::new(text).map_err(|_| DecodeError::Illegal("node"))
}

pub(super) fn zone_from(text: &str) -> Result<Zone, DecodeError> {
    Zone::new(text).map_err(|_| DecodeError::Illegal("zone"))
}

fn lease_from(text: &str) -> Result<LeaseName, DecodeError> {
    LeaseName::new(text).map_err(|_| DecodeError::Illegal("lease"))
}

fn profile_to(profile: &Profile) -> stored::NodeProfile {
    stored::NodeProfile {
        roles: profile
            .roles
            .iter()
            .map(|role| role_to(*role).into())
            .collect(),
        zone: profile.zone.to_string(),
        build: profile.build.clone(),
        feature_level: profile.feature_level,
        address: profile.address.clone(),
    }
}

fn profile_from(profile: Option<stored::NodeProfile>) -> Result<Profile, DecodeError> {
    let profile = profile.ok_or(DecodeError::Missing("profile"))?;
    Ok(Profile {
        roles: profile
            .roles
            .iter()
            .map(|role| role_from(*role))
            .collect::<Result<_, _>>()?,
        zone: zone_from(&profile.zone)?,
        build: profile.build,
        feature_level: profile.feature_level,
        address: profile.address,
    })
}

fn role_to(role: Role) -> stored::StoredNodeRole {
    use stored::StoredNodeRole as To;
    match role {
        Role::Control => To::Control,
        Role::Gateway => To::Gateway,
        Role::Distributor => To::Distributor,
        Role::Ingester => To::Ingester,
        Role::LiveStore => To::LiveStore,
        Role::BlockBuilder => To::BlockBuilder,
        Role::Querier => To::Querier,
        Role::QueryFrontend => To::QueryFrontend,
        Role::MetricsGenerator => To::MetricsGenerator,
        Role::Sampler => To::Sampler,
        Role::Worker => To::Worker,
    }
}

fn role_from(role: i32) -> Result<Role, DecodeError> {
    use stored::StoredNodeRole as From;
    Ok(
        match From::try_from(role).map_err(|_| DecodeError::UnknownKind)? {
            From::Unspecified => return Err(DecodeError::Missing("role")),
            From::Control => Role::Control,
            From::Gateway => Role::Gateway,
            From::Distributor => Role::Distributor,
            From::Ingester => Role::Ingester,
            From::LiveStore => Role::LiveStore,
            From::BlockBuilder => Role::BlockBuilder,
            From::Querier => Role::Querier,
            From::QueryFrontend => Role::QueryFrontend,
            From::MetricsGenerator => Role::MetricsGenerator,
            From::Sampler => Role::Sampler,
            From::Worker => Role::Worker,
        },
    )
}

fn standing_to(standing: Standing) -> stored::NodeStanding {
    match standing {
        Standing::Joined => stored::NodeStanding::Joined,
        Standing::Draining => stored::NodeStanding::Draining,
        Standing::Left => stored::NodeStanding::Left,
        Standing::Lost => stored::NodeStanding::Lost,
    }
}

fn standing_from(standing: stored::NodeStanding) -> Result<Standing, DecodeError> {
    match standing {
        stored::NodeStanding::Unspecified => Err(DecodeError::Missing("standing")),
        stored::NodeStanding::Joined => Ok(Standing::Joined),
        stored::NodeStanding::Draining => Ok(Standing::Draining),
        stored::NodeStanding::Left => Ok(Standing::Left),
        stored::NodeStanding::Lost => Ok(Standing::Lost),
    }
}
