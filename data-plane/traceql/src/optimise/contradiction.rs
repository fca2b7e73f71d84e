//! Queries that no span can satisfy, whatever the spans are.

use super::fold;
use crate::query::{Body, MetricsExpr, Mode, Pipeline, Query, SpansetOp, Spansets, Stage};
use crate::static_math;
use crate::tree::{BinaryOp, Expr, Field, Filter, Intrinsic, Static, What};

impl Query {
    /// Whether the query finds nothing in any traces, so that none need be looked at. Not every such
    /// query is known.
    #[must_use]
    pub fn never_matches(&self) -> bool {
        match &self.body {
            Body::Search(pipeline) => pipeline.never_matches(),
            Body::Metrics(expr) => no_metrics(expr),
        }
    }
}

fn no_metrics(expr: &MetricsExpr) -> bool {
    let mut all = true;
    expr.for_each_query(&mut |query| all &= query.pipeline.never_matches());
    all
}

impl Pipeline {
    /// Whether no spanset comes out of it, whatever goes in.
    #[must_use]
    pub fn never_matches(&self) -> bool {
        self.stages.iter().any(|stage| match stage {
            Stage::Spansets(operand) => spansets(operand),
            Stage::Scalar(_) | Stage::By(_) | Stage::Coalesce | Stage::Select(_) => false,
        })
    }
}

fn spansets(operand: &Spansets) -> bool {
    match operand {
        Spansets::Filter(filter) => never(filter),
        Spansets::Without(filter) => always(filter),
        Spansets::Pipeline(pipeline) => pipeline.never_matches(),
        Spansets::Binary { op, left, right } => {
            let (left, right) = (spansets(left), spansets(right));
            match op {
                SpansetOp::Or => left && right,
                SpansetOp::And
                | SpansetOp::Structural {
                    mode: Mode::Holds | Mode::Union,
                    ..
                } => left || right,
                SpansetOp::Structural {
                    mode: Mode::HoldsForNone,
                    ..
                } => right,
            }
        }
    }
}

/// Whether no span passes the filter.
fn never(filter: &Filter) -> bool {
    filter.expr.as_ref().is_some_and(|expr| {
        let mut folded = expr.clone();
        fold::constants(&mut folded);
        fails(&folded)
    })
}

/// Whether every span passes the filter.
fn always(filter: &Filter) -> bool {
    filter.expr.as_ref().is_none_or(|expr| {
        let mut folded = expr.clone();
        fold::constants(&mut folded);
        fold::is_true(&folded)
    })
}

fn fails(expr: &Expr) -> bool {
    match expr {
        Expr::Static(literal) => *literal == Static::Bool(false),
        Expr::Binary {
            op: BinaryOp::Or,
            left,
            right,
        } => fails(left) && fails(right),
        Expr::Binary {
            op: BinaryOp::And, ..
        } => {
            let conjuncts = conjuncts(expr);
            conjuncts.iter().any(|part| fails(part)) || contradict(&conjuncts)
        }
        _ => false,
    }
}

fn conjuncts(chain: &Expr) -> Vec<&Expr> {
    let (mut found, mut open) = (Vec::new(), vec![chain]);
    while let Some(next) = open.pop() {
        match next {
            Expr::Binary {
                op: BinaryOp::And,
                left,
                right,
            } => open.extend([right.as_ref(), left.as_ref()]),
            operand => found.push(operand),
        }
    }
    found
}

/// What is known of the one value that an intrinsic has.
struct Known<'e> {
    field: &'e Field,
    least: i64,
    most: i64,
    equal: Option<&'e Static>,
    different: Vec<&'e Static>,
}

/// Whether comparisons of an intrinsic exclude each other. Attributes may be arrays, and events many;
/// those have no one value.
fn contradict(conjuncts: &[&Expr]) -> bool {
    let mut all: Vec<Known<'_>> = Vec::new();
    conjuncts.iter().any(|part| {
        let Some((field, op, literal)) = comparison(part) else {
            return false;
        };
        let at = all.iter().position(|known| known.field == field);
        let at = at.unwrap_or_else(|| {
            all.push(Known::of(field));
            all.len() - 1
        });
        all[at].add(op, literal);
        all[at].is_impossible()
    })
}

fn comparison(expr: &Expr) -> Option<(&Field, BinaryOp, &Static)> {
    let Expr::Binary { op, left, right } = expr else {
        return None;
    };
    let (field, op, literal) = match (left.as_ref(), right.as_ref()) {
        (Expr::Field(field), Expr::Static(literal)) => (field, *op, literal),
        (Expr::Static(literal), Expr::Field(field)) => (field, op.flipped(), literal),
        _ => return None,
    };
    has_one_value(field).then_some((field, op, literal))
}

/// Ids are left out, as one id has several spellings.
fn has_one_value(field: &Field) -> bool {
    matches!(
        field.what,
        What::Intrinsic(
            Intrinsic::Duration
                | Intrinsic::Name
                | Intrinsic::Status
                | Intrinsic::StatusMessage
                | Intrinsic::Kind
                | Intrinsic::ChildCount
                | Intrinsic::NestedSetLeft
                | Intrinsic::NestedSetRight
                | Intrinsic::NestedSetParent
                | Intrinsic::TraceRootName
                | Intrinsic::TraceRootService
                | Intrinsic::TraceDuration
                | Intrinsic::InstrumentationName
                | Intrinsic::InstrumentationVersion
        )
    )
}

impl<'e> Known<'e> {
    fn of(field: &'e Field) -> Self {
        Self {
            field,
            least: i64::MIN,
            most: i64::MAX,
            equal: None,
            different: Vec::new(),
        }
    }

    fn add(&mut self, op: BinaryOp, literal: &'e Static) {
        match static_math::integer(literal) {
            Some(number) => self.bound(op, number),
            None if op == BinaryOp::Eq && self.equal.is_none() => self.equal = Some(literal),
            None if op == BinaryOp::Eq && self.equal != Some(literal) => {
                self.different.extend(self.equal);
            }
            None if op == BinaryOp::Ne => self.different.push(literal),
            None => {}
        }
    }

    fn bound(&mut self, op: BinaryOp, number: i64) {
        let (least, most) = match op {
            BinaryOp::Eq => (number, number),
            BinaryOp::Ge => (number, i64::MAX),
            BinaryOp::Gt => (number.saturating_add(1), i64::MAX),
            BinaryOp::Le => (i64::MIN, number),
            BinaryOp::Lt => (i64::MIN, number.saturating_sub(1)),
            _ => (i64::MIN, i64::MAX),
        };
        self.least = self.least.max(least);
        self.most = self.most.min(most);
    }

    fn is_impossible(&self) -> bool {
        let excluded = self
            .equal
            .is_some_and(|equal| self.different.contains(&equal));
        self.least > self.most || excluded
    }
}
