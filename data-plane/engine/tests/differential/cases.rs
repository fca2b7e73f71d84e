//! Every query that once made a difference, about as few spans as showed it.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, span::Event};
use takt_engine::Interval;
use takt_reference::random::TIME;

use crate::check::{Outcome, Sources};

const SECOND: u64 = 1_000_000_000;

/// A span of trace 1 that starts `at` seconds after [`TIME`], takes one second and is called `s`.
fn span(id: u8, parent: u8, at: u64) -> Span {
    Span {
        trace_id: vec![1; 16],
        span_id: vec![id; 8],
        parent_span_id: vec![parent; 8],
        name: "s".to_owned(),
        start_time_unix_nano: TIME + at * SECOND,
        end_time_unix_nano: TIME + (at + 1) * SECOND,
        ..Span::default()
    }
}

fn pair(key: &str, value: any_value::Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

fn text(text: &str) -> any_value::Value {
    any_value::Value::StringValue(text.to_owned())
}

fn int(number: i64) -> any_value::Value {
    any_value::Value::IntValue(number)
}

fn double(number: f64) -> any_value::Value {
    any_value::Value::DoubleValue(number)
}

/// An event that has the attribute `x`.
fn event(x: any_value::Value) -> Event {
    Event {
        name: "e".to_owned(),
        time_unix_nano: TIME,
        attributes: vec![pair("x", x)],
        ..Event::default()
    }
}

fn with_events(span: Span, events: Vec<Event>) -> Span {
    Span { events, ..span }
}

fn with_attributes(span: Span, attributes: Vec<KeyValue>) -> Span {
    Span { attributes, ..span }
}

fn request(span: Span) -> ExportTraceServiceRequest {
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource::default()),
            scope_spans: vec![ScopeSpans {
                spans: vec![span],
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    }
}

/// Eight seconds in steps of two.
const INTERVAL: Interval = Interval {
    start: TIME - SECOND,
    end: TIME + 7 * SECOND,
    step: 2 * SECOND,
};

fn agree(spans: &[Span], queries: &[&str]) {
    let requests: Vec<_> = spans.iter().cloned().map(request).collect();
    let sources = Sources::new(&requests);
    for query in queries {
        let outcome = sources.ask(query, INTERVAL);
        assert!(
            matches!(outcome, Ok(Outcome::Nothing | Outcome::Something)),
            "{query}: {outcome:?}"
        );
    }
}

#[test]
fn of_parents_in_a_circle_the_first_to_start_has_none() {
    let spans = [span(2, 3, 2), span(3, 2, 1), span(9, 3, 0), span(1, 0, 3)];
    agree(
        &spans,
        &[
            "{ true } > { true }",
            "{ true } !> { true }",
            "{ true } << { true }",
            "{ true } &~ { true }",
            "{ parent.name != nil }",
            "{ } | by(span:childCount)",
            "{ nestedSetLeft = 0 }",
            "{ nestedSetParent < 0 } &>> { }",
        ],
    );
}

#[test]
fn of_spans_with_one_id_the_first_to_start_is_the_parent() {
    agree(
        &[span(1, 0, 3), span(1, 0, 1), span(1, 0, 2), span(2, 1, 4)],
        &[
            "{ } < { }",
            "{ } | by(parent.duration)",
            "{ span:childCount > 0 }",
        ],
    );
}

#[test]
fn of_two_roots_with_one_id_the_first_to_come_has_the_first_numbers() {
    let half = |start| Span {
        kind: 3,
        ..span(1, 0, start)
    };
    agree(
        &[half(4), half(1), span(3, 1, 1)],
        &[
            "{ (2 = nestedSetLeft) || (.x = `a`) }",
            "{ nestedSetLeft > 1 } | by(nestedSetRight)",
            "{ nestedSetParent > 0 }",
        ],
    );
}

#[test]
fn every_second_trace_has_its_own_parents() {
    let of = |trace: u8, span: Span| Span {
        trace_id: vec![trace; 16],
        ..span
    };
    agree(
        &[
            of(1, span(1, 0, 1)),
            of(2, span(2, 1, 3)),
            of(2, span(1, 0, 2)),
            of(1, span(3, 9, 1)),
            of(2, span(4, 1, 3)),
        ],
        &[
            "{ parent.resource.service.name = nil }",
            "{ parent.name != nil }",
            "{ span:childCount > 0 }",
            "{ } | by(span:childCount)",
            "{ span:childCount = 2 } | rate() by (span:childCount)",
        ],
    );
}

#[test]
fn counting_nothing_gives_zeros() {
    agree(
        &[span(1, 0, 1)],
        &[
            "{ false } | rate()",
            "{ .x = 1 } | count_over_time()",
            "({ .x = 1 } | rate()) + 5",
            "{ .x = 1 } | rate() by (name)",
            "{ .x = 1 } | min_over_time(duration)",
            "({ .x = 1 } | rate()) / ({ } | rate())",
        ],
    );
}

#[test]
fn an_attribute_without_a_scope_may_be_of_an_event() {
    agree(
        &[
            with_events(span(1, 0, 1), vec![event(text("a")), event(int(4))]),
            with_attributes(span(2, 1, 2), vec![pair("x", int(8))]),
            span(3, 1, 3),
        ],
        &[
            "{ } | rate() by (.x)",
            "{ } | sum_over_time(.x)",
            "{ } | quantile_over_time(.x, .5)",
            "{ } | by(.x)",
            "{ } | max(.x) > 1",
            "{ } | compare({ .x = 4 })",
        ],
    );
}

#[test]
fn what_is_measured_is_the_first_number() {
    agree(
        &[with_events(
            span(1, 0, 1),
            vec![event(text("a")), event(int(4)), event(int(2))],
        )],
        &[
            "{ } | avg_over_time(event.x)",
            "{ } | histogram_over_time(event.x)",
            "{ } | sum(event.x) = 4",
            "{ event.x = 2 } | max_over_time(event.x)",
            "{ event.x = 2 } | min(event.x) = 2",
            "{ event.x = 2 } | by(event.x)",
            "{ event.x = 2 } | rate() by (event.x, .x)",
        ],
    );
}

#[test]
fn every_stage_after_a_filter_speaks_of_the_event_that_it_found() {
    agree(
        &[with_events(
            span(1, 0, 1),
            vec![event(int(4)), event(int(2))],
        )],
        &[
            "{ event.x = 2 } | count() > 0 | max_over_time(event.x)",
            "{ event.x = 2 } | { name = `s` } | rate() by (event.x)",
            "{ event.x = 2 } | by(event.x) | sum(event.x) = 2 | sum_over_time(event.x)",
            "({ event.x = 2 }) | coalesce() | avg_over_time(event.x)",
            "{ event.x = 2 } >> { } | rate() by (event.x)",
        ],
    );
}

#[test]
fn series_meet_in_whatever_order_their_labels_are_named() {
    agree(
        &[with_attributes(span(1, 0, 1), vec![pair("x", int(1))])],
        &["({ } | rate() by (name, span.x)) + ({ } | rate() by (span.x, name))"],
    );
}

#[test]
fn among_equal_samples_the_texts_of_labels_decide() {
    let of = |id, x| with_attributes(span(id, 0, 1), vec![pair("x", x)]);
    agree(
        &[
            of(1, text("b")),
            of(2, text("a")),
            of(3, int(1)),
            of(4, int(2)),
            span(5, 0, 1),
        ],
        &[
            "{ } | rate() by (span.x) | topk(1)",
            "{ } | rate() by (span.x) | topk(3)",
            "{ } | rate() by (span.x) | bottomk(1)",
            "{ } | rate() by (span.x) | bottomk(3)",
            "{ } | histogram_over_time(duration) by (span.x) | bottomk(2)",
            "{ } | compare({ span.x = 1 }, 2)",
        ],
    );
}

#[test]
fn among_equal_samples_an_empty_text_comes_before_no_value() {
    agree(
        &[
            span(1, 0, 1),
            with_attributes(span(2, 0, 1), vec![pair("y", text(""))]),
        ],
        &[
            "{ } | rate() by (link.y, span.y) | topk(1)",
            "{ } | rate() by (span.y, link.y) | bottomk(1)",
        ],
    );
}

#[test]
fn a_span_that_came_twice_counts_twice_and_is_shown_once() {
    let client = Span {
        kind: 3,
        ..span(1, 0, 1)
    };
    agree(
        &[client.clone(), client, span(1, 0, 1), span(2, 1, 2)],
        &["{ } | count() = 4", "{ } | coalesce()", "{ } | by(kind)"],
    );
}

#[test]
fn a_sum_of_floats_does_not_depend_on_their_order() {
    let x = [i64::MAX, 1, i64::MIN, 3, 1 << 53, 5, 7];
    let spans: Vec<Span> = (1..)
        .zip(x)
        .map(|(id, x)| {
            with_attributes(span(id, id % 3, u64::from(8 - id)), vec![pair("x", int(x))])
        })
        .collect();
    agree(&spans, &["{ } | avg(.x * 0.5) != 0 | sum(.x * 0.1) != 0"]);
}

#[test]
fn of_two_zeros_the_positive_one_is_told_whichever_comes_first() {
    let of = |id, at, x| with_attributes(span(id, 0, at), vec![pair("x", double(x))]);
    agree(
        &[of(1, 3, 0.0), of(2, 2, -0.0), of(3, 1, 0.0)],
        &["{ } | max(.x) = 0", "{ } | min(.x) = 0"],
    );
    agree(&[of(1, 2, -0.0), of(2, 1, 0.0)], &["{ } | max(.x) = 0"]);
}

#[test]
fn what_is_not_a_number_counts_for_nothing() {
    let of = |id, x| with_attributes(span(id, 0, 1), vec![pair("x", double(x))]);
    agree(
        &[
            of(1, f64::NAN),
            of(2, 1.5),
            of(3, f64::INFINITY),
            of(4, f64::NEG_INFINITY),
        ],
        &[
            "{ } | max(span.x) > 1",
            "{ } | min(.x) < 1",
            "{ } | sum(span.x) != 1",
            "{ } | avg(span.x) != 1",
            "{ } | max(span.x % 0) != 1",
            "{ } | count() != max(.x % 0)",
            "{ } | max(span.x) - max(span.x) != 1",
            "{ } | by(span.x - span.x) | count() > 1",
            "{ .x % 0 != 1 }",
            "{ .x % 0 = nil }",
            "{ .x != 1 } | sum_over_time(.x)",
            "{ .x < 2 } | count() % 2 != max(.x % 0) | quantile_over_time(duration, .5)",
        ],
    );
}

#[test]
fn parentheses_do_not_take_a_condition_off_the_event_of_the_others() {
    agree(
        &[with_events(
            span(1, 0, 1),
            vec![
                event(int(1)),
                Event {
                    name: "f".to_owned(),
                    ..event(int(2))
                },
            ],
        )],
        &[
            "{ event.x = 1 && (name = `s` && event:name = `f`) }",
            "{ event.x = 2 && (name = `s` && event:name = `f`) }",
            "{ name = `s` && (kind = unspecified && event:name = `f`) } | rate() by (event.x)",
        ],
    );
}

#[test]
fn a_parent_groups_by_the_scopes_that_a_span_groups_by() {
    agree(
        &[
            with_events(span(1, 0, 1), vec![event(text("a"))]),
            span(2, 1, 2),
        ],
        &[
            "{ } | rate() by (parent.x)",
            "{ } | by(parent.x)",
            "{ parent.x = `a` }",
        ],
    );
}

#[test]
fn only_equality_fills_up_ids() {
    agree(
        &[span(1, 0, 1), span(0xb1, 1, 2)],
        &[
            "{ span:id > `a` }",
            "{ span:id = `101010101010101` }",
            "{ span:parentID <= `B` }",
        ],
    );
}
