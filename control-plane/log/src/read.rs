//! Answers that are current, on any replica.
//!
//! The leader makes sure that it leads; a follower asks the leader how far the log is, and waits until it has
//! applied that much.

use std::sync::Arc;
use std::time::Duration;

use openraft::ReadPolicy;
use openraft::errors::{LinearizableReadError, RaftError};
use takt_domain::State;
use takt_model::NodeId;
use tokio::time::Instant;

use crate::machine::Published;
use crate::members::Members;
use crate::proposer::{BACKOFF_MAX, BACKOFF_MIN, ProposeError, Setback, forwarded};
use crate::types::Raft;

/// How long the leader may take to say how far the log is.
const INDEX_WITHIN: Duration = Duration::from_secs(1);

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct Reader {
    pub(crate) raft: Raft,
    pub(crate) members: Members,
    pub(crate) published: Arc<Published>,
    pub(crate) timeout: Duration,
    pub(crate) policy: ReadPolicy,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}

impl Reader {
    /// The state, with everything acknowledged before this call in it.
    pub(crate) async fn current(&self) -> Result<Arc<State>, ProposeError> {
        self.patiently(|| self.caught_up()).await?;
        Ok(self.published.state.load_full())
    }

    async fn caught_up(&self) -> Result<(), Setback> {
        let index = match self.index_once().await {
            Err(Setback::NotLeader(Some(leader))) => self.ask(leader).await?,
            answered => answered?,
        };
        self.applied(index).await
    }

    /// How far the log must be applied for an answer to be current. On the leader only.
    pub(crate) async fn index(&self) -> Result<u64, ProposeError> {
        self.patiently(|| self.index_once()).await
    }

    async fn index_once(&self) -> Result<u64, Setback> {
        match self.raft.get_read_linearizer(self.policy.clone()).await {
            Ok(linearizer) => Ok(linearizer.read_log_id().index()),
            Err(RaftError::Fatal(fatal)) => Err(Setback::Fatal(fatal)),
            Err(RaftError::APIError(LinearizableReadError::ForwardToLeader(forward))) => {
                Err(forwarded(self.members.node, &forward))
            }
            Err(RaftError::APIError(LinearizableReadError::QuorumNotEnough(_))) => {
                Err(Setback::Later("quorum"))
            }
        }
    }

    async fn ask(&self, leader: NodeId) -> Result<u64, Setback> {
        let address = self.members.address_of(leader);
        let address = address.ok_or(Setback::Later("leader unknown"))?;
        let caller = &self.members.caller;
        let answer = caller.read_index(leader, &address, INDEX_WITHIN).await;
        answer.map_err(|error| {
            tracing::debug!(%leader, %error, "the leader does not say how far the log is");
            Setback::Later("leader silent")
        })
    }

    async fn applied(&self, index: u64) -> Result<(), Setback> {
        self.raft
            .wait(Some(self.timeout))
            .applied_index_at_least(Some(index), "a current read")
            .await
            .map(|_| ())
            .map_err(|_| Setback::Later("not applied"))
    }

    async fn patiently<T, F: Future<Output = Result<T, Setback>>>(
        &self,
        attempt: impl Fn() -> F,
    ) -> Result<T, ProposeError> {
        if self.members.identity.known().is_none() {
            return Err(ProposeError::NoCluster);
        }
        let deadline = Instant::now() + self.timeout;
        let mut backoff = BACKOFF_MIN;
        loop {
            match tokio::time::timeout_at(deadline, attempt()).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(Setback::NotLeader(leader))) => {
                    return Err(ProposeError::NotLeader { leader });
                }
                Ok(Err(Setback::Fatal(_))) => return Err(ProposeError::Stopped),
                Ok(Err(Setback::Stale | Setback::Later(_))) => {
                    tokio::time::sleep(backoff).await;
                    backoff = (backoff * 2).min(BACKOFF_MAX);
                }
                Err(_elapsed) => return Err(ProposeError::Timeout),
            }
        }
    }
}
