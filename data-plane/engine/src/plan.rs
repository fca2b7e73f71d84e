//! The typed tree as steps for bitmaps: leaves first, what is dear last.

use takt_trace::SpanColumns;
use takt_traceql::{BinaryOp, Expr, Field, Filter, Intrinsic, Scope, Static, UnaryOp, What};

use crate::row::{Reader, Spot};
use crate::value::Test;

/// One field against one literal.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Leaf {
    pub(crate) field: Field,
    pub(crate) test: Test,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    Const(bool),
    Leaf(Leaf),
    /// All hold on one and the same event, or link.
    Same(Child, Vec<Node>),
    /// Cheapest first.
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    /// To be decided row by row.
    Rows(Expr),
}

/// What a span has several of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Child {
    Event,
    Link,
}

impl Child {
    /// Whose field it is, if it is one of an event's or a link's.
    pub(crate) fn of(field: &Field) -> Option<Self> {
        if field.parent {
            return None;
        }
        match &field.what {
            What::Attribute(Scope::Event, _)
            | What::Intrinsic(Intrinsic::EventName | Intrinsic::EventTimeSinceStart) => {
                Some(Self::Event)
            }
            What::Attribute(Scope::Link, _)
            | What::Intrinsic(Intrinsic::LinkTraceId | Intrinsic::LinkSpanId) => Some(Self::Link),
            _ => None,
        }
    }
}

pub(crate) fn plan(filter: &Filter) -> Node {
    let Some(expr) = &filter.expr else {
        return Node::Const(true);
    };
    let node = condition(expr);
    if is_pure_and(expr) { group(node) } else { node }
}

/// Whether the node holds for no span, whatever the spans are.
pub(crate) fn is_never(node: &Node) -> bool {
    match node {
        Node::Const(flag) => !flag,
        Node::And(nodes) => nodes.iter().any(is_never),
        Node::Or(nodes) => nodes.iter().all(is_never),
        Node::Leaf(_) | Node::Same(..) | Node::Not(_) | Node::Rows(_) => false,
    }
}

impl Leaf {
    /// Whether it holds for root spans and no others, as `nestedSetParent < 0` does.
    pub(crate) fn asks_for_roots(&self) -> bool {
        let of_roots = self.field.what == What::Intrinsic(Intrinsic::NestedSetParent);
        // The number is -1 for roots and 0 or more for all others.
        let below_zero = match &self.test {
            Test::Compare(op, literal) => matches!(
                (op, literal),
                (BinaryOp::Lt, Static::Int(0)) | (BinaryOp::Eq | BinaryOp::Le, Static::Int(-1))
            ),
            Test::Match { .. } | Test::OneOf { .. } | Test::Is(_) | Test::Exists => false,
        };
        of_roots && below_zero
    }
}

/// Whether no `||` and no `!` stands in it. Then all conditions on events speak of the same event.
fn is_pure_and(expr: &Expr) -> bool {
    match expr {
        Expr::Static(_) | Expr::Field(_) => true,
        Expr::Unary { op, operand } => *op != UnaryOp::Not && is_pure_and(operand),
        Expr::Binary { op, left, right } => {
            *op != BinaryOp::Or && is_pure_and(left) && is_pure_and(right)
        }
        Expr::Match { operand, .. } | Expr::Exists { operand, .. } => is_pure_and(operand),
        Expr::In { negated, .. } => *negated,
    }
}

/// The condition `expr` as a node.
pub(crate) fn condition(expr: &Expr) -> Node {
    if let Some(flag) = constant(expr) {
        return Node::Const(flag);
    }
    match expr {
        Expr::Field(field) => is(field, true),
        Expr::Static(_)
        | Expr::Unary {
            op: UnaryOp::Neg, ..
        } => Node::Const(false),
        Expr::Unary {
            op: UnaryOp::Not,
            operand,
        } => negation(operand),
        Expr::Binary { op, left, right } => match op {
            BinaryOp::And => Node::And(chain(*op, left, right)),
            BinaryOp::Or => Node::Or(chain(*op, left, right)),
            _ => comparison(*op, left, right).unwrap_or_else(|| Node::Rows(expr.clone())),
        },
        Expr::Match {
            negated,
            operand,
            pattern,
        } => match operand.as_ref() {
            Expr::Field(field) => leaf(
                field,
                Test::Match {
                    negated: *negated,
                    pattern: pattern.clone(),
                },
            ),
            _ => Node::Rows(expr.clone()),
        },
        Expr::In {
            negated,
            field,
            values,
        } => leaf(
            field,
            Test::OneOf {
                negated: *negated,
                literals: values.clone(),
            },
        ),
        Expr::Exists { negated, operand } => match operand.as_ref() {
            Expr::Field(field) if *negated => Node::Not(Box::new(leaf(field, Test::Exists))),
            Expr::Field(field) => leaf(field, Test::Exists),
            _ => Node::Rows(expr.clone()),
        },
    }
}

