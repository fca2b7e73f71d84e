//! A control plane in which somebody of every kind is known, and calls of it by bytes.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use http_body_util::BodyExt as _;
use prometheus_client::registry::Registry;
use prost::Message as _;
use prost_reflect::{
    DescriptorPool, DynamicMessage, Kind, MessageDescriptor, ReflectMessage as _, Value,
};
use takt_kit::{ManualClock, Tasks};
use takt_log::Handle;
use takt_model::{Limits, UnixNano};
use takt_server::Services;
use takt_server::auth::{AdminToken, CertificateRule, Guard, Peer, Role, Secret, Settings};
use takt_views::Views;
use takt_wire::methods::AdminMethod;
use takt_wire::takt::admin::v1 as wire;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use tower::ServiceExt as _;

use crate::tokens::Corp;

/// Streams that go on until the caller has heard enough.
const ENDLESS: [AdminMethod; 2] = [AdminMethod::ControlSubscribe, AdminMethod::ResourceWatch];

pub(crate) const NOW: UnixNano = UnixNano(1_700_000_000_000_000_000);

pub(crate) struct Node {
    pub(crate) log: Handle,
    pub(crate) clock: ManualClock,
    pub(crate) admin: String,
    pub(crate) viewer: String,
    pub(crate) tenant_admin: String,
    pub(crate) node: String,
    /// Who else may say who somebody is.
    pub(crate) corp: Corp,
    router: Router,
    tasks: Tasks,
    pool: DescriptorPool,
    _dir: tempfile::TempDir,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: Code,
    pub(crate) reason: String,
    body: Vec<u8>,
}

