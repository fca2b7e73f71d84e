//! Who belongs to the cluster: founding it, who leads it, and, on the leader, taking nodes in and letting
//! them go.
//!
//! A node comes in as a learner, which receives the log and does not count, and is made a voter once
//! it has caught up. A voter that lost its disk must not vote again under its old name, since nobody
//! knows what it promised: it comes back as a stranger, so its old place is removed first.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use openraft::BasicNode;
use openraft::errors::{InitializeError, RaftError};
use takt_domain::cluster::ClusterId;
use takt_model::{NodeId, Term};

use crate::calls::{CallError, Caller, Description};
use crate::identity::{Belongs, Identity};
use crate::machine::Published;
use crate::proposer::{ProposeError, confirm_within};
use crate::types::Raft;

mod change;
mod look;

/// How long a node that stops waits for its successor.
const HAND_OVER_WITHIN: Duration = Duration::from_millis(500);
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
}

/// A name nobody else has.
pub(crate) fn cluster_id(seed: u64, now: u64) -> ClusterId {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&now.to_be_bytes());
    bytes[8..].copy_from_slice(&seed.to_be_bytes());
    ClusterId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}
