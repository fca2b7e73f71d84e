//! The port between nodes: who shows the certificate of a voter is one, and others follow at most.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests stop at the first surprise"
)]

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::registry::Registry;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use takt_kit::{ManualClock, Tasks};
use takt_log::{Handle, History, Parts, Settings};
use takt_model::{Limits, UnixNano};
use takt_server::{Services, Voters};
use takt_views::Views;
use takt_wire::takt::admin::v1 as wire;
use takt_wire::takt::admin::v1::tenant_service_client::TenantServiceClient;
use takt_wire::takt::control::raft::v1::DescribeRequest;
use takt_wire::takt::control::raft::v1::peer_service_client::PeerServiceClient;
use takt_wire::takt::control::v1::control_service_client::ControlServiceClient;
use takt_wire::takt::control::v1::presence_service_client::PresenceServiceClient;
use takt_wire::takt::control::v1::subscribe_request::Said;
use takt_wire::takt::control::v1::usage_service_client::UsageServiceClient;
use takt_wire::takt::control::v1::{
    Begin, PostUsageRequest, ReportPresenceRequest, SubscribeRequest, UsageRange,
};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::{
    Certificate, Channel, ClientTlsConfig, Endpoint, Identity, Server, ServerTlsConfig,
};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt as _;

const NOW: UnixNano = UnixNano(1_700_000_000_000_000_000);

