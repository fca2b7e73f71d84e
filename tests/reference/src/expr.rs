//! Fields of a span, expressions over them, and whether a filter holds.

use opentelemetry_proto::tonic::common::v1::KeyValue;
use takt_traceql::{
    BinaryOp, Expr, Field, Filter, Intrinsic, Kind, Scope, Static, Status, UnaryOp, What,
};

use crate::Trace;
use crate::value::{Value, arithmetic, compare, over_elements};

/// The event and the link that conditions on those must hold for, if one alone counts.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Only {
    event: Option<usize>,
    link: Option<usize>,
}

/// Whether the span at `at` matches.
#[must_use]
pub fn matches(trace: &Trace<'_>, at: usize, filter: &Filter) -> bool {
    matching(trace, at, filter).is_some()
}

/// The event and the link that a filter speaks of, if it speaks of one alone and the span matches.
pub(crate) fn matching(trace: &Trace<'_>, at: usize, filter: &Filter) -> Option<Only> {
    let Some(expr) = &filter.expr else {
        return Some(Only::default());
    };
    if has_or_or_not(expr) {
        return holds(trace, at, expr, Only::default()).then(Only::default);
    }
    // Only `&&` at the top: all conditions on events hold for one event, all on links for one link.
    let (mut events, mut links, mut others) = (Vec::new(), Vec::new(), Vec::new());
    for condition in conjuncts(expr) {
        if speaks_only_of(condition, Scope::Event) {
            events.push(condition);
        } else if speaks_only_of(condition, Scope::Link) {
            links.push(condition);
        } else {
            others.push(condition);
        }
    }
    let span = trace.spans[at].span;
    let all = |conditions: &[&Expr], only| conditions.iter().all(|c| holds(trace, at, c, only));
    let mut only = Only::default();
    if !events.is_empty() {
        let this = |event| Only {
            event: Some(event),
            link: None,
        };
        only.event = Some((0..span.events.len()).find(|at| all(&events, this(*at)))?);
    }
    if !links.is_empty() {
        let this = |link| Only {
            event: None,
            link: Some(link),
        };
        only.link = Some((0..span.links.len()).find(|at| all(&links, this(*at)))?);
    }
    all(&others, Only::default()).then_some(only)
}

fn holds(trace: &Trace<'_>, at: usize, expr: &Expr, only: Only) -> bool {
    values(trace, at, expr, only).contains(&Value::Bool(true))
}

/// Every value that an expression has here: none if something is missing, several if events or links
/// have several.
pub(crate) fn values(trace: &Trace<'_>, at: usize, expr: &Expr, only: Only) -> Vec<Value> {
    let truth = |expr| holds(trace, at, expr, only);
    let all = |expr| values(trace, at, expr, only);
    match expr {
        Expr::Static(literal) => Value::of_literal(literal).into_iter().collect(),
        Expr::Field(of) => field(trace, at, of, only),
        Expr::Unary { op, operand } => all(operand)
            .into_iter()
            .filter_map(|value| unary(*op, &value))
            .collect(),
        Expr::Binary { op, left, right } => match op {
            BinaryOp::And => vec![Value::Bool(truth(left) && truth(right))],
            BinaryOp::Or => vec![Value::Bool(truth(left) || truth(right))],
            op if op.is_arithmetic() => pairs(&all(left), &all(right))
                .filter_map(|(left, right)| arithmetic(*op, left, right))
                .collect(),
            op => {
                let (lefts, rights) = (all(left), all(right));
                let (lefts, rights) = match op {
                    BinaryOp::Eq | BinaryOp::Ne => {
                        let whole = whole_ids(right, left, lefts);
                        (whole, whole_ids(left, right, rights))
                    }
                    _ => (lefts, rights),
                };
                let any = pairs(&lefts, &rights).any(|(left, right)| compare(*op, left, right));
                vec![Value::Bool(any)]
            }
        },
        Expr::Match {
            negated,
            operand,
            pattern,
        } => {
            let one = |value: &Value| matches!(value, Value::Text(text) if pattern.is_match(text) != *negated);
            let found = all(operand).iter().any(|value| match value {
                Value::Other(_) => over_elements(value, *negated, one),
                value => one(value),
            });
            vec![Value::Bool(found)]
        }
        Expr::In {
            negated,
            field,
            values,
        } => all(&Expr::chain(*negated, field, values)),
        Expr::Exists { negated, operand } => {
            vec![Value::Bool(all(operand).is_empty() == *negated)]
        }
    }
}

fn pairs<'v>(
    lefts: &'v [Value],
    rights: &'v [Value],
) -> impl Iterator<Item = (&'v Value, &'v Value)> {
    lefts
        .iter()
        .flat_map(move |left| rights.iter().map(move |right| (left, right)))
}

fn unary(op: UnaryOp, value: &Value) -> Option<Value> {
    match (op, value) {
        (UnaryOp::Not, Value::Bool(flag)) => Some(Value::Bool(!flag)),
        (UnaryOp::Neg, Value::Int(number)) => Some(Value::Int(number.wrapping_neg())),
        (UnaryOp::Neg, Value::Duration(nanos)) => Some(Value::Duration(nanos.wrapping_neg())),
        (UnaryOp::Neg, Value::Float(number)) => Some(Value::Float(-number)),
        _ => None,
    }
}

/// A literal that stands against an id may lack leading zeros, and be in capitals.
fn whole_ids(against: &Expr, side: &Expr, values: Vec<Value>) -> Vec<Value> {
    let Expr::Static(Static::String(id)) = side else {
        return values;
    };
    let digits = match against {
        Expr::Field(Field {
            what: What::Intrinsic(intrinsic),
            ..
        }) => match intrinsic {
            Intrinsic::TraceId | Intrinsic::LinkTraceId => 32,
            Intrinsic::SpanId | Intrinsic::ParentId | Intrinsic::LinkSpanId => 16,
            _ => return values,
        },
        _ => return values,
    };
    if id.is_empty() || !id.chars().all(|c| c.is_ascii_hexdigit()) {
        return values;
    }
    vec![Value::Text(format!(
        "{:0>digits$}",
        id.to_ascii_lowercase()
    ))]
}