impl Node {
    pub(crate) async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let tasks = Tasks::default();
        let clock = ManualClock::at(NOW);
        let shared = Arc::new(clock.clone());
        let mut registry = Registry::default();
        let log = takt_log::open(
            takt_log::Settings::new(dir.path().into()),
            takt_log::Parts::new(shared.clone()),
            &tasks,
            &mut registry,
        );
        let log = log.await.unwrap();
        let secret = Secret::fresh().unwrap();
        let settings = Settings {
            admin: Some(AdminToken::of(&secret)),
            anonymous: None,
            certificates: vec![CertificateRule {
                name: "spiffe://takt/node/*".into(),
                role: Role::Node,
            }],
        };
        let corp = Corp::new();
        let keys = Arc::new(corp.clone());
        let guard = Guard::start(
            settings,
            keys,
            log.clone(),
            shared.clone(),
            &tasks,
            &mut registry,
        );
        let guard = guard.await.unwrap();
        let views = Views::start(
            log.clone(),
            takt_views::Settings::default(),
            &tasks,
            &mut registry,
        )
        .await
        .unwrap();
        let services = Services::new(log.clone(), views, shared, Limits::default());
        let services = services.trusting(crate::licences::trust());
        let mut node = Self {
            log,
            clock,
            admin: secret.reveal().to_owned(),
            viewer: String::new(),
            tenant_admin: String::new(),
            node: String::new(),
            corp,
            router: services.routes(&guard).into_axum_router(),
            tasks,
            pool: DescriptorPool::decode(takt_wire::DESCRIPTORS).unwrap(),
            _dir: dir,
        };
        for tenant in ["mine", "other"] {
            let method = AdminMethod::TenantCreateTenant;
            let created = node
                .call(method, &node.bearer(), &node.about(method, tenant))
                .await;
            assert_eq!(created.code, Code::Ok, "{created:?}");
        }
        node.viewer = node.token("viewer", &policy(&["control:read"], "*")).await;
        node.tenant_admin = node
            .token("owner", &policy(&["tenant:admin"], "mine"))
            .await;
        node.node = node.token("node", &policy(&["control:node"], "*")).await;
        node.issuer("corp").await;
        node
    }

    /// A token of a policy of the same name.
    pub(crate) async fn token(&self, name: &str, spec: &wire::AccessPolicySpec) -> String {
        let request = wire::CreateAccessPolicyRequest {
            name: name.into(),
            spec: Some(spec.clone()),
            ..wire::CreateAccessPolicyRequest::default()
        };
        let created = self
            .ask(AdminMethod::AccessPolicyCreateAccessPolicy, &request)
            .await;
        assert_eq!(created.code, Code::Ok, "{created:?}");
        let request = wire::CreateTokenRequest {
            name: name.into(),
            policy: name.into(),
            ..wire::CreateTokenRequest::default()
        };
        self.create_token(request).await.secret
    }

    /// A viewer's that ends.
    pub(crate) async fn token_until(&self, name: &str, ends: Option<Duration>) -> String {
        let request = wire::CreateTokenRequest {
            name: name.into(),
            policy: "viewer".into(),
            expires_at: ends.map(|ends| NOW.plus(ends).0),
            ..wire::CreateTokenRequest::default()
        };
        self.create_token(request).await.secret
    }

    pub(crate) async fn create_token(
        &self,
        request: wire::CreateTokenRequest,
    ) -> wire::CreateTokenResponse {
        self.ask(AdminMethod::TokenCreateToken, &request)
            .await
            .read()
    }

    pub(crate) async fn revoke(&self, name: &str) {
        let request = wire::RevokeTokenRequest {
            name: name.into(),
            ..wire::RevokeTokenRequest::default()
        };
        let answer = self.ask(AdminMethod::TokenRevokeToken, &request).await;
        assert_eq!(answer.code, Code::Ok);
    }

    pub(crate) async fn switch_off(&self, name: &str) {
        let request = wire::UpdateAccessPolicyRequest {
            name: name.into(),
            spec: Some(wire::AccessPolicySpec {
                inactive: true,
                ..policy(&["admin"], "*")
            }),
            ..wire::UpdateAccessPolicyRequest::default()
        };
        let answer = self
            .ask(AdminMethod::AccessPolicyUpdateAccessPolicy, &request)
            .await;
        assert_eq!(answer.code, Code::Ok);
    }

    pub(crate) async fn delete_policy(&self, name: &str) {
        let request = wire::DeleteAccessPolicyRequest {
            name: name.into(),
            ..wire::DeleteAccessPolicyRequest::default()
        };
        let answer = self
            .ask(AdminMethod::AccessPolicyDeleteAccessPolicy, &request)
            .await;
        assert_eq!(answer.code, Code::Ok);
    }

    async fn issuer(&self, name: &str) {
        let request = wire::CreateOidcIssuerRequest {
            name: name.into(),
            spec: Some(issuer_spec("https://accounts.example")),
            ..wire::CreateOidcIssuerRequest::default()
        };
        let answer = self
            .ask(AdminMethod::OidcIssuerCreateOidcIssuer, &request)
            .await;
        assert_eq!(answer.code, Code::Ok, "{answer:?}");
    }

    pub(crate) async fn entries(&self, request: wire::ListEntriesRequest) -> Vec<wire::AuditEntry> {
        let answer = self.ask(AdminMethod::AuditListEntries, &request).await;
        answer.read::<wire::ListEntriesResponse>().entries
    }

    pub(crate) async fn ask(&self, method: AdminMethod, request: &impl prost::Message) -> Answer {
        self.call(method, &self.bearer(), &request.encode_to_vec())
            .await
    }

    /// Calls with a message; without a header if `authorization` is empty.
    pub(crate) async fn call(
        &self,
        method: AdminMethod,
        authorization: &str,
        message: &[u8],
    ) -> Answer {
        self.send(method, authorization, frame(message)).await
    }

    /// Calls with a body as it is.
    pub(crate) async fn send(
        &self,
        method: AdminMethod,
        authorization: &str,
        body: Vec<u8>,
    ) -> Answer {
        let peer = peer("127.0.0.1", None);
        self.post(method, authorization, body, Some(peer)).await
    }

    pub(crate) async fn call_from(
        &self,
        method: AdminMethod,
        authorization: &str,
        address: Option<&str>,
        certificate: Option<Vec<u8>>,
    ) -> Answer {
        let peer = address.map(|address| peer(address, certificate));
        self.post(method, authorization, frame(&[]), peer).await
    }

    async fn post(
        &self,
        method: AdminMethod,
        authorization: &str,
        body: Vec<u8>,
        peer: Option<Peer>,
    ) -> Answer {
        let mut request = http::Request::post(method.path())
            .version(http::Version::HTTP_2)
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        if !authorization.is_empty() {
            request = request.header("authorization", authorization);
        }
        let mut request = request.body(axum::body::Body::from(body)).unwrap();
        if let Some(peer) = peer {
            request.extensions_mut().insert(peer);
        }
        let response = self.router.clone().oneshot(request).await.unwrap();
        if let Some(status) = Status::from_header_map(response.headers()) {
            return Answer::of(&status);
        }
        if ENDLESS.contains(&method) {
            return Answer::of(&Status::ok(""));
        }
        let body = response.into_body().collect().await.unwrap();
        let status = body.trailers().and_then(Status::from_header_map);
        let mut answer = Answer::of(&status.unwrap_or_else(|| Status::ok("")));
        answer.body = body.to_bytes().to_vec();
        answer
    }

    /// Does something and holds it to have changed nothing.
    pub(crate) async fn unchanged(&self, call: impl Future<Output = Answer>) -> Answer {
        let before = self.log.state();
        let answer = call.await;
        assert_eq!(self.log.state().revision, before.revision, "{answer:?}");
        assert!(self.log.state() == before, "{answer:?}");
        answer
    }

    /// The newest refusal is this one.
    pub(crate) async fn recorded(&self, method: AdminMethod, code: Code, reason: &str) {
        let request = wire::ListRefusalsRequest { page_size: 1 };
        let answer = self.ask(AdminMethod::AuditListRefusals, &request).await;
        let newest = answer
            .read::<wire::ListRefusalsResponse>()
            .refusals
            .remove(0);
        let code = i32::from(code).cast_unsigned();
        assert_eq!(
            (newest.method.as_str(), newest.code, newest.reason.as_str()),
            (method.path(), code, reason)
        );
        assert_eq!(
            (newest.at, newest.address.as_str()),
            (self.log_time(), "127.0.0.1")
        );
    }

    fn log_time(&self) -> u64 {
        use takt_kit::Clock as _;
        self.clock.now().0
    }

    /// A request that names a tenant wherever it can.
    pub(crate) fn about(&self, method: AdminMethod, tenant: &str) -> Vec<u8> {
        let mut message = DynamicMessage::new(self.input(method));
        name_tenant(&mut message, tenant, 0);
        message.encode_to_vec()
    }

    /// Whether requests can ask for a version.
    pub(crate) fn takes_versions(&self, method: AdminMethod) -> bool {
        self.input(method).get_field_by_name("change").is_some()
    }

    pub(crate) fn decodes(&self, method: AdminMethod, bytes: &[u8]) -> bool {
        DynamicMessage::decode(self.input(method), bytes).is_ok()
    }

    /// Whether requests come as a stream.
    pub(crate) fn streams(&self, method: AdminMethod) -> bool {
        self.method(method).is_client_streaming()
    }

    fn input(&self, method: AdminMethod) -> MessageDescriptor {
        self.method(method).input()
    }

    fn method(&self, method: AdminMethod) -> prost_reflect::MethodDescriptor {
        let (service, name) = method
            .path()
            .trim_start_matches('/')
            .split_once('/')
            .unwrap();
        let service = self.pool.get_service_by_name(service).unwrap();
        let found = service.methods().find(|found| found.name() == name);
        found.unwrap()
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.admin)
    }

    pub(crate) async fn stop(self) {
        drop((self.router, self.log));
        self.tasks.stop();
        assert_eq!(self.tasks.drain(Duration::from_secs(10)).await, [""; 0]);
    }
}

