use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message as _;
use takt_control::{Tenant, TenantState, UnknownTenants, View};
use takt_journal::{Fsync, Metrics, Offset, Settings};
use takt_kit::{Budget, ManualClock, Tasks};
use takt_model::ByteSize;

use super::*;

struct World {
    distributor: Distributor,
    journal: Journal,
    view: ViewHandle,
    live: Live,
    tasks: Tasks,
    clock: ManualClock,
    registry: Registry,
    _dir: tempfile::TempDir,
}

fn world() -> World {
    world_with_live_bytes(64 << 20)
}

fn world_with_live_bytes(max_bytes: usize) -> World {
    let dir = tempfile::tempdir().unwrap();
    let mut registry = Registry::default();
    let settings = Settings {
        fsync: Fsync::Never,
        max_record_bytes: 1 << 20,
        ..Settings::in_dir(dir.path())
    };
    let journal = Journal::open(settings, Metrics::register(&mut registry)).unwrap();
    let (view, tasks) = (ViewHandle::default(), Tasks::default());
    let live = Live::new(
        takt_live::Settings {
            max_bytes,
            batch_bytes: 1 << 20,
            covered: std::collections::BTreeMap::new(),
            from: Offset(0),
        },
        journal.clone(),
        view.clone(),
        Budget::new(64 << 20),
        takt_live::Metrics::register(&mut registry),
    );
    tasks.spawn("live", live.clone().run(tasks.clone()));
    let clock = ManualClock::at(UnixNano::from_secs(1_700_000_000));
    let distributor = Distributor::new(
        journal.clone(),
        view.clone(),
        live.clone(),
        Arc::new(clock.clone()),
        &mut registry,
    );
    World {
        distributor,
        journal,
        view,
        live,
        tasks,
        clock,
        registry,
        _dir: dir,
    }
}

impl World {
    async fn push(&self, request: &ExportTraceServiceRequest) -> Result<Accepted, Refused> {
        let request = Bytes::from(request.encode_to_vec());
        self.distributor.push(&TenantId::single(), request).await
    }

    /// What the journal holds, decoded.
    fn stored(&self) -> Vec<ExportTraceServiceRequest> {
        let records = self.journal.read(Offset(0), usize::MAX).unwrap();
        records
            .iter()
            .map(|record| ExportTraceServiceRequest::decode(record.body.clone()).unwrap())
            .collect()
    }

    async fn caught_up(&self) {
        assert!(self.live.catch_up(Duration::from_secs(10)).await);
    }

    fn metrics(&self) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry).unwrap();
        text
    }

    fn limit(&self, change: impl FnOnce(&mut Limits)) {
        let mut limits = Limits::default();
        change(&mut limits);
        self.view.publish(View {
            defaults: Arc::new(limits),
            ..View::default()
        });
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.tasks.stop();
    }
}

fn span(trace_id: &[u8], span_id: &[u8]) -> Span {
    Span {
        trace_id: trace_id.to_vec(),
        span_id: span_id.to_vec(),
        name: "GET /".to_owned(),
        ..Span::default()
    }
}

/// Two resources, so that a refusal can empty one of them.
fn request(first: Vec<Span>, second: Vec<Span>) -> ExportTraceServiceRequest {
    let resource = |url: &str, spans| ResourceSpans {
        schema_url: url.to_owned(),
        scope_spans: vec![ScopeSpans {
            spans,
            ..ScopeSpans::default()
        }],
        ..ResourceSpans::default()
    };
    ExportTraceServiceRequest {
        resource_spans: vec![resource("first", first), resource("second", second)],
    }
}

const TRACE: [u8; 16] = [1; 16];
const SPAN: [u8; 8] = [2; 8];

#[tokio::test]
async fn good_spans_are_journalled_byte_for_byte_with_tenant_and_time() {
    let world = world();
    let request = request(vec![span(&TRACE, &SPAN)], vec![span(&TRACE, &[3; 8])]);
    let accepted = world.push(&request).await.unwrap();
    assert_eq!((accepted.accepted_spans, accepted.rejected_spans), (2, 0));
    let records = world.journal.read(Offset(0), usize::MAX).unwrap();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].body, request.encode_to_vec());
    assert_eq!(records[0].tenant, TenantId::single());
    assert_eq!(records[0].received, world.clock.now());
}

