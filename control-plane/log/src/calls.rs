//! Calls between nodes that are not Raft's own: who are you, join, how far is the log.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use takt_domain::cluster::ClusterId;
use takt_model::{NodeId, Revision, Term};
use takt_wire::takt::control::raft::v1 as wire;
use takt_wire::takt::control::raft::v1::peer_service_client::PeerServiceClient;
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status};

use crate::codec::{cluster_id_from, cluster_id_to};
use crate::dial::{Dial, DialError};
use crate::digest::Digest;
use crate::identity::Identity;

/// Channels that are kept; a cluster has fewer nodes.
const LINES_MAX: usize = 64;

/// Channels by address. Clones share them; Raft has its own, so that neither waits behind the other.
#[derive(Debug, Clone)]
pub(crate) struct Lines {
    dial: Arc<dyn Dial>,
    open: Arc<Mutex<BTreeMap<String, Channel>>>,
}

impl Lines {
    pub(crate) fn new(dial: Arc<dyn Dial>) -> Self {
        Self {
            dial,
            open: Arc::default(),
        }
    }

    pub(crate) fn to(&self, address: &str) -> Result<Channel, DialError> {
        let mut open = self.open.lock();
        if let Some(channel) = open.get(address) {
            return Ok(channel.clone());
        }
        if open.len() >= LINES_MAX {
            open.clear();
        }
        let channel = self.dial.dial(address)?;
        open.insert(address.to_owned(), channel.clone());
        Ok(channel)
    }
}

/// Why a node has no answer for us.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    #[error(transparent)]
    Dial(#[from] DialError),
    #[error("no answer in time")]
    Late,
    #[error("{}", .0.message())]
    Refused(Box<Status>),
    #[error("the answer makes no sense: {0}")]
    Garbled(String),
}

/// What a node says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    pub node: NodeId,
    /// `None` while it belongs to none.
    pub cluster: Option<ClusterId>,
    /// The highest level of events it understands.
    pub level: u32,
    pub term: Term,
    pub leader: Option<NodeId>,
    pub revision: Revision,
    /// The index of the newest log entry it has applied.
    pub applied: u64,
}

/// What came of asking to join.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Joined {
    AskAt(String),
    Learner,
    Voter,
}

/// One node asking others.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) node: NodeId,
    pub(crate) identity: Identity,
    pub(crate) lines: Lines,
}

impl Caller {
    /// `to` is `None` for whoever is at the address.
    pub(crate) fn route(&self, to: Option<NodeId>) -> wire::Route {
        wire::Route {
            cluster: self
                .identity
                .cluster()
                .map(cluster_id_to)
                .unwrap_or_default(),
            from: self.node.0,
            to: to.map_or(0, |to| to.0),
        }
    }

    fn client(&self, address: &str) -> Result<PeerServiceClient<Channel>, CallError> {
        Ok(PeerServiceClient::new(self.lines.to(address)?))
    }

    pub(crate) async fn describe(
        &self,
        address: &str,
        deadline: Duration,
    ) -> Result<Description, CallError> {
        let mut client = self.client(address)?;
        let asked = |request| async move { client.describe(request).await };
        let said = within(deadline, wire::DescribeRequest {}, asked).await?;
        let cluster = cluster_id_from(&said.cluster);
        Ok(Description {
            node: NodeId(said.node),
            cluster: cluster.map_err(|error| CallError::Garbled(error.to_string()))?,
            level: said.level,
            term: Term(said.term),
            leader: said.leader.map(NodeId),
            revision: Revision(said.revision),
            applied: said.applied,
        })
    }

    pub(crate) async fn admit(
        &self,
        to: NodeId,
        address: &str,
        deadline: Duration,
    ) -> Result<(), CallError> {
        let mut client = self.client(address)?;
        let route = Some(self.route(Some(to)));
        let asked = |request| async move { client.admit(request).await };
        within(deadline, wire::AdmitRequest { route }, asked).await?;
        Ok(())
    }

    pub(crate) async fn join(
        &self,
        at: &str,
        address: &str,
        level: u32,
        deadline: Duration,
    ) -> Result<Joined, CallError> {
        use wire::join_response::Answer;
        let mut client = self.client(at)?;
        let request = wire::JoinRequest {
            route: Some(self.route(None)),
            address: address.to_owned(),
            level,
        };
        let asked = |request| async move { client.join(request).await };
        let answer = within(deadline, request, asked).await?.answer;
        let standing = match answer {
            Some(Answer::LeaderAddress(address)) => return Ok(Joined::AskAt(address)),
            Some(Answer::Standing(standing)) => wire::Standing::try_from(standing),
            None => return Err(CallError::Garbled("empty answer to a wish to join".into())),
        };
        match standing {
            Ok(wire::Standing::Learner) => Ok(Joined::Learner),
            Ok(wire::Standing::Voter) => Ok(Joined::Voter),
            Ok(wire::Standing::Unspecified) | Err(_) => {
                Err(CallError::Garbled("unknown standing".into()))
            }
        }
    }

    /// `None` when the node has no digest of that revision, or not yet.
    pub(crate) async fn digest(
        &self,
        to: NodeId,
        address: &str,
        revision: Revision,
        deadline: Duration,
    ) -> Result<Option<Digest>, CallError> {
        let mut client = self.client(address)?;
        let request = wire::DigestRequest {
            route: Some(self.route(Some(to))),
            revision: revision.0,
        };
        let asked = |request| async move { client.digest(request).await };
        let said = within(deadline, request, asked).await?.digest;
        if said.is_empty() {
            return Ok(None);
        }
        let digest = Digest::try_from(said);
        digest
            .map(Some)
            .map_err(|_| CallError::Garbled("a digest is 32 bytes".into()))
    }

    pub(crate) async fn read_index(
        &self,
        to: NodeId,
        address: &str,
        deadline: Duration,
    ) -> Result<u64, CallError> {
        let mut client = self.client(address)?;
        let route = Some(self.route(Some(to)));
        let asked = |request| async move { client.read_index(request).await };
        let answer = within(deadline, wire::ReadIndexRequest { route }, asked).await?;
        Ok(answer.index)
    }
}

/// One call with a deadline, which the other end is told too.
pub(crate) async fn within<Q, A, F>(
    deadline: Duration,
    request: Q,
    call: impl FnOnce(Request<Q>) -> F,
) -> Result<A, CallError>
where
    F: Future<Output = Result<Response<A>, Status>>,
{
    let mut request = Request::new(request);
    request.set_timeout(deadline);
    match tokio::time::timeout(deadline, call(request)).await {
        Err(_elapsed) => Err(CallError::Late),
        Ok(Ok(answer)) => Ok(answer.into_inner()),
        Ok(Err(status)) if matches!(status.code(), Code::DeadlineExceeded | Code::Cancelled) => {
            Err(CallError::Late)
        }
        Ok(Err(status)) => Err(CallError::Refused(Box::new(status))),
    }
}