/// The same for a field.
pub(crate) fn field(trace: &Trace<'_>, at: usize, of: &Field, only: Only) -> Vec<Value> {
    let (at, only) = match (of.parent, trace.parents[at]) {
        (false, _) => (at, only),
        (true, Some(parent)) => (parent, Only::default()),
        (true, None) => return Vec::new(),
    };
    match &of.what {
        What::Attribute(scope, key) => attribute(trace, at, *scope, key, only),
        What::Intrinsic(of) => intrinsic(trace, at, *of, only),
    }
}

fn attribute(trace: &Trace<'_>, at: usize, scope: Scope, key: &str, only: Only) -> Vec<Value> {
    let item = trace.spans[at];
    match scope {
        Scope::Span => get(&item.span.attributes, key).into_iter().collect(),
        Scope::Resource => get(item.resource, key).into_iter().collect(),
        Scope::Instrumentation => item
            .scope
            .and_then(|scope| get(&scope.attributes, key))
            .into_iter()
            .collect(),
        Scope::Event => chosen(&item.span.events, only.event)
            .filter_map(|event| get(&event.attributes, key))
            .collect(),
        Scope::Link => chosen(&item.span.links, only.link)
            .filter_map(|link| get(&link.attributes, key))
            .collect(),
        Scope::Any => [
            Scope::Span,
            Scope::Resource,
            Scope::Event,
            Scope::Link,
            Scope::Instrumentation,
        ]
        .into_iter()
        .map(|scope| attribute(trace, at, scope, key, only))
        .find(|values| !values.is_empty())
        .unwrap_or_default(),
    }
}

fn get(attributes: &[KeyValue], key: &str) -> Option<Value> {
    let found = attributes.iter().find(|attribute| attribute.key == key)?;
    Some(Value::of_any(&found.value.clone().unwrap_or_default()))
}

fn chosen<T>(list: &[T], only: Option<usize>) -> impl Iterator<Item = &T> {
    list.iter()
        .enumerate()
        .filter(move |(at, _)| only.is_none_or(|only| only == *at))
        .map(|(_, one)| one)
}

fn intrinsic(trace: &Trace<'_>, at: usize, of: Intrinsic, only: Only) -> Vec<Value> {
    let item = trace.spans[at];
    let span = item.span;
    let status = span.status.as_ref();
    let one = match of {
        Intrinsic::Duration => nanos(span.start_time_unix_nano, span.end_time_unix_nano),
        Intrinsic::Name => text(&span.name),
        Intrinsic::Status => Value::Status(match status.map_or(0, |status| status.code) {
            2 => Status::Error,
            1 => Status::Ok,
            _ => Status::Unset,
        }),
        Intrinsic::StatusMessage => text(status.map_or("", |status| &status.message)),
        Intrinsic::Kind => Value::Kind(match span.kind {
            1 => Kind::Internal,
            2 => Kind::Server,
            3 => Kind::Client,
            4 => Kind::Producer,
            5 => Kind::Consumer,
            _ => Kind::Unspecified,
        }),
        Intrinsic::ChildCount => Value::Int(trace.children[at]),
        Intrinsic::NestedSetLeft => Value::Int(trace.nested[at].0),
        Intrinsic::NestedSetRight => Value::Int(trace.nested[at].1),
        Intrinsic::NestedSetParent => Value::Int(trace.nested[at].2),
        Intrinsic::SpanId => Value::Text(hex(&span.span_id)),
        Intrinsic::ParentId if trace.is_root(at) => text(""),
        Intrinsic::ParentId => Value::Text(hex(&span.parent_span_id)),
        Intrinsic::TraceId => Value::Text(hex(trace.id)),
        Intrinsic::TraceRootName => text(trace.root.map_or("", |root| &root.span.name)),
        Intrinsic::TraceRootService => {
            match trace
                .root
                .and_then(|root| get(root.resource, "service.name"))
            {
                Some(Value::Text(name)) => Value::Text(name),
                _ => text(""),
            }
        }
        Intrinsic::TraceDuration => nanos(trace.start, trace.end),
        Intrinsic::InstrumentationName => text(item.scope.map_or("", |scope| &scope.name)),
        Intrinsic::InstrumentationVersion => text(item.scope.map_or("", |scope| &scope.version)),
        Intrinsic::EventName => {
            return chosen(&span.events, only.event)
                .map(|event| text(&event.name))
                .collect();
        }
        Intrinsic::EventTimeSinceStart => {
            return chosen(&span.events, only.event)
                .map(|event| nanos(span.start_time_unix_nano, event.time_unix_nano))
                .collect();
        }
        Intrinsic::LinkTraceId => {
            return chosen(&span.links, only.link)
                .map(|link| Value::Text(hex(&link.trace_id)))
                .collect();
        }
        Intrinsic::LinkSpanId => {
            return chosen(&span.links, only.link)
                .map(|link| Value::Text(hex(&link.span_id)))
                .collect();
        }
    };
    vec![one]
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn nanos(from: u64, to: u64) -> Value {
    Value::Duration(to.wrapping_sub(from).cast_signed())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
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

fn conjuncts(expr: &Expr) -> Vec<&Expr> {
    match expr {
        Expr::Binary {
            op: BinaryOp::And,
            left,
            right,
        } => [conjuncts(left), conjuncts(right)].concat(),
        other => vec![other],
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
