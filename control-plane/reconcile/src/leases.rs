//! What a node may act on, read off the state.

use std::time::Duration;

use takt_domain::State;
use takt_domain::nodes::{NodeName, Standing};
use takt_domain::ring::Holder;
use takt_wire::takt::control::v1 as wire;
use takt_wire::takt::control::v1::lease::Lease;

use crate::heartbeat::purpose_to;

/// The answer to a heartbeat of this process; none while it does not take part. A process that a later one has
/// followed has no leases.
#[must_use]
pub fn leases_of(
    state: &State,
    node: &NodeName,
    incarnation: u64,
    sequence: u64,
    ttl: Duration,
) -> Option<wire::Leases> {
    let found = state.nodes.by_name.get(node)?;
    if found.incarnation != incarnation || !found.standing.present() {
        return None;
    }
    let partitions = partitions(state, node).map(Lease::Partition);
    let named = state
        .nodes
        .leases
        .iter()
        .filter(|(_, lease)| lease.node == *node)
        .map(|(name, lease)| {
            Lease::Named(wire::NamedLease {
                name: name.to_string(),
                fence: lease.fence.0,
            })
        });
    Some(wire::Leases {
        node: node.to_string(),
        incarnation,
        ttl_milliseconds: u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX),
        revision: state.revision.0,
        draining: found.standing == Standing::Draining,
        leases: partitions
            .chain(named)
            .map(|lease| wire::Lease { lease: Some(lease) })
            .collect(),
        sequence,
    })
}

fn partitions<'a>(
    state: &'a State,
    node: &'a NodeName,
) -> impl Iterator<Item = wire::PartitionLease> + 'a {
    let holds = move |holder: &Option<Holder>| {
        let holder = holder.as_ref().filter(|holder| holder.node == *node);
        holder.map(|holder| holder.epoch.0)
    };
    state
        .ring
        .by_purpose
        .iter()
        .flat_map(move |(purpose, ring)| {
            ring.partitions.iter().flat_map(move |(number, partition)| {
                partition.seats.values().flat_map(move |seat| {
                    let lease = move |epoch, heir| wire::PartitionLease {
                        ring: purpose_to(*purpose).into(),
                        partition: *number,
                        epoch,
                        heir,
                        writable: partition.standing.writable(),
                    };
                    let owned = holds(&seat.owner).map(|epoch| lease(epoch, false));
                    let to_come = holds(&seat.heir).map(|epoch| lease(epoch, true));
                    owned.into_iter().chain(to_come)
                })
            })
        })
}
