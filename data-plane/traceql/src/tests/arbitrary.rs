//! Trees of every shape that a text can have.

use proptest::prelude::*;
use proptest::sample::select;

use crate::{
    Aggregate, BinaryOp, Body, Compare, Expr, Field, Filter, Function, Hint, Intrinsic, Kind,
    MetricsExpr, MetricsQuery, Mode, Order, OrderKey, Pattern, Pipeline, Query, Relation, Scalar,
    ScalarFilter, Scope, SecondStage, SpansetOp, Spansets, Stage, Static, Status, UnaryOp, What,
};

const ARITHMETIC: [BinaryOp; 6] = [
    BinaryOp::Add,
    BinaryOp::Sub,
    BinaryOp::Mul,
    BinaryOp::Div,
    BinaryOp::Mod,
    BinaryOp::Pow,
];
const COMPARISONS: [BinaryOp; 6] = [
    BinaryOp::Eq,
    BinaryOp::Ne,
    BinaryOp::Lt,
    BinaryOp::Le,
    BinaryOp::Gt,
    BinaryOp::Ge,
];
const LOGIC: [BinaryOp; 2] = [BinaryOp::And, BinaryOp::Or];

fn finite() -> impl Strategy<Value = f64> {
    any::<f64>().prop_filter("finite", |number| number.is_finite())
}

fn number() -> impl Strategy<Value = Static> {
    prop_oneof![
        any::<i64>().prop_map(Static::Int),
        finite().prop_map(Static::Float),
        any::<i64>()
            .prop_filter("has a positive twin", |nanos| *nanos != i64::MIN)
            .prop_map(Static::Duration),
    ]
}

fn literal() -> impl Strategy<Value = Static> {
    prop_oneof![
        3 => number(),
        1 => any::<String>().prop_map(Static::String),
        1 => any::<bool>().prop_map(Static::Bool),
        1 => select(&Status::ALL[..]).prop_map(Static::Status),
        1 => select(&Kind::ALL[..]).prop_map(Static::Kind),
    ]
}

fn field() -> impl Strategy<Value = Field> {
    let scope = select(vec![
        Scope::Any,
        Scope::Span,
        Scope::Resource,
        Scope::Event,
        Scope::Link,
        Scope::Instrumentation,
    ]);
    let key = prop_oneof![
        "[a-z.+]{1,6}",
        any::<String>(),
        Just("kind".to_owned()),
        Just("span.x".to_owned())
    ];
    prop_oneof![
        (scope, key, any::<bool>()).prop_map(|(scope, key, parent)| Field {
            parent: parent && matches!(scope, Scope::Any | Scope::Span | Scope::Resource),
            what: What::Attribute(scope, key),
        }),
        select(&Intrinsic::ALL[..]).prop_map(Field::intrinsic),
        Just(Field {
            parent: true,
            what: What::Intrinsic(Intrinsic::Kind)
        }),
    ]
}

pub(super) fn expr() -> impl Strategy<Value = Expr> {
    let leaf = prop_oneof![
        literal().prop_map(Expr::Static),
        field().prop_map(Expr::Field)
    ];
    leaf.prop_recursive(4, 24, 2, move |inner| {
        let ops = [&ARITHMETIC[..], &COMPARISONS, &LOGIC].concat();
        let pattern = select(vec!["a.*b", "", "x`y", "\\d+"]);
        prop_oneof![
            (select(ops), inner.clone(), inner.clone())
                .prop_map(|(op, left, right)| Expr::binary(op, left, right)),
            inner
                .clone()
                .prop_map(|operand| Expr::unary(UnaryOp::Not, operand)),
            field().prop_map(|field| Expr::unary(UnaryOp::Neg, Expr::Field(field))),
            (any::<bool>(), inner.clone(), pattern).prop_map(|(negated, operand, text)| {
                Expr::Match {
                    negated,
                    operand: Box::new(operand),
                    pattern: Pattern::new(text).unwrap(),
                }
            }),
            (any::<bool>(), inner).prop_map(|(negated, operand)| Expr::Exists {
                negated,
                operand: Box::new(operand),
            }),
        ]
    })
}

