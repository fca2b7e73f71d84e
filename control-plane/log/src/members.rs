//! Who belongs to the cluster: founding it, and, on the leader, taking nodes in and letting them go.
//!
//! A node comes in as a learner, which receives the log and does not count, and is made a voter once
//! it has caught up. A voter that lost its disk must not vote again under its old name, since nobody
//! knows what it promised: it comes back as a stranger, so its old place is removed first.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use openraft::async_runtime::watch::WatchReceiver as _;
use openraft::errors::{
    ChangeMembershipError, ClientWriteError, Fatal, InitializeError, RaftError,
};
use openraft::{BasicNode, ChangeMembers};
use takt_domain::cluster::ClusterId;
use takt_model::{NodeId, Term};
use tokio::time::Instant;

use crate::calls::{CallError, Caller, Description};
use crate::identity::{Belongs, Identity};
use crate::machine::Published;
use crate::proposer::{ProposeError, confirm_within};
use crate::types::{Raft, TypeConfig};

/// A learner this close to the end of the log counts as caught up; the rest takes milliseconds.
const CLOSE_ENTRIES: u64 = 1000;
/// How long a node that stops waits for its successor.
const HAND_OVER_WITHIN: Duration = Duration::from_millis(500);
const BUSY_PAUSE: Duration = Duration::from_millis(50);
/// How long a node may take to say who it is.
const DESCRIBE_WITHIN: Duration = Duration::from_secs(1);

/// Why the members stay as they are.
#[derive(Debug, thiserror::Error)]
pub enum MemberError {
    #[error("this node belongs to cluster `{0}` already; a cluster is founded once")]
    Founded(ClusterId),
    #[error(
        "this node has no address for the others; set `control.listen_address` and start it again"
    )]
    NoAddress,
    #[error("this node belongs to no cluster yet")]
    NoCluster,
    #[error("this node does not lead the control plane")]
    NotLeader { leader: Option<NodeId> },
    #[error("node `{0}` is not a member")]
    Unknown(NodeId),
    #[error("node `{node}` cannot be reached at `{address}`")]
    Unreachable {
        node: NodeId,
        address: String,
        #[source]
        source: CallError,
    },
    #[error("nobody can be reached at `{address}`")]
    Nobody {
        address: String,
        #[source]
        source: CallError,
    },
    #[error("node `{found}` answers at `{address}`, not node `{node}`")]
    OtherNode {
        address: String,
        node: NodeId,
        found: NodeId,
    },
    #[error(
        "node `{node}` belongs to cluster `{cluster}`; a node that shall join another one starts with an empty directory"
    )]
    OtherCluster { node: NodeId, cluster: ClusterId },
    #[error(
        "node `{0}` was removed from this cluster; take it in again with `takt ctl cluster add-member`"
    )]
    Removed(NodeId),
    #[error(
        "node `{node}` understands events up to level {announced}, the cluster writes level {committed}; start it with a newer version"
    )]
    Level {
        node: NodeId,
        announced: u32,
        committed: u32,
    },
    #[error("node `{node}` is {entries} entries behind; it can vote when it has caught up")]
    Behind { node: NodeId, entries: u64 },
    #[error("node `{0}` is not a voter and cannot lead")]
    NotVoter(NodeId),
    #[error("the last voter cannot be removed")]
    LastVoter,
    #[error("another change of the members is under way; try again when it is done")]
    Busy,
    #[error("no answer in time; it may still happen")]
    Timeout,
    #[error("the control plane is stopping")]
    Stopped,
    #[error("the log file cannot be written")]
    Storage(#[from] io::Error),
}

impl From<ProposeError> for MemberError {
    fn from(error: ProposeError) -> Self {
        match error {
            ProposeError::NotLeader { leader } => Self::NotLeader { leader },
            ProposeError::Stopped => Self::Stopped,
            ProposeError::NoCluster => Self::NoCluster,
            ProposeError::Rejected(_)
            | ProposeError::Level { .. }
            | ProposeError::Conflict
            | ProposeError::Busy
            | ProposeError::Timeout => Self::Timeout,
        }
    }
}

/// What a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Leader,
    Voter,
    /// It receives the log and does not count.
    Learner,
}

