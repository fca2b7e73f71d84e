//! What goes into a block comes back: requests -> columns -> block -> columns, compared span for span.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

mod spans;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use proptest::prelude::*;
use prost::Message as _;
use spans::{decoded, flat, opened, read, request, said, spec};
use takt_block::{Error, Fetched, Intrinsic, Opened, Scope, write, write_groups};
use takt_trace::{Column, NO_ROW, Projection, SpanColumns, ValueRef};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_field_of_every_span_comes_back(requests in prop::collection::vec(request(), 1..4)) {
        let columns = decoded(&requests);
        prop_assume!(!columns.is_empty());
        let block = write(&columns, &spec()).unwrap();
        let opened = opened(&block);
        prop_assert_eq!(flat(&read(&opened, &block, &Projection::All)), flat(&columns));
    }

    #[test]
    fn a_stored_request_reads_as_the_request_that_was_sent(request in request()) {
        let columns = decoded(std::slice::from_ref(&request));
        prop_assume!(!columns.is_empty());
        let block = write(&columns, &spec()).unwrap();
        let back = read(&opened(&block), &block, &Projection::All);
        let rows: Vec<u32> = (0_u32..).zip(&back.trace).map(|(row, _)| row).collect();
        let proto = takt_trace::encode::trace_proto(&back, &rows);
        let answered = ExportTraceServiceRequest::decode(proto.as_slice()).unwrap();
        prop_assert_eq!(said(answered), said(request));
    }

    #[test]
    fn a_trace_read_by_its_rows_alone_is_the_same_trace(requests in prop::collection::vec(request(), 1..4)) {
        let columns = decoded(&requests);
        prop_assume!(!columns.is_empty());
        let block = write(&columns, &spec()).unwrap();
        let opened = opened(&block);
        for (at, id) in (0_u32..).zip(&columns.traces.id) {
            let found = opened.find(*id).unwrap();
            let rows = Some(found.rows.clone());
            let ranges = opened.ranges(found.group, &Projection::All, rows.clone()).unwrap();
            let slices = ranges.iter().map(|range| {
                block.data.slice(usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap())
            });
            let fetched = Fetched::new(&ranges, slices);
            let alone = opened.decode(found.group, &Projection::All, rows, &fetched).unwrap();
            let expected: Vec<_> = flat(&columns).into_iter().filter(|span| span.trace == id.0).collect();
            prop_assert_eq!(flat(&alone), expected);
            prop_assert_eq!(alone.traces.id.as_slice(), &[*id]);
            prop_assert_eq!(opened.summary(found.trace), columns.summary(at));
            prop_assert_eq!(alone.summary(0), columns.summary(at));
        }
    }

    #[test]
    fn parents_point_to_the_row_that_bears_their_id(requests in prop::collection::vec(request(), 1..4)) {
        let columns = decoded(&requests);
        prop_assume!(!columns.is_empty());
        let block = write(&columns, &spec()).unwrap();
        let back = read(&opened(&block), &block, &Projection::All);
        prop_assert!(back.clustered);
        for (row, parent) in back.parent.iter().enumerate() {
            if *parent != NO_ROW {
                let parent = *parent as usize;
                prop_assert_eq!(back.span_id[parent], back.parent_id[row]);
                prop_assert_eq!(back.trace[parent], back.trace[row]);
            }
        }
    }
}

#[test]
fn row_groups_end_with_a_trace_and_are_read_one_by_one() {
    let columns = spans::shop(25);
    let block = write_groups(&columns, &spec(), 7).unwrap();
    let opened = opened(&block);
    assert_eq!(opened.groups(), 7);
    let whole = Fetched::whole(block.data.clone());
    let mut all = Vec::new();
    for group in 0..opened.groups() {
        let spans = opened
            .decode(group, &Projection::All, None, &whole)
            .unwrap();
        assert_eq!(spans.len(), opened.group_rows(group) as usize);
        let times = opened.group_times(group);
        assert_eq!(times.start.0, *spans.start.iter().min().unwrap());
        let traces = opened.group_traces(group);
        assert_eq!(spans.traces.len(), traces.len());
        for trace in traces {
            let found = opened.find(opened.summary(trace).id).unwrap();
            assert_eq!((found.trace, found.group), (trace, group));
        }
        all.extend(flat(&spans));
    }
    all.sort_by(|a, b| a.partial_cmp(b).unwrap());
    assert_eq!(all, flat(&columns));
}

