//! How everybody else talks to the control log.

use std::io;
use std::sync::Arc;

use openraft::async_runtime::watch::WatchReceiver as _;
use takt_domain::cluster::ClusterId;
use takt_domain::{Batch, CommandId, State};
use takt_kit::Tasks;
use takt_model::{NodeId, Revision, Term, UnixNano};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;
use tonic::transport::Channel;

use crate::dial::DialError;
use crate::digest::Digests;
use crate::machine::{Published, since};
use crate::members::{Cluster, MemberError, Members};
use crate::metrics::Metrics;
use crate::peers::{PeerServer, Peers};
use crate::proposer::{Answer, Job, Proposal, ProposeError};
use crate::read::Reader;
use crate::store::Store;
use crate::types::Raft;

/// Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    pub(crate) node: NodeId,
    pub(crate) raft: Raft,
    pub(crate) members: Members,
    pub(crate) reader: Reader,
    pub(crate) digests: Digests,
    pub(crate) tasks: Tasks,
    pub(crate) new_cluster: ClusterId,
    pub(crate) store: Store,
    pub(crate) published: Arc<Published>,
    pub(crate) jobs: mpsc::Sender<Job>,
    pub(crate) metrics: Metrics,
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle")
            .field("node", &self.node)
            .field("revision", &self.applied_now())
            .finish_non_exhaustive()
    }
}

/// Why there is no current answer.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error(transparent)]
    Unconfirmed(#[from] ProposeError),
    #[error("the log file cannot be read")]
    Storage(#[from] io::Error),
}

/// One decision, and the revision after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    pub revision: Revision,
    pub batch: Batch,
}

/// What came after a revision.
#[derive(Debug, Clone)]
pub enum History {
    /// In order and without a hole; empty when nothing came.
    Batches(Vec<Recorded>),
    /// The details are forgotten (or the revision is not one of ours): start from the state as it stands.
    TooOld(Arc<State>),
}

/// Who leads, as far as a node knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leader {
    Here,
    At { node: NodeId, address: String },
    Unknown,
}

/// How this node and its cluster are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    pub node: NodeId,
    pub revision: Revision,
    pub term: Term,
    pub leader: Option<NodeId>,
    pub voters: Vec<NodeId>,
    /// When the newest decision was made.
    pub decided_at: UnixNano,
}

impl Handle {
    /// Carries out a command; the answer means it is decided, durable and applied here.
    ///
    /// # Errors
    /// See [`ProposeError`].
    pub async fn propose(&self, proposal: Proposal) -> Result<Answer, ProposeError> {
        let id = proposal.id;
        let answer = self.decide(proposal).await?;
        Ok(self.recall(id, answer).await)
    }

    /// A command that had been carried out before is answered with what it came to then.
    async fn recall(&self, id: CommandId, mut answer: Answer) -> Answer {
        let is_new = !answer.events.is_empty() || answer.state.seen(id) != Some(answer.revision);
        if is_new {
            return answer;
        }
        answer.repeated = true;
        match self.before(Revision(answer.revision.0 + 1), 1).await {
            Ok(recorded) => {
                let first = recorded.into_iter().map(|recorded| recorded.batch);
                // Another one stands there when the history does not go back so far.
                if let Some(batch) = first.into_iter().find(|batch| batch.command == id) {
                    answer.events = batch.events;
                }
            }
            Err(error) => tracing::debug!(%error, "the history cannot be read"),
        }
        answer
    }

