use proptest::prelude::*;
use takt_model::{SpanId, TraceId};

use super::*;
use crate::ValueRef;
use crate::decode::{DecodeLimits, Decoder};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value as Any};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, span::Event};
use prost::Message as _;

/// (trace, id, parent, start)
type Short = (u8, u8, u8, u64);

fn columns(spans: &[Short]) -> SpanColumns {
    let (mut decoder, mut columns) = (Decoder::default(), SpanColumns::default());
    for (trace, id, parent, start) in spans {
        let attribute = |key: &str, value: Any| KeyValue {
            key: key.to_owned(),
            value: Some(AnyValue { value: Some(value) }),
            ..KeyValue::default()
        };
        let span = Span {
            trace_id: vec![*trace; 16],
            span_id: vec![*id; 8],
            parent_span_id: if *parent == 0 {
                Vec::new()
            } else {
                vec![*parent; 8]
            },
            name: format!("s{id}"),
            start_time_unix_nano: *start,
            end_time_unix_nano: *start + 1,
            attributes: vec![
                attribute("id", Any::IntValue(i64::from(*id))),
                attribute("text", Any::StringValue(format!("t{id}"))),
            ],
            events: vec![Event {
                name: format!("e{id}"),
                ..Event::default()
            }],
            ..Span::default()
        };
        let resource = Resource {
            attributes: vec![attribute(
                "service.name",
                Any::StringValue(format!("svc{}", id % 3)),
            )],
            ..Resource::default()
        };
        let scope_spans = vec![ScopeSpans {
            spans: vec![span],
            ..ScopeSpans::default()
        }];
        let request = ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans {
                resource: Some(resource),
                scope_spans,
                ..ResourceSpans::default()
            }],
        };
        decoder
            .append(
                &mut columns,
                &request.encode_to_vec(),
                &DecodeLimits {
                    max_attribute_bytes: 0,
                },
            )
            .unwrap();
    }
    columns
}

/// Ids of trace, span and parent; start, name and service; attributes and events.
type Said = (
    (TraceId, SpanId, SpanId),
    (u64, String, String),
    (Option<i64>, Option<String>, Vec<String>),
);

/// Everything a span says, read back from its row.
fn spans_of(columns: &SpanColumns) -> Vec<Said> {
    let mut spans: Vec<_> = (0..u32::try_from(columns.len()).unwrap())
        .map(|row| {
            let at = row as usize;
            let id = match columns.attrs.get(row, "id") {
                Some(ValueRef::Int(id)) => Some(id),
                _ => None,
            };
            let text = match columns.attrs.get(row, "text") {
                Some(ValueRef::String(text)) => Some(text.to_owned()),
                _ => None,
            };
            let events = columns
                .events_of(row)
                .map(|event| {
                    columns
                        .events
                        .names
                        .text(columns.events.name[event as usize])
                        .to_owned()
                })
                .collect();
            let name = columns.names.text(columns.name[at]).to_owned();
            let trace_id = columns.traces.id[columns.trace[at] as usize];
            (
                (trace_id, columns.span_id[at], columns.parent_id[at]),
                (columns.start[at], name, columns.service(row).to_owned()),
                (id, text, events),
            )
        })
        .collect();
    spans.sort();
    spans
}

fn ids(columns: &SpanColumns) -> Vec<u8> {
    columns.span_id.iter().map(|id| id.0[0]).collect()
}

#[test]
fn parents_come_before_children_and_siblings_by_start() {
    let clustered = cluster(&columns(&[
        (1, 4, 2, 40),
        (1, 3, 1, 30),
        (1, 2, 1, 20),
        (1, 1, 0, 10),
        (1, 5, 2, 35),
    ]));
    assert_eq!(ids(&clustered), [1, 2, 5, 4, 3]);
    assert_eq!(clustered.parent, [NO_ROW, 0, 1, 1, 0]);
}

#[test]
fn orphans_and_cycles_are_kept_and_no_parent_stands_above_its_child() {
    let clustered = cluster(&columns(&[
        (1, 2, 3, 20),
        (1, 3, 2, 30),
        (1, 4, 9, 40),
        (1, 5, 5, 50),
    ]));
    assert_eq!(clustered.len(), 4);
    for (row, parent) in (0..).zip(&clustered.parent) {
        assert!(*parent == NO_ROW || *parent < row, "{:?}", clustered.parent);
    }
}