/// One member, as the node that was asked sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub node: NodeId,
    pub address: String,
    pub role: Role,
    /// What it says of itself; `None` when it does not answer.
    pub description: Option<Description>,
}

/// The cluster, as the node that was asked sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// `None` while this node belongs to none, and for a lone voter that nobody ever joined.
    pub id: Option<ClusterId>,
    pub node: NodeId,
    pub term: Term,
    pub leader: Option<NodeId>,
    /// Events above this level are not written.
    pub level: u32,
    pub members: Vec<Member>,
}

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct Members {
    pub(crate) node: NodeId,
    /// Where the others reach this node.
    pub(crate) address: Option<String>,
    pub(crate) level: u32,
    pub(crate) raft: Raft,
    pub(crate) identity: Identity,
    pub(crate) caller: Caller,
    pub(crate) published: Arc<Published>,
    pub(crate) timeout: Duration,
    pub(crate) changing: Arc<tokio::sync::Mutex<()>>,
}

impl std::fmt::Debug for Members {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Members")
            .field("node", &self.node)
            .finish_non_exhaustive()
    }
}

impl Members {
    /// Makes this node the first voter of a new cluster. Cut short, it can be done again.
    pub(crate) async fn found(
        &self,
        id: ClusterId,
        address: String,
    ) -> Result<ClusterId, MemberError> {
        let initialized = self
            .raft
            .is_initialized()
            .await
            .map_err(|_| MemberError::Stopped)?;
        let id = match self.identity.known() {
            Some(Belongs { cluster, founder }) if initialized || !founder => {
                return Err(MemberError::Founded(cluster));
            }
            Some(Belongs { cluster, .. }) => cluster,
            None => id,
        };
        let belongs = Belongs {
            cluster: id,
            founder: true,
        };
        self.identity.settle(belongs).await?;
        let members = BTreeMap::from([(self.node.0, BasicNode::new(address))]);
        match self.raft.initialize(members).await {
            Ok(()) => {}
            Err(RaftError::APIError(InitializeError::NotAllowed(_))) => {
                return Err(MemberError::Founded(id));
            }
            Err(RaftError::APIError(InitializeError::NotInMembers(_)) | RaftError::Fatal(_)) => {
                return Err(MemberError::Stopped);
            }
        }
        self.raft
            .wait(Some(self.timeout))
            .metrics(|metrics| metrics.current_leader.is_some(), "a leader")
            .await
            .map_err(|_| MemberError::Timeout)?;
        Ok(id)
    }

    /// Takes in whoever answers at the address, as a learner.
    pub(crate) async fn add(&self, address: &str) -> Result<NodeId, MemberError> {
        self.lead().await?;
        let described = self.caller.describe(address, DESCRIBE_WITHIN).await;
        let described = described.map_err(|source| MemberError::Nobody {
            address: address.to_owned(),
            source,
        })?;
        let node = described.node;
        if described.cluster.is_none() && self.address_of(node).is_some() {
            self.forget(node).await?;
        }
        self.take_in(node, address, &described).await?;
        Ok(node)
    }

    /// One step of a node that wants to be a voter; it asks again until it is one.
    pub(crate) async fn join(
        &self,
        node: NodeId,
        address: &str,
        blank: bool,
    ) -> Result<Role, MemberError> {
        self.lead().await?;
        let known = self.address_of(node);
        match known {
            Some(known) if !blank && known == address => return self.promote_if_close(node).await,
            None if !blank => return Err(MemberError::Removed(node)),
            Some(_) if blank => self.forget(node).await?,
            Some(_) | None => {}
        }
        let described = self.describe(node, address).await?;
        self.take_in(node, address, &described).await?;
        Ok(Role::Learner)
    }

    /// A learner that has caught up gets a vote.
    pub(crate) async fn promote(&self, node: NodeId) -> Result<(), MemberError> {
        self.lead().await?;
        if self.address_of(node).is_none() {
            return Err(MemberError::Unknown(node));
        }
        let deadline = Instant::now() + self.timeout;
        loop {
            match self.behind(node) {
                Some(entries) if entries <= CLOSE_ENTRIES => break,
                _ if Instant::now() < deadline => {
                    tokio::time::sleep(BUSY_PAUSE).await;
                }
                entries => {
                    let entries = entries.unwrap_or_else(|| self.last_index());
                    return Err(MemberError::Behind { node, entries });
                }
            }
        }
        self.change(ChangeMembers::AddVoterIds(BTreeSet::from([node.0])))
            .await
    }

