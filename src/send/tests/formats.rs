//! One file of every format.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::PathBuf;

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span};
use prost::Message as _;

use super::super::Format;
use super::{read_as, resources, spans};

fn attribute<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a Any> {
    let found = attributes.iter().find(|attribute| attribute.key == key)?;
    found.value.as_ref()?.value.as_ref()
}

fn text(value: &str) -> Any {
    Any::StringValue(value.to_owned())
}

fn services(resources: &[ResourceSpans]) -> BTreeSet<String> {
    let attributes = |resource: &ResourceSpans| resource.resource.clone().unwrap().attributes;
    resources
        .iter()
        .filter_map(
            |resource| match attribute(&attributes(resource), "service.name") {
                Some(Any::StringValue(name)) => Some(name.clone()),
                _ => None,
            },
        )
        .collect()
}

fn written(name: &str, content: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    std::fs::write(&path, content).unwrap();
    (dir, path)
}

fn of_json(json: &str) -> Vec<ResourceSpans> {
    let (_dir, path) = written("trace", json.as_bytes());
    read_as(&path, None).unwrap()
}

#[test]
fn every_file_holds_the_traces_and_spans_its_source_says() {
    for (name, traces, count) in [
        ("otlp.json", 1, 2),
        ("jaeger-of-otlp.json", 1, 2),
        ("jaeger-crisp-16.json", 1, 7),
        ("zipkin-skew.json", 1, 4),
        ("flat.jsonl", 3, 3),
        ("nezha.csv.gz", 3, 30),
    ] {
        let resources = resources(name);
        let ids: BTreeSet<_> = spans(&resources).map(|span| &span.trace_id).collect();
        assert_eq!(
            (ids.len(), spans(&resources).count()),
            (traces, count),
            "{name}"
        );
        for span in spans(&resources) {
            assert_eq!((span.trace_id.len(), span.span_id.len()), (16, 8), "{name}");
            assert!([0, 8].contains(&span.parent_span_id.len()), "{name}");
        }
    }
}

#[test]
fn jaeger_json_reads_as_the_otlp_it_was_made_from() {
    let (otlp, jaeger) = (resources("otlp.json"), resources("jaeger-of-otlp.json"));
    assert_eq!(services(&otlp), services(&jaeger));
    let scope = |resources: &[ResourceSpans]| resources[0].scope_spans[0].scope.clone().unwrap();
    assert_eq!(scope(&otlp).name, scope(&jaeger).name);
    let plain = |span: &Span| Span {
        // Jaeger says nothing where OTLP says "unset".
        status: None,
        ..span.clone()
    };
    let of = |resources: &[ResourceSpans]| spans(resources).map(plain).collect::<Vec<_>>();
    assert_eq!(of(&otlp), of(&jaeger));
}

