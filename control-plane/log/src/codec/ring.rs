//! Partitions and their owners.

use std::sync::Arc;
use std::time::Duration;

use takt_domain::Epoch;
use takt_domain::ring::{
    Event, Fact, Holder, Partition, Purpose, Ring, Rings, Seat, Spec, Standing,
};
use takt_model::{Revision, UnixNano};
use takt_wire::takt::control::log::v1 as stored;
use takt_wire::takt::control::log::v1::ring_event::Event as Stored;

use super::DecodeError;
use super::nodes::{node_from, zone_from};

#[expect(
    clippy::too_many_lines,
    reason = "one arm for each event, nothing else"
)]
pub(super) fn event_to(event: &Event) -> stored::RingEvent {
    let ring = purpose_to(event.ring).into();
    let event = match event.fact.clone() {
        Fact::Configured { spec } => Stored::Configured(stored::RingConfigured {
            ring,
            spec: Some(spec_to(&spec)),
        }),
        Fact::Added { partition } => {
            Stored::PartitionAdded(stored::PartitionAdded { ring, partition })
        }
        Fact::Activated { partition } => {
            Stored::PartitionActivated(stored::PartitionActivated { ring, partition })
        }
        Fact::Deactivated { partition } => {
            Stored::PartitionDeactivated(stored::PartitionDeactivated { ring, partition })
        }
        Fact::Removed {
            partition,
            abandoned,
        } => Stored::PartitionRemoved(stored::PartitionRemoved {
            ring,
            partition,
            abandoned,
        }),
        Fact::Assigned {
            partition,
            zone,
            node,
            epoch,
            replaced,
        } => Stored::OwnerAssigned(stored::OwnerAssigned {
            ring,
            partition,
            zone: zone.to_string(),
            node: node.to_string(),
            epoch: epoch.0,
            replaced: replaced.map(|node| node.to_string()),
        }),
        Fact::Unassigned {
            partition,
            zone,
            node,
            epoch,
        } => Stored::OwnerUnassigned(stored::OwnerUnassigned {
            ring,
            partition,
            zone: zone.to_string(),
            node: node.to_string(),
            epoch: epoch.0,
        }),
        Fact::HandoverStarted {
            partition,
            zone,
            from,
            to,
            epoch,
        } => Stored::HandoverStarted(stored::HandoverStarted {
            ring,
            partition,
            zone: zone.to_string(),
            from: from.to_string(),
            to: to.to_string(),
            epoch: epoch.0,
        }),
        Fact::HandoverCompleted {
            partition,
            zone,
            from,
            to,
            epoch,
        } => Stored::HandoverCompleted(stored::HandoverCompleted {
            ring,
            partition,
            zone: zone.to_string(),
            from: from.to_string(),
            to: to.to_string(),
            epoch: epoch.0,
        }),
        Fact::HandoverCancelled {
            partition,
            zone,
            to,
            epoch,
        } => Stored::HandoverCancelled(stored::HandoverCancelled {
            ring,
            partition,
            zone: zone.to_string(),
            to: to.to_string(),
            epoch: epoch.0,
        }),
        Fact::Flushed {
            partition,
            zone,
            node,
            epoch,
        } => Stored::PartitionFlushed(stored::PartitionFlushed {
            ring,
            partition,
            zone: zone.to_string(),
            node: node.to_string(),
            epoch: epoch.0,
        }),
    };
    stored::RingEvent { event: Some(event) }
}

