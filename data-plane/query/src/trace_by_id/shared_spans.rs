//! Zipkin lets a client span and the server span it calls share one id; viewers need two.

use std::collections::{HashMap, HashSet};

use opentelemetry_proto::tonic::trace::v1::Span;
use prost::{DecodeError, Message as _};
use takt_model::SpanId;
use takt_trace::Kind;
use takt_wire::tempopb::Trace;

/// Whether a server span shares its id with a client span.
pub(super) fn occur(spans: &HashSet<(SpanId, u8)>) -> bool {
    spans
        .iter()
        .any(|(id, kind)| *kind == Kind::SERVER.0 && spans.contains(&(*id, Kind::CLIENT.0)))
}

/// Gives each such server span the smallest unused number as its id, makes it the child of the client
/// span, and takes the children of the shared id along.
pub(super) fn tell_apart(proto: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let mut trace = Trace::decode(proto)?;
    let clients: HashSet<Vec<u8>> = spans(&mut trace)
        .filter(|span| is(span, Kind::CLIENT))
        .map(|span| span.span_id.clone())
        .collect();
    let mut used: HashSet<Vec<u8>> = spans(&mut trace).map(|span| span.span_id.clone()).collect();
    let mut moved = HashMap::<Vec<u8>, Vec<u8>>::new();
    let mut next = 1_u64;
    for span in
        spans(&mut trace).filter(|span| is(span, Kind::SERVER) && clients.contains(&span.span_id))
    {
        while !used.insert(next.to_be_bytes().to_vec()) {
            next += 1;
        }
        let shared = std::mem::replace(&mut span.span_id, next.to_be_bytes().to_vec());
        moved.insert(shared.clone(), span.span_id.clone());
        span.parent_span_id = shared;
    }
    for span in spans(&mut trace) {
        if let Some(server) = moved.get(&span.parent_span_id)
            && *server != span.span_id
        {
            span.parent_span_id.clone_from(server);
        }
    }
    Ok(trace.encode_to_vec())
}

fn spans(trace: &mut Trace) -> impl Iterator<Item = &mut Span> {
    trace
        .resource_spans
        .iter_mut()
        .flat_map(|resource| &mut resource.scope_spans)
        .flat_map(|scope| &mut scope.spans)
}

fn is(span: &Span, kind: Kind) -> bool {
    span.kind == i32::from(kind.0)
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans};

    use super::*;

    fn span(id: u64, parent: u64, kind: Kind) -> Span {
        let bytes = |id: u64| {
            if id == 0 {
                Vec::new()
            } else {
                id.to_be_bytes().to_vec()
            }
        };
        Span {
            span_id: bytes(id),
            parent_span_id: bytes(parent),
            kind: kind.0.into(),
            ..Span::default()
        }
    }

    fn number(id: &[u8]) -> u64 {
        id.try_into().map_or(0, u64::from_be_bytes)
    }

    #[test]
    fn the_server_span_gets_an_id_of_its_own_and_keeps_its_children() {
        let all = vec![
            span(1, 0, Kind(1)),
            span(7, 1, Kind::CLIENT),
            span(7, 1, Kind::SERVER),
            span(9, 7, Kind(1)),
        ];
        let scope_spans = vec![ScopeSpans {
            spans: all,
            ..ScopeSpans::default()
        }];
        let trace = Trace {
            resource_spans: vec![ResourceSpans {
                scope_spans,
                ..ResourceSpans::default()
            }],
        };
        let mut told =
            Trace::decode(tell_apart(&trace.encode_to_vec()).unwrap().as_slice()).unwrap();
        let ids: Vec<(u64, u64)> = spans(&mut told)
            .map(|span| (number(&span.span_id), number(&span.parent_span_id)))
            .collect();
        assert_eq!(
            ids,
            [(1, 0), (7, 1), (2, 7), (9, 2)],
            "1 is taken, so the server span is 2"
        );
    }

    #[test]
    fn only_client_and_server_share() {
        let id = SpanId([7; 8]);
        assert!(occur(&HashSet::from([
            (id, Kind::CLIENT.0),
            (id, Kind::SERVER.0)
        ])));
        assert!(!occur(&HashSet::from([(id, Kind::CLIENT.0), (id, 4)])));
    }
}