#[test]
fn jaeger_tags_become_the_fields_they_stand_for() {
    let resources = of_json(
        r#"{"traceID": "1", "processes": {"p": {"serviceName": "shop", "tags": [{"key": "host", "type": "string", "value": "a"}]}},
            "spans": [{"traceID": "1", "spanID": "2", "operationName": "pay", "startTime": 10, "duration": 5, "processID": "p",
              "references": [{"refType": "FOLLOWS_FROM", "traceID": "1", "spanID": "9"}, {"refType": "CHILD_OF", "traceID": "1", "spanID": "8"}],
              "tags": [{"key": "span.kind", "type": "string", "value": "client"}, {"key": "error", "type": "bool", "value": true},
                       {"key": "otel.status_description", "type": "string", "value": "no money"},
                       {"key": "n", "type": "int64", "value": "9007199254740993"}, {"key": "f", "type": "float64", "value": 1},
                       {"key": "b", "type": "bool", "value": false}, {"key": "raw", "type": "binary", "value": "AQI="}],
              "logs": [{"timestamp": 12, "fields": [{"key": "event", "type": "string", "value": "retry"}, {"key": "n", "type": "int64", "value": 2}]}]}]}"#,
    );
    let attributes = &resources[0].resource.as_ref().unwrap().attributes;
    assert_eq!(attribute(attributes, "host"), Some(&text("a")));
    let span = spans(&resources).next().unwrap();
    assert_eq!(span.trace_id, [[0; 15].as_slice(), &[1]].concat());
    assert_eq!(span.parent_span_id, [0, 0, 0, 0, 0, 0, 0, 8]);
    assert_eq!(span.links.len(), 1);
    assert_eq!(span.links[0].span_id, [0, 0, 0, 0, 0, 0, 0, 9]);
    assert_eq!(
        (span.start_time_unix_nano, span.end_time_unix_nano),
        (10_000, 15_000)
    );
    assert_eq!(span.kind, 3);
    let status = span.status.as_ref().unwrap();
    assert_eq!((status.code, status.message.as_str()), (2, "no money"));
    for (key, value) in [
        ("n", Any::IntValue(9_007_199_254_740_993)),
        ("f", Any::DoubleValue(1.0)),
        ("b", Any::BoolValue(false)),
        ("raw", Any::BytesValue(vec![1, 2])),
    ] {
        assert_eq!(attribute(&span.attributes, key), Some(&value), "{key}");
    }
    assert_eq!(span.attributes.len(), 4);
    assert_eq!(span.events[0].name, "retry");
    assert_eq!(span.events[0].time_unix_nano, 12_000);
    assert_eq!(
        attribute(&span.events[0].attributes, "n"),
        Some(&Any::IntValue(2))
    );
}

#[test]
fn both_halves_of_a_zipkin_span_keep_its_id_and_have_their_service() {
    let resources = resources("zipkin-skew.json");
    assert_eq!(
        services(&resources),
        ["servicea", "serviceb"].map(str::to_owned).into()
    );
    let shared: Vec<_> = spans(&resources)
        .filter(|span| span.name == "post")
        .collect();
    assert_eq!(shared.len(), 2);
    assert_eq!(shared[0].span_id, shared[1].span_id);
    let kinds: BTreeSet<_> = shared.iter().map(|span| span.kind).collect();
    assert_eq!(kinds, [2, 3].into(), "server and client");
    let first = spans(&resources).next().unwrap();
    assert_eq!(first.start_time_unix_nano, 1_470_150_004_008_762_000);
    assert_eq!(first.end_time_unix_nano, 1_470_150_004_073_762_000);
    assert_eq!(
        attribute(&first.attributes, "net.host.ip"),
        Some(&text("192.0.0.0"))
    );
}

#[test]
fn a_zipkin_span_without_a_time_gets_one_and_says_so() {
    let resources = of_json(
        r#"[{"traceId": "1", "id": "2", "timestamp": 50, "duration": 5},
            {"traceId": "1", "id": "3", "tags": {"error": "boom"}},
            {"traceId": "1", "id": "4", "annotations": [{"timestamp": 70, "value": "late"}]}]"#,
    );
    let spans: Vec<_> = spans(&resources).collect();
    let starts: Vec<_> = spans.iter().map(|span| span.start_time_unix_nano).collect();
    assert_eq!(starts, [50_000, 50_000, 70_000]);
    let absent = |span: &Span| attribute(&span.attributes, "zipkin.timestamp.absent").is_some();
    assert_eq!(
        spans.iter().map(|span| absent(span)).collect::<Vec<_>>(),
        [false, true, true]
    );
    let status = spans[1].status.as_ref().unwrap();
    assert_eq!((status.code, status.message.as_str()), (2, "boom"));
    assert_eq!(spans[2].events[0].name, "late");
}

#[test]
fn a_nezha_pod_is_a_resource_of_its_service() {
    let resources = resources("nezha.csv.gz");
    assert_eq!(
        services(&resources),
        [
            "cartservice",
            "currencyservice",
            "frontend",
            "productcatalogservice"
        ]
        .map(str::to_owned)
        .into()
    );
    let root = spans(&resources)
        .find(|span| span.parent_span_id.is_empty())
        .unwrap();
    assert_eq!(root.name, "hipstershop.Frontend/Recv.");
    assert_eq!(root.start_time_unix_nano, 1_661_140_374_351_773_094);
    assert_eq!(root.end_time_unix_nano, 1_661_140_374_362_982_609);
}

