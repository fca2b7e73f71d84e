//! What nodes may do, and what may be done with them.

use std::sync::Arc;

use takt_model::UnixNano;

use super::{
    Command, Event, LeaseName, MAX_ADDRESS_BYTES, MAX_BUILD_BYTES, MAX_LEASES, MAX_NODES, Node,
    NodeName, Nodes, Profile, Rejection, Standing,
};
use crate::tenants::matches;
use crate::{Facts, Fence, State, ring};

pub(crate) fn decide(
    state: &State,
    command: &Command,
    _facts: &Facts,
) -> Result<Vec<crate::Event>, crate::Rejection> {
    let events = match command {
        Command::Join {
            node,
            incarnation,
            profile,
        } => join(&state.nodes, node, *incarnation, profile)?,
        Command::Drain { node, if_match } => {
            let found = known(&state.nodes, node)?;
            matches(*if_match, found.version)?;
            drain(node, found)?
        }
        Command::Resume { node, if_match } => {
            let found = known(&state.nodes, node)?;
            matches(*if_match, found.version)?;
            resume(node, found)?
        }
        Command::Leave { node, incarnation } => leave(&state.nodes, node, *incarnation)?,
        Command::Lose {
            node,
            incarnation,
            last_heard,
        } => lose(&state.nodes, node, *incarnation, *last_heard)?,
        Command::Forget { node, if_match } => {
            let found = known(&state.nodes, node)?;
            matches(*if_match, found.version)?;
            forget(state, node, found)?
        }
        Command::Grant {
            lease,
            node,
            incarnation,
        } => grant(&state.nodes, lease, node, *incarnation)?,
        Command::Release { lease, node, fence } => release(&state.nodes, lease, node, *fence)?,
    };
    Ok(events.into_iter().map(Into::into).collect())
}

fn known<'a>(nodes: &'a Nodes, node: &NodeName) -> Result<&'a Arc<Node>, Rejection> {
    let found = nodes.by_name.get(node);
    found.ok_or_else(|| Rejection::Unknown(node.clone()))
}

/// The node, if this is its process.
fn process<'a>(
    nodes: &'a Nodes,
    node: &NodeName,
    incarnation: u64,
) -> Result<&'a Arc<Node>, Rejection> {
    let found = known(nodes, node)?;
    if found.incarnation != incarnation {
        return Err(Rejection::Superseded {
            node: node.clone(),
            asked: incarnation,
            current: found.incarnation,
        });
    }
    Ok(found)
}

fn join(
    nodes: &Nodes,
    node: &NodeName,
    incarnation: u64,
    profile: &Profile,
) -> Result<Vec<Event>, Rejection> {
    check(profile)?;
    let joined = Event::Joined {
        node: node.clone(),
        incarnation,
        profile: profile.clone(),
    };
    let Some(found) = nodes.by_name.get(node) else {
        if nodes.by_name.len() >= MAX_NODES {
            return Err(Rejection::TooMany);
        }
        return Ok(vec![joined]);
    };
    if incarnation < found.incarnation {
        process(nodes, node, incarnation)?;
    }
    if incarnation > found.incarnation {
        let mut events = leases_lost(nodes, node);
        events.push(joined);
        if found.standing == Standing::Draining {
            // What an operator asked of the node outlives the process.
            events.push(Event::Drained { node: node.clone() });
        }
        return Ok(events);
    }
    match found.standing {
        // Who said good-bye has gone; only another process comes under that name.
        Standing::Left => Err(Rejection::Gone(node.clone())),
        Standing::Lost => Ok(vec![joined]),
        Standing::Joined | Standing::Draining if found.profile == *profile => Ok(Vec::new()),
        Standing::Joined | Standing::Draining => Ok(vec![Event::Updated {
            node: node.clone(),
            incarnation,
            profile: profile.clone(),
        }]),
    }
}

fn check(profile: &Profile) -> Result<(), Rejection> {
    if profile.roles.is_empty() {
        return Err(Rejection::NoRole);
    }
    if profile.build.len() > MAX_BUILD_BYTES {
        return Err(Rejection::BuildTooLong(profile.build.len()));
    }
    if profile.address.len() > MAX_ADDRESS_BYTES {
        return Err(Rejection::AddressTooLong(profile.address.len()));
    }
    Ok(())
}

