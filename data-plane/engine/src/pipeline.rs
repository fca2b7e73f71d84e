//! Pipelines as steps over spansets.

use takt_traceql::{
    Aggregate, Expr, Mode, Pipeline, Relation, Scalar, ScalarFilter, SpansetOp, Spansets as Tree,
    Stage,
};

use crate::bitmap::Bitmap;
use crate::find::{Same, Search};
use crate::guard::Stopped;
use crate::plan::{self, Node};
use crate::spansets::Spansets;
use crate::structure::related;
use crate::{fold, group};

#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Keeps some spans of each spanset.
    Spans(Operand),
    /// Keeps spansets of which the comparison holds.
    Scalar(ScalarFilter),
    By(Expr),
    Coalesce,
}

/// What gives some of the spans it is given, spanset by spanset.
#[derive(Debug, Clone)]
pub(crate) enum Operand {
    Filter(Node),
    /// All spans of the spansets in which none matches.
    Without(Node),
    Steps(Vec<Step>),
    /// Those of all operands, where none of these is empty and none of `without` matches.
    And {
        operands: Vec<Operand>,
        without: Vec<Node>,
    },
    Or(Vec<Operand>),
    Structural {
        relation: Relation,
        mode: Mode,
        sides: Box<(Operand, Operand)>,
    },
}

pub(crate) fn steps(pipeline: &Pipeline) -> Vec<Step> {
    let mut steps = Vec::new();
    for stage in &pipeline.stages {
        match stage {
            Stage::Spansets(Tree::Pipeline(inner)) => steps.extend(self::steps(inner)),
            Stage::Spansets(tree) => steps.push(Step::Spans(operand(tree))),
            Stage::Scalar(filter) => steps.push(Step::Scalar(filter.clone())),
            Stage::By(expr) => steps.push(Step::By(expr.clone())),
            Stage::Coalesce => steps.push(Step::Coalesce),
            // Shows more, changes nothing.
            Stage::Select(_) => {}
        }
    }
    steps
}

fn operand(tree: &Tree) -> Operand {
    match tree {
        Tree::Filter(filter) => Operand::Filter(plan::plan(filter)),
        Tree::Without(filter) => Operand::Without(plan::plan(filter)),
        Tree::Pipeline(pipeline) => match pipeline.stages.as_slice() {
            [Stage::Spansets(alone)] => operand(alone),
            _ => Operand::Steps(steps(pipeline)),
        },
        Tree::Binary { op, left, right } => match op {
            SpansetOp::And => both(operand(left), operand(right)),
            SpansetOp::Or => either(operand(left), operand(right)),
            SpansetOp::Structural { relation, mode } => Operand::Structural {
                relation: *relation,
                mode: *mode,
                sides: Box::new((operand(left), operand(right))),
            },
        },
    }
}

/// One flat conjunction, cheapest first: what is empty early saves the rest.
fn both(left: Operand, right: Operand) -> Operand {
    let (mut operands, mut without) = (Vec::new(), Vec::new());
    for side in [left, right] {
        match side {
            Operand::And {
                operands: inner,
                without: none,
            } => {
                operands.extend(inner);
                without.extend(none);
            }
            Operand::Without(node) => without.push(node),
            other => operands.push(other),
        }
    }
    operands.sort_by_key(cost);
    Operand::And { operands, without }
}

fn either(left: Operand, right: Operand) -> Operand {
    let mut operands = Vec::new();
    for side in [left, right] {
        match side {
            Operand::Or(inner) => operands.extend(inner),
            other => operands.push(other),
        }
    }
    Operand::Or(operands)
}

fn cost(operand: &Operand) -> u8 {
    match operand {
        Operand::Filter(node) | Operand::Without(node) => plan::cost(node),
        Operand::Steps(_) => 9,
        Operand::And { operands, .. } | Operand::Or(operands) => {
            operands.iter().map(cost).max().unwrap_or_default()
        }
        Operand::Structural { sides, .. } => cost(&sides.0).max(cost(&sides.1)),
    }
}

/// Whether the steps give nothing, whatever the spans are.
pub(crate) fn never(steps: &[Step]) -> bool {
    steps.iter().any(|step| match step {
        Step::Spans(operand) => operand.never(),
        Step::Scalar(_) | Step::By(_) | Step::Coalesce => false,
    })
}

/// Whether a trace may have several spansets after these steps.
pub(crate) fn splits(steps: &[Step]) -> bool {
    let last = steps
        .iter()
        .rev()
        .find(|step| matches!(step, Step::By(_) | Step::Coalesce));
    matches!(last, Some(Step::By(_)))
}

impl Operand {
    fn never(&self) -> bool {
        match self {
            Self::Filter(node) => plan::is_never(node),
            Self::Without(_) => false,
            Self::Steps(steps) => never(steps),
            Self::And { operands, .. } => operands.iter().any(Self::never),
            Self::Or(operands) => operands.iter().all(Self::never),
            Self::Structural { mode, sides, .. } => {
                sides.1.never() || (*mode != Mode::HoldsForNone && sides.0.never())
            }
        }
    }

