//! One row at a time: the values of fields, and expressions that are no leaves.

use takt_model::{SpanId, TraceId};
use takt_trace::{NO_ROW, SpanColumns};
use takt_traceql::{BinaryOp, Expr, Field, Intrinsic, Scope, UnaryOp, What};

use crate::family::Family;
use crate::value::{self, Val};

/// Where a value is looked for: a span, and one of its events or links if that one alone counts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spot {
    pub(crate) span: u32,
    pub(crate) event: Option<u32>,
    pub(crate) link: Option<u32>,
}

impl Spot {
    pub(crate) fn span(span: u32) -> Self {
        Self {
            span,
            event: None,
            link: None,
        }
    }
}

type Emit<'e> = &'e mut dyn FnMut(Val<'_>);

pub(crate) struct Reader<'a> {
    pub(crate) columns: &'a SpanColumns,
    pub(crate) family: Family<'a>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(columns: &'a SpanColumns) -> Self {
        Self {
            columns,
            family: Family::new(columns),
        }
    }

    /// Calls `emit` with every value of `field`: none if it is missing, several if events or links have it.
    pub(crate) fn field(&self, field: &Field, at: Spot, emit: Emit<'_>) {
        let at = match field.parent {
            false => at,
            true => match self.family.parent(at.span) {
                Some(parent) => Spot::span(parent),
                None => return,
            },
        };
        match &field.what {
            What::Attribute(scope, key) => self.attribute(*scope, key, at, emit),
            What::Intrinsic(intrinsic) => self.intrinsic(*intrinsic, at, emit),
        }
    }

    fn attribute(&self, scope: Scope, key: &str, at: Spot, emit: Emit<'_>) {
        let columns = self.columns;
        match scope {
            Scope::Any => self.nearest(key, at, emit),
            Scope::Span => {
                if let Some(value) = columns.attrs.get(at.span, key) {
                    emit(value.into());
                }
            }
            Scope::Resource => {
                let resource = columns.resource[at.span as usize];
                if let Some(value) = columns.resources.attrs.get(resource, key) {
                    emit(value.into());
                }
            }
            Scope::Instrumentation => {
                let scope = columns.scope[at.span as usize];
                if let Some(value) = columns.scopes.attrs.get(scope, key) {
                    emit(value.into());
                }
            }
            Scope::Event => {
                if let Some(column) = columns.events.attrs.column(key) {
                    for event in self.events(at) {
                        if let Some(value) = column.get(event) {
                            emit(value.into());
                        }
                    }
                }
            }
            Scope::Link => {
                if let Some(column) = columns.links.attrs.column(key) {
                    for link in self.links(at) {
                        if let Some(value) = column.get(link) {
                            emit(value.into());
                        }
                    }
                }
            }
        }
    }

    /// An attribute without a scope: of the first scope that has it.
    fn nearest(&self, key: &str, at: Spot, emit: Emit<'_>) {
        for scope in [
            Scope::Span,
            Scope::Resource,
            Scope::Event,
            Scope::Link,
            Scope::Instrumentation,
        ] {
            let mut found = false;
            self.attribute(scope, key, at, &mut |value| {
                found = true;
                emit(value);
            });
            if found {
                return;
            }
        }
    }

    fn events(&self, at: Spot) -> std::ops::Range<u32> {
        at.event
            .map_or_else(|| self.columns.events_of(at.span), |event| event..event + 1)
    }

    fn links(&self, at: Spot) -> std::ops::Range<u32> {
        at.link
            .map_or_else(|| self.columns.links_of(at.span), |link| link..link + 1)
    }

    fn intrinsic(&self, intrinsic: Intrinsic, at: Spot, emit: Emit<'_>) {
        let (columns, row) = (self.columns, at.span as usize);
        match intrinsic {
            Intrinsic::Duration => emit(Val::Duration(columns.duration[row].cast_signed())),
            Intrinsic::Name => emit(Val::Str(columns.names.text(columns.name[row]))),
            Intrinsic::Status => emit(Val::Status(value::status(columns.status[row]))),
            Intrinsic::StatusMessage => {
                let code = columns.status_message.get(at.span);
                emit(Val::Str(
                    code.map_or("", |code| columns.messages.text(code)),
                ));
            }
            Intrinsic::Kind => emit(Val::Kind(value::kind(columns.kind[row]))),
            Intrinsic::ChildCount => emit(Val::Int(self.family.children(at.span))),
            Intrinsic::NestedSetLeft => emit(Val::Int(self.family.place(at.span).left)),
            Intrinsic::NestedSetRight => emit(Val::Int(self.family.place(at.span).right)),
            Intrinsic::NestedSetParent => emit(Val::Int(self.family.place(at.span).parent)),
            Intrinsic::SpanId => emit(Val::Str(&hex_of_span(columns.span_id[row]))),
            Intrinsic::ParentId => emit(Val::Str(&hex_of_span(columns.parent_id[row]))),
            Intrinsic::TraceId
            | Intrinsic::TraceRootName
            | Intrinsic::TraceRootService
            | Intrinsic::TraceDuration => {
                of_trace(columns, intrinsic, columns.trace[row], emit);
            }
            Intrinsic::EventName => {
                for event in self.events(at) {
                    let code = columns.events.name[event as usize];
                    emit(Val::Str(columns.events.names.text(code)));
                }
            }
            Intrinsic::EventTimeSinceStart => {
                for event in self.events(at) {
                    emit(since_start(columns, event));
                }
            }
            Intrinsic::LinkTraceId => {
                for link in self.links(at) {
                    emit(Val::Str(&hex_of_trace(
                        columns.links.trace_id[link as usize],
                    )));
                }
            }
            Intrinsic::LinkSpanId => {
                for link in self.links(at) {
                    emit(Val::Str(&hex_of_span(columns.links.span_id[link as usize])));
                }
            }
            Intrinsic::InstrumentationName | Intrinsic::InstrumentationVersion => {
                emit(of_scope(columns, intrinsic, columns.scope[row]));
            }
        }
    }

    /// Calls `emit` with every value that `expr` can have here.
    pub(crate) fn expr(&self, expr: &Expr, at: Spot, emit: Emit<'_>) {
        match expr {
            Expr::Static(literal) => {
                if let Some(value) = value::of_static(literal) {
                    emit(value);
                }
            }
            Expr::Field(field) => self.field(field, at, emit),
            Expr::Unary { op, operand } => self.expr(operand, at, &mut |value| match op {
                UnaryOp::Neg => {
                    if let Some(value) = value::negate(value) {
                        emit(value);
                    }
                }
                UnaryOp::Not => {
                    if let Val::Bool(flag) = value {
                        emit(Val::Bool(!flag));
                    }
                }
            }),
            Expr::Binary { op, left, right } => match op {
                BinaryOp::And => {
                    emit(Val::Bool(self.holds(left, at) && self.holds(right, at)));
                }
                BinaryOp::Or => emit(Val::Bool(self.holds(left, at) || self.holds(right, at))),
                op if op.is_arithmetic() => self.pairs(left, right, at, &mut |left, right| {
                    if let Some(value) = value::arithmetic(*op, left, right) {
                        emit(value);
                    }
                }),
                op => {
                    let mut any = false;
                    self.pairs(left, right, at, &mut |left, right| {
                        any |= value::compare(*op, left, right);
                    });
                    emit(Val::Bool(any));
                }
            },
            Expr::Match {
                negated,
                operand,
                pattern,
            } => {
                let mut any = false;
                self.expr(operand, at, &mut |value| {
                    any |= value::matches(value, pattern, *negated);
                });
                emit(Val::Bool(any));
            }
            Expr::In {
                negated,
                field,
                values,
            } => {
                let mut any = false;
                self.field(field, at, &mut |value| {
                    any |= value::one_of(value, values, *negated);
                });
                emit(Val::Bool(any));
            }
            Expr::Exists { negated, operand } => {
                let mut any = false;
                self.expr(operand, at, &mut |_| any = true);
                emit(Val::Bool(any != *negated));
            }
        }
    }

    /// Every combination of a value on the left with one on the right.
    fn pairs(&self, left: &Expr, right: &Expr, at: Spot, visit: &mut dyn FnMut(Val<'_>, Val<'_>)) {
        self.expr(left, at, &mut |left| {
            self.expr(right, at, &mut |right| visit(left, right));
        });
    }

    /// Whether `expr` is true here.
    pub(crate) fn holds(&self, expr: &Expr, at: Spot) -> bool {
        let mut holds = false;
        self.expr(expr, at, &mut |value| holds |= value == Val::Bool(true));
        holds
    }
}

