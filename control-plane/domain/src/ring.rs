//! Partitions of the journal and who owns them.
//!
//! There is a ring for each [`Purpose`]. A partition has a seat in each zone and at most one owner
//! in a seat. Ownership is a lease: its [`Epoch`] is higher than any given out in this ring before, so
//! whoever has seen the new owner's refuses the old one.
//!
//! - pending: it gets owners; nobody writes to it or reads from it;
//! - active: written and read;
//! - inactive: read only, and it keeps its owners until everything they hold is in the object store;
//! - removed: its number may be used again; epochs are not.

mod fold;
mod rules;
mod shards;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use takt_model::{Revision, UnixNano};

use crate::nodes::{NodeName, Role, Zone};
use crate::{Epoch, Kind, Map, Resource, Subject};

pub(crate) use fold::evolve;
pub(crate) use rules::{decide, held_by};
pub use shards::{SHARDS, partition_of, shard_of_tenant, shard_of_tenant_since, shard_of_trace};

/// More than there are virtual shards would be of no use.
pub const MAX_PARTITIONS: usize = 4096;
/// How many partitions one command adds at most.
pub const MAX_ADDED: u32 = 256;
pub const MAX_ZONES: usize = 16;
pub const MAX_PER_NODE: u32 = 64;
/// How long any wait of a [`Spec`] may be.
pub const MAX_WAIT: Duration = Duration::from_secs(30 * 24 * 3600);

/// What a ring is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// Spans on their way in: ingesters, or live stores where the journal is Kafka.
    Ingest,
    /// Block builders, where the journal is Kafka.
    Build,
    /// Metrics generators.
    Generate,
    /// Tail samplers.
    Sample,
}

impl Purpose {
    pub const ALL: [Self; 4] = [Self::Ingest, Self::Build, Self::Generate, Self::Sample];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Build => "build",
            Self::Generate => "generate",
            Self::Sample => "sample",
        }
    }

    /// Whether nodes of this role own partitions of this ring.
    #[must_use]
    pub fn takes(self, role: Role) -> bool {
        match self {
            Self::Ingest => matches!(role, Role::Ingester | Role::LiveStore),
            Self::Build => role == Role::BlockBuilder,
            Self::Generate => role == Role::MetricsGenerator,
            Self::Sample => role == Role::Sampler,
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a partition is called, as `ingest/7`.
#[must_use]
pub fn name(purpose: Purpose, partition: u32) -> String {
    format!("{purpose}/{partition}")
}

/// The part of the state that is this aggregate's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rings {
    pub by_purpose: Map<Purpose, Ring>,
}

/// The partitions of one purpose.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ring {
    pub spec: Spec,
    /// The revision after the last change of the spec.
    pub version: Revision,
    /// The highest epoch given out.
    pub epoch: Epoch,
    pub partitions: Map<u32, Arc<Partition>>,
}

/// How a ring should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spec {
    /// How many partitions. `None`: as many as the zone with the most nodes has nodes, times `per_node`.
    pub partitions: Option<u32>,
    pub per_node: u32,
    /// Owners, each in its zone, before a partition takes writes.
    pub min_owners: u32,
    /// How long they have been there by then.
    pub min_wait: Duration,
    /// How long a partition stays readable after it stopped taking writes.
    pub lookback: Duration,
    /// How long a lost owner may come back before another gets its partitions.
    pub reassign_after: Duration,
}

impl Default for Spec {
    /// Tempo's figures, but for the lookback: it waits until everything is flushed, not half a day.
    fn default() -> Self {
        Self {
            partitions: None,
            per_node: 1,
            min_owners: 1,
            min_wait: Duration::from_secs(10),
            lookback: Duration::from_secs(3600),
            reassign_after: Duration::from_secs(120),
        }
    }
}

/// One partition as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    pub standing: Standing,
    /// When it came to stand so.
    pub since: UnixNano,
    pub created_at: UnixNano,
    pub seats: BTreeMap<Zone, Seat>,
    /// The revision after its last change.
    pub version: Revision,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    Pending,
    Active,
    Inactive,
}

