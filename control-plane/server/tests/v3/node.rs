//! A control plane on a real socket, with somebody of every kind.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use axum::Extension;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::Method;
use prometheus_client::registry::Registry;
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use takt_domain::licences::Trust;
use takt_domain::licences::trust::Key;
use takt_kit::{ManualClock, Tasks};
use takt_log::Handle;
use takt_model::{Limits, UnixNano};
use takt_server::Services;
use takt_server::auth::{AdminToken, Guard, HttpKeys, Peer, Secret, Settings};
use takt_views::Views;
use takt_wire::takt::admin::v1 as wire;
use takt_wire::takt::admin::v1::access_policy_service_client::AccessPolicyServiceClient;
use takt_wire::takt::admin::v1::audit_service_client::AuditServiceClient;
use tokio::net::TcpListener;
use tonic::Request;
use tonic::service::Routes;

pub(crate) const NOW: UnixNano = UnixNano(1_700_000_000_000_000_000);

pub(crate) struct Node {
    pub(crate) log: Handle,
    pub(crate) clock: ManualClock,
    pub(crate) viewer: String,
    secret: Secret,
    base: String,
    client: reqwest::Client,
    routes: Routes,
    tasks: Tasks,
    _dir: tempfile::TempDir,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: u16,
    pub(crate) etag: String,
    pub(crate) challenge: String,
    pub(crate) text: String,
    pub(crate) json: Value,
}

impl Node {
    pub(crate) async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let tasks = Tasks::default();
        let clock = ManualClock::at(NOW);
        let shared = Arc::new(clock.clone());
        let mut registry = Registry::default();
        let settings = takt_log::Settings::new(dir.path().into());
        let parts = takt_log::Parts::new(shared.clone());
        let log = takt_log::open(settings, parts, &tasks, &mut registry);
        let log = log.await.unwrap();
        let secret = Secret::fresh().unwrap();
        let settings = Settings {
            admin: Some(AdminToken::of(&secret)),
            ..Settings::default()
        };
        let keys = Arc::new(HttpKeys::new().unwrap());
        let (own, clocks) = (log.clone(), shared.clone());
        let guard = Guard::start(settings, keys, own, clocks, &tasks, &mut registry);
        let guard = guard.await.unwrap();
        let views = takt_views::Settings::default();
        let views = Views::start(log.clone(), views, &tasks, &mut registry);
        let views = views.await.unwrap();
        let public = key().public_key().as_ref().try_into().unwrap();
        let trust = Trust {
            roots: vec![Key::ed25519("test", public)],
            product: "takt".into(),
        };
        let services = Services::new(log.clone(), views, shared, Limits::default());
        let services = services.trusting(trust);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let peer = Peer {
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            certificate: None,
        };
        let router = services.v3(&guard).layer(Extension(peer));
        let serving = axum::serve(listener, router).with_graceful_shutdown(tasks.stopped());
        tasks.spawn("http", serving.into_future());
        let mut node = Self {
            log,
            clock,
            viewer: String::new(),
            secret,
            base: format!("http://127.0.0.1:{port}/admin/api/v3"),
            client: client(),
            routes: services.routes(&guard),
            tasks,
            _dir: dir,
        };
        for name in ["mine", "other"] {
            node.post("tenants", &json!({"name": name}))
                .await
                .expect(200);
        }
        node.viewer = node.token("viewer", &["control:read"], "*").await;
        node
    }

    /// A token of a policy of the same name.
    pub(crate) async fn token(&self, name: &str, scopes: &[&str], tenant: &str) -> String {
        let policy = json!({"name": name, "scopes": scopes, "realms": [{"tenant": tenant}]});
        self.post("accesspolicies", &policy).await.expect(200);
        let token = json!({"name": name, "access_policy": name});
        let made = self.post("tokens", &token).await.expect(200);
        made.json["token"].as_str().unwrap().to_owned()
    }

    /// As the plug-ins do it: no user, and the token as password.
    pub(crate) fn admin(&self) -> String {
        basic("", self.secret.reveal())
    }

    pub(crate) fn ask(&self, method: Method, path: &str, authorization: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}/{path}", self.base));
        match authorization {
            "" => request,
            value => request.header("authorization", value),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        answer(self.ask(Method::GET, path, &self.admin())).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        answer(self.ask(Method::POST, path, &self.admin()).json(body)).await
    }

    pub(crate) async fn put(&self, path: &str, etag: &str, body: &Value) -> Answer {
        let request = self.ask(Method::PUT, path, &self.admin());
        answer(request.header("if-match", etag).json(body)).await
    }

    pub(crate) async fn delete(&self, path: &str, etag: &str) -> Answer {
        let request = self.ask(Method::DELETE, path, &self.admin());
        answer(request.header("if-match", etag)).await
    }

    /// Does something and holds it to have changed nothing.
    pub(crate) async fn unchanged(&self, asking: impl Future<Output = Answer>) -> Answer {
        let before = self.log.state();
        let answer = asking.await;
        assert!(self.log.state() == before, "{answer:?}");
        answer
    }

    pub(crate) async fn newest_refusal(&self, reason: &str) {
        let newest = self.refusal().await;
        assert_eq!(newest.reason, reason);
        assert_eq!(newest.address, "127.0.0.1");
    }

    pub(crate) async fn recorded(&self, method: &str, reason: &str) {
        let newest = self.refusal().await;
        let method = format!("/{method}");
        assert_eq!(
            (newest.method.as_str(), newest.reason.as_str()),
            (method.as_str(), reason)
        );
    }

    async fn refusal(&self) -> wire::Refusal {
        let mut audit = AuditServiceClient::new(self.routes.clone());
        let request = self.signed(wire::ListRefusalsRequest { page_size: 1 });
        let refusals = audit.list_refusals(request).await.unwrap();
        refusals.into_inner().refusals.remove(0)
    }

    pub(crate) async fn entries(&self, tenant: &str) -> Vec<wire::AuditEntry> {
        let mut audit = AuditServiceClient::new(self.routes.clone());
        let request = self.signed(wire::ListEntriesRequest {
            tenant: tenant.into(),
            ..wire::ListEntriesRequest::default()
        });
        audit
            .list_entries(request)
            .await
            .unwrap()
            .into_inner()
            .entries
    }

    pub(crate) async fn policy(&self, name: &str) -> wire::AccessPolicySpec {
        let mut policies = AccessPolicyServiceClient::new(self.routes.clone());
        let request = self.signed(wire::GetAccessPolicyRequest { name: name.into() });
        let got = policies
            .get_access_policy(request)
            .await
            .unwrap()
            .into_inner();
        got.access_policy.unwrap().spec.unwrap()
    }

    pub(crate) async fn update_policy(&self, name: &str, spec: wire::AccessPolicySpec) {
        let mut policies = AccessPolicyServiceClient::new(self.routes.clone());
        let request = self.signed(wire::UpdateAccessPolicyRequest {
            name: name.into(),
            spec: Some(spec),
            change: None,
        });
        policies.update_access_policy(request).await.unwrap();
    }

    fn signed<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        let value = format!("Bearer {}", self.secret.reveal()).parse().unwrap();
        request.metadata_mut().insert("authorization", value);
        request
    }

    pub(crate) async fn stop(self) {
        drop((self.routes, self.log, self.client));
        self.tasks.stop();
        assert_eq!(self.tasks.drain(Duration::from_secs(10)).await, [""; 0]);
    }
}

