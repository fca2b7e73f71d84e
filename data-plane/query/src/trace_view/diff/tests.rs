use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use serde_json::{Value as Json, json};

use super::*;

const MS: u64 = 1_000_000;

fn span(id: u8, parent: u8, name: &str, start_ms: u64, ms: u64) -> Span {
    Span {
        trace_id: vec![1; 16],
        span_id: vec![id; 8],
        parent_span_id: if parent == 0 {
            Vec::new()
        } else {
            vec![parent; 8]
        },
        name: name.to_owned(),
        kind: 2,
        start_time_unix_nano: (1000 + start_ms) * MS,
        end_time_unix_nano: (1000 + start_ms + ms) * MS,
        ..Span::default()
    }
}

fn with(mut span: Span, key: &str, value: Value) -> Span {
    span.attributes.push(KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    });
    span
}

fn failed(mut span: Span) -> Span {
    span.status = Some(Status {
        code: 2,
        ..Status::default()
    });
    span
}

/// Spans by their service.
fn trace(services: &[(&str, Vec<Span>)]) -> Trace {
    let group = |(service, spans): &(&str, Vec<Span>)| ResourceSpans {
        resource: Some(Resource {
            attributes: with(
                Span::default(),
                "service.name",
                Value::StringValue((*service).into()),
            )
            .attributes,
            ..Resource::default()
        }),
        scope_spans: vec![ScopeSpans {
            spans: spans.clone(),
            ..ScopeSpans::default()
        }],
        ..ResourceSpans::default()
    };
    Trace {
        resource_spans: services.iter().map(group).collect(),
    }
}

fn compared(base: &Trace, compare: &Trace, format: Format) -> Json {
    serde_json::from_slice(&diff(base, compare, format).unwrap()).unwrap()
}

fn patch(base: Vec<Span>, compare: Vec<Span>) -> Json {
    compared(
        &trace(&[("shop", base)]),
        &trace(&[("shop", compare)]),
        Format::Patch,
    )
}

fn codes(document: &Json) -> Vec<&str> {
    let warnings = document["warnings"].as_array().unwrap();
    warnings
        .iter()
        .map(|warning| warning["code"].as_str().unwrap())
        .collect()
}

#[test]
fn a_patch_names_every_change_by_its_place() {
    let base = vec![
        span(1, 0, "root", 0, 100),
        with(
            with(span(2, 1, "a", 10, 10), "k", Value::IntValue(1)),
            "gone",
            Value::BoolValue(true),
        ),
        span(3, 1, "old", 20, 10),
    ];
    let compare = vec![
        span(11, 0, "root", 0, 100),
        span(13, 11, "new", 5, 10),
        failed(with(
            with(span(12, 11, "a", 10, 50), "k", Value::IntValue(2)),
            "come",
            Value::BytesValue(vec![255]),
        )),
    ];
    assert_eq!(
        patch(base, compare),
        json!({
            "version": "trace-patch-v0",
            "base": {"traceId": "01".repeat(16), "spanCount": 3},
            "compare": {"traceId": "01".repeat(16), "spanCount": 3},
            "stats": {
                "spanCountA": 3, "spanCountB": 3, "matchedSpans": 2, "modifiedSpans": 1,
                "addedSpans": 1, "removedSpans": 1, "fieldChanges": 2, "attributeChanges": 3,
                "eventChanges": 0, "truncated": false,
            },
            "modified": [{
                "span": {"path": [0, 1], "service": "shop", "name": "a", "kind": "server"},
                "changes": [
                    {"op": "modify", "target": {"type": "field", "name": "duration_nanos"}, "before": 10 * MS, "after": 50 * MS},
                    {"op": "modify", "target": {"type": "field", "name": "status"}, "before": "unset", "after": "error"},
                    {"op": "add", "target": {"type": "attribute", "scope": "span", "key": "come"}, "before": null, "after": "/w=="},
                    {"op": "remove", "target": {"type": "attribute", "scope": "span", "key": "gone"}, "before": true, "after": null},
                    {"op": "modify", "target": {"type": "attribute", "scope": "span", "key": "k"}, "before": 1, "after": 2},
                ],
            }],
            "added": [{
                "target": {"type": "span", "parentPath": [0], "index": 0},
                "span": {"path": [0, 0], "service": "shop", "name": "new", "kind": "server", "duration_nanos": 10 * MS, "status": "unset"},
            }],
            "removed": [{
                "target": {"type": "span", "path": [0, 1]},
                "span": {"path": [0, 1], "service": "shop", "name": "old", "kind": "server", "duration_nanos": 10 * MS, "status": "unset"},
            }],
            "warnings": [],
        })
    );
}

