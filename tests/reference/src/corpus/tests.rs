use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans};

use super::*;

/// (id, parent, kind, start)
fn request(spans: &[(u8, u8, i32, u64)]) -> ExportTraceServiceRequest {
    let spans = spans.iter().map(|(id, parent, kind, start)| Span {
        trace_id: vec![1; 16],
        span_id: vec![*id; 8],
        parent_span_id: vec![*parent; 8],
        kind: *kind,
        start_time_unix_nano: *start,
        end_time_unix_nano: *start,
        ..Span::default()
    });
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            scope_spans: vec![ScopeSpans {
                spans: spans.collect(),
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    }
}

fn parents(spans: &[(u8, u8, i32, u64)]) -> Vec<Option<usize>> {
    Corpus::new(&[request(spans)]).traces[0].parents.clone()
}

#[test]
fn a_server_hangs_below_the_client_of_its_id_and_all_else_below_the_server() {
    let spans = [
        (1, 0, 3, 0),
        (1, 1, 2, 1),
        (2, 1, 2, 2),
        (3, 1, 1, 3),
        (4, 9, 1, 4),
    ];
    assert_eq!(parents(&spans), [None, Some(0), Some(0), Some(1), None]);
}

#[test]
fn of_a_circle_the_first_to_start_has_no_parent() {
    let spans = [
        (9, 3, 0, 5),
        (2, 4, 0, 30),
        (3, 2, 0, 20),
        (4, 3, 0, 40),
        (5, 5, 0, 1),
    ];
    assert_eq!(parents(&spans), [Some(2), Some(3), None, Some(2), None]);
}

#[test]
fn the_nested_set_counts_through_all_trees() {
    let spans = [
        (1, 0, 0, 0),
        (2, 1, 0, 1),
        (3, 1, 0, 1),
        (4, 2, 0, 1),
        (5, 0, 0, 1),
        (6, 9, 0, 1),
    ];
    let requests = [request(&spans)];
    let corpus = Corpus::new(&requests);
    let expected = [
        (1, 8, -1),
        (2, 5, 1),
        (6, 7, 1),
        (3, 4, 2),
        (9, 10, -1),
        (0, 0, 0),
    ];
    assert_eq!(corpus.traces[0].nested, expected);
}