    async fn decide(&self, proposal: Proposal) -> Result<Answer, ProposeError> {
        if self.members.identity.known().is_none() {
            return Err(ProposeError::NoCluster);
        }
        let (reply, answer) = oneshot::channel();
        match self.jobs.try_send(Job { proposal, reply }) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => return Err(ProposeError::Busy),
            Err(TrySendError::Closed(_)) => return Err(ProposeError::Stopped),
        }
        let waiting = self.jobs.max_capacity() - self.jobs.capacity();
        self.metrics
            .queue
            .set(i64::try_from(waiting).unwrap_or(i64::MAX));
        answer.await.unwrap_or(Err(ProposeError::Stopped))
    }

    /// The state, with everything acknowledged before this call in it.
    ///
    /// # Errors
    /// When nobody can make sure that it is.
    pub async fn read(&self) -> Result<Arc<State>, ReadError> {
        Ok(self.reader.current().await?)
    }

    /// The state as far as it is applied here, without asking whether others know more.
    #[must_use]
    pub fn state(&self) -> Arc<State> {
        self.published.state.load_full()
    }

    /// The revision applied here, and every later one.
    #[must_use]
    pub fn applied(&self) -> watch::Receiver<Revision> {
        self.published.revision.subscribe()
    }

    /// The revision from which on every decision is kept.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn kept_after(&self) -> Result<Revision, ReadError> {
        let now = self.published.state.load().revision;
        let store = self.store.clone();
        let oldest = tokio::task::spawn_blocking(move || since(&store, Revision(0), 1))
            .await
            .map_err(io::Error::other)??;
        Ok(oldest.first().map_or(now, |batch| batch.decided_at))
    }

    /// What came after a revision, at most `limit` batches of it.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn history(&self, after: Revision, limit: usize) -> Result<History, ReadError> {
        let state = self.published.state.load_full();
        if after > state.revision {
            return Ok(History::TooOld(state));
        }
        let store = self.store.clone();
        let disk = self.store.disk();
        let batches = disk.run(move || since(&store, after, limit)).await?;
        let contiguous = batches
            .first()
            .map_or(after == state.revision, |first| first.decided_at == after);
        if !contiguous {
            return Ok(History::TooOld(self.published.state.load_full()));
        }
        let recorded = batches.into_iter().map(|batch| Recorded {
            revision: Revision(batch.decided_at.0 + batch.events.len() as u64),
            batch,
        });
        Ok(History::Batches(recorded.collect()))
    }

    /// What the other nodes of the cluster call.
    #[must_use]
    pub fn peers(&self) -> PeerServer {
        Peers::server(
            self.members.clone(),
            self.reader.clone(),
            self.digests.clone(),
            self.store.clone(),
            self.tasks.clone(),
        )
    }

    /// Makes this node the first voter of a new cluster.
    ///
    /// # Errors
    /// When it belongs to one already.
    pub async fn bootstrap(&self) -> Result<ClusterId, MemberError> {
        let address = self.members.address.clone();
        let address = address.ok_or(MemberError::NoAddress)?;
        self.members.found(self.new_cluster, address).await
    }

    /// Takes in whoever answers at an address, as a learner.
    ///
    /// # Errors
    /// See [`MemberError`]; here as below, on the leader only.
    pub async fn add_member(&self, address: &str) -> Result<NodeId, MemberError> {
        self.members.add(address).await
    }

    /// A learner that has caught up gets a vote.
    ///
    /// # Errors
    /// See [`MemberError`].
    pub async fn promote_member(&self, node: NodeId) -> Result<(), MemberError> {
        self.members.promote(node).await
    }

    /// Lets a member go. If it leads, another voter leads then.
    ///
    /// # Errors
    /// See [`MemberError`].
    pub async fn remove_member(&self, node: NodeId) -> Result<(), MemberError> {
        self.members.remove(node).await
    }

    /// Makes another voter lead.
    ///
    /// # Errors
    /// See [`MemberError`].
    pub async fn transfer_leader(&self, to: NodeId) -> Result<(), MemberError> {
        self.members.transfer(to).await
    }

    /// Who belongs to the cluster, and how each of them is.
    pub async fn cluster(&self) -> Cluster {
        self.members.survey().await
    }

    /// Who leads, as far as this node knows.
    #[must_use]
    pub fn leader(&self) -> Leader {
        match self.members.leader() {
            None => Leader::Unknown,
            Some(node) if node == self.node => Leader::Here,
            Some(node) => match self.members.address_of(node) {
                Some(address) => Leader::At { node, address },
                None => Leader::Unknown,
            },
        }
    }

    /// Who leads, waiting for somebody to.
    pub async fn leader_within(&self, deadline: Instant) -> Leader {
        let mut raft = self.raft.metrics();
        loop {
            let leader = self.leader();
            if leader != Leader::Unknown {
                return leader;
            }
            match tokio::time::timeout_at(deadline, raft.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return Leader::Unknown,
            }
        }
    }

    /// Whether this node belongs to a cluster.
    #[must_use]
    pub fn belongs(&self) -> bool {
        self.members.identity.known().is_some()
    }

    /// A channel to another node of the cluster.
    ///
    /// # Errors
    /// When the address cannot be one.
    pub fn line(&self, address: &str) -> Result<Channel, DialError> {
        self.members.caller.lines.to(address)
    }

    #[must_use]
    pub fn status(&self) -> Status {
        let metrics = self.raft.metrics();
        let raft = metrics.borrow_watched();
        let state = self.published.state.load();
        Status {
            node: self.node,
            revision: state.revision,
            term: Term(raft.current_term),
            leader: raft.current_leader.map(NodeId),
            voters: raft.membership_config.voter_ids().map(NodeId).collect(),
            decided_at: state.at,
        }
    }

    fn applied_now(&self) -> Revision {
        self.published.state.load().revision
    }
}
