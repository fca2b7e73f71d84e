//! Rings and partitions, to the wire and from it.

use std::time::Duration;

use takt_domain::nodes::Zone;
use takt_domain::ring::{Holder, Partition, Purpose, Ring, Spec, Standing};
use takt_wire::takt::admin::v1 as wire;
use tonic::Status;

use crate::refusal::invalid;

pub(super) fn purpose(ring: i32) -> Result<Purpose, Status> {
    match wire::RingPurpose::try_from(ring) {
        Ok(wire::RingPurpose::Ingest) => Ok(Purpose::Ingest),
        Ok(wire::RingPurpose::Build) => Ok(Purpose::Build),
        Ok(wire::RingPurpose::Generate) => Ok(Purpose::Generate),
        Ok(wire::RingPurpose::Sample) => Ok(Purpose::Sample),
        Ok(wire::RingPurpose::Unspecified) | Err(_) => Err(invalid(
            "RING_MISSING",
            "say which ring: `ingest`, `build`, `generate` or `sample`",
        )),
    }
}

fn purpose_to_wire(purpose: Purpose) -> wire::RingPurpose {
    match purpose {
        Purpose::Ingest => wire::RingPurpose::Ingest,
        Purpose::Build => wire::RingPurpose::Build,
        Purpose::Generate => wire::RingPurpose::Generate,
        Purpose::Sample => wire::RingPurpose::Sample,
    }
}

pub(super) fn zone(text: &str) -> Result<Zone, Status> {
    Zone::new(text).map_err(|error| invalid("ZONE_INVALID", error.to_string()))
}

pub(super) fn spec(spec: wire::RingSpec) -> Spec {
    let default = Spec::default();
    let or = |number, default| if number == 0 { default } else { number };
    let wait = |asked: Option<u64>, default| asked.map_or(default, Duration::from_millis);
    Spec {
        partitions: spec.partitions,
        per_node: or(spec.per_node, default.per_node),
        min_owners: or(spec.min_owners, default.min_owners),
        min_wait: wait(spec.min_wait_milliseconds, default.min_wait),
        lookback: wait(spec.lookback_milliseconds, default.lookback),
        reassign_after: wait(spec.reassign_after_milliseconds, default.reassign_after),
    }
}

fn spec_to_wire(spec: &Spec) -> wire::RingSpec {
    let wait = |wait: Duration| u64::try_from(wait.as_millis()).ok();
    wire::RingSpec {
        partitions: spec.partitions,
        per_node: spec.per_node,
        min_owners: spec.min_owners,
        min_wait_milliseconds: wait(spec.min_wait),
        lookback_milliseconds: wait(spec.lookback),
        reassign_after_milliseconds: wait(spec.reassign_after),
    }
}

pub(crate) fn ring_to_wire(purpose: Purpose, ring: &Ring) -> wire::Ring {
    let count = |standing| {
        let partitions = ring.partitions.values();
        let count = partitions
            .filter(|found| found.standing == standing)
            .count();
        u32::try_from(count).unwrap_or(u32::MAX)
    };
    wire::Ring {
        ring: purpose_to_wire(purpose).into(),
        spec: Some(spec_to_wire(&ring.spec)),
        pending: count(Standing::Pending),
        active: count(Standing::Active),
        inactive: count(Standing::Inactive),
        epoch: ring.epoch.0,
        version: ring.version.0,
    }
}

pub(super) fn standing_to_wire(standing: Standing) -> wire::PartitionState {
    match standing {
        Standing::Pending => wire::PartitionState::Pending,
        Standing::Active => wire::PartitionState::Active,
        Standing::Inactive => wire::PartitionState::Inactive,
    }
}

pub(crate) fn partition_to_wire(
    purpose: Purpose,
    number: u32,
    partition: &Partition,
) -> wire::Partition {
    let seats = partition
        .seats
        .iter()
        .map(|(zone, seat)| wire::PartitionSeat {
            zone: zone.to_string(),
            owner: seat.owner.as_ref().map(holder_to_wire),
            heir: seat.heir.as_ref().map(holder_to_wire),
            flushed_at: seat.flushed_at.unwrap_or_default().0,
        });
    wire::Partition {
        ring: purpose_to_wire(purpose).into(),
        partition: number,
        state: standing_to_wire(partition.standing).into(),
        since: partition.since.0,
        created_at: partition.created_at.0,
        seats: seats.collect(),
        flushed: partition.flushed(),
        version: partition.version.0,
    }
}

fn holder_to_wire(holder: &Holder) -> wire::PartitionHolder {
    wire::PartitionHolder {
        node: holder.node.to_string(),
        epoch: holder.epoch.0,
        since: holder.since.0,
    }
}