#[test]
fn a_row_group_without_the_value_is_known_to_be_without() {
    let block = write_groups(&spans::shop(25), &spec(), 7).unwrap();
    let opened = opened(&block);
    let may = |group| {
        let value = ValueRef::Int(5);
        opened
            .group_may_have(group, Scope::Span, "items", value)
            .unwrap()
    };
    let groups: Vec<usize> = (0..opened.groups()).filter(|group| may(*group)).collect();
    let trace = opened.find(takt_model::TraceId([5; 16])).unwrap();
    assert_eq!(groups, [trace.group]);
}

#[test]
fn only_what_was_named_is_filled() {
    let columns = spans::shop(40);
    let block = write(&columns, &spec()).unwrap();
    let opened = opened(&block);
    let projection = Projection::only([Column::Name, Column::Attr("http.method".to_owned())]);
    let some = read(&opened, &block, &projection);
    assert_eq!(some.name.len(), columns.len());
    assert_eq!(some.attrs.keys.len(), 1);
    assert!(some.attrs.column("http.method").is_some());
    assert!(some.span_id.is_empty() && some.start.is_empty() && some.events.span.is_empty());
    assert_eq!(some.traces.len(), columns.traces.len());
    assert_eq!(
        some.resources.service.len(),
        columns.resources.service.len()
    );
    let bytes = |projection: &Projection| -> u64 {
        let ranges = opened.ranges(0, projection, None).unwrap();
        ranges.iter().map(|range| range.end - range.start).sum()
    };
    assert!(bytes(&projection) * 5 < bytes(&Projection::All));
    assert_eq!(bytes(&Projection::only([])), 0);
}

#[test]
fn an_attribute_that_no_span_has_needs_no_bytes() {
    let block = write(&spans::shop(3), &spec()).unwrap();
    let projection = Projection::only([Column::Attr("absent".to_owned())]);
    let opened = opened(&block);
    assert!(opened.ranges(0, &projection, None).unwrap().is_empty());
    assert!(read(&opened, &block, &projection).attrs.columns.is_empty());
}

#[test]
fn the_index_answers_for_keys_values_and_pruning() {
    let block = write(&spans::shop(40), &spec()).unwrap();
    let opened = opened(&block);
    let keys: Vec<&str> = opened
        .keys(Scope::Span)
        .iter()
        .map(|key| key.name.as_str())
        .collect();
    assert!(keys.contains(&"http.method"), "{keys:?}");
    let values = opened.values(Scope::Span, "http.method").unwrap().unwrap();
    assert_eq!(values.iter().map(|value| value.total()).sum::<u64>(), 40);
    assert_eq!(opened.values(Scope::Span, "absent").unwrap(), Some(vec![]));
    let services = opened.values(Scope::Resource, "service.name").unwrap();
    let services: u64 = services.unwrap().iter().map(|value| value.total()).sum();
    assert_eq!(services, opened.meta().takt.spans);
    let names = opened.intrinsic(Intrinsic::Name).unwrap().unwrap();
    assert_eq!(
        names.iter().map(takt_block::Counted::total).sum::<u64>(),
        opened.meta().takt.spans
    );
    let may = |value| opened.group_may_have(0, Scope::Span, "http.method", ValueRef::String(value));
    assert!(may("GET").unwrap());
    assert!(!may("PATCH").unwrap());
}

#[test]
fn rows_that_cut_a_trace_are_refused() {
    let block = write(&spans::shop(3), &spec()).unwrap();
    let opened = opened(&block);
    let error = opened.ranges(0, &Projection::All, Some(0..1)).unwrap_err();
    assert!(matches!(error, Error::Rows { .. }), "{error}");
    let error = opened.ranges(7, &Projection::All, None).unwrap_err();
    assert!(matches!(error, Error::NoGroup(7)), "{error}");
}

#[test]
fn a_block_without_spans_is_not_written() {
    let error = write(&SpanColumns::default(), &spec()).unwrap_err();
    assert!(matches!(error, Error::Empty), "{error}");
}

#[test]
fn the_meta_reads_as_tempos_and_comes_back() {
    let block = write(&spans::shop(3), &spec()).unwrap();
    let json = block.meta.to_json();
    let value: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(value["format"], "takt1");
    assert_eq!(value["replicationFactor"], 1);
    assert_eq!(value["totalObjects"], 3);
    assert_eq!(value["startTime"], "2026-09-21T14:13:20Z");
    let back = takt_block::Meta::from_json(&json).unwrap();
    assert_eq!(back, block.meta);
    assert_eq!(Opened::footer_range(&back).end, block.data.len() as u64);
    let other = takt_block::Meta::from_json(br#"{"format":"vParquet4"}"#).unwrap_err();
    assert!(matches!(other, Error::Format(_)), "{other}");
}
