//! A whole read path in a temporary directory, and spans to put into it.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt as _;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{self as otlp, ResourceSpans, ScopeSpans, Status};
use parking_lot::Mutex;
use prometheus_client::registry::Registry;
use prost::Message as _;
use serde_json::Value;
use takt_block::Spec;
use takt_control::{Tenant, TenantState, View, ViewHandle};
use takt_journal::{Journal, Offset};
use takt_kit::{Budget, Clock, SystemClock, Tasks};
use takt_live::{CutPolicy, Live};
use takt_model::{BlockId, Limits, OverridesPatch, TenantId, TraceId, UnixNano};
use takt_query::{ApiState, BuildInfo, Frontend, Pages, Parts, Settings};
use takt_store::{BlockList, Store};
use tempfile::TempDir;
use tower::ServiceExt as _;

const WAIT: Duration = Duration::from_secs(10);

/// Where the spans of a test are when it asks.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Where {
    Live,
    Blocks,
    /// All but the last request in a block.
    HalfAndHalf,
}

/// One span, in a resource of its own.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    span: otlp::Span,
    service: String,
}

/// A span of a trace, both named by short numbers.
pub(crate) fn span(trace: &str, id: u8) -> Span {
    let span = otlp::Span {
        trace_id: TraceId::parse(trace).unwrap().0.to_vec(),
        span_id: vec![id; 8],
        kind: 1,
        ..otlp::Span::default()
    };
    Span {
        span,
        service: "none".into(),
    }
}

impl Span {
    pub(crate) fn under(mut self, parent: u8) -> Self {
        self.span.parent_span_id = vec![parent; 8];
        self
    }

    pub(crate) fn named(mut self, name: &str) -> Self {
        self.span.name = name.into();
        self
    }

    pub(crate) fn of(mut self, service: &str) -> Self {
        self.service = service.into();
        self
    }

    pub(crate) fn kind(mut self, kind: i32) -> Self {
        self.span.kind = kind;
        self
    }

    /// When it starts, in seconds since the epoch, and how long it takes.
    pub(crate) fn at(mut self, second: u64, millis: u64) -> Self {
        self.span.start_time_unix_nano = second * 1_000_000_000;
        self.span.end_time_unix_nano = self.span.start_time_unix_nano + millis * 1_000_000;
        self
    }

    pub(crate) fn with(mut self, key: &str, value: impl Into<Attribute>) -> Self {
        self.span.attributes.push(attribute(key, value.into()));
        self
    }

    pub(crate) fn failed(mut self, message: &str) -> Self {
        self.span.status = Some(Status {
            code: 2,
            message: message.into(),
        });
        self
    }
}

pub(crate) struct Attribute(any_value::Value);

impl From<&str> for Attribute {
    fn from(text: &str) -> Self {
        Self(any_value::Value::StringValue(text.into()))
    }
}

impl From<i64> for Attribute {
    fn from(number: i64) -> Self {
        Self(any_value::Value::IntValue(number))
    }
}

fn attribute(key: &str, value: Attribute) -> KeyValue {
    KeyValue {
        key: key.into(),
        value: Some(AnyValue {
            value: Some(value.0),
        }),
        ..KeyValue::default()
    }
}

fn encode(spans: &[Span]) -> Bytes {
    let group = |span: &Span| ResourceSpans {
        resource: Some(Resource {
            attributes: vec![attribute("service.name", span.service.as_str().into())],
            ..Resource::default()
        }),
        scope_spans: vec![ScopeSpans {
            spans: vec![span.span.clone()],
            ..ScopeSpans::default()
        }],
        ..ResourceSpans::default()
    };
    ExportTraceServiceRequest {
        resource_spans: spans.iter().map(group).collect(),
    }
    .encode_to_vec()
    .into()
}

/// An answer as it came.
pub(crate) struct Asked {
    pub(crate) status: u16,
    pub(crate) content_type: Option<String>,
    pub(crate) partial: Option<String>,
    pub(crate) warning: Option<String>,
    pub(crate) next_page: Option<String>,
    pub(crate) body: Bytes,
}

impl Asked {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("{} is no JSON: {}", self.status, self.text()))
    }
}

pub(crate) struct House {
    journal: Journal,
    live: Live,
    store: Store,
    blocks: BlockList,
    view: ViewHandle,
    pub(crate) frontend: Frontend,
    router: Router,
    tasks: Tasks,
    _dir: TempDir,
}

impl House {
    pub(crate) fn open(settings: Settings) -> Self {
        let house = Self::without_consumer(settings);
        house
            .tasks
            .spawn("live", house.live.clone().run(house.tasks.clone()));
        house
    }

