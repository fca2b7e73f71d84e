//! What a span costs from the socket to the journal, in CPU time of the receiving process.
//!
//! `cargo run --release --workspace --example measure -p takt-receive [requests]`: the process starts
//! a copy of itself as the sender, so that the sender's work is not counted. Journal without fsync, no
//! live store running.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a program for measuring, run by hand"
)]

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prometheus_client::registry::Registry;
use prost::Message as _;
use takt_control::{View, ViewHandle};
use takt_ingest::Distributor;
use takt_journal::{Fsync, Journal, Offset};
use takt_kit::{Budget, SystemClock, Tasks};
use takt_live::Live;
use takt_model::{ByteSize, Limits, TenantId};
use takt_receive::{Receiver, Settings, serve_grpc, serve_http};
use tokio::net::TcpListener;

const SPANS: usize = 400;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [send, url, requests] if send == "send" => send_all(url, requests.parse().unwrap()).await,
        [] => receive("2000").await,
        [requests, ..] => receive(requests).await,
    }
}

async fn receive(requests: &str) {
    let dir = tempfile::tempdir().unwrap();
    let mut registry = Registry::default();
    let distributor = distributor(dir.path(), &mut registry);
    let body = Bytes::from(request().encode_to_vec());
    println!("{} bytes a span", body.len() / SPANS);
    let count: usize = requests.parse().unwrap();

    let before = cpu();
    for _ in 0..count {
        let pushed = distributor.push(&TenantId::single(), body.clone()).await;
        assert_eq!(pushed.unwrap().accepted_spans, SPANS as u64);
    }
    report("scan and append", before, count);

    let receiver = Receiver::new(Settings::default(), distributor, &mut registry).unwrap();
    let tasks = Tasks::default();
    let grpc = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let http = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let urls = [
        format!("grpc://{}", grpc.local_addr().unwrap()),
        format!("http://{}", http.local_addr().unwrap()),
    ];
    tasks.spawn("grpc", serve_grpc(grpc, receiver.clone(), tasks.clone()));
    tasks.spawn("http", serve_http(http, receiver, tasks.clone()));
    for url in urls {
        let before = cpu();
        let mut sender = Command::new(std::env::current_exe().unwrap())
            .args(["send", &url, requests])
            .spawn()
            .unwrap();
        let ended = tokio::task::spawn_blocking(move || sender.wait()).await;
        assert!(ended.unwrap().unwrap().success());
        report(&url, before, count);
    }
    tasks.stop();
}

fn distributor(dir: &std::path::Path, registry: &mut Registry) -> Arc<Distributor> {
    let settings = takt_journal::Settings {
        fsync: Fsync::Never,
        ..takt_journal::Settings::in_dir(dir)
    };
    let metrics = takt_journal::Metrics::register(registry);
    let journal = Journal::open(settings, metrics).unwrap();
    let limits = Limits {
        ingestion_rate_limit: ByteSize(u64::MAX),
        ingestion_burst: ByteSize(u64::MAX),
        ..Limits::default()
    };
    let view = ViewHandle::new(View {
        defaults: Arc::new(limits),
        ..View::default()
    });
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
        takt_live::Metrics::register(registry),
    );
    let clock = Arc::new(SystemClock);
    Arc::new(Distributor::new(journal, view, live, clock, registry))
}

async fn send_all(url: &str, requests: usize) {
    let request = request();
    let Some(address) = url.strip_prefix("grpc://") else {
        let body = Bytes::from(request.encode_to_vec());
        let client = reqwest::Client::new();
        for _ in 0..requests {
            let answer = client
                .post(format!("{url}/v1/traces"))
                .header("content-type", "application/x-protobuf")
                .body(body.clone())
                .send()
                .await
                .unwrap();
            assert_eq!(answer.status(), 200);
        }
        return;
    };
    let mut client = TraceServiceClient::connect(format!("http://{address}"))
        .await
        .unwrap();
    for _ in 0..requests {
        client.export(request.clone()).await.unwrap();
    }
}

fn report(what: &str, before: Duration, requests: usize) {
    let used = cpu().saturating_sub(before);
    let nanos = used.as_nanos() as f64 / (requests * SPANS) as f64;
    println!("{what}: {nanos:.0} ns of CPU a span");
}

/// CPU time of this process so far, in clock ticks of 10 ms.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

fn request() -> ExportTraceServiceRequest {
    let spans = (1..=SPANS as u64).map(span).collect();
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            scope_spans: vec![ScopeSpans {
                spans,
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    }
}

/// A span of an HTTP server with the attributes OpenTelemetry gives it.
fn span(number: u64) -> Span {
    let attributes = [
        ("http.request.method", "GET"),
        ("http.route", "/api/products/{productId}"),
        ("url.path", "/api/products/OLJCESPC7Z"),
        ("url.scheme", "http"),
        ("server.address", "frontend.shop.svc.cluster.local"),
        ("user_agent.original", "python-requests/2.32.3"),
        ("network.protocol.version", "1.1"),
        ("client.address", "10.244.3.17"),
    ];
    Span {
        trace_id: u128::from(number / 20 + 1).to_be_bytes().to_vec(),
        span_id: number.to_be_bytes().to_vec(),
        parent_span_id: (number / 2 + 1).to_be_bytes().to_vec(),
        name: "GET /api/products/{productId}".to_owned(),
        kind: 2,
        start_time_unix_nano: 1_700_000_000_000_000_000 + number,
        end_time_unix_nano: 1_700_000_000_005_000_000 + number,
        attributes: attributes
            .map(|(key, value)| KeyValue {
                key: key.to_owned(),
                value: Some(AnyValue {
                    value: Some(Any::StringValue(value.to_owned())),
                }),
                ..KeyValue::default()
            })
            .into(),
        ..Span::default()
    }
}
