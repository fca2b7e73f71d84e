//! What the tests of this crate share: a second evaluator of filters, as slow and as plain as
//! possible, over decoded OTLP messages. It shares no code with the engine.

#![allow(dead_code, reason = "each test binary uses a part of this module")]
#![expect(clippy::unwrap_used, reason = "a failed expectation is a failed test")]

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use takt_trace::SpanColumns;
use takt_trace::decode::{DecodeLimits, Decoder};
use takt_traceql::{BinaryOp, Expr, Field, Filter, Intrinsic, Scope, Static, UnaryOp, What};

/// Columns as the live store would hold them.
pub(crate) fn columns(requests: &[Vec<u8>]) -> SpanColumns {
    let mut columns = SpanColumns::default();
    let mut decoder = Decoder::default();
    let limits = DecodeLimits {
        max_attribute_bytes: 0,
    };
    for request in requests {
        decoder.append(&mut columns, request, &limits).unwrap();
    }
    columns
}

pub(crate) fn decode(requests: &[Vec<u8>]) -> Vec<ExportTraceServiceRequest> {
    requests
        .iter()
        .map(|bytes| ExportTraceServiceRequest::decode(bytes.as_slice()).unwrap())
        .collect()
}

/// A span with what stands around it.
#[derive(Clone, Copy)]
pub(crate) struct Item<'a> {
    pub(crate) resource: &'a [KeyValue],
    pub(crate) scope: Option<&'a InstrumentationScope>,
    pub(crate) span: &'a Span,
}

pub(crate) struct Slow<'a> {
    pub(crate) items: Vec<Item<'a>>,
    /// Items of each trace, in their order.
    traces: std::collections::HashMap<&'a [u8], Vec<usize>>,
}

#[derive(Debug, Clone, PartialEq)]
enum V {
    Text(String),
    Int(i64),
    Float(f64),
    Bool(bool),
    Nanos(i64),
    Status(i64),
    Kind(usize),
    List(Vec<V>),
    Opaque,
}

/// The event and the link that conditions on those must hold for, if one alone counts.
#[derive(Clone, Copy, Default)]
struct Only {
    event: Option<usize>,
    link: Option<usize>,
}

impl<'a> Slow<'a> {
    pub(crate) fn new(requests: &'a [ExportTraceServiceRequest]) -> Self {
        let mut items = Vec::new();
        for resource in requests.iter().flat_map(|r| &r.resource_spans) {
            for scope in &resource.scope_spans {
                items.extend(scope.spans.iter().map(|span| Item {
                    resource: resource.resource.as_ref().map_or(&[], |r| &r.attributes),
                    scope: scope.scope.as_ref(),
                    span,
                }));
            }
        }
        let mut traces: std::collections::HashMap<&[u8], Vec<usize>> = Default::default();
        for (i, item) in items.iter().enumerate() {
            traces.entry(&item.span.trace_id).or_default().push(i);
        }
        Self { items, traces }
    }

    /// (trace id, span id, kind) of every span that matches, sorted.
    pub(crate) fn matching(&self, filter: &Filter) -> Vec<(Vec<u8>, Vec<u8>, i32)> {
        let mut found: Vec<_> = (0..self.items.len())
            .filter(|i| filter.expr.as_ref().is_none_or(|e| self.matches(*i, e)))
            .map(|i| self.items[i].span)
            .map(|s| (s.trace_id.clone(), s.span_id.clone(), s.kind))
            .collect();
        found.sort();
        found
    }

    fn matches(&self, i: usize, expr: &Expr) -> bool {
        if has_or_or_not(expr) {
            return self.truth(i, expr, Only::default());
        }
        let mut conditions = Vec::new();
        conjuncts(expr, &mut conditions);
        let about = |scope: Scope| {
            conditions
                .iter()
                .filter(move |c| speaks_only_of(c, scope))
                .copied()
                .collect::<Vec<_>>()
        };
        let (events, links) = (about(Scope::Event), about(Scope::Link));
        let rest = conditions
            .iter()
            .filter(|c| !speaks_only_of(c, Scope::Event) && !speaks_only_of(c, Scope::Link));
        let span = self.items[i].span;
        let one_event = events.is_empty()
            || (0..span.events.len()).any(|e| {
                let only = Only {
                    event: Some(e),
                    link: None,
                };
                events.iter().all(|c| self.truth(i, c, only))
            });
        let one_link = links.is_empty()
            || (0..span.links.len()).any(|l| {
                let only = Only {
                    event: None,
                    link: Some(l),
                };
                links.iter().all(|c| self.truth(i, c, only))
            });
        one_event && one_link && rest.into_iter().all(|c| self.truth(i, c, Only::default()))
    }

