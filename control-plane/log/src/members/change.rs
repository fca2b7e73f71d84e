//! Nodes that come, get a vote, move and go; on the leader.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use openraft::async_runtime::watch::WatchReceiver as _;
use openraft::errors::{ChangeMembershipError, ClientWriteError, Fatal, RaftError};
use openraft::{BasicNode, ChangeMembers};
use takt_model::NodeId;
use tokio::time::Instant;

use super::{DESCRIBE_WITHIN, MemberError, Members, Role};
use crate::calls::Description;
use crate::types::TypeConfig;

/// A learner this close to the end of the log counts as caught up; the rest takes milliseconds.
const CLOSE_ENTRIES: u64 = 1000;
const BUSY_PAUSE: Duration = Duration::from_millis(50);

impl Members {
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

    /// A change of voters is two entries; the first is there and the second is not.
    fn between(&self) -> bool {
        let metrics = self.raft.metrics();
        let raft = metrics.borrow_watched();
        raft.membership_config.membership().get_joint_config().len() > 1
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

    /// One change at a time. What somebody who led before, or gave up waiting, left half done is finished
    /// first: begun anew from between, a leader that is being let go would write on as one that is no voter.
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
