//! Who is a member, as this node sees it.

use std::collections::BTreeSet;

use futures::future::join_all;
use openraft::async_runtime::watch::WatchReceiver as _;
use takt_model::{NodeId, Term};

use super::{Cluster, DESCRIBE_WITHIN, Member, Members, Role};
use crate::calls::Description;

impl Members {
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

    pub(super) fn last_index(&self) -> u64 {
        let metrics = self.raft.metrics();
        let raft = metrics.borrow_watched();
        raft.last_log_index.unwrap_or_default()
    }
}