    pub(crate) async fn remove(&self, node: NodeId) -> Result<(), MemberError> {
        self.lead().await?;
        if self.address_of(node).is_none() {
            return Err(MemberError::Unknown(node));
        }
        self.forget(node).await
    }

    /// Asks the leader to give up for `to`, and waits until it leads.
    pub(crate) async fn transfer(&self, to: NodeId) -> Result<(), MemberError> {
        self.lead().await?;
        if !self.voters().contains(&to) {
            return Err(if self.address_of(to).is_none() {
                MemberError::Unknown(to)
            } else {
                MemberError::NotVoter(to)
            });
        }
        // Asked to give up for itself, openraft would take no command until another election.
        if to == self.node {
            return Ok(());
        }
        let asked = self.raft.trigger().transfer_leader(to.0).await;
        asked.map_err(|_| MemberError::Stopped)?;
        self.raft
            .wait(Some(self.timeout))
            .metrics(
                |metrics| metrics.current_leader == Some(to.0),
                "the next leader",
            )
            .await
            .map_err(|_| MemberError::Timeout)?;
        Ok(())
    }

    /// Lets the voter that lacks least lead instead of this node, if it leads; it is about to stop.
    pub(crate) async fn hand_over(&self) {
        if self.leader() != Some(self.node) {
            return;
        }
        let voters = self
            .voters()
            .into_iter()
            .filter(|voter| *voter != self.node);
        let Some(next) = voters.min_by_key(|voter| self.behind(*voter).unwrap_or(u64::MAX)) else {
            return;
        };
        if self.raft.trigger().transfer_leader(next.0).await.is_err() {
            return;
        }
        let handed = self
            .raft
            .wait(Some(HAND_OVER_WITHIN))
            .metrics(
                |metrics| metrics.current_leader == Some(next.0),
                "the next leader",
            )
            .await;
        match handed {
            Ok(_) => tracing::info!(to = next.0, "another node leads now"),
            Err(_) => tracing::info!("nobody has taken over yet; the others will elect a leader"),
        }
    }

    /// Who is a member, and what each says of itself.
    pub(crate) async fn survey(&self) -> Cluster {
        let (leader, term, members) = {
            let metrics = self.raft.metrics();
            let raft = metrics.borrow_watched();
            let membership = raft.membership_config.membership();
            let voters: BTreeSet<u64> = membership.voter_ids().collect();
            let members: Vec<(NodeId, String, bool)> = membership
                .nodes()
                .map(|(id, node)| (NodeId(*id), node.addr.clone(), voters.contains(id)))
                .collect();
            (
                raft.current_leader.map(NodeId),
                Term(raft.current_term),
                members,
            )
        };
        let asked = members
            .into_iter()
            .map(|(node, address, voter)| async move {
                let description = if node == self.node {
                    Some(self.describe_self())
                } else {
                    let said = self.caller.describe(&address, DESCRIBE_WITHIN).await.ok();
                    said.filter(|said| said.node == node)
                };
                let role = match voter {
                    true if leader == Some(node) => Role::Leader,
                    true => Role::Voter,
                    false => Role::Learner,
                };
                Member {
                    node,
                    address,
                    role,
                    description,
                }
            });
        Cluster {
            id: self.identity.cluster(),
            node: self.node,
            term,
            leader,
            level: self.published.state.load().cluster.level,
            members: join_all(asked).await,
        }
    }

    pub(crate) fn describe_self(&self) -> Description {
        let metrics = self.raft.metrics();
        let raft = metrics.borrow_watched();
        Description {
            node: self.node,
            cluster: self.identity.cluster(),
            level: self.level,
            term: Term(raft.current_term),
            leader: raft.current_leader.map(NodeId),
            revision: self.published.state.load().revision,
            applied: raft.last_applied.map_or(0, |id| id.index),
        }
    }

