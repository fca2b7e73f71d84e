//! A receiver on loopback, and what its journal holds.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prometheus_client::registry::Registry;
use prost::Message as _;
use takt_control::{View, ViewHandle};
use takt_ingest::Distributor;
use takt_journal::{Fsync, Journal, Metrics, Offset};
use takt_kit::{Budget, SystemClock, Tasks};
use takt_live::Live;
use takt_model::Limits;
use takt_receive::{Receiver, Settings, serve_grpc, serve_http};
use tokio::net::TcpListener;

pub(crate) struct World {
    pub(crate) grpc: SocketAddr,
    pub(crate) http: SocketAddr,
    pub(crate) journal: Journal,
    pub(crate) tasks: Tasks,
    view: ViewHandle,
    registry: Registry,
    _dir: tempfile::TempDir,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut registry = Registry::default();
        let settings = takt_journal::Settings {
            fsync: Fsync::Never,
            ..takt_journal::Settings::in_dir(dir.path())
        };
        let journal = Journal::open(settings, Metrics::register(&mut registry)).unwrap();
        let view = ViewHandle::default();
        let live = Live::new(
            takt_live::Settings {
                max_bytes: 1 << 30,
                batch_bytes: 1 << 20,
                covered: BTreeMap::new(),
                from: Offset(0),
            },
            journal.clone(),
            view.clone(),
            Budget::new(1 << 30),
            takt_live::Metrics::register(&mut registry),
        );
        let distributor = Arc::new(Distributor::new(
            journal.clone(),
            view.clone(),
            live,
            Arc::new(SystemClock),
            &mut registry,
        ));
        let mut settings = Settings::default();
        change(&mut settings);
        let receiver = Receiver::new(settings, distributor, &mut registry).unwrap();
        let tasks = Tasks::default();
        let (grpc, http) = (listener().await, listener().await);
        let world = Self {
            grpc: grpc.local_addr().unwrap(),
            http: http.local_addr().unwrap(),
            journal,
            tasks: tasks.clone(),
            view,
            registry,
            _dir: dir,
        };
        tasks.spawn(
            "receive_grpc",
            serve_grpc(grpc, receiver.clone(), tasks.clone()),
        );
        tasks.spawn("receive_http", serve_http(http, receiver, tasks.clone()));
        world
    }

    pub(crate) fn limit(&self, change: impl FnOnce(&mut Limits)) {
        let mut limits = Limits::default();
        change(&mut limits);
        self.view.publish(View {
            defaults: Arc::new(limits),
            ..View::default()
        });
    }

    /// Tenants and requests in the journal.
    pub(crate) fn stored(&self) -> Vec<(String, ExportTraceServiceRequest)> {
        let records = self.journal.read(Offset(0), usize::MAX).unwrap();
        records
            .into_iter()
            .map(|record| {
                let request = ExportTraceServiceRequest::decode(record.body).unwrap();
                (record.tenant.to_string(), request)
            })
            .collect()
    }

    pub(crate) fn metrics(&self) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry).unwrap();
        text
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/v1/traces", self.http)
    }

    pub(crate) fn post(&self, body: impl Into<reqwest::Body>) -> reqwest::RequestBuilder {
        self.post_as("application/x-protobuf", body)
    }

    pub(crate) fn post_json(&self, json: impl Into<reqwest::Body>) -> reqwest::RequestBuilder {
        self.post_as("application/json; charset=utf-8", json)
    }

    fn post_as(&self, form: &str, body: impl Into<reqwest::Body>) -> reqwest::RequestBuilder {
        reqwest::Client::new()
            .post(self.url())
            .header("content-type", form)
            .body(body)
    }
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

/// Waits until something is so; the test's own time limit is the only other end.
pub(crate) async fn eventually(mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub(crate) fn span(number: u8) -> Span {
    Span {
        trace_id: vec![number; 16],
        span_id: vec![number; 8],
        name: format!("operation {number}"),
        start_time_unix_nano: 1_700_000_000_000_000_000,
        end_time_unix_nano: 1_700_000_000_001_000_000,
        ..Span::default()
    }
}

pub(crate) fn request(spans: Vec<Span>) -> ExportTraceServiceRequest {
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource::default()),
            scope_spans: vec![ScopeSpans {
                spans,
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    }
}

pub(crate) fn encoded(spans: Vec<Span>) -> Bytes {
    request(spans).encode_to_vec().into()
}