/// What a condition without any field comes to.
fn constant(expr: &Expr) -> Option<bool> {
    let mut named = false;
    expr.for_each_field(&mut |_| named = true);
    let nothing = SpanColumns::default();
    (!named).then(|| Reader::new(&nothing).holds(expr, Spot::span(0)))
}

fn leaf(field: &Field, test: Test) -> Node {
    Node::Leaf(Leaf {
        field: field.clone(),
        test: with_whole_id(field, test),
    })
}

/// Ids may be written without their leading zeros, as search results show them.
fn with_whole_id(field: &Field, test: Test) -> Test {
    let digits = match field.what {
        What::Intrinsic(Intrinsic::TraceId | Intrinsic::LinkTraceId) => 32,
        What::Intrinsic(Intrinsic::SpanId | Intrinsic::ParentId | Intrinsic::LinkSpanId) => 16,
        _ => return test,
    };
    let whole = |literal| match literal {
        Static::String(id) if !id.is_empty() && id.chars().all(|c| c.is_ascii_hexdigit()) => {
            Static::String(format!("{:0>digits$}", id.to_ascii_lowercase()))
        }
        other => other,
    };
    match test {
        Test::Compare(op @ (BinaryOp::Eq | BinaryOp::Ne), literal) => {
            Test::Compare(op, whole(literal))
        }
        Test::OneOf { negated, literals } => Test::OneOf {
            negated,
            literals: literals.into_iter().map(whole).collect(),
        },
        test => test,
    }
}

fn is(field: &Field, flag: bool) -> Node {
    leaf(field, Test::Is(flag))
}

/// `!operand`. A bare attribute that is missing is neither true nor false, so `!.a` asks for a false one.
fn negation(operand: &Expr) -> Node {
    match bare(operand) {
        Some((field, negations)) => is(field, negations % 2 == 1),
        None => Node::Not(Box::new(condition(operand))),
    }
}

/// The field below any number of `!`, and their number.
pub(crate) fn bare(expr: &Expr) -> Option<(&Field, usize)> {
    match expr {
        Expr::Field(field) => Some((field, 0)),
        Expr::Unary {
            op: UnaryOp::Not,
            operand,
        } => bare(operand).map(|(field, negations)| (field, negations + 1)),
        _ => None,
    }
}

/// The operands of a chain of one operator, cheapest first (their order has no meaning).
fn chain(op: BinaryOp, left: &Expr, right: &Expr) -> Vec<Node> {
    let mut nodes = Vec::new();
    let mut next = Some((left, right));
    while let Some((left, right)) = next.take() {
        match (op, condition(right)) {
            // Parentheses within the chain mean nothing.
            (BinaryOp::And, Node::And(inner)) | (BinaryOp::Or, Node::Or(inner)) => {
                nodes.extend(inner);
            }
            (_, node) => nodes.push(node),
        }
        match left {
            Expr::Binary {
                op: inner,
                left,
                right,
            } if *inner == op => next = Some((left, right)),
            left => nodes.push(condition(left)),
        }
    }
    nodes.reverse();
    nodes.sort_by_key(cost);
    nodes
}

/// A comparison of a field with a literal as a leaf.
fn comparison(op: BinaryOp, left: &Expr, right: &Expr) -> Option<Node> {
    match (left, right) {
        (Expr::Field(field), Expr::Static(literal)) => {
            Some(leaf(field, Test::Compare(op, literal.clone())))
        }
        (Expr::Static(literal), Expr::Field(field)) => {
            Some(leaf(field, Test::Compare(flipped(op), literal.clone())))
        }
        _ => None,
    }
}

pub(crate) fn flipped(op: BinaryOp) -> BinaryOp {
    match op {
        BinaryOp::Lt => BinaryOp::Gt,
        BinaryOp::Le => BinaryOp::Ge,
        BinaryOp::Gt => BinaryOp::Lt,
        BinaryOp::Ge => BinaryOp::Le,
        other => other,
    }
}