impl Standing {
    #[must_use]
    pub fn writable(self) -> bool {
        self == Self::Active
    }

    #[must_use]
    pub fn readable(self) -> bool {
        matches!(self, Self::Active | Self::Inactive)
    }
}

impl Partition {
    /// Whether nothing would be missed: every owner there is said that it has flushed everything, and
    /// there is at least one. What never took writes holds nothing.
    #[must_use]
    pub fn flushed(&self) -> bool {
        match self.standing {
            Standing::Pending => true,
            Standing::Active => false,
            Standing::Inactive => {
                let mut owned = self.seats.values().filter(|seat| seat.owner.is_some());
                owned.clone().next().is_some() && owned.all(|seat| seat.flushed_at.is_some())
            }
        }
    }
}

/// The place of a partition's owner in a zone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seat {
    pub owner: Option<Holder>,
    /// Who takes over as soon as it is ready.
    pub heir: Option<Holder>,
    /// When the owner said that everything is flushed.
    pub flushed_at: Option<UnixNano>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    pub node: NodeName,
    pub epoch: Epoch,
    pub since: UnixNano,
}

/// A wish about one ring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    pub ring: Purpose,
    pub wish: Wish,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// How it should be; the first makes the ring.
    Configure {
        spec: Spec,
        if_match: Option<Revision>,
    },
    /// Pending partitions: one of this number, or so many with the lowest free numbers.
    Add(Added),
    Activate {
        partition: u32,
        if_match: Option<Revision>,
    },
    Deactivate {
        partition: u32,
        if_match: Option<Revision>,
    },
    Remove {
        partition: u32,
        /// Give up what is not flushed.
        abandon: bool,
        if_match: Option<Revision>,
    },
    /// A seat that is empty, or whose owner is gone.
    Assign {
        partition: u32,
        node: NodeName,
        if_match: Option<Revision>,
    },
    /// Empties a seat whose owner is gone and for which nobody is there.
    Unassign {
        partition: u32,
        zone: Zone,
        if_match: Option<Revision>,
    },
    /// From the owner, who stays until the heir is ready.
    HandOver {
        partition: u32,
        to: NodeName,
        if_match: Option<Revision>,
    },
    /// The heir is ready.
    TakeOver {
        partition: u32,
        node: NodeName,
        epoch: Epoch,
    },
    CancelHandover {
        partition: u32,
        zone: Zone,
        if_match: Option<Revision>,
    },
    /// The owner holds nothing any more that is not in the object store.
    Flushed {
        partition: u32,
        node: NodeName,
        epoch: Epoch,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    Number(u32),
    Count(u32),
}