    fn truth(&self, i: usize, expr: &Expr, only: Only) -> bool {
        self.eval(i, expr, only).contains(&V::Bool(true))
    }

    fn eval(&self, i: usize, expr: &Expr, only: Only) -> Vec<V> {
        match expr {
            Expr::Static(literal) => literal_value(literal).into_iter().collect(),
            Expr::Field(field) => self.field(i, field, only),
            Expr::Unary { op, operand } => self
                .eval(i, operand, only)
                .into_iter()
                .filter_map(|v| match (op, v) {
                    (UnaryOp::Not, V::Bool(b)) => Some(V::Bool(!b)),
                    (UnaryOp::Neg, V::Int(n)) => Some(V::Int(-n)),
                    (UnaryOp::Neg, V::Nanos(n)) => Some(V::Nanos(-n)),
                    (UnaryOp::Neg, V::Float(n)) => Some(V::Float(-n)),
                    _ => None,
                })
                .collect(),
            Expr::Binary {
                op: BinaryOp::And,
                left,
                right,
            } => vec![V::Bool(
                self.truth(i, left, only) && self.truth(i, right, only),
            )],
            Expr::Binary {
                op: BinaryOp::Or,
                left,
                right,
            } => vec![V::Bool(
                self.truth(i, left, only) || self.truth(i, right, only),
            )],
            Expr::Binary { op, left, right } => {
                let rights = self.eval(i, right, only);
                let mut results = Vec::new();
                for a in self.eval(i, left, only) {
                    for b in &rights {
                        results.extend(binary(*op, &a, b));
                    }
                }
                if op.is_arithmetic() {
                    results
                } else {
                    vec![V::Bool(results.contains(&V::Bool(true)))]
                }
            }
            Expr::Match {
                negated,
                operand,
                pattern,
            } => {
                let regex = regex::Regex::new(&format!("^(?s:{})$", pattern.as_str())).unwrap();
                let one = |v: &V| matches!(v, V::Text(t) if regex.is_match(t) != *negated);
                let found = self.eval(i, operand, only).iter().any(|v| match v {
                    V::List(list) if *negated => !list.is_empty() && list.iter().all(one),
                    V::List(list) => list.iter().any(one),
                    v => one(v),
                });
                vec![V::Bool(found)]
            }
            Expr::In {
                negated,
                field,
                values,
            } => self.eval(i, &Expr::chain(*negated, field, values), only),
            Expr::Exists { negated, operand } => {
                vec![V::Bool(self.eval(i, operand, only).is_empty() == *negated)]
            }
        }
    }

    fn field(&self, i: usize, field: &Field, only: Only) -> Vec<V> {
        if field.parent {
            let own = Field {
                parent: false,
                what: field.what.clone(),
            };
            return self
                .parent(i)
                .map_or_else(Vec::new, |p| self.field(p, &own, Only::default()));
        }
        match &field.what {
            What::Attribute(scope, key) => self.attribute(i, *scope, key, only),
            What::Intrinsic(intrinsic) => self.intrinsic(i, *intrinsic, only),
        }
    }

    fn attribute(&self, i: usize, scope: Scope, key: &str, only: Only) -> Vec<V> {
        let item = self.items[i];
        match scope {
            Scope::Span => get(&item.span.attributes, key).into_iter().collect(),
            Scope::Resource => get(item.resource, key).into_iter().collect(),
            Scope::Instrumentation => item
                .scope
                .and_then(|s| get(&s.attributes, key))
                .into_iter()
                .collect(),
            Scope::Event => chosen(&item.span.events, only.event)
                .filter_map(|e| get(&e.attributes, key))
                .collect(),
            Scope::Link => chosen(&item.span.links, only.link)
                .filter_map(|l| get(&l.attributes, key))
                .collect(),
            Scope::Any => [
                Scope::Span,
                Scope::Resource,
                Scope::Event,
                Scope::Link,
                Scope::Instrumentation,
            ]
            .into_iter()
            .map(|scope| self.attribute(i, scope, key, only))
            .find(|values| !values.is_empty())
            .unwrap_or_default(),
        }
    }