#[test]
fn jitter_and_small_differences_of_sizes_are_no_change() {
    let sized = |bytes| {
        with(
            span(1, 0, "get", 0, 100),
            "http.response.body.size",
            Value::IntValue(bytes),
        )
    };
    let mut later = sized(104);
    later.end_time_unix_nano += 20 * MS;
    assert_eq!(patch(vec![sized(100)], vec![later])["modified"], json!([]));
    assert_eq!(
        patch(vec![sized(100)], vec![sized(106)])["stats"]["attributeChanges"],
        1
    );
}

#[test]
fn of_like_spans_the_one_under_a_like_parent_matches_first() {
    let tree = |first: &str, second: &str| {
        vec![
            span(1, 0, first, 0, 10),
            span(2, 0, second, 20, 10),
            with(
                span(3, 1, "call", 1, 5),
                "under",
                Value::StringValue(first.into()),
            ),
            with(
                span(4, 2, "call", 21, 5),
                "under",
                Value::StringValue(second.into()),
            ),
        ]
    };
    let swapped = patch(tree("a", "b"), tree("b", "a"));
    assert_eq!(swapped["stats"]["matchedSpans"], 4);
    assert_eq!(
        swapped["modified"],
        json!([]),
        "each call found the one under its own kind of parent"
    );
    // Without a like parent, the first that is left.
    let moved = patch(
        vec![span(1, 0, "a", 0, 10), span(2, 1, "call", 1, 5)],
        vec![span(2, 0, "call", 1, 5)],
    );
    assert_eq!(moved["stats"]["matchedSpans"], 1);
}

#[test]
fn many_like_spans_match_one_to_one() {
    let like = |count: u64| {
        let mut spans = vec![span(1, 0, "root", 0, 100)];
        spans.extend((0..count).map(|n| Span {
            span_id: (n + 1000).to_be_bytes().to_vec(),
            ..span(0, 1, "call", n, 1)
        }));
        spans
    };
    let stats = &patch(like(30_000), like(20_000))["stats"];
    assert_eq!(
        (&stats["matchedSpans"], &stats["removedSpans"]),
        (&json!(20_001), &json!(10_000))
    );
}

#[test]
fn caveats_are_warnings() {
    let fine = || vec![span(1, 0, "root", 0, 1)];
    let mut backwards = span(1, 0, "root", 0, 1);
    backwards.end_time_unix_nano = 1;
    let invalid = patch(fine(), vec![backwards]);
    assert_eq!(codes(&invalid), ["invalid_duration"]);
    assert_eq!(
        invalid["modified"][0]["changes"][0],
        json!({"op": "modify", "target": {"type": "field", "name": "duration_nanos"}, "before": MS, "after": null})
    );
    let with_id = || vec![span(1, 0, "GET /users/12345678", 0, 1)];
    assert_eq!(
        codes(&patch(with_id(), with_id())),
        ["high_cardinality_span_name"]
    );
    assert_eq!(
        codes(&patch(vec![span(1, 0, "GET /v1/accede", 0, 1)], fine())),
        [] as [&str; 0]
    );
    let twice = vec![span(1, 0, "root", 0, 1), span(1, 0, "again", 1, 1)];
    assert_eq!(
        codes(&patch(twice.clone(), twice)),
        ["duplicate_span_id", "duplicate_span_id"]
    );
    assert_eq!(codes(&patch(fine(), Vec::new())), ["zero_span_trace"]);
}

#[test]
fn orphans_and_cycles_are_roots() {
    let spans = vec![
        span(1, 99, "orphan", 5, 1),
        span(2, 3, "ring", 1, 1),
        span(3, 2, "ring", 2, 1),
    ];
    let document = patch(Vec::new(), spans);
    let paths: Vec<&Json> = document["added"]
        .as_array()
        .unwrap()
        .iter()
        .map(|added| &added["span"]["path"])
        .collect();
    assert_eq!(paths, [&json!([0]), &json!([1]), &json!([1, 0])]);
    assert_eq!(
        document["added"][0]["target"],
        json!({"type": "span", "index": 0})
    );
}

#[test]
fn a_very_deep_trace_is_refused_instead_of_eating_memory() {
    let chain: Vec<Span> = (1..=20_000_u64)
        .map(|n| Span {
            span_id: n.to_be_bytes().to_vec(),
            parent_span_id: if n == 1 {
                Vec::new()
            } else {
                (n - 1).to_be_bytes().to_vec()
            },
            ..span(0, 0, "deeper", n, 1)
        })
        .collect();
    let deep = trace(&[("shop", chain)]);
    assert!(matches!(
        diff(&deep, &deep, Format::Patch),
        Err(Refusal::TooDeep)
    ));
}

