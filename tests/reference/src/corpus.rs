//! Traces as decoded OTLP messages hold them, put together by trace id.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::Span;

const CLIENT: i32 = 3;
const SERVER: i32 = 2;

/// All traces of some requests, in the order in which their first spans came.
#[derive(Debug)]
pub struct Corpus<'a> {
    pub traces: Vec<Trace<'a>>,
}

/// The spans of one trace, in the order in which they came.
#[derive(Debug)]
pub struct Trace<'a> {
    pub id: &'a [u8],
    pub spans: Vec<Item<'a>>,
    /// Of each span the position of its parent in `spans`.
    pub parents: Vec<Option<usize>>,
    pub children: Vec<i64>,
    /// The numbers of Tempo's nested set: left, right, and the parent's left.
    pub nested: Vec<(i64, i64, i64)>,
    /// The root that speaks for the trace: the first to start.
    pub root: Option<Item<'a>>,
    /// Nanoseconds since the Unix epoch.
    pub start: u64,
    pub end: u64,
}

/// A span with what stands around it.
#[derive(Debug, Clone, Copy)]
pub struct Item<'a> {
    pub resource: &'a [KeyValue],
    pub scope: Option<&'a InstrumentationScope>,
    pub span: &'a Span,
}

impl<'a> Corpus<'a> {
    #[must_use]
    pub fn new(requests: &'a [ExportTraceServiceRequest]) -> Self {
        let mut ids: Vec<&[u8]> = Vec::new();
        let mut spans: std::collections::HashMap<&[u8], Vec<Item<'a>>> = Default::default();
        for resource in requests.iter().flat_map(|request| &request.resource_spans) {
            let attributes = resource
                .resource
                .as_ref()
                .map_or(&[][..], |r| &r.attributes);
            for scope in &resource.scope_spans {
                for span in &scope.spans {
                    let of_trace = spans.entry(&span.trace_id).or_default();
                    if of_trace.is_empty() {
                        ids.push(&span.trace_id);
                    }
                    of_trace.push(Item {
                        resource: attributes,
                        scope: scope.scope.as_ref(),
                        span,
                    });
                }
            }
        }
        let traces = ids
            .into_iter()
            .map(|id| Trace::new(id, spans.remove(id).unwrap_or_default()))
            .collect();
        Self { traces }
    }
}

impl<'a> Trace<'a> {
    fn new(id: &'a [u8], spans: Vec<Item<'a>>) -> Self {
        let mut trace = Self {
            id,
            parents: Vec::new(),
            children: vec![0; spans.len()],
            nested: vec![(0, 0, 0); spans.len()],
            root: None,
            start: spans
                .iter()
                .map(|i| i.span.start_time_unix_nano)
                .min()
                .unwrap_or(0),
            end: spans
                .iter()
                .map(|i| i.span.end_time_unix_nano)
                .max()
                .unwrap_or(0),
            spans,
        };
        trace.root = trace.find_root();
        trace.parents = trace.find_parents();
        trace.cut_cycles();
        for parent in trace.parents.iter().flatten() {
            trace.children[*parent] += 1;
        }
        trace.number();
        trace
    }

    /// Positions by start of their spans; ties by span id, then as they came.
    fn by_start(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.spans.len()).collect();
        order.sort_by_key(|at| {
            let span = self.spans[*at].span;
            (span.start_time_unix_nano, &span.span_id)
        });
        order
    }

    fn find_parents(&self) -> Vec<Option<usize>> {
        let mut by_id: std::collections::HashMap<&[u8], Vec<usize>> = Default::default();
        for at in self.by_start() {
            by_id
                .entry(&self.spans[at].span.span_id)
                .or_default()
                .push(at);
        }
        (0..self.spans.len())
            .map(|at| {
                let span = self.spans[at].span;
                if !names_parent(span) {
                    return None;
                }
                // Zipkin gives client and server of a call one id, so an id stands for two spans at
                // most: the first two to start. A server hangs below the client half, everything
                // else below the server half.
                let twins = by_id.get(span.parent_span_id.as_slice())?.iter().take(2);
                let wanted = if span.kind == SERVER { CLIENT } else { SERVER };
                let others = twins.copied().filter(|twin| *twin != at);
                let fitting = |twin: &usize| self.spans[*twin].span.kind == wanted;
                others
                    .clone()
                    .find(fitting)
                    .or_else(|| others.clone().next())
            })
            .collect()
    }

    /// Of parents in a circle, the one that starts first has none.
    fn cut_cycles(&mut self) {
        for at in self.by_start() {
            let mut above = self.parents[at];
            let mut steps = 0;
            while let Some(next) = above
                && next != at
                && steps < self.spans.len()
            {
                above = self.parents[next];
                steps += 1;
            }
            if above == Some(at) {
                self.parents[at] = None;
            }
        }
    }

    /// Counts once through the trees below the roots, in the order in which spans came. A span that no
    /// root leads to stays without numbers, and so do all when an id is used more than twice.
    fn number(&mut self) {
        let mut uses: std::collections::HashMap<&[u8], usize> = Default::default();
        for item in &self.spans {
            *uses.entry(&item.span.span_id).or_default() += 1;
        }
        let ambiguous = uses.values().any(|uses| *uses > 2);
        let mut counter = 0;
        for at in 0..self.spans.len() {
            if self.is_root(at) && ambiguous {
                self.nested[at].2 = -1;
            } else if self.is_root(at) {
                self.number_below(at, &mut counter);
            }
        }
    }

    fn number_below(&mut self, root: usize, counter: &mut i64) {
        let mut children = vec![Vec::new(); self.spans.len()];
        for (at, parent) in self.parents.iter().enumerate() {
            if let Some(parent) = parent {
                children[*parent].push(at);
            }
        }
        *counter += 1;
        self.nested[root] = (*counter, 0, -1);
        let mut path = vec![root];
        while let Some(at) = path.last().copied() {
            *counter += 1;
            if children[at].is_empty() {
                self.nested[at].1 = *counter;
                path.pop();
            } else {
                let child = children[at].remove(0);
                self.nested[child] = (*counter, 0, self.nested[at].0);
                path.push(child);
            }
        }
    }

    /// Whether a span names no parent at all.
    #[must_use]
    pub fn is_root(&self, at: usize) -> bool {
        !names_parent(self.spans[at].span)
    }

    fn find_root(&self) -> Option<Item<'a>> {
        self.spans
            .iter()
            .copied()
            .filter(|item| !names_parent(item.span) && !self.has_parent_by_link(item.span))
            .min_by_key(|item| item.span.start_time_unix_nano)
    }

    /// OpenTracing's way to name a parent.
    fn has_parent_by_link(&self, span: &Span) -> bool {
        let child_of = any_value::Value::StringValue("child_of".to_owned());
        span.links.iter().any(|link| {
            link.trace_id == self.id
                && link.attributes.iter().any(|attribute| {
                    attribute.key == "opentracing.ref_type"
                        && attribute.value.as_ref().and_then(|v| v.value.as_ref())
                            == Some(&child_of)
                })
        })
    }
}

fn names_parent(span: &Span) -> bool {
    span.parent_span_id.iter().any(|byte| *byte != 0)
}

#[cfg(test)]
mod tests;
