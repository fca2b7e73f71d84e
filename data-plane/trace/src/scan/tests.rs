use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::TracesData;
use proptest::prelude::*;
use prost::Message as _;

use super::*;
use crate::SpanColumns;
use crate::decode::{Appended, DecodeLimits, Decoder};
use crate::encode::{trace_json, trace_proto};

fn decoded(request: &[u8]) -> Result<(SpanColumns, Appended), Malformed> {
    let limits = DecodeLimits {
        max_attribute_bytes: 0,
    };
    let mut columns = SpanColumns::default();
    let appended = Decoder::default().append(&mut columns, request, &limits)?;
    Ok((columns, appended))
}

/// What the store gives back of these columns, read by a strict reader.
fn read_back(columns: &SpanColumns) -> TracesData {
    let rows: Vec<u32> = (0..u32::try_from(columns.len()).unwrap()).collect();
    let proto = trace_proto(columns, &rows);
    trace_json(&proto).unwrap();
    TracesData::decode(proto.as_slice()).unwrap()
}

fn field(number: u32, message: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put_bytes(&mut out, number, message);
    out
}

fn span(trace: u8, rest: &[u8]) -> Vec<u8> {
    [&field(1, &[trace; 16]), &field(2, &[trace; 8]), rest].concat()
}

fn resource_spans(resource: &[u8], scope: &[u8], spans: &[Vec<u8>]) -> Vec<u8> {
    let spans: Vec<u8> = spans.iter().flat_map(|span| field(2, span)).collect();
    let scope_spans = [field(1, scope), spans].concat();
    field(1, &[field(2, &scope_spans), field(1, resource)].concat())
}

/// An attribute whose value stands in so many arrays.
fn nested(levels: usize, innermost: &[u8]) -> Vec<u8> {
    let value = (0..levels).fold(innermost.to_vec(), |value, _| field(5, &field(1, &value)));
    [field(1, b"k"), field(2, &value)].concat()
}

fn faults(scan: &Scan) -> Vec<Option<Malformed>> {
    scan.spans.iter().map(|span| span.malformed).collect()
}

const TRUNCATED: &[u8] = &[0x0a, 0x7f];

#[test]
fn a_malformed_span_is_told_apart_from_its_neighbours() {
    let request = resource_spans(
        b"",
        b"",
        &[
            span(1, b""),
            span(2, &field(11, &field(3, TRUNCATED))),
            span(3, &[0x39, 1]),
            span(4, &[0x28, 1]),
        ],
    );
    let scan = scan(&request).unwrap();
    let wrong_type = Malformed::Mismatch { field: 5, found: 0 };
    assert_eq!(
        faults(&scan),
        [
            None,
            Some(Malformed::Truncated),
            Some(Malformed::Truncated),
            Some(wrong_type)
        ]
    );
    assert_eq!(scan.spans[1].trace_id, Some(TraceId([2; 16])));
    let kept = scan.reframe(&request, |at| scan.spans[at].malformed.is_none());
    assert_eq!(decoded(&kept).unwrap().1.spans, 1);
}

#[test]
fn a_malformed_resource_or_scope_takes_its_spans_along_and_no_others() {
    let request = [
        resource_spans(&field(1, TRUNCATED), b"", &[span(1, b"")]),
        resource_spans(b"", &field(3, TRUNCATED), &[span(2, b"")]),
        resource_spans(b"", b"", &[span(3, b"")]),
        resource_spans(&field(1, TRUNCATED), &field(3, TRUNCATED), &[]),
    ]
    .concat();
    let scan = scan(&request).unwrap();
    let truncated = Some(Malformed::Truncated);
    assert_eq!(faults(&scan), [truncated, truncated, None]);
    let kept = scan.reframe(&request, |at| scan.spans[at].malformed.is_none());
    assert_eq!(decoded(&kept).unwrap().1.spans, 1);
}

#[test]
fn a_malformed_resource_without_spans_hurts_nobody() {
    let request = [
        resource_spans(&field(1, TRUNCATED), b"", &[]),
        resource_spans(b"", b"", &[span(3, b"")]),
    ]
    .concat();
    assert_eq!(faults(&scan(&request).unwrap()), [None]);
    let (columns, appended) = decoded(&request).unwrap();
    assert_eq!((appended.spans, columns.resources.service.len()), (1, 1));
}

