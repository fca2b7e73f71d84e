//! The other end of [`crate::network`]: what this node answers to the others.

use std::io;

use openraft::errors::{Fatal, RaftError};
use sha2::{Digest as _, Sha256};
use takt_domain::cluster::ClusterId;
use takt_kit::Tasks;
use takt_model::{NodeId, Revision};
use takt_wire::takt::control::raft::v1 as wire;
use takt_wire::takt::control::raft::v1::peer_service_server::{PeerService, PeerServiceServer};
use tonic::{Request, Response, Status, Streaming};

use crate::codec::{DecodeError, cluster_id_from, cluster_id_to, vote_to};
use crate::digest::Digests;
use crate::identity::Belongs;
use crate::members::{MemberError, Members, Role};
use crate::network::{
    MESSAGE_MAX, appended_to, ballot_from, head_from, request_from, transfer_from, transferred_to,
    verdict_to,
};
use crate::read::Reader;
use crate::store::{Sealing, Store};
use crate::types::{Raft, Snapshot, TypeConfig};

/// The service that the other nodes of the cluster call. Mount it where only they can reach it.
pub type PeerServer = PeerServiceServer<Peers>;

#[derive(Clone)]
pub struct Peers {
    members: Members,
    reader: Reader,
    digests: Digests,
    store: Store,
    tasks: Tasks,
}

impl std::fmt::Debug for Peers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Peers")
            .field("node", &self.members.node)
            .finish_non_exhaustive()
    }
}

impl Peers {
    pub(crate) fn server(
        members: Members,
        reader: Reader,
        digests: Digests,
        store: Store,
        tasks: Tasks,
    ) -> PeerServer {
        let peers = Self {
            members,
            reader,
            digests,
            store,
            tasks,
        };
        PeerServiceServer::new(peers)
            .max_decoding_message_size(MESSAGE_MAX)
            .max_encoding_message_size(MESSAGE_MAX)
    }

    /// Raft of this node, for a message of its own cluster that is meant for it. A node that belongs to no cluster
    /// takes no part: it may have forgotten what it promised.
    fn raft(&self, route: Option<wire::Route>) -> Result<&Raft, Status> {
        let from = self.addressed(route)?;
        match (self.members.identity.cluster(), from) {
            (Some(own), Some(theirs)) if own == theirs => Ok(&self.members.raft),
            (Some(own), Some(theirs)) => Err(other_cluster(own, theirs)),
            (None, _) => Err(Status::failed_precondition(
                "this node belongs to no cluster yet",
            )),
            (_, None) => Err(Status::failed_precondition(
                "the caller belongs to no cluster",
            )),
        }
    }

    /// The cluster of a caller who means this node, or whoever is here.
    fn addressed(&self, route: Option<wire::Route>) -> Result<Option<ClusterId>, Status> {
        let route = route.ok_or_else(|| garbled(DecodeError::Missing("route")))?;
        if route.to != 0 && route.to != self.members.node.0 {
            return Err(Status::failed_precondition(format!(
                "this is node {}, the call is for node {}",
                self.members.node, route.to
            )));
        }
        cluster_id_from(&route.cluster).map_err(garbled)
    }
}

fn other_cluster(own: ClusterId, theirs: ClusterId) -> Status {
    Status::failed_precondition(format!(
        "this node belongs to cluster {own}, the caller to cluster {theirs}"
    ))
}

#[tonic::async_trait]
impl PeerService for Peers {
    async fn append_entries(
        &self,
        request: Request<wire::AppendEntriesRequest>,
    ) -> Result<Response<wire::AppendEntriesResponse>, Status> {
        let mut request = request.into_inner();
        let raft = self.raft(request.route.take())?;
        let request = request_from(request).map_err(|error| self.unreadable(error))?;
        let answer = raft.append_entries(request).await.map_err(failed)?;
        Ok(Response::new(appended_to(answer)))
    }

