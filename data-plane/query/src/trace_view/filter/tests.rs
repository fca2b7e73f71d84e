use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message as _;
use takt_wire::tempopb::Trace;

use super::*;

/// Spans `(id, parent, name)`; a parent of 0 is none.
fn trace(spans: &[(u8, u8, &str)]) -> Vec<u8> {
    let id = |id: u8| if id == 0 { Vec::new() } else { vec![id; 8] };
    let spans = spans
        .iter()
        .map(|(own, parent, name)| Span {
            trace_id: vec![9; 16],
            span_id: id(*own),
            parent_span_id: id(*parent),
            name: (*name).to_owned(),
            ..Span::default()
        })
        .collect();
    Trace {
        resource_spans: vec![ResourceSpans {
            scope_spans: vec![ScopeSpans {
                spans,
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    }
    .encode_to_vec()
}

/// A root with two branches, one of them three deep.
const TREE: [(u8, u8, &str); 6] = [
    (1, 0, "root"),
    (2, 1, "left"),
    (3, 2, "hit"),
    (4, 3, "below"),
    (5, 4, "deepest"),
    (6, 1, "right"),
];

fn kept(
    spans: &[(u8, u8, &str)],
    query: &str,
    ancestors: Depth,
    descendants: Depth,
) -> Vec<String> {
    let filter = SpanFilter {
        ancestors,
        descendants,
        ..SpanFilter::parse(query).unwrap()
    };
    let proto = trace(spans);
    let kept = filter.apply(&proto, &|| true).unwrap().unwrap_or(proto);
    Trace::decode(kept.as_slice())
        .unwrap()
        .resource_spans
        .into_iter()
        .flat_map(|group| group.scope_spans)
        .flat_map(|scope| scope.spans)
        .map(|span| span.name)
        .collect()
}

#[test]
fn only_what_matches_is_kept_and_a_full_match_changes_nothing() {
    let hit = r#"{ name = "hit" }"#;
    assert_eq!(kept(&TREE, hit, Depth::NONE, Depth::NONE), ["hit"]);
    assert!(kept(&TREE, r#"{ name = "none" }"#, Depth::NONE, Depth::NONE).is_empty());
    let all = SpanFilter::parse("{ }").unwrap();
    assert_eq!(all.apply(&trace(&TREE), &|| true).unwrap(), None);
}

#[test]
fn kin_are_kept_as_far_as_asked_for() {
    let hit = r#"{ name = "hit" }"#;
    let near = |ancestors, descendants| kept(&TREE, hit, ancestors, descendants);
    assert_eq!(near(Depth::Unlimited, Depth::NONE), ["root", "left", "hit"]);
    assert_eq!(near(Depth::AtMost(1), Depth::NONE), ["left", "hit"]);
    assert_eq!(near(Depth::NONE, Depth::AtMost(1)), ["hit", "below"]);
    assert_eq!(
        near(Depth::NONE, Depth::Unlimited),
        ["hit", "below", "deepest"]
    );
    assert_eq!(
        near(Depth::Unlimited, Depth::Unlimited),
        ["root", "left", "hit", "below", "deepest"]
    );
}

#[test]
fn the_shortest_way_counts_and_cycles_end() {
    // `far` is two below the one match and one below the other.
    let spans = [(1, 0, "hit"), (2, 1, "mid"), (3, 2, "hit"), (4, 3, "far")];
    assert_eq!(
        kept(&spans, r#"{ name = "hit" }"#, Depth::NONE, Depth::AtMost(1)),
        ["hit", "mid", "hit", "far"]
    );
    let ring = [(1, 3, "hit"), (2, 1, "b"), (3, 2, "c"), (4, 0, "root")];
    assert_eq!(
        kept(
            &ring,
            r#"{ name = "hit" }"#,
            Depth::Unlimited,
            Depth::Unlimited
        ),
        ["hit", "b", "c"]
    );
}

#[test]
fn a_span_without_an_id_is_nobodys_kin() {
    let spans = [(0, 0, "hit"), (1, 0, "root"), (2, 1, "child")];
    assert_eq!(
        kept(
            &spans,
            r#"{ name = "hit" }"#,
            Depth::Unlimited,
            Depth::Unlimited
        ),
        ["hit"]
    );
}

#[test]
fn what_asks_for_more_than_one_span_is_refused() {
    let refusal = |query: &str| SpanFilter::parse(query).unwrap_err().to_string();
    for (query, words) in [
        (
            "{ name = }",
            "failed to parse TraceQL spanset filter: parse error at line 1, col 10",
        ),
        (
            "{ 1 + true = 2 }",
            "failed to parse TraceQL spanset filter: ",
        ),
        (
            "{ } | count() > 1",
            "only a single TraceQL filter is supported: ",
        ),
        ("{ } >> { }", "only a single TraceQL filter is supported: "),
        (
            "{ } | rate()",
            "only a single TraceQL filter is supported: ",
        ),
        (
            r#"{ rootName = "x" }"#,
            "intrinsic is not supported by this filter: \"rootName\"",
        ),
        (
            "{ traceDuration > 1s }",
            "intrinsic is not supported by this filter: \"traceDuration\"",
        ),
        (
            "{ nestedSetParent < 0 }",
            "intrinsic is not supported by this filter: \"nestedSetParent\"",
        ),
        (
            "{ parent.a = 1 }",
            "attribute scope is not supported by this filter: \"parent.a\"",
        ),
    ] {
        assert!(
            refusal(query).starts_with(words),
            "{query}: {}",
            refusal(query)
        );
    }
}
