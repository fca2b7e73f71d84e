//! What each fact of a node changes.

use std::sync::Arc;

use takt_model::{Revision, UnixNano};

use super::{Event, Lease, Node, NodeName, Nodes, Standing};
use crate::State;

/// Folds one event; `version` is the revision after it.
pub(crate) fn evolve(state: &mut State, event: &Event, at: UnixNano, version: Revision) {
    let nodes = &mut state.nodes;
    match event {
        Event::Joined {
            node,
            incarnation,
            profile,
        } => {
            let joined = Node {
                incarnation: *incarnation,
                profile: profile.clone(),
                standing: Standing::Joined,
                since: at,
                joined_at: at,
                version,
            };
            nodes.by_name.insert(node.clone(), Arc::new(joined));
        }
        Event::Updated { node, profile, .. } => change(nodes, node, version, |found| {
            found.profile = profile.clone();
        }),
        Event::Drained { node } => stand(nodes, node, Standing::Draining, at, version),
        Event::Resumed { node } => stand(nodes, node, Standing::Joined, at, version),
        Event::Left { node, .. } => stand(nodes, node, Standing::Left, at, version),
        Event::Lost { node, .. } => stand(nodes, node, Standing::Lost, at, version),
        Event::Forgotten { node } => {
            nodes.by_name.remove(node);
        }
        Event::LeaseGranted {
            lease,
            node,
            incarnation,
            fence,
        } => {
            nodes.fence = nodes.fence.max(*fence);
            let granted = Lease {
                node: node.clone(),
                incarnation: *incarnation,
                fence: *fence,
                granted_at: at,
                version,
            };
            nodes.leases.insert(lease.clone(), Arc::new(granted));
        }
        Event::LeaseReleased { lease, .. } | Event::LeaseLost { lease, .. } => {
            nodes.leases.remove(lease);
        }
    }
}

fn stand(nodes: &mut Nodes, node: &NodeName, standing: Standing, at: UnixNano, version: Revision) {
    change(nodes, node, version, |found| {
        found.standing = standing;
        found.since = at;
    });
}

fn change(nodes: &mut Nodes, node: &NodeName, version: Revision, how: impl FnOnce(&mut Node)) {
    if let Some(found) = nodes.by_name.get_mut(node) {
        let found = Arc::make_mut(found);
        how(found);
        found.version = version;
    }
}