    /// What the members record as the address of a node.
    pub(crate) fn address_of(&self, node: NodeId) -> Option<String> {
        let metrics = self.raft.metrics();
        let raft = metrics.borrow_watched();
        let membership = raft.membership_config.membership();
        membership.get_node(&node.0).map(|node| node.addr.clone())
    }

    pub(crate) fn leader(&self) -> Option<NodeId> {
        self.raft
            .metrics()
            .borrow_watched()
            .current_leader
            .map(NodeId)
    }

    pub(crate) fn voters(&self) -> BTreeSet<NodeId> {
        let metrics = self.raft.metrics();
        let raft = metrics.borrow_watched();
        raft.membership_config.voter_ids().map(NodeId).collect()
    }

    /// Every other member with its address.
    pub(crate) fn others(&self) -> Vec<(NodeId, String)> {
        let metrics = self.raft.metrics();
        let raft = metrics.borrow_watched();
        raft.membership_config
            .membership()
            .nodes()
            .filter(|(id, _)| **id != self.node.0)
            .map(|(id, node)| (NodeId(*id), node.addr.clone()))
            .collect()
    }

    /// Puts this node's own address right; on the leader.
    pub(crate) async fn correct_own_address(&self) -> Result<(), MemberError> {
        let Some(address) = &self.address else {
            return Ok(());
        };
        match self.address_of(self.node) {
            Some(known) if known != *address => self.set_address(self.node, address).await,
            Some(_) | None => Ok(()),
        }
    }

    async fn lead(&self) -> Result<(), MemberError> {
        if self.identity.known().is_none() {
            return Err(MemberError::NoCluster);
        }
        confirm_within(&self.raft, self.node, self.timeout).await?;
        // A leader that was let go leads until that is committed, and must not change members any more:
        // taking itself in again, it would do so as one that is none.
        if self.voters().contains(&self.node) {
            Ok(())
        } else {
            Err(MemberError::NotLeader { leader: None })
        }
    }

    /// A change of voters is two entries; the first is there and the second is not.
    fn between(&self) -> bool {
        let metrics = self.raft.metrics();
        let raft = metrics.borrow_watched();
        raft.membership_config.membership().get_joint_config().len() > 1
    }

    async fn describe(&self, node: NodeId, address: &str) -> Result<Description, MemberError> {
        let described = self.caller.describe(address, DESCRIBE_WITHIN).await;
        let described = described.map_err(|source| MemberError::Unreachable {
            node,
            address: address.to_owned(),
            source,
        })?;
        if described.node != node {
            return Err(MemberError::OtherNode {
                address: address.to_owned(),
                node,
                found: described.node,
            });
        }
        Ok(described)
    }

    /// First a member, then admitted: a node that has been admitted and is no member was removed.
    async fn take_in(
        &self,
        node: NodeId,
        address: &str,
        described: &Description,
    ) -> Result<(), MemberError> {
        if let Some(cluster) = described.cluster
            && Some(cluster) != self.identity.cluster()
        {
            return Err(MemberError::OtherCluster { node, cluster });
        }
        self.check_level(node, described.level)?;
        match self.address_of(node) {
            Some(known) if known == address => {}
            Some(_) => self.set_address(node, address).await?,
            None => {
                let learner = BTreeMap::from([(node.0, BasicNode::new(address))]);
                self.change(ChangeMembers::AddNodes(learner)).await?;
            }
        }
        let admitted = self.caller.admit(node, address, DESCRIBE_WITHIN).await;
        admitted.map_err(|source| MemberError::Unreachable {
            node,
            address: address.to_owned(),
            source,
        })
    }

    pub(crate) fn check_level(&self, node: NodeId, announced: u32) -> Result<(), MemberError> {
        let committed = self.published.state.load().cluster.level;
        if announced < committed {
            return Err(MemberError::Level {
                node,
                announced,
                committed,
            });
        }
        Ok(())
    }

    async fn promote_if_close(&self, node: NodeId) -> Result<Role, MemberError> {
        if self.voters().contains(&node) {
            return Ok(Role::Voter);
        }
        if self
            .behind(node)
            .is_none_or(|entries| entries > CLOSE_ENTRIES)
        {
            return Ok(Role::Learner);
        }
        self.change(ChangeMembers::AddVoterIds(BTreeSet::from([node.0])))
            .await?;
        Ok(Role::Voter)
    }

