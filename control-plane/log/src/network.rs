//! Raft's calls to other nodes. [`crate::peers`] is the other end.

mod messages;

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt as _, stream};
use openraft::errors::{NetworkError, RPCError, ReplicationClosed, StreamingError, Unreachable};
use openraft::network::RPCOption;
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, TransferLeaderRequest,
    TransferLeaderResponse, VoteRequest, VoteResponse,
};
use openraft::{BasicNode, OptionalSend, RaftNetworkFactory, RaftNetworkV2};
use sha2::{Digest as _, Sha256};
use takt_model::NodeId;
use takt_wire::takt::control::raft::v1 as wire;
use takt_wire::takt::control::raft::v1::peer_service_client::PeerServiceClient;
use tonic::transport::Channel;

use crate::calls::{CallError, Caller, within};
use crate::codec::DecodeError;
use crate::dial::Dial;
use crate::metrics::{self, Metrics};
use crate::store::Sealed;
use crate::types::{Snapshot, TypeConfig, Vote};

use messages::{
    appended_from, ballot_to, head_to, request_to, transfer_to, transferred_from, verdict_from,
};
pub(crate) use messages::{
    appended_to, ballot_from, head_from, request_from, transfer_from, transferred_to, verdict_to,
};

/// What a message between nodes may weigh; a command is far below.
pub(crate) const MESSAGE_MAX: usize = 64 << 20;
/// Entries beyond this travel in the next message.
const APPEND_BYTES: usize = 8 << 20;

/// Makes the callers.
#[derive(Debug, Clone)]
pub(crate) struct Network {
    pub(crate) caller: Caller,
    /// Raft has connections of its own, so that it does not wait behind anything else.
    pub(crate) dial: Arc<dyn Dial>,
    pub(crate) metrics: Metrics,
    /// How long another node may take to write entries to its disk.
    pub(crate) append_timeout: Duration,
}

/// Calls one node.
#[derive(Debug)]
pub(crate) struct Peer {
    network: Network,
    node: u64,
    address: String,
    client: Option<PeerServiceClient<Channel>>,
}

impl RaftNetworkFactory<TypeConfig> for Network {
    type Network = Peer;

    async fn new_client(&mut self, target: u64, node: &BasicNode) -> Peer {
        Peer {
            network: self.clone(),
            node: target,
            address: node.addr.clone(),
            client: None,
        }
    }
}

impl Peer {
    fn route(&self) -> wire::Route {
        self.network.caller.route(Some(NodeId(self.node)))
    }

    fn client(&mut self) -> Result<PeerServiceClient<Channel>, CallError> {
        if let Some(client) = &self.client {
            return Ok(client.clone());
        }
        let channel = self.network.dial.dial(&self.address)?;
        let client = PeerServiceClient::new(channel)
            .max_decoding_message_size(MESSAGE_MAX)
            .max_encoding_message_size(MESSAGE_MAX);
        Ok(self.client.insert(client).clone())
    }

    /// What took its time may be tried again at once; anything else after a pause.
    fn explain(&self, error: &CallError) -> RPCError<TypeConfig> {
        let failed = &self.network.metrics.call_errors;
        failed
            .get_or_create(&metrics::Peer { node: self.node })
            .inc();
        let text = format!("node {} at `{}`: {error}", self.node, self.address);
        match error {
            CallError::Late => NetworkError::from_string(text).into(),
            CallError::Dial(_) | CallError::Refused(_) | CallError::Garbled(_) => {
                Unreachable::from_string(text).into()
            }
        }
    }
}

impl RaftNetworkV2<TypeConfig> for Peer {
    type SnapshotData = Sealed;