/// Gathers the conditions on events, and those on links, so that one event or link satisfies all.
fn group(node: Node) -> Node {
    let conditions = match node {
        Node::And(conditions) => conditions,
        other => vec![other],
    };
    let (mut events, mut links, mut others) = (Vec::new(), Vec::new(), Vec::new());
    for condition in conditions {
        match only_child(&condition) {
            Some(Child::Event) => events.push(condition),
            Some(Child::Link) => links.push(condition),
            None => others.push(condition),
        }
    }
    for (child, conditions) in [(Child::Event, events), (Child::Link, links)] {
        if !conditions.is_empty() {
            others.push(Node::Same(child, conditions));
        }
    }
    others.sort_by_key(cost);
    Node::And(others)
}

/// What the condition speaks of, if it is of events only or of links only.
fn only_child(node: &Node) -> Option<Child> {
    match node {
        Node::Leaf(leaf) => Child::of(&leaf.field),
        Node::Rows(expr) => {
            let mut children = Vec::new();
            expr.for_each_field(&mut |field| children.push(Child::of(field)));
            let first = children.first().copied().flatten()?;
            children.iter().all(|c| *c == Some(first)).then_some(first)
        }
        _ => None,
    }
}

/// A rank, not a measure: tables before dictionaries before plain columns before parents before rows.
pub(crate) fn cost(node: &Node) -> u8 {
    match node {
        Node::Const(_) => 0,
        Node::Leaf(leaf) => leaf_cost(&leaf.field),
        Node::Not(inner) => cost(inner),
        Node::And(nodes) | Node::Or(nodes) => nodes.iter().map(cost).max().unwrap_or_default(),
        Node::Same(..) => 5,
        Node::Rows(_) => 8,
    }
}

fn leaf_cost(field: &Field) -> u8 {
    if field.parent {
        return 6;
    }
    match &field.what {
        What::Attribute(Scope::Resource | Scope::Instrumentation, _) => 1,
        What::Attribute(Scope::Span, _) => 2,
        What::Attribute(Scope::Any, _) => 4,
        What::Attribute(Scope::Event | Scope::Link, _) => 5,
        What::Intrinsic(intrinsic) => match intrinsic {
            Intrinsic::TraceId
            | Intrinsic::TraceRootName
            | Intrinsic::TraceRootService
            | Intrinsic::TraceDuration
            | Intrinsic::InstrumentationName
            | Intrinsic::InstrumentationVersion => 1,
            Intrinsic::Name
            | Intrinsic::Status
            | Intrinsic::StatusMessage
            | Intrinsic::Kind
            | Intrinsic::Duration => 2,
            Intrinsic::SpanId | Intrinsic::ParentId => 3,
            Intrinsic::EventName
            | Intrinsic::EventTimeSinceStart
            | Intrinsic::LinkTraceId
            | Intrinsic::LinkSpanId => 5,
            Intrinsic::ChildCount
            | Intrinsic::NestedSetLeft
            | Intrinsic::NestedSetRight
            | Intrinsic::NestedSetParent => 7,
        },
    }
}

#[cfg(test)]
mod tests {
    use takt_traceql::parse_filter as parse;

    use super::*;

    #[test]
    fn a_filter_that_can_never_match_is_known_as_such() {
        let never = |query| is_never(&plan(&parse(query).expect("it is a filter")));
        for query in [
            "{ false }",
            "{ 1 + 1 = 3 }",
            "{ nil = nil && .a = 1 }",
            "{ false || `a` =~ `b` }",
            "{ !true }",
        ] {
            assert!(never(query), "{query}");
        }
        for query in [
            "{ }",
            "{ 2 ^ 3 = 8 }",
            "{ .a = 1 && .a = 2 }",
            "{ !(.a = 1) }",
        ] {
            assert!(!never(query), "{query}");
        }
    }

    #[test]
    fn cheap_conditions_come_first_and_those_on_events_together() {
        let filter = parse(
            "{ .a + 1 = 2 && event.a = 1 && parent.a = 1 && name = `x` && event:name = `y` && resource.a = 1 }",
        );
        let Node::And(nodes) = plan(&filter.expect("it is a filter")) else {
            panic!("a conjunction")
        };
        let kinds: Vec<&str> = nodes
            .iter()
            .map(|node| match node {
                Node::Leaf(leaf) if leaf.field.parent => "parent",
                Node::Leaf(_) => "leaf",
                Node::Same(Child::Event, conditions) if conditions.len() == 2 => "event",
                Node::Rows(_) => "rows",
                _ => "other",
            })
            .collect();
        assert_eq!(kinds, ["leaf", "leaf", "event", "parent", "rows"]);
    }
}