/// An intrinsic of the trace as a whole.
pub(crate) fn of_trace(
    columns: &SpanColumns,
    intrinsic: Intrinsic,
    trace: u32,
    emit: &mut dyn FnMut(Val<'_>),
) {
    let traces = &columns.traces;
    let root = traces.root[trace as usize];
    match intrinsic {
        Intrinsic::TraceId => emit(Val::Str(&hex_of_trace(traces.id[trace as usize]))),
        Intrinsic::TraceDuration => {
            let (start, end) = (traces.start[trace as usize], traces.end[trace as usize]);
            emit(Val::Duration(end.wrapping_sub(start).cast_signed()));
        }
        _ if root == NO_ROW => emit(Val::Str("")),
        Intrinsic::TraceRootService => emit(Val::Str(columns.service(root))),
        _ => emit(Val::Str(columns.names.text(columns.name[root as usize]))),
    }
}

/// The name or the version of an instrumentation scope.
pub(crate) fn of_scope(columns: &SpanColumns, intrinsic: Intrinsic, scope: u32) -> Val<'_> {
    let scopes = &columns.scopes;
    Val::Str(match intrinsic {
        Intrinsic::InstrumentationVersion => scopes.versions.text(scopes.version[scope as usize]),
        _ => scopes.names.text(scopes.name[scope as usize]),
    })
}

/// How long after its span's start an event happened; negative if before.
pub(crate) fn since_start(columns: &SpanColumns, event: u32) -> Val<'static> {
    let span = columns.events.span[event as usize] as usize;
    let time = columns.events.time[event as usize];
    Val::Duration(time.wrapping_sub(columns.start[span]).cast_signed())
}

/// The text of a span id; that of a missing one is empty.
pub(crate) fn hex_of_span(id: SpanId) -> String {
    if id.is_zero() {
        String::new()
    } else {
        id.to_string()
    }
}

pub(crate) fn hex_of_trace(id: TraceId) -> String {
    id.to_string()
}