    /// A house whose live store never reads the journal.
    pub(crate) fn without_consumer(settings: Settings) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let registry = Arc::new(Mutex::new(Registry::default()));
        let mut entered = registry.lock();
        let view = ViewHandle::default();
        let journal = Journal::open(
            takt_journal::Settings::in_dir(&dir.path().join("journal")),
            takt_journal::Metrics::register(&mut entered),
        )
        .unwrap();
        let live_settings = takt_live::Settings {
            max_bytes: 64 << 20,
            batch_bytes: 1 << 20,
            covered: Default::default(),
            from: Offset(0),
        };
        let live = Live::new(
            live_settings,
            journal.clone(),
            view.clone(),
            Budget::new(64 << 20),
            takt_live::Metrics::register(&mut entered),
        );
        let (store, blocks) = stored(dir.path());
        let parts = Parts {
            settings,
            live: live.clone(),
            store: store.clone(),
            blocks: blocks.clone(),
            view: view.clone(),
            clock: Arc::new(SystemClock),
            metrics: takt_query::Metrics::register(&mut entered),
        };
        drop(entered);
        let frontend = Frontend::new(parts).unwrap();
        let router = takt_query::router(ApiState {
            frontend: frontend.clone(),
            pages: Arc::new(pages(registry)),
        });
        Self {
            journal,
            live,
            store,
            blocks,
            view,
            frontend,
            router,
            tasks: Tasks::default(),
            _dir: dir,
        }
    }

    /// Another frontend over the same spans.
    pub(crate) fn another(&self, settings: Settings) -> Frontend {
        let parts = Parts {
            settings,
            live: self.live.clone(),
            store: self.store.clone(),
            blocks: self.blocks.clone(),
            view: self.view.clone(),
            clock: Arc::new(SystemClock),
            metrics: takt_query::Metrics::register(&mut Registry::default()),
        };
        Frontend::new(parts).unwrap()
    }

    pub(crate) async fn close(self) {
        self.tasks.stop();
        assert!(self.tasks.drain(WAIT).await.is_empty());
    }

    /// Sends each group as one request and puts the spans where they are wanted.
    pub(crate) async fn fill(&self, requests: &[Vec<Span>], place: Where) {
        let tenant = TenantId::SINGLE;
        let early = match place {
            Where::Live => 0,
            Where::Blocks => requests.len(),
            Where::HalfAndHalf => requests.len() - 1,
        };
        for request in &requests[..early] {
            self.send(tenant, request).await;
        }
        if early > 0 {
            self.store_live(tenant).await;
        }
        for request in &requests[early..] {
            self.send(tenant, request).await;
        }
    }

    /// Sends a request and waits until it can be found.
    pub(crate) async fn send(&self, tenant: &str, spans: &[Span]) {
        self.append(tenant, spans).await;
        assert!(self.live.catch_up(WAIT).await);
    }

    pub(crate) async fn append(&self, tenant: &str, spans: &[Span]) {
        self.journal
            .append(
                &TenantId::new(tenant).unwrap(),
                SystemClock.now(),
                encode(spans),
            )
            .await
            .unwrap();
    }

    /// Writes what is live to a block.
    async fn store_live(&self, tenant: &str) {
        let tenant = TenantId::new(tenant).unwrap();
        let known = self.blocks.snapshot(&tenant).len() as u128;
        let block = BlockId(uuid::Uuid::from_u128(7 + known));
        let policy = CutPolicy {
            now: UnixNano::MAX,
            trace_idle: Duration::ZERO,
            max_age: Duration::ZERO,
            max_spans_to_split: 0,
        };
        let cut = self.live.cut(&tenant, block, policy).unwrap();
        let spec = Spec {
            block,
            tenant: tenant.clone(),
            journal: None,
            compaction_level: 0,
        };
        let encoded = cut
            .segment
            .read(|columns| takt_block::write(columns, &spec))
            .unwrap();
        self.store.put_block(&encoded).await.unwrap();
        self.blocks.add(encoded.meta);
        self.live.release(&tenant, block);
    }

    /// Overrides one limit of the single tenant.
    pub(crate) fn limit(&self, name: &str, value: &str) {
        let mut patch = OverridesPatch::default();
        patch.set(name, value).unwrap();
        let limits = Arc::new(patch.over(&Limits::default()));
        let tenants = [(
            TenantId::single(),
            Tenant {
                state: TenantState::Active,
                limits,
            },
        )]
        .into_iter()
        .collect();
        self.view.publish(View {
            tenants,
            ..View::default()
        });
    }

    pub(crate) async fn get(&self, path: &str) -> Asked {
        self.ask(path, &[]).await
    }

    pub(crate) async fn get_as(&self, tenant: &str, path: &str) -> Asked {
        self.ask(path, &[("x-scope-orgid", tenant)]).await
    }

    pub(crate) async fn ask(&self, path: &str, headers: &[(&str, &str)]) -> Asked {
        let request = headers
            .iter()
            .fold(Request::get(path), |request, (name, value)| {
                request.header(*name, *value)
            });
        self.request(request.body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Asked {
        let request = headers
            .iter()
            .fold(Request::post(path), |request, (name, value)| {
                request.header(*name, *value)
            });
        self.request(request.body(Body::from(body.to_string())).unwrap())
            .await
    }

    async fn request(&self, request: Request<Body>) -> Asked {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let header = |name: &str| {
            let value = response.headers().get(name)?;
            Some(value.to_str().unwrap().to_owned())
        };
        Asked {
            status: response.status().as_u16(),
            content_type: header("content-type"),
            partial: header(takt_query::PARTIAL_HEADER),
            warning: header(takt_query::WARNING_HEADER),
            next_page: header(takt_query::NEXT_PAGE_HEADER),
            body: response.into_body().collect().await.unwrap().to_bytes(),
        }
    }
}

fn pages(registry: Arc<Mutex<Registry>>) -> Pages {
    Pages {
        build: BuildInfo {
            version: "1.2.3".into(),
            ..BuildInfo::default()
        },
        ready: Box::new(|| Ok(String::new())),
        metrics: Box::new(move || {
            let mut text = String::new();
            prometheus_client::encoding::text::encode(&mut text, &registry.lock()).unwrap();
            text
        }),
        services: Box::new(|| "query-frontend: Running\n".into()),
        config: Box::new(|| "target: all\n".into()),
    }
}

fn stored(dir: &std::path::Path) -> (Store, BlockList) {
    let settings = takt_store::Settings::local(dir.join("blocks"));
    let store = Store::open(&settings, takt_store::Metrics::default()).unwrap();
    let list = BlockList::new(store.clone(), takt_store::Metrics::default());
    (store, list)
}