impl Answer {
    #[track_caller]
    pub(crate) fn expect(self, code: u16) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }

    #[track_caller]
    pub(crate) fn refused(&self, code: u16, reason: &str) {
        assert_eq!(self.code, code, "{self:?}");
        assert_eq!(self.json["status"], json!("error"), "{self:?}");
        assert_eq!(self.json["reason"], json!(reason), "{self:?}");
        assert!(
            self.json["error"]
                .as_str()
                .is_some_and(|text| !text.is_empty())
        );
    }
}

pub(crate) async fn answer(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let header = |name: &str| {
        let value = response.headers().get(name);
        value.map_or("", |value| value.to_str().unwrap()).to_owned()
    };
    let (code, etag) = (response.status().as_u16(), header("etag"));
    let challenge = header("www-authenticate");
    let text = response.text().await.unwrap();
    Answer {
        code,
        etag,
        challenge,
        json: serde_json::from_str(&text).unwrap_or_default(),
        text,
    }
}

/// Each request has its own connection: one may end under a body that is refused unread.
fn client() -> reqwest::Client {
    let client = reqwest::Client::builder().pool_max_idle_per_host(0);
    client.no_proxy().build().unwrap()
}

pub(crate) fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// Signed with a key that these tests alone trust.
pub(crate) fn envelope() -> String {
    let (now, end) = (NOW.as_secs(), NOW.as_secs() + 90 * 86_400);
    let header = r#"{"alg":"EdDSA","typ":"takt-licence+jws","kid":"test"}"#;
    let payload = format!(
        r#"{{"licence":"l-1","customer":"Shop","products":["takt"],"features":["gateway"],"iat":{now},"nbf":{now},"exp":{end}}}"#
    );
    let parts = [header, &payload].map(|part| URL_SAFE_NO_PAD.encode(part));
    let signed = parts.join(".");
    let signature = URL_SAFE_NO_PAD.encode(key().sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

fn key() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap()
}