    fn intrinsic(&self, i: usize, intrinsic: Intrinsic, only: Only) -> Vec<V> {
        let item = self.items[i];
        let span = item.span;
        let trace = &self.traces[span.trace_id.as_slice()];
        let nanos = |from: u64, to: u64| V::Nanos(to.wrapping_sub(from).cast_signed());
        let root = trace
            .iter()
            .map(|t| self.items[*t])
            .filter(|t| !names_parent(t.span))
            .min_by_key(|t| t.span.start_time_unix_nano);
        let one = match intrinsic {
            Intrinsic::Duration => nanos(span.start_time_unix_nano, span.end_time_unix_nano),
            Intrinsic::Name => V::Text(span.name.clone()),
            Intrinsic::Status => V::Status(match span.status.as_ref().map_or(0, |s| s.code) {
                2 => 0,
                1 => 1,
                _ => 2,
            }),
            Intrinsic::StatusMessage => V::Text(
                span.status
                    .as_ref()
                    .map_or(String::new(), |s| s.message.clone()),
            ),
            Intrinsic::Kind => V::Kind(usize::try_from(span.kind).unwrap()),
            Intrinsic::ChildCount => {
                let children = trace.iter().filter(|t| self.parent(**t) == Some(i)).count();
                V::Int(i64::try_from(children).unwrap())
            }
            Intrinsic::NestedSetLeft => V::Int(self.nested(i).0),
            Intrinsic::NestedSetRight => V::Int(self.nested(i).1),
            Intrinsic::NestedSetParent => V::Int(self.nested(i).2),
            Intrinsic::SpanId => V::Text(hex(&span.span_id)),
            Intrinsic::ParentId if !names_parent(span) => V::Text(String::new()),
            Intrinsic::ParentId => V::Text(hex(&span.parent_span_id)),
            Intrinsic::TraceId => V::Text(hex(&span.trace_id)),
            Intrinsic::TraceRootName => {
                V::Text(root.map_or(String::new(), |r| r.span.name.clone()))
            }
            Intrinsic::TraceRootService => {
                match root.and_then(|r| get(r.resource, "service.name")) {
                    Some(V::Text(name)) => V::Text(name),
                    _ => V::Text(String::new()),
                }
            }
            Intrinsic::TraceDuration => {
                let spans = || trace.iter().map(|t| self.items[*t].span);
                let start = spans().map(|s| s.start_time_unix_nano).min().unwrap();
                let end = spans().map(|s| s.end_time_unix_nano).max().unwrap();
                nanos(start, end)
            }
            Intrinsic::EventName => {
                return chosen(&span.events, only.event)
                    .map(|e| V::Text(e.name.clone()))
                    .collect();
            }
            Intrinsic::EventTimeSinceStart => {
                return chosen(&span.events, only.event)
                    .map(|e| nanos(span.start_time_unix_nano, e.time_unix_nano))
                    .collect();
            }
            Intrinsic::LinkTraceId => {
                return chosen(&span.links, only.link)
                    .map(|l| V::Text(hex(&l.trace_id)))
                    .collect();
            }
            Intrinsic::LinkSpanId => {
                return chosen(&span.links, only.link)
                    .map(|l| V::Text(hex(&l.span_id)))
                    .collect();
            }
            Intrinsic::InstrumentationName => {
                V::Text(item.scope.map_or(String::new(), |s| s.name.clone()))
            }
            Intrinsic::InstrumentationVersion => {
                V::Text(item.scope.map_or(String::new(), |s| s.version.clone()))
            }
        };
        vec![one]
    }

