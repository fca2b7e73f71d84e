//! A client that sends numbered requests, each again and again until it is acknowledged.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message as _;
use takt_testkit::Sender;

use crate::random::Random;
use crate::server::ledger::{
    Ledger, NUMBERS_PER_PAGE, Number, SPANS_PER_TRACE, TRACES_PER_NUMBER, span_id, trace_id,
};

/// Of one attribute: longer ones are cut.
const NOISE_BYTES: usize = 2048;

/// Longer than a trace is waited for, at times: some traces go into several blocks.
const BETWEEN_SPANS: Duration = Duration::from_millis(60);

/// What all writers of a trial share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) otlp: String,
    next: AtomicU64,
    enough: AtomicBool,
}

impl Shared {
    pub(crate) fn new(otlp: String) -> Arc<Self> {
        Arc::new(Self {
            otlp,
            next: AtomicU64::new(0),
            enough: AtomicBool::new(false),
        })
    }

    /// A number nobody has sent yet.
    pub(crate) fn take(&self) -> Number {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Every writer finishes the traces it is at.
    pub(crate) fn enough(&self) {
        self.enough.store(true, Ordering::Relaxed);
    }
}

/// Sends until told that it is enough; returns what was acknowledged, which is all that was sent.
pub(crate) async fn write(shared: Arc<Shared>) -> anyhow::Result<Vec<Number>> {
    let mut acknowledged = Vec::new();
    let mut sender = None;
    while !shared.enough.load(Ordering::Relaxed) {
        let number = shared.take();
        // A span at a time: traces are cut, killed and replayed while they are still growing.
        for span in 0..SPANS_PER_TRACE {
            let request = request(number, span..span + 1, 0);
            while !send(&shared.otlp, &mut sender, request.clone()).await? {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            // Enough to meet every stage of a block, little enough to ask for every trace afterwards.
            tokio::time::sleep(BETWEEN_SPANS).await;
        }
        acknowledged.push(number);
    }
    Ok(acknowledged)
}

/// Whether the request was acknowledged; not if the server was away, stopped or killed meanwhile.
async fn send(otlp: &str, sender: &mut Option<Sender>, request: Bytes) -> anyhow::Result<bool> {
    let connected = match sender {
        Some(connected) => connected,
        None => match Sender::connect(otlp).await {
            Ok(fresh) => sender.insert(fresh),
            Err(_) => return Ok(false),
        },
    };
    let answer = tokio::time::timeout(Duration::from_secs(5), connected.send(request)).await;
    match answer {
        Ok(Ok(answer)) => {
            anyhow::ensure!(
                answer.rejected_spans == 0,
                "spans were refused: {}",
                answer.reason
            );
            Ok(true)
        }
        Ok(Err(status)) if status.code() == tonic::Code::InvalidArgument => {
            anyhow::bail!("a good request was refused: {status}")
        }
        Ok(Err(_)) | Err(_) => {
            *sender = None;
            Ok(false)
        }
    }
}

/// Some spans of each trace of a number; `ballast` bytes of noise go into every span.
pub(crate) fn request(number: Number, spans: Range<u64>, ballast: usize) -> Bytes {
    let spans = (0..TRACES_PER_NUMBER)
        .flat_map(|trace| {
            let numbered = move |span| numbered(number, trace, span, ballast);
            spans.clone().map(numbered)
        })
        .collect();
    let resource = Resource {
        attributes: vec![attribute(
            "service.name",
            Value::StringValue("chaos".to_owned()),
        )],
        ..Resource::default()
    };
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(resource),
            scope_spans: vec![ScopeSpans {
                spans,
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    }
    .encode_to_vec()
    .into()
}

fn numbered(number: Number, trace: u64, span: u64, ballast: usize) -> Span {
    const EPOCH: u64 = 1_800_000_000_000_000_000;
    let start = EPOCH + number * 1_000_000 + span * 1000;
    let page = i64::try_from(number / NUMBERS_PER_PAGE).unwrap_or(i64::MAX);
    let mut attributes = vec![attribute("chaos.page", Value::IntValue(page))];
    if ballast > 0 {
        let mut random = Random::new(number ^ (span << 32) ^ (trace << 40));
        for at in 0..ballast / NOISE_BYTES {
            let noise = (0..NOISE_BYTES / 16)
                .map(|_| format!("{:016x}", random.next()))
                .collect();
            let key = format!("chaos.noise.{at}");
            attributes.push(attribute(&key, Value::StringValue(noise)));
        }
    }
    Span {
        trace_id: trace_id(number, trace).to_vec(),
        span_id: span_id(number, trace, span).to_vec(),
        parent_span_id: if span == 0 {
            Vec::new()
        } else {
            span_id(number, trace, 0).to_vec()
        },
        name: format!("step {span}"),
        kind: 1,
        start_time_unix_nano: start,
        end_time_unix_nano: start + 500,
        attributes,
        ..Span::default()
    }
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

/// Records what a writer had acknowledged.
pub(crate) fn enter(ledger: &mut Ledger, acknowledged: Vec<Number>) {
    for number in acknowledged {
        ledger.acknowledge(number);
    }
}