#[tokio::test(flavor = "multi_thread")]
async fn who_shows_no_certificate_of_a_voter_follows_and_reports_and_no_more() {
    let port = Port::start(&["control-1", "CN=control-2"]).await;
    for (names, common) in [("control-1", "x"), ("127.0.0.1", "control-2")] {
        let voter = port.dial(names, common).await;
        describe(&voter).await.unwrap();
        create(&voter, common).await.unwrap();
        follow(&voter).await.unwrap();
    }
    let before = port.log.state().revision;
    // A name of a voter in another place than where it was given counts for nothing.
    for (names, common) in [
        ("data-1", "control-1"),
        ("control-2", "data-1"),
        ("control-11", ""),
    ] {
        let other = port.dial(names, common).await;
        let presence = presence(&other).await;
        for refused in [describe(&other).await, create(&other, "b").await, presence] {
            let refused = refused.unwrap_err();
            assert_eq!(refused.code(), Code::PermissionDenied, "{names}");
            let details = refused.get_error_details();
            assert_eq!(details.error_info().unwrap().reason, "NOT_A_VOTER");
        }
        follow(&other).await.unwrap();
    }
    assert_eq!(port.log.state().revision, before);

    let node = port.dial("data-1", "data-1").await;
    report(&node, None).await.unwrap();
    let History::Batches(batches) = port.log.history(before, 100).await.unwrap() else {
        panic!("everything is kept");
    };
    let actors: Vec<_> = batches.iter().map(|one| one.batch.actor.as_str()).collect();
    assert_eq!(actors, ["certificate:data-1@127.0.0.1"]);
    let passed_on = report(&node, Some("2")).await.unwrap_err();
    assert_eq!(passed_on.code(), Code::PermissionDenied);
    port.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_names_every_certificate_of_the_authority_is_a_voters() {
    let port = Port::start(&[]).await;
    let any = port.dial("data-1", "data-1").await;
    describe(&any).await.unwrap();
    create(&any, "a").await.unwrap();
    port.stop().await;
}

async fn describe(channel: &Channel) -> Result<(), Status> {
    let mut peers = PeerServiceClient::new(channel.clone());
    peers.describe(DescribeRequest {}).await.map(drop)
}

/// As a voter passes it on.
async fn create(channel: &Channel, name: &str) -> Result<(), Status> {
    let mut request = Request::new(wire::CreateTenantRequest {
        tenant: name.to_owned(),
        ..wire::CreateTenantRequest::default()
    });
    let headers = request.metadata_mut();
    headers.insert("takt-forwarded-by", "2".parse().unwrap());
    headers.insert("takt-forwarded-for", "admin".parse().unwrap());
    let mut tenants = TenantServiceClient::new(channel.clone());
    tenants.create_tenant(request).await.map(drop)
}

/// As a replica hands on what it heard of others.
async fn presence(channel: &Channel) -> Result<(), Status> {
    let mut presence = PresenceServiceClient::new(channel.clone());
    let heard = ReportPresenceRequest::default();
    presence.report_presence(heard).await.map(drop)
}

/// What a node used; or as if a voter had passed it on.
async fn report(channel: &Channel, by: Option<&str>) -> Result<(), Status> {
    let mut request = Request::new(PostUsageRequest {
        source: "data-1".into(),
        epoch: 1,
        ranges: vec![UsageRange {
            tenant: "x".into(),
            dimension: "bytes".into(),
            from: 0,
            to: 10,
            quantity: 1,
            used_at: NOW.0,
        }],
        ..PostUsageRequest::default()
    });
    if let Some(by) = by {
        let headers = request.metadata_mut();
        headers.insert("takt-forwarded-by", by.parse().unwrap());
    }
    let mut usage = UsageServiceClient::new(channel.clone());
    usage.post_usage(request).await.map(drop)
}

async fn follow(channel: &Channel) -> Result<(), Status> {
    let mut control = ControlServiceClient::new(channel.clone());
    let first = SubscribeRequest {
        said: Some(Said::Begin(Begin::default())),
    };
    let rest = tokio_stream::pending();
    let asked = tokio_stream::StreamExt::chain(tokio_stream::once(first), rest);
    let mut told = control.subscribe(asked).await?.into_inner();
    told.message().await.map(|told| assert!(told.is_some()))
}

/// The port of a lone voter.
struct Port {
    authority: CertifiedIssuer<'static, KeyPair>,
    address: String,
    log: Handle,
    tasks: Tasks,
    _dir: tempfile::TempDir,
}

impl Port {
    async fn start(voters: &[&str]) -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let authority = CertifiedIssuer::self_signed(params, key).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let (tasks, registry) = (Tasks::default(), &mut Registry::default());
        let clock = Arc::new(ManualClock::at(NOW));
        let settings = Settings {
            election_timeout: Duration::from_millis(50),
            ..Settings::new(dir.path().into())
        };
        let log = takt_log::open(settings, Parts::new(clock.clone()), &tasks, registry).await;
        let log = log.unwrap();
        let views = takt_views::Settings::default();
        let views = Views::start(log.clone(), views, &tasks, registry).await;
        let services = Services::new(log.clone(), views.unwrap(), clock, Limits::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("https://{}", listener.local_addr().unwrap());
        let names: Vec<String> = voters.iter().map(|&name| name.to_owned()).collect();
        let tls = ServerTlsConfig::new()
            .identity(identity(&authority, "127.0.0.1", "control-1"))
            .client_ca_root(Certificate::from_pem(authority.pem()));
        let mut server = Server::builder().tls_config(tls).unwrap();
        let serving = server
            .add_routes(services.for_nodes(Voters::named(&names)))
            .serve_with_incoming_shutdown(TcpListenerStream::new(listener), tasks.stopped());
        tasks.spawn("nodes", async move {
            serving.await.unwrap();
            Ok::<(), Infallible>(())
        });
        Self {
            authority,
            address,
            log,
            tasks,
            _dir: dir,
        }
    }

    async fn dial(&self, name: &str, common: &str) -> Channel {
        let tls = ClientTlsConfig::new()
            .identity(identity(&self.authority, name, common))
            .ca_certificate(Certificate::from_pem(self.authority.pem()));
        let endpoint = Endpoint::from_shared(self.address.clone()).unwrap();
        endpoint.tls_config(tls).unwrap().connect().await.unwrap()
    }

    async fn stop(self) {
        self.tasks.stop();
        drop(self.log);
        self.tasks.drain(Duration::from_secs(10)).await;
    }
}

fn identity(authority: &CertifiedIssuer<'static, KeyPair>, name: &str, common: &str) -> Identity {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, common);
    let certificate = params.signed_by(&key, authority).unwrap();
    Identity::from_pem(certificate.pem(), key.serialize_pem())
}