    /// Ids are unique in what the tests make, but for twins of a client and a server.
    fn parent(&self, i: usize) -> Option<usize> {
        let span = self.items[i].span;
        if !names_parent(span) {
            return None;
        }
        let candidates: Vec<usize> = self.traces[span.trace_id.as_slice()]
            .iter()
            .copied()
            .filter(|t| *t != i && self.items[*t].span.span_id == span.parent_span_id)
            .collect();
        let wanted = if span.kind == 2 { 3 } else { 2 };
        candidates
            .iter()
            .copied()
            .find(|t| self.items[*t].span.kind == wanted)
            .or_else(|| candidates.first().copied())
    }

    /// Left, right and the parent's left.
    fn nested(&self, i: usize) -> (i64, i64, i64) {
        let trace = &self.traces[self.items[i].span.trace_id.as_slice()];
        let mut numbers = std::collections::HashMap::new();
        let mut counter = 0;
        for root in trace.iter().filter(|t| !names_parent(self.items[**t].span)) {
            self.walk(*root, -1, trace, &mut counter, &mut numbers);
        }
        numbers.get(&i).copied().unwrap_or_default()
    }

    fn walk(
        &self,
        at: usize,
        parent: i64,
        trace: &[usize],
        counter: &mut i64,
        numbers: &mut std::collections::HashMap<usize, (i64, i64, i64)>,
    ) {
        *counter += 1;
        let left = *counter;
        for child in trace.iter().filter(|t| self.parent(**t) == Some(at)) {
            self.walk(*child, left, trace, counter, numbers);
        }
        *counter += 1;
        numbers.insert(at, (left, *counter, parent));
    }
}

fn names_parent(span: &Span) -> bool {
    span.parent_span_id.iter().any(|b| *b != 0)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn chosen<T>(list: &[T], only: Option<usize>) -> impl Iterator<Item = &T> {
    list.iter()
        .enumerate()
        .filter(move |(i, _)| only.is_none_or(|only| only == *i))
        .map(|(_, t)| t)
}

fn get(attributes: &[KeyValue], key: &str) -> Option<V> {
    let found = attributes.iter().find(|kv| kv.key == key)?;
    Some(any(found.value.as_ref()))
}

fn any(value: Option<&AnyValue>) -> V {
    match value.and_then(|v| v.value.as_ref()) {
        Some(any_value::Value::StringValue(text)) => V::Text(text.clone()),
        Some(any_value::Value::IntValue(number)) => V::Int(*number),
        Some(any_value::Value::DoubleValue(number)) => V::Float(*number),
        Some(any_value::Value::BoolValue(flag)) => V::Bool(*flag),
        Some(any_value::Value::ArrayValue(array)) => {
            V::List(array.values.iter().map(|v| any(Some(v))).collect())
        }
        _ => V::Opaque,
    }
}

fn literal_value(literal: &Static) -> Option<V> {
    Some(match literal {
        Static::Nil => return None,
        Static::Int(number) => V::Int(*number),
        Static::Float(number) => V::Float(*number),
        Static::String(text) => V::Text(text.clone()),
        Static::Bool(flag) => V::Bool(*flag),
        Static::Duration(nanos) => V::Nanos(*nanos),
        Static::Status(status) => V::Status(*status as i64),
        Static::Kind(kind) => V::Kind(*kind as usize),
    })
}

fn binary(op: BinaryOp, a: &V, b: &V) -> Option<V> {
    if op.is_arithmetic() {
        return arithmetic(op, a, b);
    }
    let verdict = match (a, b) {
        (V::List(_), V::List(_)) => false,
        (V::List(list), b) => elements(op, list, |a| binary(op, a, b)),
        (a, V::List(list)) => elements(op, list, |b| binary(op, a, b)),
        _ => compare(op, a, b),
    };
    Some(V::Bool(verdict))
}

fn elements(op: BinaryOp, list: &[V], one: impl Fn(&V) -> Option<V>) -> bool {
    let mut verdicts = list.iter().map(|v| one(v) == Some(V::Bool(true)));
    if op == BinaryOp::Ne {
        !list.is_empty() && verdicts.all(|v| v)
    } else {
        verdicts.any(|v| v)
    }
}

fn compare(op: BinaryOp, a: &V, b: &V) -> bool {
    use std::cmp::Ordering::{Equal, Greater, Less};
    let (ordered, order) = match (a, b) {
        (V::Text(a), V::Text(b)) => (true, Some(a.as_bytes().cmp(b.as_bytes()))),
        (V::Bool(a), V::Bool(b)) => (false, Some(a.cmp(b))),
        (V::Kind(a), V::Kind(b)) => (false, Some(a.cmp(b))),
        (V::Status(a), V::Status(b) | V::Int(b)) | (V::Int(a), V::Status(b)) => {
            (false, Some(a.cmp(b)))
        }
        _ => match (float(a), float(b)) {
            (Some(a), Some(b)) => (true, a.partial_cmp(&b)),
            _ => return false,
        },
    };
    match op {
        BinaryOp::Eq => order == Some(Equal),
        BinaryOp::Ne => order != Some(Equal),
        _ if !ordered => false,
        BinaryOp::Lt => order == Some(Less),
        BinaryOp::Le => matches!(order, Some(Less | Equal)),
        BinaryOp::Gt => order == Some(Greater),
        BinaryOp::Ge => matches!(order, Some(Greater | Equal)),
        _ => false,
    }
}

/// The tests use no integers that a float cannot hold.
#[expect(clippy::cast_precision_loss, reason = "see above")]
fn float(v: &V) -> Option<f64> {
    match v {
        V::Int(n) | V::Nanos(n) => Some(*n as f64),
        V::Float(n) => Some(*n),
        _ => None,
    }
}

fn arithmetic(op: BinaryOp, a: &V, b: &V) -> Option<V> {
    if let (V::Int(x) | V::Nanos(x), V::Int(y) | V::Nanos(y)) = (a, b) {
        let result = match op {
            BinaryOp::Add => x + y,
            BinaryOp::Sub => x - y,
            BinaryOp::Mul => x.wrapping_mul(*y),
            BinaryOp::Div => x.checked_div(*y)?,
            BinaryOp::Mod => x.checked_rem(*y)?,
            #[expect(
                clippy::cast_possible_truncation,
                reason = "a power of integers saturates"
            )]
            _ => float(a)?.powf(float(b)?) as i64,
        };
        return Some(V::Int(result));
    }
    let (x, y) = (float(a)?, float(b)?);
    Some(V::Float(match op {
        BinaryOp::Add => x + y,
        BinaryOp::Sub => x - y,
        BinaryOp::Mul => x * y,
        BinaryOp::Div => x / y,
        BinaryOp::Mod => x % y,
        _ => x.powf(y),
    }))
}

