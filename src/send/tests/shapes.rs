//! How files become requests: sizes, ids, times, pace.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::Link;
use tokio::time::Instant;

use super::super::fresh::{Change, salt};
use super::super::replay;
use super::super::replay::Pace;
use super::endpoint::Endpoint;
use super::{all_spans, replay_of, resources, spans};

#[tokio::test]
async fn all_spans_arrive_with_their_resource_in_requests_of_the_size_asked_for() {
    let endpoint = Endpoint::default();
    let mut asked = replay_of(&["nezha.csv.gz"], &endpoint.http().await);
    asked.batch = 7;
    let summary = replay(asked, |_| {}).await.unwrap();
    assert_eq!((summary.files, summary.traces, summary.spans), (1, 3, 30));
    assert_eq!(
        (summary.requests, summary.refused, summary.retried),
        (5, 0, 0)
    );
    let requests = endpoint.requests();
    let mut sizes: Vec<_> = requests
        .iter()
        .map(|request| spans(&request.resource_spans).count())
        .collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [2, 7, 7, 7, 7]);
    let by_pod = |resources: &[opentelemetry_proto::tonic::trace::v1::ResourceSpans]| {
        let mut found = BTreeSet::new();
        for resource in resources {
            let pod = format!("{:?}", resource.resource);
            for span in spans(std::slice::from_ref(resource)) {
                found.insert((pod.clone(), span.span_id.clone()));
            }
        }
        found
    };
    let arrived: Vec<_> = requests
        .into_iter()
        .flat_map(|request| request.resource_spans)
        .collect();
    assert_eq!(by_pod(&arrived), by_pod(&resources("nezha.csv.gz")));
}

#[tokio::test]
async fn grpc_carries_the_same_with_tenant_and_headers() {
    let endpoint = Endpoint::default();
    let mut asked = replay_of(&["otlp.json"], &endpoint.grpc().await);
    asked.headers = [("x-scope-orgid", "team-a"), ("x-more", "1")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    replay(asked, |_| {}).await.unwrap();
    assert_eq!(
        endpoint.requests()[0].resource_spans,
        resources("otlp.json")
    );
    let headers = &endpoint.headers()[0];
    assert_eq!(headers["x-scope-orgid"], "team-a");
    assert_eq!(headers["x-more"], "1");
}

#[tokio::test]
async fn every_repeat_has_traces_of_its_own_with_the_same_spans() {
    let endpoint = Endpoint::default();
    let mut asked = replay_of(&["nezha.csv.gz", "otlp.json"], &endpoint.http().await);
    asked.repeat = 3;
    let summary = replay(asked, |_| {}).await.unwrap();
    assert_eq!((summary.files, summary.traces, summary.spans), (6, 12, 96));
    let mut traces: BTreeMap<Vec<u8>, BTreeSet<Vec<u8>>> = BTreeMap::new();
    for span in all_spans(&endpoint.requests()) {
        traces
            .entry(span.trace_id)
            .or_default()
            .insert(span.span_id);
    }
    let shapes: BTreeSet<_> = traces.values().collect();
    assert_eq!((traces.len(), shapes.len()), (12, 4));
    for span in spans(&resources("otlp.json")) {
        assert!(
            traces.contains_key(&span.trace_id),
            "the first time keeps ids"
        );
    }
}

#[tokio::test]
async fn fresh_ids_keep_files_apart_that_use_the_same_ids() {
    let endpoint = Endpoint::default();
    let twice = ["jaeger-crisp-16.json", "jaeger-crisp-16.json"];
    let mut asked = replay_of(&twice, &endpoint.http().await);
    assert_eq!(replay(asked.clone(), |_| {}).await.unwrap().traces, 1);
    asked.fresh_ids = true;
    assert_eq!(replay(asked, |_| {}).await.unwrap().traces, 2);
}

#[test]
fn links_into_the_data_still_point_there() {
    let span = Span {
        trace_id: vec![1; 16],
        links: vec![Link {
            trace_id: vec![1; 16],
            ..Link::default()
        }],
        ..Span::default()
    };
    let mut resources = resources("otlp.json");
    resources[0].scope_spans[0].spans = vec![span];
    let change = Change {
        salt: salt(),
        shift: 0,
    };
    change.apply(&mut resources);
    let span = &resources[0].scope_spans[0].spans[0];
    assert_ne!(span.trace_id, [1; 16]);
    assert_eq!(span.links[0].trace_id, span.trace_id);
}

#[tokio::test]
async fn data_can_end_now() {
    let endpoint = Endpoint::default();
    let mut asked = replay_of(
        &["zipkin-skew.json", "nezha.csv.gz"],
        &endpoint.http().await,
    );
    asked.end_now = true;
    let clock = takt_kit::SystemClock;
    let before = takt_kit::Clock::now(&clock).0;
    replay(asked, |_| {}).await.unwrap();
    let after = takt_kit::Clock::now(&clock).0;
    let sent = all_spans(&endpoint.requests());
    let last = sent
        .iter()
        .map(|span| span.end_time_unix_nano)
        .max()
        .unwrap();
    assert!((before..=after).contains(&last), "{before} {last} {after}");
    let nezha = resources("nezha.csv.gz");
    let old: Vec<_> = spans(&nezha).collect();
    let new = |id: &[u8]| sent.iter().find(|span| span.span_id == id).unwrap();
    let (other, first) = (old[0], old[17]);
    assert_eq!(
        new(&first.span_id).start_time_unix_nano - new(&other.span_id).start_time_unix_nano,
        first.start_time_unix_nano - other.start_time_unix_nano,
        "distances stay"
    );
}

#[tokio::test(start_paused = true)]
async fn requests_are_spread_over_time_and_lost_time_is_not_made_up_for() {
    let mut pace = Pace::new(1_000);
    let started = Instant::now();
    for _ in 0..5 {
        pace.wait(400).await;
    }
    assert_eq!(started.elapsed().as_millis(), 1_600);
    tokio::time::advance(Duration::from_secs(60)).await;
    let resumed = Instant::now();
    pace.wait(400).await;
    pace.wait(400).await;
    assert_eq!(resumed.elapsed().as_millis(), 400);
}

#[tokio::test]
async fn an_endpoint_that_makes_no_sense_is_refused() {
    for endpoint in ["localhost:4318", "ftp://localhost", ""] {
        let refused = replay(replay_of(&["otlp.json"], endpoint), |_| {}).await;
        assert!(
            refused.unwrap_err().to_string().contains("grpc://"),
            "{endpoint}"
        );
    }
}