/// Something that happened in one ring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub ring: Purpose,
    pub fact: Fact,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    Configured {
        spec: Spec,
    },
    Added {
        partition: u32,
    },
    /// What was said about flushing before no longer holds.
    Activated {
        partition: u32,
    },
    Deactivated {
        partition: u32,
    },
    Removed {
        partition: u32,
        abandoned: bool,
    },
    Assigned {
        partition: u32,
        zone: Zone,
        node: NodeName,
        epoch: Epoch,
        replaced: Option<NodeName>,
    },
    Unassigned {
        partition: u32,
        zone: Zone,
        node: NodeName,
        epoch: Epoch,
    },
    HandoverStarted {
        partition: u32,
        zone: Zone,
        from: NodeName,
        to: NodeName,
        epoch: Epoch,
    },
    HandoverCompleted {
        partition: u32,
        zone: Zone,
        from: NodeName,
        to: NodeName,
        epoch: Epoch,
    },
    HandoverCancelled {
        partition: u32,
        zone: Zone,
        to: NodeName,
        epoch: Epoch,
    },
    Flushed {
        partition: u32,
        zone: Zone,
        node: NodeName,
        epoch: Epoch,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    #[error("there is no ring `{0}`; configure it first")]
    Unknown(Purpose),
    #[error("`{field}` is {value}, it must be from {min} to {max}")]
    SpecInvalid {
        field: &'static str,
        value: u64,
        min: u64,
        max: u64,
    },
    #[error("partition `{0}` is unknown")]
    PartitionUnknown(String),
    #[error("partition `{0}` exists already")]
    PartitionExists(String),
    #[error("the number of a partition is less than {max}, not {0}", max = MAX_PARTITIONS)]
    NumberTooHigh(u32),
    #[error("{0} partitions at once, from 1 to {max} are allowed", max = MAX_ADDED)]
    CountInvalid(u32),
    #[error("a ring has at most {max} partitions", max = MAX_PARTITIONS)]
    TooMany,
    #[error("partition `{partition}` is {standing:?}; it has to be {wanted}")]
    WrongStanding {
        partition: String,
        standing: Standing,
        wanted: &'static str,
    },
    #[error("partition `{partition}` has {owners} owners that are there, it needs {needed}")]
    TooFewOwners {
        partition: String,
        owners: u32,
        needed: u32,
    },
    #[error("the owners of partition `{partition}` may take writes {seconds} seconds from now")]
    TooSoon { partition: String, seconds: u64 },
    #[error("partition `{0}` is the last that takes writes; activate another first")]
    LastActive(String),
    #[error("partition `{partition}` may still be read, for {seconds} seconds from now")]
    Lookback { partition: String, seconds: u64 },
    #[error(
        "not everything in partition `{0}` is in the object store; wait for its owners, or say `abandon` to lose it"
    )]
    NotFlushed(String),
    #[error("node `{0}` is unknown")]
    NodeUnknown(NodeName),
    #[error("node `{0}` does not take partitions now: it is draining or gone")]
    NodeAway(NodeName),
    #[error("node `{node}` has no role that owns partitions of ring `{ring}`")]
    NodeUnfit { node: NodeName, ring: Purpose },
    #[error("a ring spans at most {max} zones", max = MAX_ZONES)]
    TooManyZones,
    #[error("partition `{partition}` is owned by node `{owner}` in zone `{zone}`; hand it over")]
    SeatTaken {
        partition: String,
        zone: Zone,
        owner: NodeName,
    },
    #[error("partition `{partition}` has no owner in zone `{zone}`")]
    SeatEmpty { partition: String, zone: Zone },
    #[error("node `{heir}` is taking over partition `{partition}` in zone `{zone}`")]
    HandoverUnderWay {
        partition: String,
        zone: Zone,
        heir: NodeName,
    },
    #[error("nobody is taking over partition `{partition}` in zone `{zone}`")]
    NoHandover { partition: String, zone: Zone },
    #[error(
        "node `{node}` does not hold partition `{partition}` under epoch `{epoch}`; others may by now"
    )]
    Fenced {
        partition: String,
        node: NodeName,
        epoch: Epoch,
    },
}

impl Event {
    /// What it is about.
    #[must_use]
    pub fn subject(&self) -> Subject {
        match self.fact.partition() {
            Some(partition) => Subject::named(Resource::Partition, name(self.ring, partition)),
            None => Subject::named(Resource::Ring, self.ring.as_str()),
        }
    }

    /// With a partition its ring, which says how many there are, and of which epoch.
    #[must_use]
    pub(crate) fn changes(&self) -> Vec<Subject> {
        let ring = Subject::named(Resource::Ring, self.ring.as_str());
        let subject = self.subject();
        if subject == ring {
            vec![ring]
        } else {
            vec![ring, subject]
        }
    }
}

impl Fact {
    /// The partition it is about, if it is about one.
    #[must_use]
    pub fn partition(&self) -> Option<u32> {
        match self {
            Self::Configured { .. } => None,
            Self::Added { partition }
            | Self::Activated { partition }
            | Self::Deactivated { partition }
            | Self::Removed { partition, .. }
            | Self::Assigned { partition, .. }
            | Self::Unassigned { partition, .. }
            | Self::HandoverStarted { partition, .. }
            | Self::HandoverCompleted { partition, .. }
            | Self::HandoverCancelled { partition, .. }
            | Self::Flushed { partition, .. } => Some(*partition),
        }
    }
}