#[expect(
    clippy::too_many_lines,
    reason = "one arm for each event, nothing else"
)]
pub(super) fn event_from(event: stored::RingEvent) -> Result<Event, DecodeError> {
    let (ring, fact) = match event.event.ok_or(DecodeError::UnknownKind)? {
        Stored::Configured(event) => {
            let spec = spec_from(event.spec.ok_or(DecodeError::Missing("spec"))?);
            (event.ring, Fact::Configured { spec })
        }
        Stored::PartitionAdded(event) => {
            let partition = event.partition;
            (event.ring, Fact::Added { partition })
        }
        Stored::PartitionActivated(event) => {
            let partition = event.partition;
            (event.ring, Fact::Activated { partition })
        }
        Stored::PartitionDeactivated(event) => {
            let partition = event.partition;
            (event.ring, Fact::Deactivated { partition })
        }
        Stored::PartitionRemoved(event) => {
            let fact = Fact::Removed {
                partition: event.partition,
                abandoned: event.abandoned,
            };
            (event.ring, fact)
        }
        Stored::OwnerAssigned(event) => {
            let fact = Fact::Assigned {
                partition: event.partition,
                zone: zone_from(&event.zone)?,
                node: node_from(&event.node)?,
                epoch: Epoch(event.epoch),
                replaced: event.replaced.as_deref().map(node_from).transpose()?,
            };
            (event.ring, fact)
        }
        Stored::OwnerUnassigned(event) => {
            let fact = Fact::Unassigned {
                partition: event.partition,
                zone: zone_from(&event.zone)?,
                node: node_from(&event.node)?,
                epoch: Epoch(event.epoch),
            };
            (event.ring, fact)
        }
        Stored::HandoverStarted(event) => {
            let fact = Fact::HandoverStarted {
                partition: event.partition,
                zone: zone_from(&event.zone)?,
                from: node_from(&event.from)?,
                to: node_from(&event.to)?,
                epoch: Epoch(event.epoch),
            };
            (event.ring, fact)
        }
        Stored::HandoverCompleted(event) => {
            let fact = Fact::HandoverCompleted {
                partition: event.partition,
                zone: zone_from(&event.zone)?,
                from: node_from(&event.from)?,
                to: node_from(&event.to)?,
                epoch: Epoch(event.epoch),
            };
            (event.ring, fact)
        }
        Stored::HandoverCancelled(event) => {
            let fact = Fact::HandoverCancelled {
                partition: event.partition,
                zone: zone_from(&event.zone)?,
                to: node_from(&event.to)?,
                epoch: Epoch(event.epoch),
            };
            (event.ring, fact)
        }
        Stored::PartitionFlushed(event) => {
            let fact = Fact::Flushed {
                partition: event.partition,
                zone: zone_from(&event.zone)?,
                node: node_from(&event.node)?,
                epoch: Epoch(event.epoch),
            };
            (event.ring, fact)
        }
    };
    Ok(Event {
        ring: purpose_from(ring)?,
        fact,
    })
}

pub(super) fn state_to(state: &Rings) -> stored::Rings {
    let rings = state.by_purpose.iter().map(|(purpose, ring)| stored::Ring {
        ring: purpose_to(*purpose).into(),
        spec: Some(spec_to(&ring.spec)),
        version: ring.version.0,
        epoch: ring.epoch.0,
        partitions: ring
            .partitions
            .iter()
            .map(|(number, partition)| partition_to(*number, partition))
            .collect(),
    });
    stored::Rings {
        rings: rings.collect(),
    }
}

pub(super) fn state_from(state: stored::Rings) -> Result<Rings, DecodeError> {
    let rings = state.rings.into_iter().map(|ring| {
        let partitions = ring.partitions.into_iter().map(partition_from);
        let read = Ring {
            spec: spec_from(ring.spec.ok_or(DecodeError::Missing("spec"))?),
            version: Revision(ring.version),
            epoch: Epoch(ring.epoch),
            partitions: partitions.collect::<Result<_, _>>()?,
        };
        Ok((purpose_from(ring.ring)?, read))
    });
    Ok(Rings {
        by_purpose: rings.collect::<Result<_, DecodeError>>()?,
    })
}

