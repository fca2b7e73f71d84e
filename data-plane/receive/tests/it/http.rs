//! OTLP over HTTP as a collector's exporter sees it.

use std::io::Write as _;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message as _;
use serde_json::{Value, json};
use takt_model::ByteSize;
use tonic_types::pb;

use crate::world::{World, encoded, request, span};

#[tokio::test]
async fn a_protobuf_request_is_stored_as_it_came() {
    let world = World::start().await;
    let answer = world.post(encoded(vec![span(1)])).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "application/x-protobuf");
    let body = answer.bytes().await.unwrap();
    let body = ExportTraceServiceResponse::decode(body).unwrap();
    assert_eq!(body, ExportTraceServiceResponse::default());
    assert_eq!(
        world.stored(),
        [("single-tenant".to_owned(), request(vec![span(1)]))]
    );
    let metrics = world.metrics();
    let line = "tempo_receiver_accepted_spans{receiver=\"otlp\",transport=\"http\",tenant=\"single-tenant\"} 1";
    assert!(metrics.contains(line), "{line} is not in\n{metrics}");
}

#[tokio::test]
async fn a_json_request_is_stored_as_protobuf_and_answered_in_json() {
    let world = World::start().await;
    let request = json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": [{
        "traceId": "01010101010101010101010101010101",
        "spanId": "0101010101010101",
        "name": "operation 1",
        "startTimeUnixNano": "1700000000000000000",
        "endTimeUnixNano": "1700000000001000000",
    }] }] }] });
    let answer = world.post_json(request.to_string()).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body, json!({ "partialSuccess": {} }));
    let stored = world.stored();
    let spans = &stored[0].1.resource_spans[0].scope_spans[0].spans;
    assert_eq!(*spans, [span(1)]);
}

#[tokio::test]
async fn partly_refused_requests_say_so_in_both_forms() {
    let world = World::start().await;
    let mut bad = span(2);
    bad.trace_id.truncate(8);
    let answer = world
        .post(encoded(vec![span(1), bad]))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let body = ExportTraceServiceResponse::decode(answer.bytes().await.unwrap()).unwrap();
    let partial = body.partial_success.unwrap();
    assert_eq!(partial.rejected_spans, 1);
    assert!(
        partial.error_message.contains("received 64 bits"),
        "{partial:?}"
    );
    assert_eq!(
        world.stored(),
        [("single-tenant".to_owned(), request(vec![span(1)]))]
    );

    let json = json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": [{ "spanId": "0101010101010101" }] }] }] });
    let answer = world.post_json(json.to_string()).send().await.unwrap();
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["partialSuccess"]["rejectedSpans"], "1");
    assert!(body["partialSuccess"]["errorMessage"].is_string());
}

#[tokio::test]
async fn every_content_encoding_is_unpacked() {
    let world = World::start().await;
    let plain = encoded((1..50).map(span).collect());
    let level = flate2::Compression::fast();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), level);
    gzip.write_all(&plain).unwrap();
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), level);
    zlib.write_all(&plain).unwrap();
    let zlib = zlib.finish().unwrap();
    let packed = [
        ("gzip", gzip.finish().unwrap()),
        ("deflate", zlib.clone()),
        ("zlib", zlib),
        ("zstd", zstd::encode_all(&plain[..], 1).unwrap()),
        (
            "snappy",
            snap::raw::Encoder::new().compress_vec(&plain).unwrap(),
        ),
    ];
    let count = packed.len();
    for (encoding, body) in packed {
        let answer = world
            .post(body)
            .header("content-encoding", encoding)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200, "{encoding}");
    }
    let stored = world.stored();
    assert_eq!(stored.len(), count);
    for (_, stored) in stored {
        assert_eq!(stored.encode_to_vec(), plain);
    }
}

#[tokio::test]
async fn what_is_not_served_is_refused_as_a_collector_does() {
    let world = World::start().await;
    let client = reqwest::Client::new();
    let answer = client.get(world.url()).send().await.unwrap();
    assert_eq!(answer.status(), 405);
    assert_eq!(answer.headers()["allow"], "POST");
    let other = world.url().replace("traces", "logs");
    let answer = client.post(other).send().await.unwrap();
    assert_eq!(answer.status(), 404);
    for content_type in ["text/plain", "application/x-www-form-urlencoded", ""] {
        let answer = client
            .post(world.url())
            .header("content-type", content_type)
            .body("x")
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 415, "{content_type}");
        let text = answer.text().await.unwrap();
        assert!(text.contains("application/x-protobuf"), "{text}");
    }
    let answer = world
        .post("x")
        .header("content-encoding", "br")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 415);
    assert!(
        answer.headers()["accept-encoding"]
            .to_str()
            .unwrap()
            .contains("zstd")
    );
    assert_eq!(world.stored(), []);
}

#[tokio::test]
async fn over_the_rate_means_429_with_a_hint_in_header_and_body() {
    let world = World::start().await;
    let body = encoded(vec![span(1)]);
    world.limit(|limits| {
        limits.ingestion_rate_limit = ByteSize(1);
        limits.ingestion_burst = ByteSize(body.len() as u64);
    });
    assert_eq!(world.post(body.clone()).send().await.unwrap().status(), 200);
    let answer = world.post(body).send().await.unwrap();
    assert_eq!(answer.status(), 429);
    assert_eq!(answer.headers()["retry-after"], "5");
    let status = pb::Status::decode(answer.bytes().await.unwrap()).unwrap();
    assert_eq!(status.code, 8);
    assert!(
        status.message.starts_with("RATE_LIMITED:"),
        "{}",
        status.message
    );
    assert_eq!(status.details.len(), 2, "ErrorInfo and RetryInfo");

    let answer = world
        .post_json(r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"x"}]}]}]}"#)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 429);
    let status: Value = answer.json().await.unwrap();
    assert_eq!(status["code"], 8);
    assert_eq!(status["details"][1]["retryDelay"], "5s");
    let metrics = world.metrics();
    let line = "tempo_receiver_refused_spans{receiver=\"otlp\",transport=\"http\",tenant=\"single-tenant\"} 2";
    assert!(metrics.contains(line), "{line} is not in\n{metrics}");
}

#[tokio::test]
async fn with_multitenancy_the_header_names_the_tenant() {
    let world = World::with(|settings| settings.multitenancy = true).await;
    let post = || world.post(encoded(vec![span(1)]));
    let answer = post().send().await.unwrap();
    assert_eq!(answer.status(), 401);
    let status = pb::Status::decode(answer.bytes().await.unwrap()).unwrap();
    assert_eq!(status.message, "no org id");
    for illegal in ["a/b", "a|b", ".."] {
        let answer = post()
            .header("X-Scope-OrgID", illegal)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 400, "{illegal}");
    }
    let answer = post()
        .header("X-Scope-OrgID", "team-a")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(world.stored()[0].0, "team-a");
}

#[tokio::test]
async fn a_journal_that_is_closed_means_503_and_try_again() {
    let world = World::start().await;
    world.journal.close();
    let answer = world.post(encoded(vec![span(1)])).send().await.unwrap();
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.headers()["retry-after"], "5");
}
