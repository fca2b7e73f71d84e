//! Entries of a version that knows more.

use prost::Message as _;
use takt_wire::takt::control::log::v1 as stored;
use takt_wire::takt::control::raft::v1 as wire;
use takt_wire::takt::control::raft::v1::peer_service_client::PeerServiceClient;
use tonic::Code;

use crate::nodes::{cluster, eventually, leader, write};

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_not_known_is_not_skipped_but_stops_the_node() {
    let nodes = cluster(3).await;
    write(&nodes, 1).await;
    let follower = &nodes[(leader(&nodes).await + 1) % 3];
    let id = follower.log.cluster().await.id.unwrap();
    let unknown = stored::Batch {
        command_id: vec![7; 16],
        events: vec![stored::Event { event: None }],
        ..stored::Batch::default()
    };
    let entry = stored::Entry {
        id: Some(stored::LogId {
            term: 9,
            index: 1000,
        }),
        payload: Some(stored::entry::Payload::Batch(unknown.encode_to_vec())),
    };
    let mut request = wire::AppendEntriesRequest {
        route: Some(wire::Route {
            cluster: vec![1; 16],
            from: 9,
            to: follower.place.node.0,
        }),
        vote: Some(stored::Vote {
            term: 9,
            node: 9,
            committed: true,
        }),
        entries: vec![entry],
        ..wire::AppendEntriesRequest::default()
    };
    let at = format!("http://{}", follower.place.address);
    let mut client = PeerServiceClient::connect(at).await.unwrap();
    // Not from a stranger.
    let refused = client.append_entries(request.clone()).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(!follower.is_stopped());

    if let Some(route) = &mut request.route {
        route.cluster = id.0.as_bytes().to_vec();
    }
    let refused = client.append_entries(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    eventually("a stop", || async { follower.is_stopped() }).await;
}