fn partition_to(number: u32, partition: &Partition) -> stored::Partition {
    let standing = match partition.standing {
        Standing::Pending => stored::PartitionStanding::Pending,
        Standing::Active => stored::PartitionStanding::Active,
        Standing::Inactive => stored::PartitionStanding::Inactive,
    };
    stored::Partition {
        partition: number,
        standing: standing.into(),
        since: partition.since.0,
        created_at: partition.created_at.0,
        seats: partition
            .seats
            .iter()
            .map(|(zone, seat)| stored::Seat {
                zone: zone.to_string(),
                owner: seat.owner.as_ref().map(holder_to),
                heir: seat.heir.as_ref().map(holder_to),
                flushed_at: seat.flushed_at.map(|at| at.0),
            })
            .collect(),
        version: partition.version.0,
    }
}

fn partition_from(partition: stored::Partition) -> Result<(u32, Arc<Partition>), DecodeError> {
    let standing = match partition.standing() {
        stored::PartitionStanding::Unspecified => return Err(DecodeError::Missing("standing")),
        stored::PartitionStanding::Pending => Standing::Pending,
        stored::PartitionStanding::Active => Standing::Active,
        stored::PartitionStanding::Inactive => Standing::Inactive,
    };
    let seats = partition.seats.into_iter().map(|seat| {
        let read = Seat {
            owner: seat.owner.map(holder_from).transpose()?,
            heir: seat.heir.map(holder_from).transpose()?,
            flushed_at: seat.flushed_at.map(UnixNano),
        };
        Ok((zone_from(&seat.zone)?, read))
    });
    let read = Partition {
        standing,
        since: UnixNano(partition.since),
        created_at: UnixNano(partition.created_at),
        seats: seats.collect::<Result<_, DecodeError>>()?,
        version: Revision(partition.version),
    };
    Ok((partition.partition, Arc::new(read)))
}

fn holder_to(holder: &Holder) -> stored::Holder {
    stored::Holder {
        node: holder.node.to_string(),
        epoch: holder.epoch.0,
        since: holder.since.0,
    }
}

fn holder_from(holder: stored::Holder) -> Result<Holder, DecodeError> {
    Ok(Holder {
        node: node_from(&holder.node)?,
        epoch: Epoch(holder.epoch),
        since: UnixNano(holder.since),
    })
}

fn spec_to(spec: &Spec) -> stored::RingSpec {
    let nanos = |wait: Duration| u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX);
    stored::RingSpec {
        partitions: spec.partitions,
        per_node: spec.per_node,
        min_owners: spec.min_owners,
        min_wait_nanoseconds: nanos(spec.min_wait),
        lookback_nanoseconds: nanos(spec.lookback),
        reassign_after_nanoseconds: nanos(spec.reassign_after),
    }
}

fn spec_from(spec: stored::RingSpec) -> Spec {
    Spec {
        partitions: spec.partitions,
        per_node: spec.per_node,
        min_owners: spec.min_owners,
        min_wait: Duration::from_nanos(spec.min_wait_nanoseconds),
        lookback: Duration::from_nanos(spec.lookback_nanoseconds),
        reassign_after: Duration::from_nanos(spec.reassign_after_nanoseconds),
    }
}

fn purpose_to(purpose: Purpose) -> stored::RingPurpose {
    match purpose {
        Purpose::Ingest => stored::RingPurpose::Ingest,
        Purpose::Build => stored::RingPurpose::Build,
        Purpose::Generate => stored::RingPurpose::Generate,
        Purpose::Sample => stored::RingPurpose::Sample,
    }
}

fn purpose_from(ring: i32) -> Result<Purpose, DecodeError> {
    match stored::RingPurpose::try_from(ring) {
        Ok(stored::RingPurpose::Ingest) => Ok(Purpose::Ingest),
        Ok(stored::RingPurpose::Build) => Ok(Purpose::Build),
        Ok(stored::RingPurpose::Generate) => Ok(Purpose::Generate),
        Ok(stored::RingPurpose::Sample) => Ok(Purpose::Sample),
        Ok(stored::RingPurpose::Unspecified) => Err(DecodeError::Missing("ring")),
        Err(_) => Err(DecodeError::UnknownKind),
    }
}