/// Conditions deep in `&&`, `||` and `!`, of few fields and literals, so that they often meet.
pub(super) fn logic() -> impl Strategy<Value = Expr> {
    let field = || {
        select(vec![
            Field::attribute(Scope::Span, "a"),
            Field::intrinsic(Intrinsic::Name),
        ])
        .prop_map(Expr::Field)
    };
    let literal = || {
        select(vec![
            Static::Bool(true),
            Static::Bool(false),
            Static::Int(0),
            Static::String("x".to_owned()),
        ])
        .prop_map(Expr::Static)
    };
    let comparison = select(vec![BinaryOp::Eq, BinaryOp::Ne]);
    let leaf = prop_oneof![
        3 => (comparison, field(), literal())
            .prop_map(|(op, left, right)| Expr::binary(op, left, right)),
        2 => literal(),
        1 => field(),
    ];
    leaf.prop_recursive(6, 24, 2, |inner| {
        prop_oneof![
            4 => (select(&LOGIC[..]), inner.clone(), inner.clone())
                .prop_map(|(op, left, right)| Expr::binary(op, left, right)),
            1 => inner.prop_map(|operand| Expr::unary(UnaryOp::Not, operand)),
        ]
    })
}

fn filter() -> impl Strategy<Value = Filter> {
    proptest::option::of(expr()).prop_map(|expr| Filter { expr })
}

fn aggregate() -> impl Strategy<Value = Scalar> {
    let of = select(vec![
        Aggregate::Max,
        Aggregate::Min,
        Aggregate::Avg,
        Aggregate::Sum,
    ]);
    prop_oneof![
        Just(Aggregate::Count),
        (of, expr()).prop_map(|(of, expr)| of(expr)),
    ]
    .prop_map(Scalar::Aggregate)
}

fn aggregates() -> impl Strategy<Value = Scalar> {
    aggregate().prop_recursive(3, 6, 2, |inner| {
        let binary = |(op, left, right)| Scalar::Binary {
            op,
            left: Box::new(left),
            right: Box::new(right),
        };
        let number = || number().prop_map(Scalar::Static);
        let op = || select(&ARITHMETIC[..]);
        prop_oneof![
            (op(), inner.clone(), inner.clone()).prop_map(binary),
            (op(), number(), inner.clone()).prop_map(binary),
            (op(), inner, number()).prop_map(binary),
        ]
    })
}

fn scalar_filter() -> impl Strategy<Value = ScalarFilter> {
    let number = || number().prop_map(Scalar::Static);
    let op = || select(&COMPARISONS[..]);
    prop_oneof![
        (op(), aggregates(), number()),
        (op(), number(), aggregates()),
        (op(), aggregates(), aggregates()),
    ]
    .prop_map(|(op, left, right)| ScalarFilter { op, left, right })
}

fn spanset_op() -> impl Strategy<Value = SpansetOp> {
    let relation = select(vec![
        Relation::Child,
        Relation::Parent,
        Relation::Descendant,
        Relation::Ancestor,
        Relation::Sibling,
    ]);
    let mode = select(vec![Mode::Holds, Mode::HoldsForNone, Mode::Union]);
    prop_oneof![
        Just(SpansetOp::And),
        Just(SpansetOp::Or),
        (relation, mode).prop_map(|(relation, mode)| SpansetOp::Structural { relation, mode }),
    ]
}

fn spansets() -> impl Strategy<Value = Spansets> {
    let leaf = prop_oneof![
        4 => filter().prop_map(Spansets::Filter),
        1 => filter().prop_map(Spansets::Without),
    ];
    leaf.prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            3 => (spanset_op(), inner.clone(), inner.clone()).prop_map(|(op, left, right)| {
                Spansets::Binary {
                    op,
                    left: Box::new(left),
                    right: Box::new(right),
                }
            }),
            1 => stages(inner)
                .prop_filter("parentheses around spansets alone are none", |pipeline| {
                    !matches!(pipeline.stages.as_slice(), [Stage::Spansets(_)])
                })
                .prop_map(|pipeline| Spansets::Pipeline(Box::new(pipeline))),
        ]
    })
}