fn drain(node: &NodeName, found: &Node) -> Result<Vec<Event>, Rejection> {
    match found.standing {
        Standing::Joined => Ok(vec![Event::Drained { node: node.clone() }]),
        Standing::Draining => Ok(Vec::new()),
        Standing::Left | Standing::Lost => Err(Rejection::Gone(node.clone())),
    }
}

fn resume(node: &NodeName, found: &Node) -> Result<Vec<Event>, Rejection> {
    match found.standing {
        Standing::Draining => Ok(vec![Event::Resumed { node: node.clone() }]),
        Standing::Joined => Ok(Vec::new()),
        Standing::Left | Standing::Lost => Err(Rejection::Gone(node.clone())),
    }
}

fn leave(nodes: &Nodes, node: &NodeName, incarnation: u64) -> Result<Vec<Event>, Rejection> {
    let found = process(nodes, node, incarnation)?;
    if found.standing == Standing::Left {
        return Ok(Vec::new());
    }
    let mut events = leases_lost(nodes, node);
    events.push(Event::Left {
        node: node.clone(),
        incarnation,
    });
    Ok(events)
}

fn lose(
    nodes: &Nodes,
    node: &NodeName,
    incarnation: u64,
    last_heard: UnixNano,
) -> Result<Vec<Event>, Rejection> {
    if !process(nodes, node, incarnation)?.standing.present() {
        return Ok(Vec::new());
    }
    let mut events = leases_lost(nodes, node);
    events.push(Event::Lost {
        node: node.clone(),
        incarnation,
        last_heard,
    });
    Ok(events)
}

fn forget(state: &State, node: &NodeName, found: &Node) -> Result<Vec<Event>, Rejection> {
    if found.standing.present() {
        return Err(Rejection::Present(node.clone()));
    }
    if let Some((purpose, partition)) = ring::held_by(&state.ring, node) {
        return Err(Rejection::HoldsPartition {
            node: node.clone(),
            partition: ring::name(purpose, partition),
        });
    }
    Ok(vec![Event::Forgotten { node: node.clone() }])
}

fn leases_lost(nodes: &Nodes, node: &NodeName) -> Vec<Event> {
    nodes
        .leases
        .iter()
        .filter(|(_, lease)| lease.node == *node)
        .map(|(name, lease)| Event::LeaseLost {
            lease: name.clone(),
            node: node.clone(),
            fence: lease.fence,
        })
        .collect()
}

fn grant(
    nodes: &Nodes,
    lease: &LeaseName,
    node: &NodeName,
    incarnation: u64,
) -> Result<Vec<Event>, Rejection> {
    let holder = process(nodes, node, incarnation)?;
    if let Some(held) = nodes.leases.get(lease) {
        return if held.node == *node {
            Ok(Vec::new())
        } else {
            Err(Rejection::LeaseTaken {
                lease: lease.clone(),
                holder: held.node.clone(),
            })
        };
    }
    match holder.standing {
        Standing::Joined => {}
        Standing::Draining => return Err(Rejection::Draining(node.clone())),
        Standing::Left | Standing::Lost => return Err(Rejection::Gone(node.clone())),
    }
    if nodes.leases.len() >= MAX_LEASES {
        return Err(Rejection::TooManyLeases);
    }
    Ok(vec![Event::LeaseGranted {
        lease: lease.clone(),
        node: node.clone(),
        incarnation,
        fence: nodes.fence.next(),
    }])
}

fn release(
    nodes: &Nodes,
    lease: &LeaseName,
    node: &NodeName,
    fence: Fence,
) -> Result<Vec<Event>, Rejection> {
    let held = nodes
        .leases
        .get(lease)
        .ok_or_else(|| Rejection::LeaseUnknown(lease.clone()))?;
    if held.node != *node || held.fence != fence {
        return Err(Rejection::LeaseFenced {
            lease: lease.clone(),
            asked: fence,
            current: held.fence,
        });
    }
    Ok(vec![Event::LeaseReleased {
        lease: lease.clone(),
        node: node.clone(),
        fence,
    }])
}
