//! The events of nodes, in the order of their numbers.

use std::sync::Arc;

use proptest::prelude::*;
use takt_domain::nodes::{
    Event as NodeEvent, Lease, LeaseName, Node, NodeName, Nodes, Profile, Role, Standing, Zone,
};
use takt_domain::{Event, Fence};
use takt_model::{Revision, UnixNano};

use super::super::nodes::{state_from, state_to};

const ROLES: [Role; 11] = [
    Role::Control,
    Role::Gateway,
    Role::Distributor,
    Role::Ingester,
    Role::LiveStore,
    Role::BlockBuilder,
    Role::Querier,
    Role::QueryFrontend,
    Role::MetricsGenerator,
    Role::Sampler,
    Role::Worker,
];

#[expect(clippy::too_many_lines, reason = "a table")]
pub(super) fn corpus() -> Vec<(&'static str, Event)> {
    let node = NodeName::new("ingester-zone-a-7").unwrap();
    let lease = LeaseName::new("index/team-1").unwrap();
    let incarnation = 1_700_000_000_000_000_000;
    let profile = Profile {
        roles: ROLES.into(),
        zone: Zone::new("zone-a").unwrap(),
        build: "1.2.3".into(),
        feature_level: 8,
        address: "10.0.0.7:9095".into(),
    };
    let events = [
        (
            "node-0001-joined",
            NodeEvent::Joined {
                node: node.clone(),
                incarnation,
                profile: profile.clone(),
            },
        ),
        (
            "node-0002-updated",
            NodeEvent::Updated {
                node: node.clone(),
                incarnation,
                profile,
            },
        ),
        (
            "node-0003-drained",
            NodeEvent::Drained { node: node.clone() },
        ),
        (
            "node-0004-resumed",
            NodeEvent::Resumed { node: node.clone() },
        ),
        (
            "node-0005-left",
            NodeEvent::Left {
                node: node.clone(),
                incarnation,
            },
        ),
        (
            "node-0006-lost",
            NodeEvent::Lost {
                node: node.clone(),
                incarnation,
                last_heard: UnixNano(1_700_000_000_500_000_000),
            },
        ),
        (
            "node-0007-forgotten",
            NodeEvent::Forgotten { node: node.clone() },
        ),
        (
            "node-0008-lease-granted",
            NodeEvent::LeaseGranted {
                lease: lease.clone(),
                node: node.clone(),
                incarnation,
                fence: Fence(9),
            },
        ),
        (
            "node-0009-lease-released",
            NodeEvent::LeaseReleased {
                lease: lease.clone(),
                node: node.clone(),
                fence: Fence(9),
            },
        ),
        (
            "node-0010-lease-lost",
            NodeEvent::LeaseLost {
                lease,
                node,
                fence: Fence(9),
            },
        ),
    ];
    events.map(|(name, event)| (name, event.into())).into()
}

proptest! {
    #[test]
    fn nodes_survive_their_snapshot(
        nodes in prop::collection::btree_map("[a-z]{1,4}", node(), 0..6),
        leases in prop::collection::btree_map("[a-z/]{1,4}", ("[a-z]{1,4}", any::<[u64; 4]>()), 0..4),
        fence in any::<u64>(),
    ) {
        let state = Nodes {
            by_name: nodes
                .into_iter()
                .map(|(name, node)| (NodeName::new(&name).unwrap(), Arc::new(node)))
                .collect(),
            leases: leases
                .into_iter()
                .map(|(name, (node, numbers))| (LeaseName::new(&name).unwrap(), Arc::new(Lease {
                    node: NodeName::new(&node).unwrap(),
                    incarnation: numbers[0],
                    fence: Fence(numbers[1]),
                    granted_at: UnixNano(numbers[2]),
                    version: Revision(numbers[3]),
                })))
                .collect(),
            fence: Fence(fence),
        };
        let stored = state_to(&state);
        let read = state_from(stored.clone()).unwrap();
        prop_assert_eq!(&state_to(&read), &stored);
        prop_assert_eq!(read, state);
    }
}

fn node() -> impl Strategy<Value = Node> {
    let standing = prop::sample::select(vec![
        Standing::Joined,
        Standing::Draining,
        Standing::Left,
        Standing::Lost,
    ]);
    let roles = prop::sample::subsequence(ROLES.to_vec(), 0..4);
    let text = "[a-z0-9.:]{0,6}";
    (standing, roles, text, text, any::<u32>(), any::<[u64; 4]>()).prop_map(
        |(standing, roles, build, address, feature_level, numbers)| Node {
            incarnation: numbers[0],
            profile: Profile {
                roles: roles.into_iter().collect(),
                zone: Zone::new("a").unwrap(),
                build,
                feature_level,
                address,
            },
            standing,
            since: UnixNano(numbers[1]),
            joined_at: UnixNano(numbers[2]),
            version: Revision(numbers[3]),
        },
    )
}