#[tokio::test]
async fn spans_with_bad_ids_are_refused_alone_and_the_sender_is_told_why() {
    let world = world();
    let request = request(
        vec![
            span(&TRACE, &SPAN),
            span(&[7; 8], &SPAN),
            span(&[0; 16], &SPAN),
        ],
        vec![span(&TRACE, &[0; 8]), span(&TRACE, &[])],
    );
    let accepted = world.push(&request).await.unwrap();
    assert_eq!((accepted.accepted_spans, accepted.rejected_spans), (1, 4));
    assert_eq!(
        accepted.reason.unwrap(),
        "4 spans refused: 2 because trace ids must be 128 bit and not all zero, received 64 bits; \
         2 because span ids must be 64 bit and not all zero, received 64 bits"
    );
    let stored = world.stored();
    assert_eq!(stored.len(), 1);
    assert_eq!(
        stored[0].resource_spans.len(),
        1,
        "the emptied resource is gone"
    );
    assert_eq!(
        stored[0].resource_spans[0],
        ResourceSpans {
            scope_spans: vec![ScopeSpans {
                spans: vec![span(&TRACE, &SPAN)],
                ..ScopeSpans::default()
            }],
            ..request.resource_spans[0].clone()
        }
    );
    let metrics = world.metrics();
    for line in [
        "tempo_discarded_spans_total{reason=\"invalid_trace_id\",tenant=\"single-tenant\"} 2",
        "tempo_discarded_spans_total{reason=\"invalid_span_id\",tenant=\"single-tenant\"} 2",
        "tempo_distributor_spans_received_total{tenant=\"single-tenant\"} 5",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
}

#[tokio::test]
async fn a_request_of_bad_spans_only_leaves_no_record() {
    let world = world();
    let request = request(vec![span(&[], &SPAN)], Vec::new());
    let accepted = world.push(&request).await.unwrap();
    assert_eq!((accepted.accepted_spans, accepted.rejected_spans), (0, 1));
    assert_eq!(
        accepted.reason.unwrap(),
        "1 span refused: 1 because trace ids must be 128 bit and not all zero, received 0 bits"
    );
    assert_eq!(world.stored(), []);
}

#[tokio::test]
async fn spans_of_a_trace_that_is_too_large_are_refused_at_the_door() {
    let world = world();
    world.limit(|limits| limits.max_bytes_per_trace = ByteSize(40));
    let grown = request(vec![span(&TRACE, &SPAN), span(&TRACE, &[3; 8])], Vec::new());
    assert_eq!(world.push(&grown).await.unwrap().rejected_spans, 0);
    world.caught_up().await;
    let more = request(
        vec![span(&TRACE, &[4; 8]), span(&[9; 16], &SPAN)],
        Vec::new(),
    );
    let accepted = world.push(&more).await.unwrap();
    assert_eq!((accepted.accepted_spans, accepted.rejected_spans), (1, 1));
    let reason = accepted.reason.unwrap();
    assert!(reason.contains("global.max_bytes_per_trace"), "{reason}");
    let metrics = world.metrics();
    let line = "tempo_discarded_spans_total{reason=\"trace_too_large\",tenant=\"single-tenant\"} 1";
    assert!(metrics.contains(line), "{line} is not in\n{metrics}");
}

#[tokio::test]
async fn a_live_store_without_memory_refuses_before_the_acknowledgement() {
    let world = world_with_live_bytes(1);
    let request = request(vec![span(&TRACE, &SPAN)], Vec::new());
    world.push(&request).await.unwrap();
    world.caught_up().await;
    let refused = world.push(&request).await.unwrap_err();
    assert_eq!(refused.reject.reason, "LIVE_STORE_FULL");
    assert_eq!(refused.reject.retry_after, Some(RETRY_AFTER));
    assert_eq!(world.stored().len(), 1);
}

#[tokio::test]
async fn a_tenant_over_its_rate_is_told_when_to_come_back() {
    let world = world();
    let request = request(vec![span(&TRACE, &SPAN)], Vec::new());
    let bytes = request.encoded_len() as u64;
    world.limit(|limits| {
        limits.ingestion_rate_limit = ByteSize(bytes);
        limits.ingestion_burst = ByteSize(bytes);
    });
    world.push(&request).await.unwrap();
    let refused = world.push(&request).await.unwrap_err();
    assert_eq!(refused.spans, 1);
    assert_eq!(refused.reject.code, Code::Exhausted);
    assert_eq!(refused.reject.retry_after, Some(Duration::from_secs(5)));
    let message = refused.reject.message;
    assert!(
        message.starts_with("RATE_LIMITED: ingestion rate limit (local: "),
        "{message}"
    );
    assert!(
        message.contains(&format!(
            "while adding {bytes} bytes for user single-tenant"
        )),
        "{message}"
    );
    world.clock.advance(Duration::from_secs(1));
    world.push(&request).await.unwrap();
    assert_eq!(world.stored().len(), 2);
}

#[tokio::test]
async fn a_request_no_bucket_can_hold_is_not_worth_a_retry() {
    let world = world();
    world.limit(|limits| limits.ingestion_burst = ByteSize(10));
    let request = request(vec![span(&TRACE, &SPAN)], Vec::new());
    let refused = world.push(&request).await.unwrap_err().reject;
    assert_eq!((refused.code, refused.retry_after), (Code::Exhausted, None));
    assert!(
        refused.message.starts_with("RATE_LIMITED: batch size ("),
        "{refused}"
    );
    assert!(
        refused.message.contains("exceeds ingestion limit"),
        "{refused}"
    );
}

#[tokio::test]
async fn without_retry_info_a_rate_refusal_carries_no_hint() {
    let world = world();
    let request = request(vec![span(&TRACE, &SPAN)], Vec::new());
    world.limit(|limits| {
        limits.ingestion_burst = ByteSize(request.encoded_len() as u64);
        limits.ingestion_rate_limit = ByteSize(1);
        limits.retry_info_enabled = false;
    });
    world.push(&request).await.unwrap();
    let refused = world.push(&request).await.unwrap_err().reject;
    assert_eq!((refused.code, refused.retry_after), (Code::Exhausted, None));
}

#[tokio::test]
async fn tenants_that_may_not_write_leave_nothing() {
    let world = world();
    let tenant = Tenant {
        state: TenantState::Suspended,
        limits: Arc::new(Limits::default()),
    };
    world.view.publish(View {
        tenants: [(TenantId::single(), tenant)].into_iter().collect(),
        ..View::default()
    });
    let request = request(vec![span(&TRACE, &SPAN)], Vec::new());
    let refused = world.push(&request).await.unwrap_err().reject;
    assert_eq!(
        (refused.code, refused.reason),
        (Code::Denied, "TENANT_SUSPENDED")
    );
    world.view.publish(View {
        unknown: UnknownTenants::Refuse,
        ..View::default()
    });
    let refused = world.push(&request).await.unwrap_err().reject;
    assert_eq!(
        (refused.code, refused.reason),
        (Code::Denied, "TENANT_UNKNOWN")
    );
    assert_eq!(world.stored(), []);
}

#[tokio::test]
async fn bytes_that_are_no_request_are_refused_and_an_empty_request_is_fine() {
    let world = world();
    let tenant = TenantId::single();
    let whole = request(vec![span(&TRACE, &SPAN)], Vec::new()).encode_to_vec();
    let cut = Bytes::from(whole[..whole.len() - 1].to_vec());
    let refused = world.distributor.push(&tenant, cut).await.unwrap_err();
    assert_eq!(refused.reject.code, Code::Invalid);
    assert_eq!(refused.reject.retry_after, None);
    let accepted = world.distributor.push(&tenant, Bytes::new()).await;
    assert_eq!(accepted.unwrap(), Accepted::default());
    assert_eq!(world.stored(), []);
}

/// What is acknowledged is found: nothing may pass here that a consumer of the journal cannot decode.
#[tokio::test]
async fn a_span_with_malformed_attributes_is_not_acknowledged() {
    let world = world();
    let mut bad = span(&TRACE, &SPAN).encode_to_vec();
    // Field 9, two bytes: field 1 of three bytes, of which none is there.
    bad.extend([9 << 3 | 2, 2, 1 << 3 | 2, 3]);
    let scope = [&[2 << 3 | 2, u8::try_from(bad.len()).unwrap()][..], &bad].concat();
    let resource = [
        &[2 << 3 | 2, u8::try_from(scope.len()).unwrap()][..],
        &scope,
    ]
    .concat();
    let request = [
        &[1 << 3 | 2, u8::try_from(resource.len()).unwrap()][..],
        &resource,
    ]
    .concat();
    let pushed = world
        .distributor
        .push(&TenantId::single(), Bytes::from(request))
        .await;
    let stored = world.journal.read(Offset(0), usize::MAX).unwrap();
    let accepted = pushed.unwrap();
    assert_eq!((accepted.accepted_spans, accepted.rejected_spans), (0, 1));
    let reason = accepted.reason.unwrap();
    assert!(reason.contains("the span is malformed: "), "{reason}");
    assert_eq!(stored, []);
}

#[tokio::test]
async fn a_journal_that_cannot_take_a_request_says_whether_to_try_again() {
    let world = world();
    let mut large = span(&TRACE, &SPAN);
    large.name = "x".repeat(2 << 20);
    let refused = world
        .push(&request(vec![large], Vec::new()))
        .await
        .unwrap_err();
    assert_eq!(refused.reject.code, Code::Invalid);
    assert_eq!(refused.reject.retry_after, None);
    world.journal.close();
    let small = request(vec![span(&TRACE, &SPAN)], Vec::new());
    let refused = world.push(&small).await.unwrap_err();
    assert_eq!(refused.spans, 1);
    assert_eq!(refused.reject.code, Code::Unavailable);
    assert_eq!(refused.reject.retry_after, Some(RETRY_AFTER));
}

#[tokio::test]
async fn further_traces_are_refused_with_a_retry_hint_while_a_tenant_has_its_limit() {
    let world = world();
    world.limit(|limits| limits.max_live_traces = 1);
    world
        .push(&request(vec![span(&TRACE, &SPAN)], vec![]))
        .await
        .unwrap();
    world.caught_up().await;
    let refused = world
        .push(&request(vec![span(&[9; 16], &SPAN)], vec![]))
        .await
        .unwrap_err();
    assert_eq!(
        (refused.reject.code, refused.reject.reason, refused.spans),
        (Code::Exhausted, "LIVE_TRACES_EXCEEDED", 1)
    );
    assert_eq!(refused.reject.retry_after, Some(RETRY_AFTER));
    assert_eq!(world.stored().len(), 1);
}