#[test]
fn nulls_of_flat_spans_are_absent() {
    let resources = resources("flat.jsonl");
    let first = spans(&resources).next().unwrap();
    assert_eq!(first.name, "/_healthz");
    assert_eq!(first.kind, 2);
    assert_eq!(first.status.as_ref().unwrap().code, 1);
    assert_eq!(
        attribute(&first.attributes, "http_host"),
        Some(&text("100.127.22.228:8080"))
    );
    assert_eq!(attribute(&first.attributes, "component"), None);
}

#[test]
fn the_spans_of_tracetest_are_unnested() {
    let resources = of_json(
        r#"{"ID": "aa", "RootSpan": {"ID": "1", "Name": "root", "StartTime": "1000", "EndTime": "1002", "Attributes": {}, "Children": [
            {"ID": "2", "Name": "query", "StartTime": "1000", "EndTime": "1001", "Children": null, "Attributes": {
              "service.name": "db", "sql.query": "SELECT 1", "span.events": "[]", "tracetest.span.name": "query",
              "tracetest.span.start_time": "1000000123", "tracetest.span.end_time": "1000000456", "tracetest.span.status_code": "STATUS_CODE_ERROR"}}]}}"#,
    );
    let all: Vec<_> = spans(&resources).collect();
    assert_eq!(all.len(), 2);
    let query = all.iter().find(|span| span.name == "query").unwrap();
    assert_eq!(query.parent_span_id, [0, 0, 0, 0, 0, 0, 0, 1]);
    assert_eq!(query.start_time_unix_nano, 1_000_000_123);
    assert_eq!(query.status.as_ref().unwrap().code, 2);
    assert_eq!(
        query.attributes.len(),
        1,
        "what repeats the span is left out"
    );
    let root = all.iter().find(|span| span.name == "root").unwrap();
    assert_eq!(root.end_time_unix_nano, 1_002_000_000);
    assert_eq!(services(&resources), ["db".to_owned()].into());
}

#[test]
fn frames_are_read_plain_and_packed() {
    let request = opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest {
        resource_spans: resources("otlp.json"),
    }
    .encode_to_vec();
    let mut frames = Vec::new();
    for _ in 0..3 {
        frames.extend(u32::try_from(request.len()).unwrap().to_le_bytes());
        frames.extend(&request);
    }
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&frames).unwrap();
    for content in [
        frames.clone(),
        gzip.finish().unwrap(),
        zstd::encode_all(&frames[..], 1).unwrap(),
    ] {
        let (_dir, path) = written("any-name", &content);
        assert_eq!(spans(&read_as(&path, None).unwrap()).count(), 6);
    }
    let (_dir, path) = written("cut", &frames[..frames.len() - 1]);
    let error = read_as(&path, None).unwrap_err();
    assert!(
        format!("{error:#}").contains("ends within a frame"),
        "{error:#}"
    );
}

#[test]
fn json_lines_are_read_like_a_whole_file() {
    let line = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0102030405060708","name":"a"}]}]}]}"#;
    let (_dir, path) = written("lines", format!("{line}\n{line}\n").as_bytes());
    assert_eq!(spans(&read_as(&path, None).unwrap()).count(), 2);
}

#[test]
fn what_is_no_trace_file_is_refused_by_name() {
    for (content, format, expected) in [
        (&b"hello"[..], None, "no format we know"),
        (b"", None, "no format we know"),
        (b"{\"a\": 1}", None, "JSON of no format we know"),
        (
            b"[{}]",
            Some(Format::Zipkin),
            "not an array of Zipkin's spans",
        ),
        (b"a,b\n1,2\n", Some(Format::Nezha), "not `TraceID`"),
        (b"\xff\xff\xff\xff\x0a", None, "is no request"),
        (b"{\"resourceSpans\": 7}", None, "not OTLP JSON"),
    ] {
        let (_dir, path) = written("bad-file", content);
        let error = format!("{:#}", read_as(&path, format).unwrap_err());
        assert!(error.contains(expected), "{error}");
    }
}
