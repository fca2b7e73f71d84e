//! The events of rings, in the order of their numbers.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use takt_domain::nodes::{NodeName, Zone};
use takt_domain::ring::{
    Event as RingEvent, Fact, Holder, Partition, Purpose, Ring, Rings, Seat, Spec, Standing,
};
use takt_domain::{Epoch, Event};
use takt_model::{Revision, UnixNano};

use super::super::ring::{state_from, state_to};

#[expect(clippy::too_many_lines, reason = "a table")]
pub(super) fn corpus() -> Vec<(&'static str, Event)> {
    let partition = 7;
    let zone = Zone::new("zone-a").unwrap();
    let node = NodeName::new("ingester-zone-a-7").unwrap();
    let other = NodeName::new("ingester-zone-a-8").unwrap();
    let spec = Spec {
        partitions: Some(12),
        per_node: 2,
        min_owners: 2,
        min_wait: Duration::from_secs(10),
        lookback: Duration::from_secs(3600),
        reassign_after: Duration::from_millis(1500),
    };
    let facts = [
        ("ring-0001-configured", Fact::Configured { spec }),
        ("ring-0002-partition-added", Fact::Added { partition }),
        (
            "ring-0003-partition-activated",
            Fact::Activated { partition },
        ),
        (
            "ring-0004-partition-deactivated",
            Fact::Deactivated { partition },
        ),
        (
            "ring-0005-partition-removed",
            Fact::Removed {
                partition,
                abandoned: true,
            },
        ),
        (
            "ring-0006-owner-assigned",
            Fact::Assigned {
                partition,
                zone: zone.clone(),
                node: node.clone(),
                epoch: Epoch(3),
                replaced: Some(other.clone()),
            },
        ),
        (
            "ring-0007-owner-unassigned",
            Fact::Unassigned {
                partition,
                zone: zone.clone(),
                node: node.clone(),
                epoch: Epoch(3),
            },
        ),
        (
            "ring-0008-handover-started",
            Fact::HandoverStarted {
                partition,
                zone: zone.clone(),
                from: node.clone(),
                to: other.clone(),
                epoch: Epoch(4),
            },
        ),
        (
            "ring-0009-handover-completed",
            Fact::HandoverCompleted {
                partition,
                zone: zone.clone(),
                from: node.clone(),
                to: other.clone(),
                epoch: Epoch(4),
            },
        ),
        (
            "ring-0010-handover-cancelled",
            Fact::HandoverCancelled {
                partition,
                zone: zone.clone(),
                to: other.clone(),
                epoch: Epoch(4),
            },
        ),
        (
            "ring-0011-partition-flushed",
            Fact::Flushed {
                partition,
                zone,
                node: other,
                epoch: Epoch(4),
            },
        ),
    ];
    facts
        .into_iter()
        .map(|(name, fact)| {
            let ring = Purpose::Ingest;
            (name, RingEvent { ring, fact }.into())
        })
        .collect()
}

proptest! {
    #[test]
    fn rings_survive_their_snapshot(rings in rings()) {
        let stored = state_to(&rings);
        let read = state_from(stored.clone()).unwrap();
        prop_assert_eq!(&state_to(&read), &stored);
        prop_assert_eq!(read, rings);
    }
}

fn rings() -> impl Strategy<Value = Rings> {
    let purpose = prop::sample::select(Purpose::ALL.to_vec());
    prop::collection::btree_map(purpose, ring(), 0..4).prop_map(|rings| Rings {
        by_purpose: rings.into_iter().collect(),
    })
}

fn ring() -> impl Strategy<Value = Ring> {
    let spec = (
        any::<Option<u32>>(),
        any::<u32>(),
        any::<u32>(),
        any::<u64>(),
    )
        .prop_map(|(partitions, per_node, min_owners, wait)| Spec {
            partitions,
            per_node,
            min_owners,
            min_wait: Duration::from_nanos(wait),
            lookback: Duration::from_nanos(wait / 2),
            reassign_after: Duration::from_nanos(wait / 3),
        });
    let partitions = prop::collection::btree_map(any::<u32>(), partition(), 0..4);
    (spec, any::<u64>(), any::<u64>(), partitions).prop_map(|(spec, version, epoch, partitions)| {
        Ring {
            spec,
            version: Revision(version),
            epoch: Epoch(epoch),
            partitions: partitions
                .into_iter()
                .map(|(number, partition)| (number, Arc::new(partition)))
                .collect(),
        }
    })
}

fn partition() -> impl Strategy<Value = Partition> {
    let standing = prop::sample::select(vec![
        Standing::Pending,
        Standing::Active,
        Standing::Inactive,
    ]);
    let seats = prop::collection::btree_map("[a-z]{1,4}", seat(), 0..3);
    (standing, any::<[u64; 3]>(), seats).prop_map(|(standing, numbers, seats)| Partition {
        standing,
        since: UnixNano(numbers[0]),
        created_at: UnixNano(numbers[1]),
        seats: seats
            .into_iter()
            .map(|(zone, seat)| (Zone::new(&zone).unwrap(), seat))
            .collect(),
        version: Revision(numbers[2]),
    })
}

fn seat() -> impl Strategy<Value = Seat> {
    let holder = || {
        prop::option::of(("[a-z]{1,4}", any::<u64>(), any::<u64>()).prop_map(
            |(node, epoch, since)| Holder {
                node: NodeName::new(&node).unwrap(),
                epoch: Epoch(epoch),
                since: UnixNano(since),
            },
        ))
    };
    (holder(), holder(), any::<Option<u64>>()).prop_map(|(owner, heir, flushed_at)| Seat {
        owner,
        heir,
        flushed_at: flushed_at.map(UnixNano),
    })
}