    /// Whether a side of a structural operator may have several spansets: then it is not defined.
    pub(crate) fn relates_split_sides(&self) -> bool {
        let splits = |side: &Self| matches!(side, Self::Steps(steps) if splits(steps));
        match self {
            Self::Filter(_) | Self::Without(_) => false,
            Self::Steps(steps) => relate_split_sides(steps),
            Self::And { operands, .. } | Self::Or(operands) => {
                operands.iter().any(Self::relates_split_sides)
            }
            Self::Structural { sides, .. } => [&sides.0, &sides.1]
                .into_iter()
                .any(|side| splits(side) || side.relates_split_sides()),
        }
    }
}

pub(crate) fn relate_split_sides(steps: &[Step]) -> bool {
    steps.iter().any(|step| match step {
        Step::Spans(operand) => operand.relates_split_sides(),
        Step::Scalar(_) | Step::By(_) | Step::Coalesce => false,
    })
}

/// Runs `steps` one after the other. Coalesced spansets are those that came in.
pub(crate) fn run<'a>(
    search: &Search<'a>,
    steps: &[Step],
    sets: Spansets<'a>,
) -> Result<Spansets<'a>, Stopped> {
    let mut original = sets.with_rows(Bitmap::none(0));
    original.attributes.clear();
    let mut sets = sets;
    if let Some(Step::Spans(Operand::Filter(node))) = steps.first() {
        sets.same = Same::of(node).into();
    }
    for step in steps {
        if sets.rows.is_empty() {
            break;
        }
        match step {
            Step::Spans(operand) => sets.rows = search.operand(operand, &sets)?,
            Step::Scalar(filter) => fold::keep(search, filter, &mut sets)?,
            Step::By(expr) => sets = group::by(search, expr, &sets)?,
            Step::Coalesce => {
                sets = Spansets {
                    same: sets.same,
                    ..original.with_rows(sets.rows)
                };
            }
        }
    }
    Ok(sets)
}

impl<'a> Search<'a> {
    /// The spans that `operand` gives of those in `sets`.
    fn operand(&self, operand: &Operand, sets: &Spansets<'a>) -> Result<Bitmap, Stopped> {
        match operand {
            Operand::Filter(node) => self.node(node, &sets.rows),
            Operand::Without(node) => self.all_without(std::slice::from_ref(node), sets),
            Operand::Steps(steps) => Ok(run(self, steps, sets.clone())?.rows),
            Operand::And { operands, without } => self.both(operands, without, sets),
            Operand::Or(operands) => {
                let mut rows = self.none();
                for operand in operands {
                    rows.or(&self.operand(operand, sets)?);
                }
                Ok(rows)
            }
            Operand::Structural {
                relation,
                mode,
                sides,
            } => self.structural((*relation, *mode), sides, sets),
        }
    }

    /// All spans of the spansets in which no span matches any of `nodes`.
    fn all_without(&self, nodes: &[Node], sets: &Spansets<'a>) -> Result<Bitmap, Stopped> {
        let mut rows = sets.rows.clone();
        for node in nodes {
            let matching = self.node(node, &rows)?;
            let with = sets.with_any(&matching, self)?;
            let mut without = Bitmap::all(sets.count);
            without.subtract(&with);
            rows = sets.among(&rows, &without, self)?;
        }
        Ok(rows)
    }

    fn both(
        &self,
        operands: &[Operand],
        without: &[Node],
        sets: &Spansets<'a>,
    ) -> Result<Bitmap, Stopped> {
        let mut left = sets.with_rows(self.all_without(without, sets)?);
        if operands.is_empty() {
            return Ok(left.rows);
        }
        let mut rows = self.none();
        for operand in operands {
            let found = self.operand(operand, &left)?;
            if found.is_empty() {
                return Ok(found);
            }
            let with = sets.with_any(&found, self)?;
            left.rows = sets.among(&left.rows, &with, self)?;
            rows.or(&found);
        }
        rows.and(&left.rows);
        Ok(rows)
    }

    fn structural(
        &self,
        (relation, mode): (Relation, Mode),
        sides: &(Operand, Operand),
        sets: &Spansets<'a>,
    ) -> Result<Bitmap, Stopped> {
        let (left, right) = sides;
        // Without the right side nothing is found; without the left side only those related to none.
        let left_first = mode != Mode::HoldsForNone && cost(left) <= cost(right);
        let (left, right) = if left_first {
            let left = self.operand(left, sets)?;
            if left.is_empty() {
                return Ok(left);
            }
            let right = self.operand(right, sets)?;
            (left, right)
        } else {
            let right = self.operand(right, sets)?;
            if right.is_empty() {
                return Ok(right);
            }
            (self.operand(left, sets)?, right)
        };
        related(self, sets, (relation, mode), &left, &right)
    }
}

/// Calls `visit` with every aggregate, from left to right.
pub(crate) fn for_each_aggregate<'s>(scalar: &'s Scalar, visit: &mut impl FnMut(&'s Aggregate)) {
    match scalar {
        Scalar::Static(_) => {}
        Scalar::Aggregate(aggregate) => visit(aggregate),
        Scalar::Binary { left, right, .. } => {
            for_each_aggregate(left, visit);
            for_each_aggregate(right, visit);
        }
    }
}

/// What an aggregate is of; counting needs nothing.
pub(crate) fn measured(aggregate: &Aggregate) -> Option<&Expr> {
    match aggregate {
        Aggregate::Count => None,
        Aggregate::Max(expr)
        | Aggregate::Min(expr)
        | Aggregate::Avg(expr)
        | Aggregate::Sum(expr) => Some(expr),
    }
}