#[test]
fn a_cycle_is_cut_above_the_span_of_it_that_starts_first() {
    let mut columns = columns(&[
        (1, 9, 3, 5),
        (1, 2, 4, 30),
        (1, 3, 2, 20),
        (1, 4, 3, 40),
        (2, 1, 2, 1),
        (2, 2, 1, 2),
    ]);
    let clustered = cluster(&columns);
    assert_eq!(ids(&clustered), [3, 9, 4, 2, 1, 2]);
    assert_eq!(clustered.parent, [NO_ROW, 0, 0, 2, NO_ROW, 4]);
    columns.resolve_parents();
    assert_eq!(columns.parent, [2, 3, NO_ROW, 2, NO_ROW, 4]);
}

#[test]
fn like_traces_stand_together() {
    let tree = |trace: u8, start: u64| vec![(trace, 1, 0, start), (trace, 2, 1, start + 1)];
    let other = |trace: u8, start: u64| vec![(trace, 3, 0, start)];
    let clustered = cluster(&columns(
        &[tree(9, 300), other(8, 200), tree(7, 100)].concat(),
    ));
    let order: Vec<u8> = clustered.traces.id.iter().map(|id| id.0[0]).collect();
    assert_eq!(
        order,
        [8, 7, 9],
        "service svc0 first, then the two of one shape by start"
    );
}

#[test]
fn a_selection_shows_nothing_of_what_it_left() {
    let all = columns(&[(1, 1, 0, 10), (2, 2, 0, 20), (1, 3, 1, 30)]);
    let two = all.traces.find(TraceId([2; 16])).unwrap();
    let selected = select(&all, &[two]);
    assert_eq!(ids(&selected), [2]);
    assert_eq!(
        selected
            .attrs
            .column("text")
            .unwrap()
            .strings
            .iter()
            .collect::<Vec<_>>(),
        [b"t2"]
    );
    assert_eq!(
        (
            selected.resources.service.len(),
            selected.names.len(),
            selected.events.span.len()
        ),
        (1, 1, 1)
    );
}

proptest! {
    #[test]
    fn clustering_and_selecting_lose_and_change_nothing(spans in proptest::collection::vec((1u8..6, 1u8..40, 0u8..40, 0u64..100), 1..120)) {
        let all = columns(&spans);
        let clustered = cluster(&all);
        prop_assert_eq!(spans_of(&clustered), spans_of(&all));
        for (row, parent) in (0..).zip(&clustered.parent) {
            prop_assert!(*parent == NO_ROW || *parent < row);
        }
        for trace in 0..u32::try_from(all.traces.len()).unwrap() {
            let found = clustered.traces.find(all.traces.id[trace as usize]).unwrap();
            prop_assert_eq!(clustered.summary(found), all.summary(trace));
            let rows: Vec<u32> = clustered.rows_of(found).collect();
            prop_assert!(rows.windows(2).all(|pair| pair[0] == pair[1] + 1), "contiguous");
        }
        let (some, rest): (Vec<u32>, Vec<u32>) = (0..u32::try_from(all.traces.len()).unwrap()).partition(|trace| trace % 2 == 0);
        let mut both = spans_of(&select(&all, &some));
        both.extend(spans_of(&select(&all, &rest)));
        both.sort();
        prop_assert_eq!(both, spans_of(&all));
    }
}

proptest! {
    #[test]
    fn fragments_join_to_what_was_taken_apart(
        spans in proptest::collection::vec((0_u8..4, 1_u8..9, 0_u8..9, 0_u64..50), 0..24),
        sides in proptest::collection::vec(0_u8..3, 24),
    ) {
        let whole = columns(&spans);
        let fragment = |side: u8| {
            let rows: Vec<u32> = (0..u32::try_from(whole.len()).unwrap())
                .filter(|row| sides[*row as usize] == side)
                .collect();
            pick(&whole, &rows)
        };
        let joined = join(&[fragment(0), fragment(1), fragment(2)]);
        prop_assert_eq!(spans_of(&joined), spans_of(&whole));
        for trace in 0..u32::try_from(whole.traces.len()).unwrap() {
            let id = whole.traces.id[trace as usize];
            let again = joined.traces.find(id).unwrap();
            prop_assert_eq!(
                (joined.traces.start[again as usize], joined.traces.end[again as usize]),
                (whole.traces.start[trace as usize], whole.traces.end[trace as usize])
            );
            prop_assert_eq!(joined.rows_of(again).count(), whole.rows_of(trace).count());
        }
    }
}

#[test]
fn a_column_that_one_fragment_lacks_is_empty_in_all() {
    let (mut a, b) = (
        columns(&[(1, 1, 0, 5)]),
        columns(&[(1, 2, 1, 6), (2, 3, 0, 7)]),
    );
    a.name = Vec::new();
    let joined = join(&[a, b]);
    assert_eq!(
        (joined.len(), joined.name.len(), joined.start.len()),
        (3, 0, 3)
    );
    assert_eq!(joined.traces.spans, [2, 1]);
    assert_eq!(joined.traces.root, [0, 2]);
}