#[test]
fn values_nest_as_deep_as_common_readers_follow() {
    let list = |levels: usize| {
        (0..levels).fold(Vec::new(), |value, _| {
            field(6, &field(1, &field(2, &value)))
        })
    };
    let with_event = |value: &[u8]| {
        let attribute = [field(1, b"k"), field(2, value)].concat();
        resource_spans(b"", b"", &[span(1, &field(11, &field(3, &attribute)))])
    };
    let deepest = with_event(&list(30));
    assert_eq!(faults(&scan(&deepest).unwrap()), [None]);
    read_back(&decoded(&deepest).unwrap().0);

    let deeper = with_event(&list(31));
    assert_eq!(faults(&scan(&deeper).unwrap()), [Some(Malformed::TooDeep)]);
    assert_eq!(decoded(&deeper).unwrap_err(), Malformed::TooDeep);
}

#[test]
fn texts_within_values_are_repaired() {
    let attribute = nested(2, &field(1, b"a\xffb"));
    let request = resource_spans(b"", b"", &[span(1, &field(9, &attribute))]);
    assert_eq!(faults(&scan(&request).unwrap()), [None]);
    let (columns, appended) = decoded(&request).unwrap();
    assert_eq!(appended.invalid_strings, 1);
    let back = format!("{:?}", read_back(&columns));
    assert!(back.contains("a\u{fffd}b"), "{back}");
}

#[test]
fn field_numbers_and_numbers_beyond_their_range_are_refused() {
    let faults_of =
        |rest: &[u8]| faults(&scan(&resource_spans(b"", b"", &[span(1, rest)])).unwrap());
    let too_long = [&[0x30][..], &[0xff; 9], &[0x02]].concat();
    assert_eq!(faults_of(&too_long), [Some(Malformed::Varint)]);
    assert_eq!(faults_of(&[0x02, 0]), [Some(Malformed::FieldNumber)]);
}

/// What a broken client or a bad wire may do to a request.
#[derive(Debug, Clone)]
enum Damage {
    Set(usize, u8),
    Insert(usize, u8),
    Remove(usize),
    Cut(usize),
}

impl Damage {
    fn to(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let length = bytes.len();
        match *self {
            Self::Set(at, byte) => bytes[at % length] = byte,
            Self::Insert(at, byte) => bytes.insert(at % length, byte),
            Self::Remove(at) => drop(bytes.remove(at % length)),
            Self::Cut(at) => bytes.truncate(length - at % length.min(8)),
        }
    }
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = any::<usize>();
    prop_oneof![
        6 => (at, any::<u8>()).prop_map(|(at, byte)| Damage::Set(at, byte)),
        1 => (at, any::<u8>()).prop_map(|(at, byte)| Damage::Insert(at, byte)),
        1 => at.prop_map(Damage::Remove),
        1 => at.prop_map(Damage::Cut),
    ]
}

/// A span with an inside that may be anything, in whole envelopes: damage that always reaches the span.
fn damaged_inside(request: &ExportTraceServiceRequest, damage: &[Damage]) -> Vec<u8> {
    let mut spans = Vec::new();
    for resource in &request.resource_spans {
        for scope in &resource.scope_spans {
            spans.extend(scope.spans.iter().map(prost::Message::encode_to_vec));
        }
    }
    let count = spans.len().max(1);
    for (at, damage) in damage.iter().enumerate() {
        if let Some(span) = spans.get_mut(at * 7 % count) {
            damage.to(span);
        }
    }
    resource_spans(b"", b"", &spans)
}

fn what_is_kept_decodes(request: &[u8]) -> Result<(), TestCaseError> {
    let Ok(scan) = scan(request) else {
        return Ok(());
    };
    let good = |at: usize| scan.spans[at].malformed.is_none();
    let kept = (0..scan.spans.len()).filter(|at| good(*at)).count();
    let reframed = scan.reframe(request, good);
    let (columns, appended) = decoded(&reframed).expect("what was kept decodes");
    prop_assert_eq!((columns.len(), appended.spans), (kept, kept));
    prop_assert!(
        super::scan(&reframed)
            .unwrap()
            .spans
            .iter()
            .all(|span| span.malformed.is_none())
    );
    let spans: usize = read_back(&columns)
        .resource_spans
        .iter()
        .flat_map(|resource| &resource.scope_spans)
        .map(|scope| scope.spans.len())
        .sum();
    prop_assert_eq!(spans, kept);
    if kept == scan.spans.len() {
        // Nothing to refuse: the distributor passes the request on as it is.
        prop_assert_eq!(
            decoded(request).expect("and so does the whole").1.spans,
            kept
        );
    }
    Ok(())
}

proptest! {
    #[test]
    fn what_a_scan_keeps_decodes(request in crate::arbitrary::request(), damage in proptest::collection::vec(damage(), 0..4)) {
        let mut bytes = request.encode_to_vec();
        damage.iter().for_each(|damage| damage.to(&mut bytes));
        what_is_kept_decodes(&bytes)?;
        what_is_kept_decodes(&damaged_inside(&request, &damage))?;
    }
}
