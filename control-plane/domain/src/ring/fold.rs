//! What each fact of a ring changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use takt_model::{Revision, UnixNano};

use super::{Event, Fact, Holder, Partition, Ring, Seat, Standing};
use crate::Epoch;
use crate::State;
use crate::nodes::{NodeName, Zone};

/// Folds one event; `version` is the revision after it.
pub(crate) fn evolve(state: &mut State, event: &Event, at: UnixNano, version: Revision) {
    let mut ring = state
        .ring
        .by_purpose
        .get(&event.ring)
        .cloned()
        .unwrap_or_default();
    fold(&mut ring, &event.fact, at, version);
    state.ring.by_purpose.insert(event.ring, ring);
}

fn fold(ring: &mut Ring, fact: &Fact, at: UnixNano, version: Revision) {
    match fact {
        Fact::Configured { spec } => {
            ring.spec = *spec;
            ring.version = version;
        }
        Fact::Added { partition } => {
            ring.partitions.insert(*partition, added(at, version));
        }
        Fact::Activated { partition } => change(ring, *partition, version, |found| {
            stand(found, Standing::Active, at);
        }),
        Fact::Deactivated { partition } => change(ring, *partition, version, |found| {
            stand(found, Standing::Inactive, at);
        }),
        Fact::Removed { partition, .. } => {
            ring.partitions.remove(partition);
        }
        Fact::Assigned {
            partition,
            zone,
            node,
            epoch,
            ..
        } => {
            ring.epoch = ring.epoch.max(*epoch);
            let seat = Seat {
                owner: Some(holder(node, *epoch, at)),
                ..Seat::default()
            };
            change(ring, *partition, version, |found| {
                found.seats.insert(zone.clone(), seat);
            });
        }
        Fact::Unassigned {
            partition, zone, ..
        } => change(ring, *partition, version, |found| {
            found.seats.remove(zone);
        }),
        Fact::HandoverStarted {
            partition,
            zone,
            to,
            epoch,
            ..
        } => {
            ring.epoch = ring.epoch.max(*epoch);
            let heir = holder(to, *epoch, at);
            change_seat(ring, *partition, zone, version, |seat| {
                seat.heir = Some(heir);
            });
        }
        Fact::HandoverCompleted {
            partition,
            zone,
            to,
            epoch,
            ..
        } => {
            let owner = holder(to, *epoch, at);
            change_seat(ring, *partition, zone, version, |seat| {
                *seat = Seat {
                    owner: Some(owner),
                    ..Seat::default()
                };
            });
        }
        Fact::HandoverCancelled {
            partition, zone, ..
        } => change_seat(ring, *partition, zone, version, |seat| seat.heir = None),
        Fact::Flushed {
            partition, zone, ..
        } => change_seat(ring, *partition, zone, version, |seat| {
            seat.flushed_at = Some(at);
        }),
    }
}

fn added(at: UnixNano, version: Revision) -> Arc<Partition> {
    Arc::new(Partition {
        standing: Standing::Pending,
        since: at,
        created_at: at,
        seats: BTreeMap::new(),
        version,
    })
}

fn holder(node: &NodeName, epoch: Epoch, since: UnixNano) -> Holder {
    Holder {
        node: node.clone(),
        epoch,
        since,
    }
}

/// Flushing counts from when it last changed how it stands.
fn stand(partition: &mut Partition, standing: Standing, at: UnixNano) {
    partition.standing = standing;
    partition.since = at;
    for seat in partition.seats.values_mut() {
        seat.flushed_at = None;
    }
}

fn change(ring: &mut Ring, partition: u32, version: Revision, how: impl FnOnce(&mut Partition)) {
    if let Some(found) = ring.partitions.get_mut(&partition) {
        let found = Arc::make_mut(found);
        how(found);
        found.version = version;
    }
}

fn change_seat(
    ring: &mut Ring,
    partition: u32,
    zone: &Zone,
    version: Revision,
    how: impl FnOnce(&mut Seat),
) {
    change(ring, partition, version, |found| {
        if let Some(seat) = found.seats.get_mut(zone) {
            how(seat);
        }
    });
}