    async fn vote(
        &self,
        request: Request<wire::VoteRequest>,
    ) -> Result<Response<wire::VoteResponse>, Status> {
        let request = request.into_inner();
        let raft = self.raft(request.route)?;
        let ballot = ballot_from(request.ballot).map_err(garbled)?;
        let verdict = raft.vote(ballot).await.map_err(failed)?;
        let verdict = Some(verdict_to(&verdict));
        Ok(Response::new(wire::VoteResponse { verdict }))
    }

    async fn pre_vote(
        &self,
        request: Request<wire::PreVoteRequest>,
    ) -> Result<Response<wire::PreVoteResponse>, Status> {
        let request = request.into_inner();
        let raft = self.raft(request.route)?;
        let ballot = ballot_from(request.ballot).map_err(garbled)?;
        let verdict = raft.pre_vote(ballot).await.map_err(failed)?;
        let verdict = Some(verdict_to(&verdict));
        Ok(Response::new(wire::PreVoteResponse { verdict }))
    }

    async fn transfer_leader(
        &self,
        request: Request<wire::TransferLeaderRequest>,
    ) -> Result<Response<wire::TransferLeaderResponse>, Status> {
        let mut request = request.into_inner();
        let raft = self.raft(request.route.take())?;
        let request = transfer_from(request).map_err(garbled)?;
        let answer = raft.handle_transfer_leader(request).await;
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
        let raft = self.raft(head.route.take())?;
        let (length, checksum) = (head.length, std::mem::take(&mut head.checksum));
        let (vote, applied) = head_from(head).map_err(garbled)?;
        let sealing = receive(&self.store, parts, length, &checksum).await?;
        let meta = applied.snapshot_meta();
        let sealed = self.store.disk().run(move || sealing.finish(applied)).await;
        let snapshot = Snapshot {
            meta,
            snapshot: sealed.map_err(|error| unwritten(&error))?,
        };
        let answer = raft.install_full_snapshot(vote, snapshot).await;
        let answer = answer.map_err(|fatal| stopped(&fatal))?;
        let vote = Some(vote_to(&answer.vote));
        Ok(Response::new(wire::InstallSnapshotResponse { vote }))
    }

    async fn read_index(
        &self,
        request: Request<wire::ReadIndexRequest>,
    ) -> Result<Response<wire::ReadIndexResponse>, Status> {
        self.raft(request.into_inner().route)?;
        match self.reader.index().await {
            Ok(index) => Ok(Response::new(wire::ReadIndexResponse { index })),
            Err(error) => Err(Status::unavailable(error.to_string())),
        }
    }

    async fn digest(
        &self,
        request: Request<wire::DigestRequest>,
    ) -> Result<Response<wire::DigestResponse>, Status> {
        let request = request.into_inner();
        self.raft(request.route)?;
        let digest = self.digests.of(Revision(request.revision));
        let digest = digest.map(Vec::from).unwrap_or_default();
        Ok(Response::new(wire::DigestResponse { digest }))
    }

    async fn describe(
        &self,
        _: Request<wire::DescribeRequest>,
    ) -> Result<Response<wire::DescribeResponse>, Status> {
        let own = self.members.describe_self();
        Ok(Response::new(wire::DescribeResponse {
            node: own.node.0,
            cluster: own.cluster.map(cluster_id_to).unwrap_or_default(),
            level: own.level,
            term: own.term.0,
            leader: own.leader.map(|leader| leader.0),
            revision: own.revision.0,
            applied: own.applied,
        }))
    }

    async fn admit(
        &self,
        request: Request<wire::AdmitRequest>,
    ) -> Result<Response<wire::AdmitResponse>, Status> {
        let cluster = self.addressed(request.into_inner().route)?;
        let cluster = cluster.ok_or_else(|| garbled(DecodeError::Missing("cluster")))?;
        match self.members.identity.cluster() {
            Some(own) if own == cluster => {}
            Some(own) => return Err(other_cluster(own, cluster)),
            None => {
                let belongs = Belongs {
                    cluster,
                    founder: false,
                };
                let settled = self.members.identity.settle(belongs).await;
                settled.map_err(|error| Status::internal(error.to_string()))?;
                tracing::info!(%cluster, "admitted to a cluster");
            }
        }
        Ok(Response::new(wire::AdmitResponse {}))
    }