impl Rejection {
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "RING_UNKNOWN",
            Self::SpecInvalid { .. } => "RING_SPEC_INVALID",
            Self::PartitionUnknown(_) => "PARTITION_UNKNOWN",
            Self::PartitionExists(_) => "PARTITION_EXISTS",
            Self::NumberTooHigh(_) => "PARTITION_NUMBER_TOO_HIGH",
            Self::CountInvalid(_) => "PARTITION_COUNT_INVALID",
            Self::TooMany => "PARTITION_TOO_MANY",
            Self::WrongStanding { .. } => "PARTITION_WRONG_STATE",
            Self::TooFewOwners { .. } => "PARTITION_TOO_FEW_OWNERS",
            Self::TooSoon { .. } => "PARTITION_TOO_SOON",
            Self::LastActive(_) => "PARTITION_LAST_ACTIVE",
            Self::Lookback { .. } => "PARTITION_LOOKBACK",
            Self::NotFlushed(_) => "PARTITION_NOT_FLUSHED",
            Self::NodeUnknown(_) => "NODE_UNKNOWN",
            Self::NodeAway(_) => "NODE_AWAY",
            Self::NodeUnfit { .. } => "NODE_UNFIT",
            Self::TooManyZones => "RING_TOO_MANY_ZONES",
            Self::SeatTaken { .. } => "PARTITION_OWNED",
            Self::SeatEmpty { .. } => "PARTITION_NOT_OWNED",
            Self::HandoverUnderWay { .. } => "PARTITION_HANDOVER",
            Self::NoHandover { .. } => "PARTITION_NO_HANDOVER",
            Self::Fenced { .. } => "PARTITION_FENCED",
        }
    }

    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::SpecInvalid { .. } | Self::NumberTooHigh(_) | Self::CountInvalid(_) => {
                Kind::Invalid
            }
            Self::Unknown(_) | Self::PartitionUnknown(_) | Self::NodeUnknown(_) => Kind::NotFound,
            Self::PartitionExists(_)
            | Self::TooMany
            | Self::WrongStanding { .. }
            | Self::TooFewOwners { .. }
            | Self::TooSoon { .. }
            | Self::LastActive(_)
            | Self::Lookback { .. }
            | Self::NotFlushed(_)
            | Self::NodeAway(_)
            | Self::NodeUnfit { .. }
            | Self::TooManyZones
            | Self::SeatTaken { .. }
            | Self::SeatEmpty { .. }
            | Self::HandoverUnderWay { .. }
            | Self::NoHandover { .. }
            | Self::Fenced { .. } => Kind::Conflict,
        }
    }

    /// The field of the request that is at fault, if it is one.
    #[must_use]
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::Unknown(_) => Some("ring"),
            Self::SpecInvalid { .. } => Some("spec"),
            Self::PartitionUnknown(_)
            | Self::PartitionExists(_)
            | Self::NumberTooHigh(_)
            | Self::WrongStanding { .. }
            | Self::TooFewOwners { .. }
            | Self::TooSoon { .. }
            | Self::LastActive(_)
            | Self::Lookback { .. }
            | Self::NotFlushed(_) => Some("partition"),
            Self::CountInvalid(_) => Some("count"),
            Self::NodeUnknown(_) | Self::NodeAway(_) | Self::NodeUnfit { .. } => Some("node"),
            Self::SeatTaken { .. }
            | Self::SeatEmpty { .. }
            | Self::HandoverUnderWay { .. }
            | Self::NoHandover { .. } => Some("zone"),
            Self::Fenced { .. } => Some("epoch"),
            Self::TooMany | Self::TooManyZones => None,
        }
    }
}