#[test]
fn a_summary_says_where_and_which_way() {
    let base = trace(&[
        ("gate", vec![span(1, 0, "root", 0, 100)]),
        (
            "cart",
            vec![
                failed(span(2, 1, "load", 10, 10)),
                span(3, 1, "save", 30, 10),
            ],
        ),
        ("calm", vec![span(4, 1, "same", 50, 1)]),
    ]);
    let compare = trace(&[
        ("gate", vec![span(1, 0, "root", 0, 108)]),
        (
            "cart",
            vec![
                span(2, 1, "load", 10, 40),
                failed(span(3, 1, "save", 30, 10)),
                span(5, 3, "retry", 32, 2),
            ],
        ),
        ("calm", vec![span(4, 1, "same", 50, 1)]),
    ]);
    let summary = compared(&base, &compare, Format::Summary);
    assert_eq!(
        summary,
        json!({
            "version": "trace-summary-v0-native",
            "base": {"traceId": "01".repeat(16), "rootService": "gate", "rootName": "root", "spanCount": 4, "errorSpanCount": 1, "durationMs": 100, "sumSpanDurationMs": 121},
            "compare": {"traceId": "01".repeat(16), "rootService": "gate", "rootName": "root", "spanCount": 5, "errorSpanCount": 1, "durationMs": 108, "sumSpanDurationMs": 161},
            "signals": {"traceLatency": "increased", "sumSpanDuration": "increased", "errors": "unchanged", "spanCount": "increased", "structure": "changed"},
            "trust": {"matchedSpanRatio": 0.8, "structureOverlap": 1.0},
            "stats": {
                "traceLatencyDeltaMs": 8, "sumSpanDurationDeltaMs": 40, "spanCountDelta": 1, "errorSpanDelta": 0,
                "matchedSpans": 4, "modifiedSpans": 2, "addedSpans": 1, "removedSpans": 0, "fieldChanges": 3, "attributeChanges": 0,
            },
            "changedServices": ["cart", "gate"],
            "services": [
                {"name": "cart", "sumSpanDurationDeltaMs": 32, "modified": 2, "added": 1, "removed": 0, "newErrors": 1, "resolvedErrors": 1},
                // No span of it changed by itself; the sum drifted.
                {"name": "gate", "sumSpanDurationDeltaMs": 8, "modified": 0, "added": 0, "removed": 0, "newErrors": 0, "resolvedErrors": 0},
            ],
        })
    );
    let same = compared(&base, &base, Format::Summary);
    assert_eq!(same["signals"]["structure"], "unchanged");
    assert_eq!(
        (&same["changedServices"], &same["services"]),
        (&json!([]), &json!([]))
    );
}

#[test]
fn a_moved_span_changes_the_structure_only() {
    let tree = |parent| {
        trace(&[(
            "shop",
            vec![
                span(1, 0, "a", 0, 9),
                span(2, 1, "b", 1, 8),
                span(3, parent, "c", 2, 1),
            ],
        )])
    };
    let summary = compared(&tree(1), &tree(2), Format::Summary);
    assert_eq!(summary["signals"]["structure"], "changed");
    assert_eq!(
        (&summary["changedServices"], &summary["services"]),
        (&json!(["shop"]), &json!([]))
    );
}

#[test]
fn a_composed_answer_has_the_patch_if_it_is_small() {
    let small = compared(
        &trace(&[("a", vec![span(1, 0, "x", 0, 1)])]),
        &trace(&[("a", vec![span(1, 0, "y", 0, 1)])]),
        Format::Composed,
    );
    assert_eq!(small["version"], "trace-summary-v0-composed");
    assert_eq!(small["patch"]["added"][0]["span"]["name"], "y");
    assert_eq!(small.get("patchOmitted"), None);
    assert_eq!(small["summary"].get("warnings"), None);
    let many = (0..255)
        .map(|n| span(n, 0, &"long".repeat(50), u64::from(n), 1))
        .collect();
    let large = compared(
        &trace(&[("a", Vec::new())]),
        &trace(&[("a", many)]),
        Format::Composed,
    );
    assert_eq!(large.get("patch"), None);
    assert_eq!(large["patchOmitted"]["reason"], "over_budget");
    assert!(large["patchOmitted"]["bytes"].as_u64().unwrap() > 64 << 10);
}
