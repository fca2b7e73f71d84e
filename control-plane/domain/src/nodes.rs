//! Which processes take part, and what each alone may do.
//!
//! A node is joined while it is heard of; heartbeats are no events, what follows from them is. Its name
//! outlives the process: a restart is another incarnation of the same node and keeps its partitions,
//! but not the leases by name: those end with the process that held them.

mod name;

use std::collections::BTreeSet;
use std::sync::Arc;

use takt_model::{Revision, UnixNano};

use crate::tenants::matches;
use crate::{Facts, Fence, Kind, Map, Resource, State, Subject, ring};

pub use name::{LeaseName, NameError, NodeName, Zone};

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

pub(crate) fn decide(
    state: &State,
    command: &Command,
    _facts: &Facts,
) -> Result<Vec<crate::Event>, crate::Rejection> {
    let events = match command {
        Command::Join {
            node,
            incarnation,
            profile,
        } => join(&state.nodes, node, *incarnation, profile)?,
        Command::Drain { node, if_match } => {
            let found = known(&state.nodes, node)?;
            matches(*if_match, found.version)?;
            drain(node, found)?
        }
        Command::Resume { node, if_match } => {
            let found = known(&state.nodes, node)?;
            matches(*if_match, found.version)?;
            resume(node, found)?
        }
        Command::Leave { node, incarnation } => leave(&state.nodes, node, *incarnation)?,
        Command::Lose {
            node,
            incarnation,
            last_heard,
        } => lose(&state.nodes, node, *incarnation, *last_heard)?,
        Command::Forget { node, if_match } => {
            let found = known(&state.nodes, node)?;
            matches(*if_match, found.version)?;
            forget(state, node, found)?
        }
        Command::Grant {
            lease,
            node,
            incarnation,
        } => grant(&state.nodes, lease, node, *incarnation)?,
        Command::Release { lease, node, fence } => release(&state.nodes, lease, node, *fence)?,
    };
    Ok(events.into_iter().map(Into::into).collect())
}

fn known<'a>(nodes: &'a Nodes, node: &NodeName) -> Result<&'a Arc<Node>, Rejection> {
    let found = nodes.by_name.get(node);
    found.ok_or_else(|| Rejection::Unknown(node.clone()))
}

/// The node, if this is its process.
fn process<'a>(
    nodes: &'a Nodes,
    node: &NodeName,
    incarnation: u64,
) -> Result<&'a Arc<Node>, Rejection> {
    let found = known(nodes, node)?;
    if found.incarnation != incarnation {
        return Err(Rejection::Superseded {
            node: node.clone(),
            asked: incarnation,
            current: found.incarnation,
        });
    }
    Ok(found)
}

fn join(
    nodes: &Nodes,
    node: &NodeName,
    incarnation: u64,
    profile: &Profile,
) -> Result<Vec<Event>, Rejection> {
    check(profile)?;
    let joined = Event::Joined {
        node: node.clone(),
        incarnation,
        profile: profile.clone(),
    };
    let Some(found) = nodes.by_name.get(node) else {
        if nodes.by_name.len() >= MAX_NODES {
            return Err(Rejection::TooMany);
        }
        return Ok(vec![joined]);
    };
    if incarnation < found.incarnation {
        process(nodes, node, incarnation)?;
    }
    if incarnation > found.incarnation {
        let mut events = leases_lost(nodes, node);
        events.push(joined);
        if found.standing == Standing::Draining {
            // What an operator asked of the node outlives the process.
            events.push(Event::Drained { node: node.clone() });
        }
        return Ok(events);
    }
    match found.standing {
        // Who said good-bye has gone; only another process comes under that name.
        Standing::Left => Err(Rejection::Gone(node.clone())),
        Standing::Lost => Ok(vec![joined]),
        Standing::Joined | Standing::Draining if found.profile == *profile => Ok(Vec::new()),
        Standing::Joined | Standing::Draining => Ok(vec![Event::Updated {
            node: node.clone(),
            incarnation,
            profile: profile.clone(),
        }]),
    }
}

fn check(profile: &Profile) -> Result<(), Rejection> {
    if profile.roles.is_empty() {
        return Err(Rejection::NoRole);
    }
    if profile.build.len() > MAX_BUILD_BYTES {
        return Err(Rejection::BuildTooLong(profile.build.len()));
    }
    if profile.address.len() > MAX_ADDRESS_BYTES {
        return Err(Rejection::AddressTooLong(profile.address.len()));
    }
    Ok(())
}

