//! Which processes take part, and what each alone may do.
//!
//! A node is joined while it is heard of; heartbeats are no events, what follows from them is. Its name
//! outlives the process: a restart is another incarnation of the same node and keeps its partitions,
//! but not the leases by name: those end with the process that held them.

mod fold;
mod name;
mod rules;

use std::collections::BTreeSet;
use std::sync::Arc;

use takt_model::{Revision, UnixNano};

use crate::{Fence, Kind, Map, Resource, Subject};

pub(crate) use fold::evolve;
pub use name::{LeaseName, NameError, NodeName, Zone};
pub(crate) use rules::decide;

pub const MAX_NODES: usize = 10_000;
pub const MAX_LEASES: usize = 100_000;
pub const MAX_BUILD_BYTES: usize = 128;
pub const MAX_ADDRESS_BYTES: usize = 256;

/// The part of the state that is this aggregate's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Nodes {
    pub by_name: Map<NodeName, Arc<Node>>,
    pub leases: Map<LeaseName, Arc<Lease>>,
    /// The highest token given out.
    pub fence: Fence,
}

/// One node as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Which process: later ones have greater numbers.
    pub incarnation: u64,
    pub profile: Profile,
    pub standing: Standing,
    /// When it came to stand so.
    pub since: UnixNano,
    /// When this process joined.
    pub joined_at: UnixNano,
    /// The revision after its last change.
    pub version: Revision,
}

/// What a process says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    pub roles: BTreeSet<Role>,
    pub zone: Zone,
    /// The version of its binary.
    pub build: String,
    /// The newest set of events it understands.
    pub feature_level: u32,
    /// `host:port`, where other nodes reach it.
    pub address: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    Control,
    Gateway,
    Distributor,
    Ingester,
    LiveStore,
    BlockBuilder,
    Querier,
    QueryFrontend,
    MetricsGenerator,
    Sampler,
    Worker,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    Joined,
    /// It gives away what it has and takes nothing new.
    Draining,
    /// It went on purpose.
    Left,
    /// It was not heard of any more.
    Lost,
}

impl Standing {
    /// Whether it is there to do anything.
    #[must_use]
    pub fn present(self) -> bool {
        match self {
            Self::Joined | Self::Draining => true,
            Self::Left | Self::Lost => false,
        }
    }
}