fn has_or_or_not(expr: &Expr) -> bool {
    match expr {
        Expr::Static(_) | Expr::Field(_) => false,
        Expr::Unary { op, operand } => *op == UnaryOp::Not || has_or_or_not(operand),
        Expr::Binary { op, left, right } => {
            *op == BinaryOp::Or || has_or_or_not(left) || has_or_or_not(right)
        }
        Expr::Match { operand, .. } | Expr::Exists { operand, .. } => has_or_or_not(operand),
        Expr::In {
            negated,
            field,
            values,
        } => has_or_or_not(&Expr::chain(*negated, field, values)),
    }
}

fn conjuncts<'e>(expr: &'e Expr, into: &mut Vec<&'e Expr>) {
    match expr {
        Expr::Binary {
            op: BinaryOp::And,
            left,
            right,
        } => {
            conjuncts(left, into);
            conjuncts(right, into);
        }
        other => into.push(other),
    }
}

/// Whether a condition is on events only, or on links only. That there is none (`= nil`) is no
/// condition on one of them.
fn speaks_only_of(expr: &Expr, scope: Scope) -> bool {
    if let Expr::Exists {
        negated: true,
        operand,
    } = expr
        && matches!(operand.as_ref(), Expr::Field(_))
    {
        return false;
    }
    let (mut any, mut all) = (false, true);
    expr.for_each_field(&mut |field| {
        any = true;
        all &= !field.parent
            && match &field.what {
                What::Attribute(at, _) => *at == scope,
                What::Intrinsic(Intrinsic::EventName | Intrinsic::EventTimeSinceStart) => {
                    scope == Scope::Event
                }
                What::Intrinsic(Intrinsic::LinkTraceId | Intrinsic::LinkSpanId) => {
                    scope == Scope::Link
                }
                What::Intrinsic(_) => false,
            };
    });
    any && all
}
