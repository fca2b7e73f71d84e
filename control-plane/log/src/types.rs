//! Openraft with our types filled in.

use openraft::impls::leader_id_std;
use openraft::{BasicNode, EntryPayload, StoredMembership};
use openraft_rt_tokio::TokioRuntime;
use takt_domain::{Applied, Batch};

openraft::declare_raft_types!(
    /// One leader per term, as in the Raft paper.
    pub(crate) TypeConfig:
        D = Batch,
        R = Option<Applied>,
        NodeId = u64,
        Node = BasicNode,
        LeaderId = leader_id_std::LeaderId<u64, u64>,
        AsyncRuntime = Runtime,
);

/// Tokio, but what openraft draws at random (election timeouts) follows from the seed its tasks
/// were started under.
pub(crate) type Runtime = openraft::rt::deterministic_rng::DeterministicRng<TokioRuntime>;

pub(crate) type LeaderId = leader_id_std::LeaderId<u64, u64>;
pub(crate) type Vote = openraft::Vote<LeaderId>;
pub(crate) type RaftLogId = openraft::alias::LogIdOf<TypeConfig>;
pub(crate) type RaftMembership = openraft::alias::StoredMembershipOf<TypeConfig>;
pub(crate) type SnapshotMeta = openraft::alias::SnapshotMetaOf<TypeConfig>;
pub(crate) type Snapshot = openraft::alias::SnapshotOf<TypeConfig, crate::store::Sealed>;
pub(crate) type Entry = openraft::alias::EntryOf<TypeConfig>;
pub(crate) type Raft = openraft::Raft<TypeConfig, crate::machine::Machine>;

/// How far the state has come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct AppliedAt {
    pub(crate) last: Option<RaftLogId>,
    pub(crate) membership: RaftMembership,
}

impl AppliedAt {
    /// Takes note of an entry that is being applied.
    pub(crate) fn advance(&mut self, entry: &Entry) {
        self.last = Some(entry.log_id);
        if let EntryPayload::Membership(membership) = &entry.payload {
            self.membership = StoredMembership::new(Some(entry.log_id), membership.clone());
        }
    }

    pub(crate) fn snapshot_meta(&self) -> SnapshotMeta {
        SnapshotMeta {
            last_log_id: self.last,
            last_membership: self.membership.clone(),
        }
    }
}