/// One thing that one process alone does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    pub node: NodeName,
    pub incarnation: u64,
    pub fence: Fence,
    pub granted_at: UnixNano,
    pub version: Revision,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// A process says that it is there.
    Join {
        node: NodeName,
        incarnation: u64,
        profile: Profile,
    },
    /// It is to give away what it has.
    Drain {
        node: NodeName,
        if_match: Option<Revision>,
    },
    /// It may take again.
    Resume {
        node: NodeName,
        if_match: Option<Revision>,
    },
    /// A process says that it goes.
    Leave { node: NodeName, incarnation: u64 },
    /// A process has not been heard of for too long.
    Lose {
        node: NodeName,
        incarnation: u64,
        last_heard: UnixNano,
    },
    /// A node that is gone will not come back.
    Forget {
        node: NodeName,
        if_match: Option<Revision>,
    },
    Grant {
        lease: LeaseName,
        node: NodeName,
        incarnation: u64,
    },
    Release {
        lease: LeaseName,
        node: NodeName,
        fence: Fence,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    Joined {
        node: NodeName,
        incarnation: u64,
        profile: Profile,
    },
    Updated {
        node: NodeName,
        incarnation: u64,
        profile: Profile,
    },
    Drained {
        node: NodeName,
    },
    Resumed {
        node: NodeName,
    },
    Left {
        node: NodeName,
        incarnation: u64,
    },
    Lost {
        node: NodeName,
        incarnation: u64,
        last_heard: UnixNano,
    },
    Forgotten {
        node: NodeName,
    },
    LeaseGranted {
        lease: LeaseName,
        node: NodeName,
        incarnation: u64,
        fence: Fence,
    },
    LeaseReleased {
        lease: LeaseName,
        node: NodeName,
        fence: Fence,
    },
    /// With the process that held it.
    LeaseLost {
        lease: LeaseName,
        node: NodeName,
        fence: Fence,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    #[error("node `{0}` is unknown")]
    Unknown(NodeName),
    #[error("there are {max} nodes; forget some that are gone first", max = MAX_NODES)]
    TooMany,
    #[error("a node needs a role")]
    NoRole,
    #[error("the build is {0} bytes long, at most {max} are allowed", max = MAX_BUILD_BYTES)]
    BuildTooLong(usize),
    #[error("the address is {0} bytes long, at most {max} are allowed", max = MAX_ADDRESS_BYTES)]
    AddressTooLong(usize),
    #[error("incarnation `{asked}` of node `{node}` is over, it is at `{current}`")]
    Superseded {
        node: NodeName,
        asked: u64,
        current: u64,
    },
    #[error("node `{0}` is gone")]
    Gone(NodeName),
    #[error("node `{0}` takes part; drain it and stop it first")]
    Present(NodeName),
    #[error("node `{node}` owns partition `{partition}`; wait until it is given to another")]
    HoldsPartition { node: NodeName, partition: String },
    #[error("node `{0}` is draining and takes nothing new")]
    Draining(NodeName),
    #[error("lease `{lease}` is held by node `{holder}`")]
    LeaseTaken { lease: LeaseName, holder: NodeName },
    #[error("lease `{0}` is held by nobody")]
    LeaseUnknown(LeaseName),
    #[error("the token `{asked}` of lease `{lease}` is fenced off, it is at `{current}`")]
    LeaseFenced {
        lease: LeaseName,
        asked: Fence,
        current: Fence,
    },
    #[error("there are {max} leases", max = MAX_LEASES)]
    TooManyLeases,
}

impl Event {
    /// What it is about.
    #[must_use]
    pub fn subject(&self) -> Subject {
        match self {
            Self::Joined { node, .. }
            | Self::Updated { node, .. }
            | Self::Drained { node }
            | Self::Resumed { node }
            | Self::Left { node, .. }
            | Self::Lost { node, .. }
            | Self::Forgotten { node } => Subject::named(Resource::Node, node.as_str()),
            Self::LeaseGranted { lease, .. }
            | Self::LeaseReleased { lease, .. }
            | Self::LeaseLost { lease, .. } => Subject::named(Resource::Lease, lease.as_str()),
        }
    }
}

impl Rejection {
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "NODE_UNKNOWN",
            Self::TooMany => "NODE_TOO_MANY",
            Self::NoRole => "NODE_NO_ROLE",
            Self::BuildTooLong(_) => "NODE_BUILD_TOO_LONG",
            Self::AddressTooLong(_) => "NODE_ADDRESS_TOO_LONG",
            Self::Superseded { .. } => "NODE_SUPERSEDED",
            Self::Gone(_) => "NODE_GONE",
            Self::Present(_) => "NODE_PRESENT",
            Self::HoldsPartition { .. } => "NODE_HOLDS_PARTITION",
            Self::Draining(_) => "NODE_DRAINING",
            Self::LeaseTaken { .. } => "LEASE_TAKEN",
            Self::LeaseUnknown(_) => "LEASE_UNKNOWN",
            Self::LeaseFenced { .. } => "LEASE_FENCED",
            Self::TooManyLeases => "LEASE_TOO_MANY",
        }
    }

    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::NoRole | Self::BuildTooLong(_) | Self::AddressTooLong(_) => Kind::Invalid,
            Self::Unknown(_) | Self::LeaseUnknown(_) => Kind::NotFound,
            Self::TooMany
            | Self::Superseded { .. }
            | Self::Gone(_)
            | Self::Present(_)
            | Self::HoldsPartition { .. }
            | Self::Draining(_)
            | Self::LeaseTaken { .. }
            | Self::LeaseFenced { .. }
            | Self::TooManyLeases => Kind::Conflict,
        }
    }

    /// The field of the request that is at fault, if it is one.
    #[must_use]
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::Unknown(_)
            | Self::Gone(_)
            | Self::Present(_)
            | Self::HoldsPartition { .. }
            | Self::Draining(_) => Some("node"),
            Self::NoRole => Some("roles"),
            Self::BuildTooLong(_) => Some("build"),
            Self::AddressTooLong(_) => Some("address"),
            Self::Superseded { .. } => Some("incarnation"),
            Self::LeaseTaken { .. } | Self::LeaseUnknown(_) => Some("lease"),
            Self::LeaseFenced { .. } => Some("fence"),
            Self::TooMany | Self::TooManyLeases => None,
        }
    }
}
