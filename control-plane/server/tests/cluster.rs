//! Three nodes over loopback: whichever is asked, the leader carries it out.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests stop at the first surprise"
)]

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::registry::Registry;
use takt_kit::{ManualClock, Tasks};
use takt_log::{Handle, History, Parts, Settings, Start};
use takt_model::{Limits, NodeId, Revision, UnixNano};
use takt_server::auth::{Guard, Peer};
use takt_server::{Services, Voters};
use takt_views::Views;
use takt_wire::takt::admin::v1 as wire;
use takt_wire::takt::admin::v1::cluster_service_client::ClusterServiceClient;
use takt_wire::takt::admin::v1::tenant_service_client::TenantServiceClient;
use takt_wire::takt::control::v1::usage_service_client::UsageServiceClient;
use takt_wire::takt::control::v1::{PostUsageRequest, UsageRange};
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::Code;
use tonic::service::Routes;
use tonic::transport::{Channel, Server};
use tonic_types::StatusExt as _;

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_carried_out_whichever_node_is_asked() {
    let nodes = cluster(3).await;
    for (number, node) in nodes.iter().enumerate() {
        let name = format!("t{number}");
        let created = node.tenants().create_tenant(create(&name)).await.unwrap();
        assert_eq!(created.into_inner().tenant.unwrap().tenant, name);
        for other in &nodes {
            let asked = wire::GetTenantRequest {
                tenant: name.clone(),
            };
            other.tenants().get_tenant(asked).await.unwrap();
        }
    }
    let again = nodes[1].tenants().create_tenant(create("t0")).await;
    let refused = again.unwrap_err();
    let details = refused.get_error_details();
    assert_eq!(details.error_info().unwrap().reason, "TENANT_EXISTS");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_knows_where_a_call_came_from_that_was_passed_on() {
    let nodes = cluster(3).await;
    let follower = follower(&nodes).await;
    let mut request = tonic::Request::new(create("a"));
    request.extensions_mut().insert(Peer {
        address: "192.0.2.7".parse().unwrap(),
        certificate: None,
    });
    follower.tenants().create_tenant(request).await.unwrap();
    assert_eq!(newest_actor(follower).await, "anonymous@192.0.2.7");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_port_between_nodes_takes_only_what_was_passed_on_and_only_where_somebody_leads() {
    let nodes = cluster(3).await;
    let follower = follower(&nodes).await;
    let channel = Channel::from_shared(format!("http://{}", follower.address))
        .unwrap()
        .connect()
        .await
        .unwrap();
    let mut tenants = TenantServiceClient::new(channel);
    let refused = tenants.create_tenant(create("a")).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);

    // A call is passed on once, whoever the first thought to lead.
    let mut twice = tonic::Request::new(create("a"));
    twice.metadata_mut().insert("takt-forwarded-by", 9.into());
    let refused = tenants.create_tenant(twice).await.unwrap_err();
    let details = refused.get_error_details();
    assert_eq!(details.error_info().unwrap().reason, "CONTROL_NO_LEADER");
    assert!(details.retry_info().is_some());

    // Nobody gets around the checks of a public port by claiming to be a node.
    let mut claimed = tonic::Request::new(create("b"));
    claimed.metadata_mut().insert("takt-forwarded-by", 9.into());
    let other = "admin@203.0.113.1".parse().unwrap();
    claimed.metadata_mut().insert("takt-forwarded-for", other);
    follower.tenants().create_tenant(claimed).await.unwrap();
    assert_eq!(newest_actor(follower).await, "anonymous");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_node_reports_where_it_follows_reaches_the_leader() {
    let nodes = cluster(3).await;
    let follower = follower(&nodes).await;
    follower.tenants().create_tenant(create("a")).await.unwrap();
    let channel = Channel::from_shared(format!("http://{}", follower.address));
    let channel = channel.unwrap().connect().await.unwrap();
    let mut report = tonic::Request::new(PostUsageRequest {
        source: "ingester-1".into(),
        epoch: 1,
        ranges: vec![UsageRange {
            tenant: "a".into(),
            dimension: "bytes".into(),
            from: 0,
            to: 10,
            quantity: 1,
            used_at: 1_700_000_000_000_000_000,
        }],
        ..PostUsageRequest::default()
    });
    // Whom it claims to speak for does not count.
    let other = "admin@203.0.113.1".parse().unwrap();
    report.metadata_mut().insert("takt-forwarded-for", other);
    let mut usage = UsageServiceClient::new(channel);
    usage.post_usage(report).await.unwrap();
    assert_eq!(newest_actor(follower).await, "anonymous@127.0.0.1");
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_wait_at_the_others_when_the_leader_dies_and_one_of_them_takes_over() {
    let machine = tokio::runtime::Runtime::new().unwrap();
    let first = machine.spawn(Node::start(1, &[])).await.unwrap();
    let nodes = cluster_from(first, 3).await;
    assert_eq!(nodes[1].log.status().leader, Some(NodeId(1)));
    machine.shutdown_background();
    let creating = nodes[1..].iter().zip(["a", "b"]);
    futures::future::join_all(creating.map(|(node, name)| create_patiently(node, name))).await;
}

/// Refused is only who has waited: on a busy machine an election takes longer than that.
async fn create_patiently(node: &Node, tenant: &str) {
    for _ in 0..20 {
        let asked = Instant::now();
        let refused = match node.tenants().create_tenant(create(tenant)).await {
            Ok(created) => {
                let outcome = created.into_inner().outcome.unwrap();
                assert_eq!(outcome.events.len(), 1);
                return;
            }
            Err(refused) => refused,
        };
        assert_eq!(refused.code(), Code::Unavailable, "{refused}");
        assert!(asked.elapsed() > Duration::from_millis(1900), "{refused}");
    }
    panic!("nobody took over");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_majority_a_change_is_refused_with_a_hint_to_retry() {
    let mut nodes = cluster(3).await;
    let last = nodes.remove(0);
    for node in nodes {
        node.stop().await;
    }
    let mut request = tonic::Request::new(create("a"));
    request.set_timeout(Duration::from_millis(500));
    let refused = last.tenants().create_tenant(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable, "{refused}");
    assert!(refused.get_error_details().retry_info().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_members_can_be_seen_and_changed_from_any_node() {
    let nodes = cluster(3).await;
    let follower = follower(&nodes).await;
    let fourth = Node::start(4, &[]).await;
    let blank = fourth
        .cluster()
        .get_cluster(wire::GetClusterRequest {})
        .await;
    let blank = blank.unwrap().into_inner().cluster.unwrap();
    assert_eq!((blank.cluster.as_str(), blank.members.len()), ("", 0));

    let address = fourth.address.clone();
    let mut asked = follower.cluster();
    asked
        .add_member(wire::AddMemberRequest { address })
        .await
        .unwrap();
    let promoted = asked
        .promote_member(wire::PromoteMemberRequest { node: 4 })
        .await;
    let cluster = promoted.unwrap().into_inner().cluster.unwrap();
    assert_eq!(cluster.members.len(), 4);
    let leading = cluster.leader.unwrap();
    let next = (1..=4).find(|node| *node != leading).unwrap();
    let moved = asked
        .transfer_leader(wire::TransferLeaderRequest { node: next })
        .await;
    assert_eq!(
        moved.unwrap().into_inner().cluster.unwrap().leader,
        Some(next)
    );
    asked
        .remove_member(wire::RemoveMemberRequest { node: 4 })
        .await
        .unwrap();
    let unknown = asked
        .remove_member(wire::RemoveMemberRequest { node: 4 })
        .await;
    let unknown = unknown.unwrap_err();
    let details = unknown.get_error_details();
    assert_eq!(details.error_info().unwrap().reason, "MEMBER_UNKNOWN");

    let twice = follower
        .cluster()
        .bootstrap_cluster(wire::BootstrapClusterRequest {})
        .await;
    let details = twice.unwrap_err().get_error_details();
    assert_eq!(details.error_info().unwrap().reason, "CLUSTER_FOUNDED");
}

struct Node {
    log: Handle,
    address: String,
    routes: Routes,
    tasks: Tasks,
    _dir: tempfile::TempDir,
}

impl Node {
    async fn start(node: u64, join: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let tasks = Tasks::default();
        let clock = Arc::new(ManualClock::at(UnixNano(1_700_000_000_000_000_000)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let settings = Settings {
            node: NodeId(node),
            address: Some(address.clone()),
            election_timeout: Duration::from_millis(500),
            start: Start::Wait {
                join: join.iter().map(|&at| at.to_owned()).collect(),
            },
            ..Settings::new(dir.path().into())
        };
        let registry = &mut Registry::default();
        let log = takt_log::open(settings, Parts::new(clock.clone()), &tasks, registry).await;
        let log = log.unwrap();
        let views = Views::start(
            log.clone(),
            takt_views::Settings::default(),
            &tasks,
            &mut Registry::default(),
        )
        .await
        .unwrap();
        let guard = Guard::open_to_all(log.clone(), clock.clone(), &tasks).await;
        let services = Services::new(log.clone(), views, clock, Limits::default());
        let serving = Server::builder()
            .add_routes(services.for_nodes(Voters::default()))
            .serve_with_incoming_shutdown(TcpListenerStream::new(listener), tasks.stopped());
        tasks.spawn("nodes", async move {
            serving.await.unwrap();
            Ok::<(), Infallible>(())
        });
        Self {
            log,
            address,
            routes: services.routes(&guard.unwrap()),
            tasks,
            _dir: dir,
        }
    }

    fn tenants(&self) -> TenantServiceClient<Routes> {
        TenantServiceClient::new(self.routes.clone())
    }

    fn cluster(&self) -> ClusterServiceClient<Routes> {
        ClusterServiceClient::new(self.routes.clone())
    }

    async fn stop(self) {
        self.tasks.stop();
        drop(self.routes);
        drop(self.log);
        self.tasks.drain(Duration::from_secs(10)).await;
    }
}

async fn cluster(count: u64) -> Vec<Node> {
    cluster_from(Node::start(1, &[]).await, count).await
}

async fn cluster_from(first: Node, count: u64) -> Vec<Node> {
    let founded = first
        .cluster()
        .bootstrap_cluster(wire::BootstrapClusterRequest {})
        .await;
    assert!(
        !founded
            .unwrap()
            .into_inner()
            .cluster
            .unwrap()
            .cluster
            .is_empty()
    );
    let at = first.address.clone();
    let mut nodes = vec![first];
    for node in 2..=count {
        nodes.push(Node::start(node, &[&at]).await);
    }
    for node in &nodes {
        eventually("all voters", || async {
            node.log.status().voters.len() as u64 == count
        })
        .await;
    }
    if count > 1 {
        // All know that the last one votes, but that counts only when it is committed: when another change can be made.
        eventually("the last change of members", || async {
            nodes[0].log.promote_member(NodeId(count)).await.is_ok()
        })
        .await;
    }
    nodes
}

async fn follower(nodes: &[Node]) -> &Node {
    let mut found = None;
    eventually("a follower that knows the leader", || {
        found = nodes.iter().find(|node| {
            let status = node.log.status();
            status.leader.is_some_and(|leader| leader != status.node)
        });
        std::future::ready(found.is_some())
    })
    .await;
    found.unwrap()
}

async fn eventually<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds().await {
        assert!(Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Who asked for the last decision; what the cluster decides by itself may come at any time.
async fn newest_actor(node: &Node) -> String {
    node.log.read().await.unwrap();
    let History::Batches(batches) = node.log.history(Revision(0), 100).await.unwrap() else {
        panic!("everything is kept");
    };
    let mut actors = batches.into_iter().rev().map(|known| known.batch.actor);
    actors.find(|actor| actor != "control-plane").unwrap()
}

fn create(tenant: &str) -> wire::CreateTenantRequest {
    wire::CreateTenantRequest {
        tenant: tenant.into(),
        ..wire::CreateTenantRequest::default()
    }
}
