//! Nodes, their leases, and partitions of the ring.

use std::collections::BTreeSet;
use std::time::Duration;

use rand::RngExt as _;
use rand::rngs::SmallRng;
use takt_domain::nodes::{self, LeaseName, NodeName, Profile, Role, Zone};
use takt_domain::ring::{self, Added, Purpose, Wish};
use takt_domain::{Command, Fence, State};
use takt_model::UnixNano;

use super::tenants::if_match;
use crate::plan::pick;

const NODES: u32 = 4;

pub(crate) fn name(rng: &mut SmallRng) -> NodeName {
    let number = rng.random_range(0..NODES);
    NodeName::new(&format!("worker-{number}")).expect("legal")
}

fn zone(rng: &mut SmallRng) -> Zone {
    Zone::new(pick::<&str>(rng, &["a", "b"])).expect("legal")
}

pub(crate) fn node(rng: &mut SmallRng, known: &State) -> Command {
    let node = name(rng);
    let row = known.nodes.by_name.get(&node);
    let incarnation = row.map_or(1, |row| row.incarnation);
    let if_match = if_match(rng, row.map(|row| row.version));
    let lease = LeaseName::new(pick::<&str>(rng, &["index/a", "index/b"])).expect("legal");
    let command = match rng.random_range(0..12) {
        0..4 => nodes::Command::Join {
            node,
            incarnation: incarnation + rng.random_range(0..2),
            profile: profile(rng),
        },
        4 => nodes::Command::Drain { node, if_match },
        5 => nodes::Command::Resume { node, if_match },
        6 => nodes::Command::Leave { node, incarnation },
        7 => nodes::Command::Lose {
            node,
            incarnation,
            last_heard: UnixNano(0),
        },
        8 => nodes::Command::Forget { node, if_match },
        9..11 => nodes::Command::Grant {
            lease,
            node,
            incarnation,
        },
        _ => {
            let held = known.nodes.leases.get(&lease);
            let fence = held.map_or(Fence(1), |held| held.fence);
            nodes::Command::Release { lease, node, fence }
        }
    };
    command.into()
}

fn profile(rng: &mut SmallRng) -> Profile {
    Profile {
        roles: BTreeSet::from([Role::Ingester, Role::Worker]),
        zone: zone(rng),
        build: "1.0".into(),
        feature_level: 1,
        address: "worker:7000".into(),
    }
}

pub(crate) fn ring(rng: &mut SmallRng, known: &State) -> Command {
    let ring = Purpose::Ingest;
    let row = known.ring.by_purpose.get(&ring);
    let partition = rng.random_range(0..4);
    let version = row.and_then(|row| Some(row.partitions.get(&partition)?.version));
    let condition = if_match(rng, version);
    let wish = match rng.random_range(0..12) {
        0..2 => Wish::Configure {
            spec: ring::Spec {
                partitions: Some(rng.random_range(1..5)),
                per_node: 1,
                min_owners: 1,
                min_wait: Duration::ZERO,
                lookback: Duration::from_secs(60),
                reassign_after: Duration::from_secs(60),
            },
            if_match: if_match(rng, row.map(|row| row.version)),
        },
        2..5 => Wish::Add(Added::Number(partition)),
        5..8 => Wish::Assign {
            partition,
            node: name(rng),
            if_match: condition,
        },
        8 => Wish::Activate {
            partition,
            if_match: condition,
        },
        9 => Wish::Deactivate {
            partition,
            if_match: condition,
        },
        10 => Wish::Unassign {
            partition,
            zone: zone(rng),
            if_match: condition,
        },
        _ => Wish::Remove {
            partition,
            abandon: true,
            if_match: condition,
        },
    };
    ring::Command { ring, wish }.into()
}