/// Pipelines over given spansets.
fn stages(spansets: impl Strategy<Value = Spansets> + Clone) -> impl Strategy<Value = Pipeline> {
    let first = || {
        prop_oneof![
            4 => spansets.clone().prop_map(Stage::Spansets),
            1 => scalar_filter().prop_map(Stage::Scalar),
            1 => expr().prop_map(Stage::By),
            1 => proptest::collection::vec(field(), 1..4).prop_map(Stage::Select),
        ]
    };
    let later = prop_oneof![4 => first(), 1 => Just(Stage::Coalesce)];
    (first(), proptest::collection::vec(later, 0..3)).prop_map(|(first, mut stages)| {
        stages.insert(0, first);
        Pipeline { stages }
    })
}

fn pipeline() -> impl Strategy<Value = Pipeline> {
    stages(spansets().boxed())
}

fn compare() -> impl Strategy<Value = Compare> {
    let time = || 1..u64::try_from(i64::MAX).unwrap();
    let window = proptest::option::of((time(), time()));
    (filter(), any::<u32>(), window).prop_map(|(selection, top, window)| Compare {
        selection,
        top,
        window,
    })
}

fn metrics_query() -> impl Strategy<Value = MetricsQuery> {
    let quantiles = proptest::collection::vec(0.0..=1.0, 1..4);
    let by = proptest::collection::vec(field(), 0..4);
    let function = prop_oneof![
        Just(Function::Rate),
        Just(Function::CountOverTime),
        field().prop_map(Function::MinOverTime),
        field().prop_map(Function::MaxOverTime),
        field().prop_map(Function::AvgOverTime),
        field().prop_map(Function::SumOverTime),
        field().prop_map(Function::HistogramOverTime),
        (field(), quantiles).prop_map(|(of, list)| Function::QuantileOverTime(of, list)),
        compare().prop_map(Function::Compare),
    ];
    (pipeline(), function, by).prop_map(|(pipeline, function, by)| {
        let groups = !matches!(function, Function::Compare(_));
        MetricsQuery {
            pipeline,
            function,
            by: if groups { by } else { Vec::new() },
        }
    })
}

fn metrics() -> impl Strategy<Value = MetricsExpr> {
    metrics_query()
        .prop_map(MetricsExpr::Query)
        .prop_recursive(3, 4, 2, |inner| {
            let op = || select(&ARITHMETIC[..4]);
            let number = || finite().prop_map(MetricsExpr::Number);
            let binary = |(op, left, right)| MetricsExpr::Binary {
                op,
                left: Box::new(left),
                right: Box::new(right),
            };
            let stage = prop_oneof![
                any::<u32>().prop_map(SecondStage::TopK),
                any::<u32>().prop_map(SecondStage::BottomK),
                (select(&COMPARISONS[..]), finite())
                    .prop_map(|(op, value)| SecondStage::Compare { op, value }),
            ];
            prop_oneof![
                (op(), inner.clone(), inner.clone()).prop_map(binary),
                (op(), number(), inner.clone()).prop_map(binary),
                (op(), inner.clone(), number()).prop_map(binary),
                (inner, stage).prop_map(|(of, stage)| MetricsExpr::Then {
                    of: Box::new(of),
                    stage,
                }),
            ]
        })
}

pub(super) fn query() -> impl Strategy<Value = Query> {
    let key = select(vec![OrderKey::Start, OrderKey::Duration]);
    let order = (key, any::<bool>()).prop_map(|(key, ascending)| Order { key, ascending });
    let search = (pipeline(), proptest::option::of(order))
        .prop_map(|(pipeline, order)| (Body::Search(pipeline), order));
    let metrics = metrics().prop_map(|expr| (Body::Metrics(expr), None));
    let value = prop_oneof![
        any::<bool>().prop_map(Static::Bool),
        (0..i64::MAX).prop_map(Static::Int),
        any::<String>().prop_map(Static::String),
    ];
    let hint = ("[a-z_]{1,8}", value).prop_map(|(name, value)| Hint { name, value });
    let hints = proptest::collection::vec(hint, 0..3);
    (prop_oneof![search, metrics], hints).prop_map(|((body, order), hints)| Query {
        body,
        order,
        hints,
    })
}
