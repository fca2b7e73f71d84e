//! The other end of [`crate::network`]: what this node answers to the others.

use openraft::errors::{Fatal, RaftError};
use sha2::{Digest as _, Sha256};
use takt_model::NodeId;
use takt_wire::takt::control::raft::v1 as wire;
use takt_wire::takt::control::raft::v1::peer_service_server::{PeerService, PeerServiceServer};
use tonic::{Request, Response, Status, Streaming};

use crate::codec::DecodeError;
use crate::network::{
    MESSAGE_MAX, appended_to, ballot_from, head_from, request_from, transfer_from, transferred_to,
    verdict_to,
};
use crate::types::{Raft, Snapshot, TypeConfig};

/// The service that the other nodes of the cluster call. Mount it where only they can reach it.
pub type PeerServer = PeerServiceServer<Peers>;

#[derive(Clone)]
pub struct Peers {
    node: NodeId,
    raft: Raft,
}

impl std::fmt::Debug for Peers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Peers")
            .field("node", &self.node)
            .finish_non_exhaustive()
    }
}

impl Peers {
    pub(crate) fn server(node: NodeId, raft: Raft) -> PeerServer {
        PeerServiceServer::new(Self { node, raft })
            .max_decoding_message_size(MESSAGE_MAX)
            .max_encoding_message_size(MESSAGE_MAX)
    }

    /// Whether a message is meant for this node.
    fn admit(&self, route: Option<wire::Route>) -> Result<(), Status> {
        let route = route.ok_or_else(|| garbled(DecodeError::Missing("route")))?;
        if route.to != self.node.0 {
            return Err(Status::failed_precondition(format!(
                "this is node {}, the call is for node {}",
                self.node, route.to
            )));
        }
        Ok(())
    }
}

#[tonic::async_trait]
impl PeerService for Peers {
    async fn append_entries(
        &self,
        request: Request<wire::AppendEntriesRequest>,
    ) -> Result<Response<wire::AppendEntriesResponse>, Status> {
        let mut request = request.into_inner();
        self.admit(request.route.take())?;
        let request = request_from(request).map_err(garbled)?;
        let answer = self.raft.append_entries(request).await.map_err(failed)?;
        Ok(Response::new(appended_to(answer)))
    }

    async fn vote(
        &self,
        request: Request<wire::VoteRequest>,
    ) -> Result<Response<wire::VoteResponse>, Status> {
        let request = request.into_inner();
        self.admit(request.route)?;
        let ballot = ballot_from(request.ballot).map_err(garbled)?;
        let verdict = self.raft.vote(ballot).await.map_err(failed)?;
        let verdict = Some(verdict_to(&verdict));
        Ok(Response::new(wire::VoteResponse { verdict }))
    }

    async fn pre_vote(
        &self,
        request: Request<wire::PreVoteRequest>,
    ) -> Result<Response<wire::PreVoteResponse>, Status> {
        let request = request.into_inner();
        self.admit(request.route)?;
        let ballot = ballot_from(request.ballot).map_err(garbled)?;
        let verdict = self.raft.pre_vote(ballot).await.map_err(failed)?;
        let verdict = Some(verdict_to(&verdict));
        Ok(Response::new(wire::PreVoteResponse { verdict }))
    }

    async fn transfer_leader(
        &self,
        request: Request<wire::TransferLeaderRequest>,
    ) -> Result<Response<wire::TransferLeaderResponse>, Status> {
        let mut request = request.into_inner();
        self.admit(request.route.take())?;
        let request = transfer_from(request).map_err(garbled)?;
        let answer = self.raft.handle_transfer_leader(request).await;
        let answer = answer.map_err(|fatal| stopped(&fatal))?;
        Ok(Response::new(transferred_to(answer)))
    }

    async fn install_snapshot(
        &self,
        request: Request<Streaming<wire::InstallSnapshotRequest>>,
    ) -> Result<Response<wire::InstallSnapshotResponse>, Status> {
        use wire::install_snapshot_request::Part;
        let mut parts = request.into_inner();
        let Some(Part::Head(mut head)) = parts.message().await?.and_then(|first| first.part) else {
            return Err(Status::invalid_argument("a snapshot begins with its head"));
        };
        self.admit(head.route.take())?;
        let snapshot = receive(parts, head.length, &head.checksum).await?;
        let (vote, meta) = head_from(head).map_err(garbled)?;
        let snapshot = Snapshot { meta, snapshot };
        let answer = self.raft.install_full_snapshot(vote, snapshot).await;
        let answer = answer.map_err(|fatal| stopped(&fatal))?;
        let vote = Some(crate::codec::vote_to(&answer.vote));
        Ok(Response::new(wire::InstallSnapshotResponse { vote }))
    }
}

async fn receive(
    mut parts: Streaming<wire::InstallSnapshotRequest>,
    length: u64,
    checksum: &[u8],
) -> Result<Vec<u8>, Status> {
    use wire::install_snapshot_request::Part;
    let mut snapshot = Vec::new();
    while let Some(next) = parts.message().await? {
        let Some(Part::Bytes(bytes)) = next.part else {
            return Err(Status::invalid_argument("a snapshot has one head"));
        };
        snapshot.extend_from_slice(&bytes);
        if snapshot.len() as u64 > length {
            break;
        }
    }
    if snapshot.len() as u64 != length || Sha256::digest(&snapshot).as_slice() != checksum {
        return Err(Status::data_loss("the snapshot arrived damaged"));
    }
    Ok(snapshot)
}

fn garbled(error: DecodeError) -> Status {
    Status::invalid_argument(error.to_string())
}

fn failed(error: RaftError<TypeConfig>) -> Status {
    match error {
        RaftError::Fatal(fatal) => stopped(&fatal),
        RaftError::APIError(never) => match never {},
    }
}

fn stopped(fatal: &Fatal<TypeConfig>) -> Status {
    match fatal {
        Fatal::Stopped => Status::unavailable("the node is stopping"),
        Fatal::StorageError(_) | Fatal::Panicked => Status::internal(fatal.to_string()),
    }
}