    /// Sends as many of the entries as one message should hold.
    async fn append_entries(
        &mut self,
        rpc: AppendEntriesRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<AppendEntriesResponse<TypeConfig>, RPCError<TypeConfig>> {
        let deadline = if rpc.entries.is_empty() {
            option.soft_ttl()
        } else {
            option.soft_ttl().max(self.network.append_timeout)
        };
        let (request, cut) = request_to(self.route(), &rpc, APPEND_BYTES);
        let asked = async {
            let mut client = self.client()?;
            let call = |request| async move { client.append_entries(request).await };
            let answer = within(deadline, request, call).await?;
            appended_from(answer).map_err(garbled)
        };
        match (asked.await, cut) {
            (Ok(AppendEntriesResponse::Success), Some(last)) => {
                Ok(AppendEntriesResponse::PartialSuccess(Some(last)))
            }
            (Ok(answer), _) => Ok(answer),
            (Err(error), _) => Err(self.explain(&error)),
        }
    }

    async fn vote(
        &mut self,
        rpc: VoteRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<VoteResponse<TypeConfig>, RPCError<TypeConfig>> {
        let request = wire::VoteRequest {
            route: Some(self.route()),
            ballot: Some(ballot_to(&rpc)),
        };
        let asked = async {
            let mut client = self.client()?;
            let call = |request| async move { client.vote(request).await };
            let answer = within(option.soft_ttl(), request, call).await?;
            verdict_from(answer.verdict).map_err(garbled)
        };
        asked.await.map_err(|error| self.explain(&error))
    }

    async fn pre_vote(
        &mut self,
        rpc: VoteRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<VoteResponse<TypeConfig>, RPCError<TypeConfig>> {
        let request = wire::PreVoteRequest {
            route: Some(self.route()),
            ballot: Some(ballot_to(&rpc)),
        };
        let asked = async {
            let mut client = self.client()?;
            let call = |request| async move { client.pre_vote(request).await };
            let answer = within(option.soft_ttl(), request, call).await?;
            verdict_from(answer.verdict).map_err(garbled)
        };
        asked.await.map_err(|error| self.explain(&error))
    }

    async fn transfer_leader(
        &mut self,
        rpc: TransferLeaderRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<TransferLeaderResponse<TypeConfig>, RPCError<TypeConfig>> {
        let request = transfer_to(self.route(), &rpc);
        let asked = async {
            let mut client = self.client()?;
            let call = |request| async move { client.transfer_leader(request).await };
            let answer = within(option.soft_ttl(), request, call).await?;
            transferred_from(answer).map_err(garbled)
        };
        asked.await.map_err(|error| self.explain(&error))
    }

    async fn full_snapshot(
        &mut self,
        vote: Vote,
        snapshot: Snapshot,
        cancel: impl Future<Output = ReplicationClosed> + OptionalSend + 'static,
        option: RPCOption,
    ) -> Result<SnapshotResponse<TypeConfig>, StreamingError<TypeConfig>> {
        let asked = async {
            let parts = parts(self.route(), &vote, snapshot).await;
            let parts = parts.map_err(|error| CallError::Garbled(error.to_string()))?;
            let mut client = self.client()?;
            let call = |request| async move { client.install_snapshot(request).await };
            let answer = within(option.soft_ttl(), parts, call).await?;
            messages::held(answer.vote).map_err(garbled)
        };
        let sent = tokio::select! {
            biased;
            closed = cancel => return Err(StreamingError::Closed(closed)),
            sent = asked => sent,
        };
        match sent {
            Ok(vote) => Ok(SnapshotResponse::new(vote)),
            Err(error) => Err(self.explain(&error).into()),
        }
    }
}

fn garbled(error: DecodeError) -> CallError {
    CallError::Garbled(error.to_string())
}

#[cfg(test)]
mod tests;

/// The head, then the pieces as they stand in the file.
async fn parts(
    route: wire::Route,
    vote: &Vote,
    snapshot: Snapshot,
) -> io::Result<impl futures::Stream<Item = wire::InstallSnapshotRequest> + Send + 'static> {
    use wire::install_snapshot_request::Part;
    let sealed = snapshot.snapshot;
    let checksum = sealed.run(checksum).await?;
    let head = head_to(route, vote, &sealed, checksum);
    let pieces = stream::unfold((sealed, 0), |(sealed, number)| async move {
        if number == sealed.pieces {
            return None;
        }
        match sealed.run(move |sealed| sealed.piece(number)).await {
            Ok(piece) => Some((Part::Bytes(piece), (sealed, number + 1))),
            Err(error) => {
                // The stream ends early, and whoever receives it sees that it is not whole.
                tracing::error!(%error, "a snapshot cannot be read");
                None
            }
        }
    });
    let parts = stream::once(async { Part::Head(head) }).chain(pieces);
    Ok(parts.map(|part| wire::InstallSnapshotRequest { part: Some(part) }))
}

fn checksum(sealed: &Sealed) -> io::Result<Vec<u8>> {
    let mut checksum = Sha256::new();
    io::copy(&mut sealed.reader(), &mut checksum)?;
    Ok(checksum.finalize().to_vec())
}
