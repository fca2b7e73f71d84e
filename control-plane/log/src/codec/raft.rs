//! What Raft itself keeps: log entries, votes, members.

use std::collections::{BTreeMap, BTreeSet};

use openraft::{BasicNode, EntryPayload, LogId, Membership, StoredMembership};
use prost::Message as _;
use takt_wire::takt::control::log::v1 as stored;

use super::{DecodeError, batch_from, batch_to};
use crate::types::{AppliedAt, Entry, LeaderId, RaftLogId, RaftMembership, Vote};

pub(crate) fn log_id_to(id: &RaftLogId) -> stored::LogId {
    stored::LogId {
        term: id.leader_id.term,
        index: id.index,
    }
}

pub(crate) fn log_id_from(id: stored::LogId) -> RaftLogId {
    LogId::new(id.term.into(), id.index)
}

pub(crate) fn vote_to(vote: &Vote) -> stored::Vote {
    stored::Vote {
        term: vote.leader_id.term,
        node: vote.leader_id.voted_for,
        committed: vote.committed,
    }
}

pub(crate) fn vote_from(vote: stored::Vote) -> Vote {
    Vote {
        leader_id: LeaderId {
            term: vote.term,
            voted_for: vote.node,
        },
        committed: vote.committed,
    }
}

pub(crate) fn entry_to(entry: &Entry) -> stored::Entry {
    use stored::entry::Payload;
    let payload = match &entry.payload {
        EntryPayload::Blank => None,
        EntryPayload::Normal(batch) => Some(Payload::Batch(batch_to(batch).encode_to_vec())),
        EntryPayload::Membership(membership) => {
            Some(Payload::Membership(membership_to(membership)))
        }
    };
    stored::Entry {
        id: Some(log_id_to(&entry.log_id)),
        payload,
    }
}

pub(crate) fn entry_from(bytes: &[u8]) -> Result<Entry, DecodeError> {
    stored_entry_from(stored::Entry::decode(bytes)?)
}

pub(crate) fn stored_entry_from(entry: stored::Entry) -> Result<Entry, DecodeError> {
    use stored::entry::Payload;
    let payload = match entry.payload {
        None => EntryPayload::Blank,
        Some(Payload::Batch(bytes)) => {
            EntryPayload::Normal(batch_from(stored::Batch::decode(bytes.as_slice())?)?)
        }
        Some(Payload::Membership(membership)) => {
            EntryPayload::Membership(membership_from(membership)?)
        }
    };
    let log_id = log_id_from(entry.id.ok_or(DecodeError::Missing("entry.id"))?);
    Ok(Entry { log_id, payload })
}

fn membership_to(membership: &Membership<u64, BasicNode>) -> stored::Membership {
    stored::Membership {
        configs: membership
            .get_joint_config()
            .iter()
            .map(|voters| stored::Voters {
                nodes: voters.iter().copied().collect(),
            })
            .collect(),
        nodes: membership
            .nodes()
            .map(|(id, node)| (*id, node.addr.clone()))
            .collect(),
    }
}

fn membership_from(
    membership: stored::Membership,
) -> Result<Membership<u64, BasicNode>, DecodeError> {
    let configs: Vec<BTreeSet<u64>> = membership
        .configs
        .into_iter()
        .map(|voters| voters.nodes.into_iter().collect())
        .collect();
    let nodes: BTreeMap<u64, BasicNode> = membership
        .nodes
        .into_iter()
        .map(|(id, addr)| (id, BasicNode { addr }))
        .collect();
    Ok(Membership::new(configs, nodes)?)
}

pub(crate) fn applied_to(applied: &AppliedAt) -> stored::Applied {
    stored::Applied {
        last: applied.last.as_ref().map(log_id_to),
        membership: Some(stored::StoredMembership {
            id: applied.membership.log_id().as_ref().map(log_id_to),
            membership: Some(membership_to(applied.membership.membership())),
        }),
    }
}

pub(crate) fn applied_from(applied: stored::Applied) -> Result<AppliedAt, DecodeError> {
    let membership = match applied.membership {
        Some(stored) => stored_membership(stored)?,
        None => RaftMembership::default(),
    };
    Ok(AppliedAt {
        last: applied.last.map(log_id_from),
        membership,
    })
}

fn stored_membership(stored: stored::StoredMembership) -> Result<RaftMembership, DecodeError> {
    let membership = match stored.membership {
        Some(membership) => membership_from(membership)?,
        None => Membership::default(),
    };
    Ok(StoredMembership::new(
        stored.id.map(log_id_from),
        membership,
    ))
}