    /// How many entries a member still lacks; `None` when nothing has arrived there yet.
    pub(crate) fn behind(&self, node: NodeId) -> Option<u64> {
        let metrics = self.raft.metrics();
        let raft = metrics.borrow_watched();
        let matched = raft.replication.as_ref()?.get(&node.0)?.as_ref()?.index;
        Some(
            raft.last_log_index
                .unwrap_or_default()
                .saturating_sub(matched),
        )
    }

    fn last_index(&self) -> u64 {
        let metrics = self.raft.metrics();
        let raft = metrics.borrow_watched();
        raft.last_log_index.unwrap_or_default()
    }

    async fn forget(&self, node: NodeId) -> Result<(), MemberError> {
        let voters = self.voters();
        let gone = BTreeSet::from([node.0]);
        if !voters.contains(&node) {
            return self.change(ChangeMembers::RemoveNodes(gone)).await;
        }
        if voters.len() == 1 {
            return Err(MemberError::LastVoter);
        }
        self.change(ChangeMembers::RemoveVoters(gone)).await
    }

    async fn set_address(&self, node: NodeId, address: &str) -> Result<(), MemberError> {
        let node = BTreeMap::from([(node.0, BasicNode::new(address))]);
        self.change(ChangeMembers::SetNodes(node)).await
    }

    /// Another change that is just being completed is waited for.
    /// One change at a time. What somebody who led before, or gave up waiting, left half done is finished first:
    /// begun anew from between, a leader that is being let go would write on as one that is no voter.
    async fn change(&self, change: ChangeMembers<u64, BasicNode>) -> Result<(), MemberError> {
        let deadline = Instant::now() + self.timeout;
        let alone = tokio::time::timeout_at(deadline, self.changing.lock()).await;
        let _alone = alone.map_err(|_elapsed| MemberError::Busy)?;
        loop {
            let between = self.between();
            if !between && !self.voters().contains(&self.node) {
                return Err(MemberError::NotLeader { leader: None });
            }
            let next = if between {
                ChangeMembers::AddVoterIds(BTreeSet::new())
            } else {
                change.clone()
            };
            let changed = self.raft.change_membership(next, false);
            let error = match tokio::time::timeout_at(deadline, changed).await {
                Err(_elapsed) => return Err(MemberError::Timeout),
                Ok(Ok(_)) if between => continue,
                Ok(Ok(_)) => return Ok(()),
                Ok(Err(error)) => refused(error),
            };
            if !matches!(error, MemberError::Busy) || Instant::now() >= deadline {
                return Err(error);
            }
            tokio::time::sleep(BUSY_PAUSE).await;
        }
    }
}

/// A name nobody else has.
pub(crate) fn cluster_id(seed: u64, now: u64) -> ClusterId {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&now.to_be_bytes());
    bytes[8..].copy_from_slice(&seed.to_be_bytes());
    ClusterId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

fn refused(error: RaftError<TypeConfig, ClientWriteError<TypeConfig>>) -> MemberError {
    let error = match error {
        RaftError::APIError(error) => error,
        RaftError::Fatal(Fatal::Stopped | Fatal::StorageError(_) | Fatal::Panicked) => {
            return MemberError::Stopped;
        }
    };
    match error {
        ClientWriteError::ForwardToLeader(forward) => MemberError::NotLeader {
            leader: forward.leader_id.map(NodeId),
        },
        ClientWriteError::LogEntryDiscarded(_) => MemberError::Timeout,
        ClientWriteError::ChangeMembershipError(error) => match error {
            ChangeMembershipError::EmptyMembership(_) => MemberError::LastVoter,
            ChangeMembershipError::LearnerNotFound(missing) => {
                MemberError::Unknown(NodeId(missing.node_id))
            }
            ChangeMembershipError::InProgress(_)
            | ChangeMembershipError::UncommittedLeaderLog(_)
            | ChangeMembershipError::UnsupportedMembershipTransition(_)
            | ChangeMembershipError::NodeMetadataChanged(_) => MemberError::Busy,
        },
        ClientWriteError::PreconditionFailed(_) => MemberError::Busy,
    }
}