fn drain(node: &NodeName, found: &Node) -> Result<Vec<Event>, Rejection> {
    match found.standing {
        Standing::Joined => Ok(vec![Event::Drained { node: node.clone() }]),
        Standing::Draining => Ok(Vec::new()),
        Standing::Left | Standing::Lost => Err(Rejection::Gone(node.clone())),
    }
}

fn resume(node: &NodeName, found: &Node) -> Result<Vec<Event>, Rejection> {
    match found.standing {
        Standing::Draining => Ok(vec![Event::Resumed { node: node.clone() }]),
        Standing::Joined => Ok(Vec::new()),
        Standing::Left | Standing::Lost => Err(Rejection::Gone(node.clone())),
    }
}

fn leave(nodes: &Nodes, node: &NodeName, incarnation: u64) -> Result<Vec<Event>, Rejection> {
    let found = process(nodes, node, incarnation)?;
    if found.standing == Standing::Left {
        return Ok(Vec::new());
    }
    let mut events = leases_lost(nodes, node);
    events.push(Event::Left {
        node: node.clone(),
        incarnation,
    });
    Ok(events)
}

fn lose(
    nodes: &Nodes,
    node: &NodeName,
    incarnation: u64,
    last_heard: UnixNano,
) -> Result<Vec<Event>, Rejection> {
    if !process(nodes, node, incarnation)?.standing.present() {
        return Ok(Vec::new());
    }
    let mut events = leases_lost(nodes, node);
    events.push(Event::Lost {
        node: node.clone(),
        incarnation,
        last_heard,
    });
    Ok(events)
}

fn forget(state: &State, node: &NodeName, found: &Node) -> Result<Vec<Event>, Rejection> {
    if found.standing.present() {
        return Err(Rejection::Present(node.clone()));
    }
    if let Some((purpose, partition)) = ring::held_by(&state.ring, node) {
        return Err(Rejection::HoldsPartition {
            node: node.clone(),
            partition: ring::name(purpose, partition),
        });
    }
    Ok(vec![Event::Forgotten { node: node.clone() }])
}

fn leases_lost(nodes: &Nodes, node: &NodeName) -> Vec<Event> {
    nodes
        .leases
        .iter()
        .filter(|(_, lease)| lease.node == *node)
        .map(|(name, lease)| Event::LeaseLost {
            lease: name.clone(),
            node: node.clone(),
            fence: lease.fence,
        })
        .collect()
}

fn grant(
    nodes: &Nodes,
    lease: &LeaseName,
    node: &NodeName,
    incarnation: u64,
) -> Result<Vec<Event>, Rejection> {
    let holder = process(nodes, node, incarnation)?;
    if let Some(held) = nodes.leases.get(lease) {
        return if held.node == *node {
            Ok(Vec::new())
        } else {
            Err(Rejection::LeaseTaken {
                lease: lease.clone(),
                holder: held.node.clone(),
            })
        };
    }
    match holder.standing {
        Standing::Joined => {}
        Standing::Draining => return Err(Rejection::Draining(node.clone())),
        Standing::Left | Standing::Lost => return Err(Rejection::Gone(node.clone())),
    }
    if nodes.leases.len() >= MAX_LEASES {
        return Err(Rejection::TooManyLeases);
    }
    Ok(vec![Event::LeaseGranted {
        lease: lease.clone(),
        node: node.clone(),
        incarnation,
        fence: nodes.fence.next(),
    }])
}

fn release(
    nodes: &Nodes,
    lease: &LeaseName,
    node: &NodeName,
    fence: Fence,
) -> Result<Vec<Event>, Rejection> {
    let held = nodes
        .leases
        .get(lease)
        .ok_or_else(|| Rejection::LeaseUnknown(lease.clone()))?;
    if held.node != *node || held.fence != fence {
        return Err(Rejection::LeaseFenced {
            lease: lease.clone(),
            asked: fence,
            current: held.fence,
        });
    }
    Ok(vec![Event::LeaseReleased {
        lease: lease.clone(),
        node: node.clone(),
        fence,
    }])
}

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