    async fn join(
        &self,
        request: Request<wire::JoinRequest>,
    ) -> Result<Response<wire::JoinResponse>, Status> {
        use wire::join_response::Answer;
        let request = request.into_inner();
        let from = request.route.as_ref().map_or(0, |route| route.from);
        let cluster = self.addressed(request.route)?;
        let (own, members) = (self.members.identity.cluster(), &self.members);
        match (own, cluster) {
            (None, _) => {
                return Err(Status::unavailable("this node belongs to no cluster yet"));
            }
            (Some(own), Some(theirs)) if own != theirs => return Err(other_cluster(own, theirs)),
            (Some(_), _) => {}
        }
        let node = NodeId(from);
        members
            .check_level(node, request.level)
            .map_err(|error| Status::failed_precondition(error.to_string()))?;
        let answer = match members.leader() {
            Some(leader) if leader != members.node => match members.address_of(leader) {
                Some(address) => Answer::LeaderAddress(address),
                None => return Err(Status::unavailable("nobody is known to lead")),
            },
            Some(_) => {
                let joined = members
                    .join(node, &request.address, cluster.is_none())
                    .await;
                let standing = match joined.map_err(|error| refused(&error))? {
                    Role::Learner => wire::Standing::Learner,
                    Role::Leader | Role::Voter => wire::Standing::Voter,
                };
                Answer::Standing(standing.into())
            }
            None => return Err(Status::unavailable("nobody is known to lead")),
        };
        let answer = Some(answer);
        Ok(Response::new(wire::JoinResponse { answer }))
    }
}

impl Peers {
    /// What a newer version wrote must not be skipped, so this node goes no further.
    fn unreadable(&self, error: DecodeError) -> Status {
        let status = Status::invalid_argument(error.to_string());
        if matches!(error, DecodeError::UnknownKind) {
            self.tasks
                .spawn("control_entries", async move { Err(error) });
        }
        status
    }
}

fn refused(error: &MemberError) -> Status {
    let text = match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    };
    match error {
        MemberError::Busy
        | MemberError::Timeout
        | MemberError::Stopped
        | MemberError::NotLeader { .. }
        | MemberError::NoCluster
        | MemberError::Unreachable { .. }
        | MemberError::Nobody { .. } => Status::unavailable(text),
        MemberError::Founded(_)
        | MemberError::NoAddress
        | MemberError::Unknown(_)
        | MemberError::OtherNode { .. }
        | MemberError::OtherCluster { .. }
        | MemberError::Removed(_)
        | MemberError::Level { .. }
        | MemberError::Behind { .. }
        | MemberError::NotVoter(_)
        | MemberError::LastVoter => Status::failed_precondition(text),
        MemberError::Storage(_) => Status::internal(text),
    }
}

/// Writes the pieces to the file as they come.
async fn receive(
    store: &Store,
    mut parts: Streaming<wire::InstallSnapshotRequest>,
    length: u64,
    checksum: &[u8],
) -> Result<Sealing, Status> {
    use wire::install_snapshot_request::Part;
    let mut sealing = Sealing::begin(store);
    let (mut received, mut hash) = (0, Sha256::new());
    while let Some(next) = parts.message().await? {
        let Some(Part::Bytes(bytes)) = next.part else {
            return Err(Status::invalid_argument("a snapshot has one head"));
        };
        received += bytes.len() as u64;
        if received > length {
            break;
        }
        hash.update(&bytes);
        let mut sealing_on = sealing;
        let adding = move || sealing_on.add(&bytes).map(|()| sealing_on);
        let added = store.disk().run(adding).await;
        sealing = added.map_err(|error| unwritten(&error))?;
    }
    if received != length || hash.finalize().as_slice() != checksum {
        return Err(Status::data_loss("the snapshot arrived damaged"));
    }
    Ok(sealing)
}

fn unwritten(error: &io::Error) -> Status {
    Status::internal(format!("the snapshot cannot be written: {error}"))
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
