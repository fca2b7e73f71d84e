use std::collections::BTreeMap;

use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Status};
use serde_json::{Value as Json, json};

use super::*;
use crate::trace_view::value::{attributes, hex, object};

fn span(id: u8, parent: u8, name: &str, start_ms: u64, end_ms: u64) -> Span {
    Span {
        trace_id: vec![1; 16],
        span_id: vec![id; 8],
        parent_span_id: if parent == 0 {
            Vec::new()
        } else {
            vec![parent; 8]
        },
        name: name.to_owned(),
        start_time_unix_nano: start_ms * 1_000_000,
        end_time_unix_nano: end_ms * 1_000_000,
        ..Span::default()
    }
}

fn with(mut span: Span, key: &str, value: Value) -> Span {
    put(&mut span.attributes, key, value);
    span
}

fn trace(spans: Vec<Span>) -> Trace {
    Trace {
        resource_spans: vec![ResourceSpans {
            scope_spans: vec![ScopeSpans {
                spans,
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    }
}

fn all(trace: &Trace) -> Vec<&Span> {
    spans(trace).into_iter().map(|(_, span)| span).collect()
}

fn names(trace: &Trace) -> Vec<&str> {
    all(trace).iter().map(|span| span.name.as_str()).collect()
}

fn plain(span: &Span) -> BTreeMap<String, Json> {
    object(&attributes(&span.attributes), hex)
        .into_iter()
        .collect()
}

/// A root with five queries under it, each a millisecond longer than the one before.
fn queries() -> Vec<Span> {
    let mut spans = vec![span(1, 0, "root", 0, 100)];
    spans.extend((0..5_u8).map(|n| {
        let start = u64::from(n) * 10;
        let query = span(10 + n, 1, "query", start, start + 4 + u64::from(n));
        with(query, "db.system", Value::StringValue("pg".into()))
    }));
    spans
}

#[test]
fn like_leaves_become_one_span_with_statistics() {
    let mut pruned = trace(queries());
    assert_eq!(Pruning::default().apply(&mut pruned), Pruned::Now);
    let spans = all(&pruned);
    assert_eq!(names(&pruned), ["root", "query"]);
    let summary = spans[1];
    assert_eq!(summary.parent_span_id, spans[0].span_id);
    assert_eq!(
        (summary.start_time_unix_nano, summary.end_time_unix_nano),
        (0, 48_000_000)
    );
    let attributes = plain(summary);
    let buckets: Vec<Json> = [2, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5].map(Json::from).into();
    for (key, value) in [
        ("db.system", json!("pg")),
        ("aggregation.is_summary", json!(true)),
        ("aggregation.span_count", json!(5)),
        ("aggregation.duration_min_ns", json!(4_000_000)),
        ("aggregation.duration_max_ns", json!(8_000_000)),
        ("aggregation.duration_total_ns", json!(30_000_000)),
        ("aggregation.duration_avg_ns", json!(6_000_000)),
        (
            "aggregation.histogram_bucket_bounds_s",
            json!([
                0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0
            ]),
        ),
        ("aggregation.histogram_bucket_counts", Json::Array(buckets)),
    ] {
        assert_eq!(attributes[key], value, "{key}");
    }
    assert_eq!(attributes.len(), 9);
}

#[test]
fn too_few_or_unlike_leaves_stay() {
    let untouched = |spans: Vec<Span>, pruning: &Pruning| {
        let before = trace(spans);
        let mut after = before.clone();
        assert_eq!(pruning.apply(&mut after), Pruned::Nothing);
        assert_eq!(before, after);
    };
    let pruning = Pruning::default();
    untouched(queries()[..5].to_vec(), &pruning);
    let mut failed = queries();
    failed[3].status = Some(Status {
        code: 2,
        ..Status::default()
    });
    untouched(failed, &pruning);
    let mut elsewhere = queries();
    elsewhere[2].kind = 3;
    untouched(elsewhere, &pruning);
    let mut grouped = queries();
    grouped[1] = with(grouped[1].clone(), "db.name", Value::IntValue(1));
    let by_db = Pruning {
        group_by: vec![Glob::parse("db.n*").unwrap()],
        ..Pruning::default()
    };
    untouched(grouped.clone(), &by_db);
    let mut pruned = trace(grouped);
    assert_eq!(
        pruning.apply(&mut pruned),
        Pruned::Now,
        "other attributes do not count"
    );
    let mut sampled = queries();
    sampled[4].trace_state = "ot=th:8".into();
    untouched(sampled, &pruning);
    untouched(Vec::new(), &pruning);
}

/// Two callers under a root, with three calls each, the calls of both alike.
fn callers() -> Vec<Span> {
    let mut spans = vec![span(1, 0, "root", 0, 100)];
    for caller in [2, 3] {
        spans.push(span(caller, 1, "caller", 10, 90 + u64::from(caller)));
        spans.extend((0..3).map(|n| span(10 * caller + n, caller, "call", 20, 30)));
    }
    spans
}

#[test]
fn parents_follow_their_children_up_to_a_height() {
    let mut pruned = trace(callers());
    assert_eq!(Pruning::default().apply(&mut pruned), Pruned::Now);
    assert_eq!(names(&pruned), ["root", "caller", "call"]);
    let spans = all(&pruned);
    assert_eq!(
        spans[2].parent_span_id, spans[1].span_id,
        "a summary stands under its parents' summary"
    );
    assert_eq!(spans[1].parent_span_id, spans[0].span_id);
    assert_eq!(spans[1].end_time_unix_nano, 93_000_000);

    let leaves_only = Pruning {
        max_parent_depth: Some(0),
        ..Pruning::default()
    };
    let mut pruned = trace(callers());
    assert_eq!(leaves_only.apply(&mut pruned), Pruned::Now);
    assert_eq!(names(&pruned), ["root", "caller", "caller", "call"]);
    let spans = all(&pruned);
    assert_eq!(
        spans[3].parent_span_id, spans[1].span_id,
        "under the parent of the first"
    );
}

#[test]
fn a_parent_with_a_child_left_stays_and_so_does_the_root() {
    let mut with_other = callers();
    with_other.push(span(99, 2, "other", 20, 30));
    let unlimited = Pruning {
        max_parent_depth: None,
        ..Pruning::default()
    };
    let mut pruned = trace(with_other);
    assert_eq!(unlimited.apply(&mut pruned), Pruned::Now);
    assert_eq!(
        names(&pruned),
        ["root", "caller", "caller", "other", "call"]
    );
    let mut pruned = trace(callers());
    assert_eq!(unlimited.apply(&mut pruned), Pruned::Now);
    assert_eq!(names(&pruned)[0], "root");
}

#[test]
fn summaries_are_not_summarised_and_ids_stay_distinct() {
    let mut pruned = trace(callers());
    let pruning = Pruning::default();
    assert_eq!(pruning.apply(&mut pruned), Pruned::Now);
    let once = pruned.clone();
    assert_eq!(pruning.apply(&mut pruned), Pruned::Before);
    assert_eq!(pruned, once);
    let ids: HashSet<&[u8]> = all(&once)
        .iter()
        .map(|span| span.span_id.as_slice())
        .collect();
    assert_eq!(ids.len(), all(&once).len());
}

#[test]
fn cycles_and_spans_that_end_before_they_start_do_no_harm() {
    let mut spans = queries();
    spans.push(span(50, 51, "ring", 0, 1));
    spans.push(span(51, 50, "ring", 0, 1));
    spans.push(span(52, 52, "self", 0, 1));
    spans[1].end_time_unix_nano = 0;
    spans[1].start_time_unix_nano = 1_000_000;
    let mut pruned = trace(spans);
    let unlimited = Pruning {
        max_parent_depth: None,
        ..Pruning::default()
    };
    assert_eq!(unlimited.apply(&mut pruned), Pruned::Now);
    assert_eq!(names(&pruned), ["root", "ring", "ring", "self", "query"]);
    assert_eq!(
        plain(all(&pruned)[4])["aggregation.duration_min_ns"],
        json!(-1_000_000)
    );
}