impl Answer {
    fn of(status: &Status) -> Self {
        let details = status.get_error_details();
        Self {
            code: status.code(),
            reason: details
                .error_info()
                .map(|info| info.reason.clone())
                .unwrap_or_default(),
            body: Vec::new(),
        }
    }

    pub(crate) fn read<M: prost::Message + Default>(&self) -> M {
        assert_eq!(self.code, Code::Ok, "{self:?}");
        M::decode(&self.body[5..]).unwrap()
    }

    /// All messages of a stream.
    pub(crate) fn read_all<M: prost::Message + Default>(&self) -> Vec<M> {
        assert_eq!(self.code, Code::Ok, "{self:?}");
        let mut messages = Vec::new();
        let mut rest = self.body.as_slice();
        while let Some((prefix, after)) = rest.split_first_chunk::<5>() {
            let length = u32::from_be_bytes([prefix[1], prefix[2], prefix[3], prefix[4]]);
            let (message, after) = after.split_at(usize::try_from(length).unwrap());
            messages.push(M::decode(message).unwrap());
            rest = after;
        }
        messages
    }
}

pub(crate) fn policy(scopes: &[&str], tenant: &str) -> wire::AccessPolicySpec {
    wire::AccessPolicySpec {
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        realms: vec![wire::Realm {
            tenant: tenant.into(),
            ..wire::Realm::default()
        }],
        ..wire::AccessPolicySpec::default()
    }
}

pub(crate) fn issuer_spec(issuer: &str) -> wire::OidcIssuerSpec {
    wire::OidcIssuerSpec {
        issuer: issuer.into(),
        audiences: vec!["takt".into()],
        jwks_url: format!("{issuer}/keys"),
        algorithms: vec!["ES256".into()],
        mappings: vec![wire::ClaimMapping {
            claim: "groups".into(),
            pattern: "takt-(.*)".into(),
            ..wire::ClaimMapping::default()
        }],
        ..wire::OidcIssuerSpec::default()
    }
}

/// A client's certificate of this name.
pub(crate) fn certificate(uri: &str) -> Vec<u8> {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    let uri = uri.try_into().unwrap();
    params.subject_alt_names.push(rcgen::SanType::URI(uri));
    params.self_signed(&key).unwrap().der().to_vec()
}

fn peer(address: &str, certificate: Option<Vec<u8>>) -> Peer {
    let address: IpAddr = address.parse().unwrap();
    Peer {
        address,
        certificate,
    }
}

fn frame(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap();
    let mut frame = vec![0];
    frame.extend(length.to_be_bytes());
    frame.extend(message);
    frame
}

/// Requests name tenants at their top or one message below, as `scope.tenant`.
fn name_tenant(message: &mut DynamicMessage, tenant: &str, depth: usize) {
    let fields: Vec<_> = message.descriptor().fields().collect();
    for field in fields {
        match field.kind() {
            Kind::String if field.name() == "tenant" && !field.is_list() => {
                message.set_field(&field, Value::String(tenant.into()));
            }
            Kind::Message(_) if depth == 0 && !field.is_list() && !field.is_map() => {
                let Value::Message(inner) = message.get_field_mut(&field) else {
                    continue;
                };
                name_tenant(inner, tenant, depth + 1);
            }
            _ => {}
        }
    }
}
