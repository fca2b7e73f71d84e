//! Whatever arrives is answered: with an error that says what is wrong, or with what was taken in.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use tonic_types::pb;

use crate::world::{World, encoded, request, span};

async fn message(answer: reqwest::Response) -> String {
    pb::Status::decode(answer.bytes().await.unwrap())
        .unwrap()
        .message
}

#[tokio::test]
async fn cut_requests_are_malformed_or_stored_as_what_they_are() {
    let world = World::start().await;
    let whole = encoded(vec![span(1), span(2)]);
    let client = reqwest::Client::new();
    for length in 1..whole.len() {
        let answer = client
            .post(world.url())
            .header("content-type", "application/x-protobuf")
            .body(whole.slice(..length))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 400, "cut at {length}");
        assert_ne!(message(answer).await, "");
    }
    assert_eq!(world.stored(), []);
}

#[tokio::test]
async fn noise_is_never_acknowledged_as_spans() {
    let world = World::start().await;
    let client = reqwest::Client::new();
    let mut seed = 0x9e37_79b9_7f4a_7c15u64;
    for size in (0..200).chain([10_000, 1 << 20]) {
        let noise: Vec<u8> = (0..size)
            .map(|_| {
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                seed.to_le_bytes()[3]
            })
            .collect();
        for content_type in ["application/x-protobuf", "application/json"] {
            let answer = client
                .post(world.url())
                .header("content-type", content_type)
                .body(noise.clone())
                .send()
                .await
                .unwrap();
            let status = answer.status();
            assert!(status == 400 || status == 200, "{status} for {size} bytes");
        }
    }
    // Unknown fields are legal protobuf, so some noise is an empty request; none of it is a span.
    assert_eq!(world.stored(), []);
}

#[tokio::test]
async fn json_that_is_none_says_where_it_breaks() {
    let world = World::start().await;
    for json in ["", "{", "[]", "nul", r#"{"resourceSpans": 7}"#] {
        let answer = world.post_json(json).send().await.unwrap();
        assert_eq!(answer.status(), 400, "{json}");
        let status: serde_json::Value = answer.json().await.unwrap();
        let text = status["message"].as_str().unwrap();
        assert!(text.starts_with("request is not OTLP JSON: "), "{text}");
    }
    let deep = "[".repeat(100_000);
    let answer = world
        .post_json(format!(r#"{{"resourceSpans":{deep}"#))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 400);
}

#[tokio::test]
async fn text_that_is_not_utf8_is_answered_and_what_is_acknowledged_is_stored() {
    let world = World::start().await;
    let mut body = encoded(vec![span(1)]).to_vec();
    let at = body
        .windows(9)
        .position(|part| part == b"operation")
        .unwrap();
    body[at] = 0xff;
    let answer = world.post(body.clone()).send().await.unwrap();
    // Bad bytes in a text are replaced when the span is decoded; the span is not lost for them.
    assert_eq!(answer.status(), 200);
    let records = world
        .journal
        .read(takt_journal::Offset(0), usize::MAX)
        .unwrap();
    assert_eq!(records[0].body, body);
}

#[tokio::test]
async fn ids_of_every_wrong_length_are_refused_one_by_one() {
    let world = World::start().await;
    let mut spans = vec![span(1)];
    for length in (0..40).filter(|length| *length != 16) {
        spans.push(Span {
            trace_id: vec![1; length],
            ..span(1)
        });
    }
    for length in (0..40).filter(|length| *length != 8) {
        spans.push(Span {
            span_id: vec![1; length],
            ..span(1)
        });
    }
    let answer = world.post(encoded(spans)).send().await.unwrap();
    let body = ExportTraceServiceResponse::decode(answer.bytes().await.unwrap()).unwrap();
    assert_eq!(body.partial_success.unwrap().rejected_spans, 78);
    assert_eq!(world.stored()[0].1, request(vec![span(1)]));
}

#[tokio::test]
async fn attributes_of_ten_megabytes_are_taken_in() {
    let world = World::start().await;
    let mut large = span(1);
    large.attributes.push(KeyValue {
        key: "large".to_owned(),
        value: Some(AnyValue {
            value: Some(Any::StringValue("x".repeat(10 << 20))),
        }),
        ..KeyValue::default()
    });
    let answer = world
        .post(encoded(vec![large.clone()]))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(world.stored()[0].1, request(vec![large]));
}

#[tokio::test]
async fn a_trace_of_a_hundred_thousand_spans_is_taken_in() {
    let world = World::start().await;
    let spans: Vec<_> = (1..=100_000u64)
        .map(|number| Span {
            span_id: number.to_be_bytes().to_vec(),
            ..span(1)
        })
        .collect();
    let answer = world.post(encoded(spans)).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let stored = world.stored();
    assert_eq!(
        stored[0].1.resource_spans[0].scope_spans[0].spans.len(),
        100_000
    );
}

#[tokio::test]
async fn times_of_any_year_are_taken_in() {
    let world = World::start().await;
    // The last nanosecond of a signed 64-bit time is in the year 2262.
    for (start, end) in [(0, 0), (i64::MAX as u64, u64::MAX), (u64::MAX, 0)] {
        let odd = Span {
            start_time_unix_nano: start,
            end_time_unix_nano: end,
            ..span(1)
        };
        let answer = world.post(encoded(vec![odd])).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{start} to {end}");
    }
    assert_eq!(world.stored().len(), 3);
}
