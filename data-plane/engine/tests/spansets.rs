//! Spanset operators, groups and aggregates, on traces small enough to see through.

#![expect(clippy::unwrap_used, reason = "a failed expectation is a failed test")]

mod common;

use std::cell::Cell;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message as _;
use takt_engine::{
    Bitmap, NEWEST_FIRST, Refusal, Scope, SearchOptions, SearchPlan, Stopped, Value, matches_any,
    search,
};
use takt_model::TimeRange;
use takt_trace::SpanColumns;
use takt_trace::reorder::cluster;
use takt_traceql::{
    Aggregate, BinaryOp, Expr, Filter, Mode, Pipeline, Relation, Scalar, ScalarFilter, SpansetOp,
    Spansets, Stage, Static, parse_filter as parse,
};

const RELATIONS: [Relation; 5] = [
    Relation::Child,
    Relation::Parent,
    Relation::Descendant,
    Relation::Ancestor,
    Relation::Sibling,
];

/// Traces as `1: a(b c(d))`: spans by name, each with its children in parentheses.
fn forest(traces: &[&str]) -> Vec<Span> {
    let mut spans = Vec::new();
    for trace in traces {
        let (number, tree) = trace.split_once(": ").unwrap();
        let (mut path, mut last) = (Vec::new(), 0);
        for c in tree.chars() {
            match c {
                '(' => path.push(last),
                ')' => drop(path.pop()),
                ' ' => {}
                name => {
                    last = u8::try_from(spans.len() + 1).unwrap();
                    spans.push(span(
                        number.parse().unwrap(),
                        last,
                        path.last().copied(),
                        name,
                    ));
                }
            }
        }
    }
    spans
}

/// A span of a name and as many milliseconds as its id, which is also its attribute `n`.
fn span(trace: u8, id: u8, parent: Option<u8>, name: char) -> Span {
    Span {
        trace_id: vec![trace; 16],
        span_id: vec![id; 8],
        parent_span_id: parent.map_or_else(Vec::new, |parent| vec![parent; 8]),
        name: name.to_string(),
        start_time_unix_nano: u64::from(id),
        end_time_unix_nano: u64::from(id) + 1_000_000 * u64::from(id),
        attributes: vec![KeyValue {
            key: "n".to_owned(),
            value: Some(AnyValue {
                value: Some(any_value::Value::IntValue(i64::from(id))),
            }),
            ..KeyValue::default()
        }],
        ..Span::default()
    }
}

/// The spans as a live store has them, children before their parents, and as a block has them.
fn both_ways(mut spans: Vec<Span>) -> [SpanColumns; 2] {
    spans.reverse();
    let request = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            scope_spans: vec![ScopeSpans {
                spans,
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    };
    let live = common::columns(&[request.encode_to_vec()]);
    let stored = cluster(&live);
    [live, stored]
}

fn filter(name: &str) -> Filter {
    match name {
        "" => Filter::default(),
        names => parse(&format!("{{ name =~ `[{names}]` }}")).unwrap(),
    }
}

fn named(names: &str) -> Spansets {
    Spansets::Filter(filter(names))
}

fn without(names: &str) -> Spansets {
    Spansets::Without(filter(names))
}

fn binary(left: Spansets, op: SpansetOp, right: Spansets) -> Spansets {
    Spansets::Binary {
        op,
        left: Box::new(left),
        right: Box::new(right),
    }
}

fn structural(left: &str, relation: Relation, mode: Mode, right: &str) -> Spansets {
    binary(
        named(left),
        SpansetOp::Structural { relation, mode },
        named(right),
    )
}

fn pipeline(stages: impl IntoIterator<Item = Stage>) -> Pipeline {
    Pipeline {
        stages: stages.into_iter().collect(),
    }
}

fn field(name: &str) -> Expr {
    let filter = parse(&format!("{{ {name} != nil }}")).unwrap();
    match filter.expr.unwrap() {
        Expr::Exists { operand, .. } => *operand,
        other => unreachable!("{other:?} is no question for existence"),
    }
}

fn scalar(aggregate: Aggregate, op: BinaryOp, literal: Static) -> Stage {
    Stage::Scalar(ScalarFilter {
        op,
        left: Scalar::Aggregate(aggregate),
        right: Scalar::Static(literal),
    })
}

const ALL: SearchOptions = SearchOptions {
    limit: 100,
    spans_per_set: 0,
    order: NEWEST_FIRST,
    after: None,
};

/// The found spansets as `trace: spans [attributes]`, spans by name, by trace and first span.
fn answer(columns: &SpanColumns, pipeline: &Pipeline) -> Vec<String> {
    let plan = SearchPlan::new(pipeline);
    let scope = Scope::new(TimeRange::ALL, &|| true);
    let hits = search(columns, &plan, &scope, &ALL).unwrap();
    assert_eq!(matches_any(columns, &plan, &scope), Ok(!hits.is_empty()));
    let name = |id: [u8; 8]| {
        let row = columns.span_id.iter().position(|known| known.0 == id);
        columns.names.text(columns.name[row.unwrap()]).to_owned()
    };
    let mut lines: Vec<String> = hits
        .iter()
        .flat_map(|hit| hit.sets.iter().map(|set| (hit.trace.0[0], set)))
        .map(|(trace, set)| {
            assert_eq!(set.matched as usize, set.spans.len());
            let spans: String = set.spans.iter().map(|span| name(span.span_id.0)).collect();
            let attributes = set.attributes.iter().map(|(key, value)| match value {
                Value::String(text) => format!(" {key}={text}"),
                Value::Int(number) => format!(" {key}={number}"),
                other => format!(" {key}={other:?}"),
            });
            format!("{trace}: {spans}{}", attributes.collect::<String>())
        })
        .collect();
    lines.sort();
    lines
}

fn check(traces: &[&str], stages: impl IntoIterator<Item = Stage>, expected: &[&str]) {
    let pipeline = pipeline(stages);
    for columns in both_ways(forest(traces)) {
        assert_eq!(answer(&columns, &pipeline), expected, "{pipeline:?}");
    }
}

fn check_operator(traces: &[&str], spansets: Spansets, expected: &[&str]) {
    check(traces, [Stage::Spansets(spansets)], expected);
}

#[test]
fn and_wants_both_sides_in_a_trace_and_or_either() {
    let traces = ["1: a(b c)", "2: a(c)", "3: b(c)", "4: c"];
    let of = |op| binary(named("a"), op, named("b"));
    check_operator(&traces, of(SpansetOp::And), &["1: ab"]);
    check_operator(&traces, of(SpansetOp::Or), &["1: ab", "2: a", "3: b"]);
    let all_three = binary(of(SpansetOp::And), SpansetOp::And, named("c"));
    check_operator(&traces, all_three, &["1: abc"]);
    let same = binary(named("ab"), SpansetOp::And, named("bc"));
    check_operator(&traces, same, &["1: abc", "2: ac", "3: bc"]);
}

#[test]
fn without_keeps_traces_in_which_no_span_matches() {
    let traces = ["1: a(b c)", "2: a(c)", "3: b(c)", "4: c"];
    check_operator(&traces, without("b"), &["2: ac", "4: c"]);
    let and = |left, right| binary(left, SpansetOp::And, right);
    // Under `&&` it adds no spans, on whichever side it stands, unless nothing else is there.
    check_operator(&traces, and(named("c"), without("b")), &["2: c", "4: c"]);
    check_operator(&traces, and(without("b"), named("a")), &["2: a"]);
    check_operator(&traces, and(without("a"), without("b")), &["4: c"]);
    let nested = and(named("c"), and(without("a"), without("b")));
    check_operator(&traces, nested, &["4: c"]);
    // Elsewhere it stands for all spans of the trace.
    let or = binary(named("b"), SpansetOp::Or, without("b"));
    check_operator(&traces, or, &["1: b", "2: ac", "3: b", "4: c"]);
    let below = SpansetOp::Structural {
        relation: Relation::Child,
        mode: Mode::Holds,
    };
    check_operator(&traces, binary(without("b"), below, named("c")), &["2: c"]);
}

#[test]
fn structural_operators_give_the_right_side() {
    let traces = ["1: a(b(c(d) e) f)", "2: d(c(b(a)))", "3: a b"];
    let holds = |left, relation, right| structural(left, relation, Mode::Holds, right);
    check_operator(&traces, holds("a", Relation::Child, "bcd"), &["1: b"]);
    check_operator(
        &traces,
        holds("bc", Relation::Parent, "abcd"),
        &["1: ab", "2: dc"],
    );
    check_operator(
        &traces,
        holds("b", Relation::Descendant, "abde"),
        &["1: de", "2: a"],
    );
    check_operator(
        &traces,
        holds("b", Relation::Ancestor, "acd"),
        &["1: a", "2: dc"],
    );
    // No span is its own relative.
    check_operator(
        &traces,
        holds("", Relation::Descendant, ""),
        &["1: bcdef", "2: cba"],
    );
    check_operator(
        &traces,
        holds("", Relation::Ancestor, ""),
        &["1: abc", "2: dcb"],
    );
    check_operator(&traces, holds("b", Relation::Descendant, "b"), &[]);
}

#[test]
fn siblings_are_other_spans_of_the_same_parent_and_roots_of_one_trace() {
    let traces = ["1: a(b c(d) b)", "2: a(b)", "3: b c"];
    let of = |left, right| structural(left, Relation::Sibling, Mode::Holds, right);
    check_operator(&traces, of("c", "b"), &["1: bb", "3: b"]);
    check_operator(&traces, of("b", "b"), &["1: bb"]);
    check_operator(&traces, of("", ""), &["1: bcb", "3: bc"]);
    check_operator(&traces, of("a", ""), &[]);
}

#[test]
fn a_negated_operator_gives_those_of_the_right_side_that_are_related_to_none() {
    let traces = ["1: a(b(c) c)", "2: c", "3: a"];
    let none = |relation| structural("b", relation, Mode::HoldsForNone, "c");
    check_operator(&traces, none(Relation::Child), &["1: c", "2: c"]);
    check_operator(&traces, none(Relation::Descendant), &["1: c", "2: c"]);
    check_operator(&traces, none(Relation::Sibling), &["1: c", "2: c"]);
    check_operator(&traces, none(Relation::Ancestor), &["1: cc", "2: c"]);
    let parent = structural("c", Relation::Parent, Mode::HoldsForNone, "ab");
    check_operator(&traces, parent, &["3: a"]);
    // Without a left side everything is related to none.
    let nothing = structural("z", Relation::Child, Mode::HoldsForNone, "a");
    check_operator(&traces, nothing, &["1: a", "3: a"]);
}

#[test]
fn a_union_operator_gives_those_of_both_sides_that_take_part() {
    let traces = ["1: a(b(c) a)", "2: c(b(a))", "3: a"];
    let of = |left, relation, right| structural(left, relation, Mode::Union, right);
    check_operator(&traces, of("a", Relation::Child, "bc"), &["1: ab"]);
    check_operator(&traces, of("a", Relation::Descendant, "c"), &["1: ac"]);
    check_operator(&traces, of("a", Relation::Ancestor, "c"), &["2: ca"]);
    check_operator(&traces, of("c", Relation::Parent, "b"), &["1: bc"]);
    check_operator(&traces, of("a", Relation::Sibling, "b"), &["1: ba"]);
    check_operator(&traces, of("z", Relation::Child, "a"), &[]);
}

#[test]
fn orphans_are_related_below_but_not_above() {
    // `b` names a parent that never came, and so do its would-be siblings.
    let spans = || {
        vec![
            span(1, 2, Some(9), 'b'),
            span(1, 3, Some(9), 'c'),
            span(1, 4, Some(2), 'd'),
        ]
    };
    for (relation, expected) in [
        (Relation::Child, &["1: d"][..]),
        (Relation::Descendant, &["1: d"]),
        (Relation::Parent, &["1: b"]),
        (Relation::Ancestor, &["1: b"]),
        (Relation::Sibling, &[]),
    ] {
        let stage = Stage::Spansets(structural("", relation, Mode::Holds, ""));
        for columns in both_ways(spans()) {
            assert_eq!(answer(&columns, &pipeline([stage.clone()])), expected);
        }
    }
}

#[test]
fn a_circle_of_parents_is_cut_above_its_first_span() {
    // `a` is the parent of `b`, `b` of `c`, `c` of `a`; `d` hangs below.
    let spans = vec![
        span(1, 1, Some(3), 'a'),
        span(1, 2, Some(1), 'b'),
        span(1, 3, Some(2), 'c'),
        span(1, 4, Some(2), 'd'),
    ];
    for columns in both_ways(spans) {
        let of = |left, relation, right| {
            let stage = Stage::Spansets(structural(left, relation, Mode::Holds, right));
            answer(&columns, &pipeline([stage]))
        };
        assert_eq!(of("a", Relation::Descendant, ""), ["1: bcd"]);
        assert_eq!(of("b", Relation::Descendant, ""), ["1: cd"]);
        assert_eq!(of("d", Relation::Ancestor, ""), ["1: ab"]);
        assert_eq!(of("c", Relation::Child, ""), [""; 0]);
        assert_eq!(of("a", Relation::Sibling, ""), [""; 0]);
    }
}

#[test]
fn a_stage_after_a_pipe_sees_only_the_spans_before_it() {
    let traces = ["1: a(b(c))", "2: a(b)"];
    let narrowed = |names: &str, next| [Stage::Spansets(named(names)), Stage::Spansets(next)];
    check(&traces, narrowed("ab", named("bc")), &["1: b", "2: b"]);
    check(&traces, narrowed("bc", without("a")), &["1: bc", "2: b"]);
    let below = structural("a", Relation::Descendant, Mode::Holds, "c");
    // The parent in between need not be among them.
    check(&traces, narrowed("ac", below.clone()), &["1: c"]);
    check(&traces, narrowed("bc", below), &[]);
}

#[test]
fn spansets_split_by_value_and_nothing_is_a_value() {
    let traces = ["1: a(b a c)", "2: a"];
    let by = |expr| [Stage::Spansets(named("")), Stage::By(expr)];
    let names = [
        "1: aa by(name)=a",
        "1: b by(name)=b",
        "1: c by(name)=c",
        "2: a by(name)=a",
    ];
    check(&traces, by(field("name")), &names);
    let no_parent = [
        "1: a by(parent.name)=nil",
        "1: bac by(parent.name)=a",
        "2: a by(parent.name)=nil",
    ];
    check(&traces, by(field("parent.name")), &no_parent);
}

#[test]
fn groups_are_counted_and_joined_again() {
    let traces = ["1: a(b a c)", "2: a(b)"];
    let grouped = || vec![Stage::Spansets(named("")), Stage::By(field("name"))];
    let more_than_one = || scalar(Aggregate::Count, BinaryOp::Gt, Static::Int(1));
    let counted: Vec<Stage> = grouped().into_iter().chain([more_than_one()]).collect();
    check(&traces, counted, &["1: aa by(name)=a count()=2"]);
    let joined: Vec<Stage> = grouped().into_iter().chain([Stage::Coalesce]).collect();
    check(&traces, joined.clone(), &["1: abac", "2: ab"]);
    let recounted: Vec<Stage> = joined.into_iter().chain([more_than_one()]).collect();
    check(
        &traces,
        recounted,
        &["1: abac count()=4", "2: ab count()=2"],
    );
}

#[test]
fn groups_of_groups_keep_what_they_were_split_by() {
    let stages = [
        Stage::Spansets(named("")),
        scalar(Aggregate::Count, BinaryOp::Ge, Static::Int(2)),
        Stage::By(field("parent.name")),
        Stage::By(field("name")),
    ];
    let expected = [
        "1: a count()=4 by(parent.name)=a by(name)=a",
        "1: a count()=4 by(parent.name)=nil by(name)=a",
        "1: bb count()=4 by(parent.name)=a by(name)=b",
    ];
    check(&["1: a(b a b)", "2: a"], stages, &expected);
}

#[test]
fn operators_relate_only_spans_of_one_group() {
    // Odd and even: `a`, `c` and `e` are 1, 3 and 5.
    let traces = ["1: a(b(c(d)) e)"];
    let odd_or_even = |spansets| {
        [
            Stage::Spansets(named("")),
            Stage::By(parse("{ span.n % 2 = 0 }").unwrap().expr.unwrap()),
            Stage::Spansets(spansets),
        ]
    };
    let names = |spans: &str, even: bool| format!("1: {spans} by((span.n % 2) = 0)=Bool({even})");
    let of = |relation, mode| odd_or_even(structural("", relation, mode, ""));
    check(
        &traces,
        of(Relation::Child, Mode::Holds),
        &[&names("e", false)],
    );
    check(
        &traces,
        of(Relation::Descendant, Mode::Holds),
        &[&names("ce", false), &names("d", true)],
    );
    check(
        &traces,
        of(Relation::Ancestor, Mode::Holds),
        &[&names("a", false), &names("b", true)],
    );
    check(
        &traces,
        of(Relation::Descendant, Mode::Union),
        &[&names("ace", false), &names("bd", true)],
    );
    check(&traces, of(Relation::Sibling, Mode::Holds), &[]);
    let and = odd_or_even(binary(named("a"), SpansetOp::And, named("bce")));
    check(&traces, and, &[&names("ace", false)]);
    check(&traces, odd_or_even(without("a")), &[&names("bd", true)]);
}

#[test]
fn aggregates_ignore_spans_without_a_value() {
    let traces = ["1: a(b c)", "2: a"];
    let only = |stage| [Stage::Spansets(named("")), stage];
    let ms = |ms: i64| Static::Duration(ms * 1_000_000);
    let of = |aggregate: fn(Expr) -> Aggregate, name| aggregate(field(name));
    let avg = scalar(of(Aggregate::Avg, "duration"), BinaryOp::Ge, ms(2));
    check(
        &traces,
        only(avg),
        &["1: abc avg(duration)=2ms", "2: a avg(duration)=4ms"],
    );
    let max = scalar(
        of(Aggregate::Max, "span.n"),
        BinaryOp::Eq,
        Static::Float(3.0),
    );
    check(&traces, only(max), &["1: abc max(span.n)=3"]);
    let min = scalar(of(Aggregate::Min, "span.n"), BinaryOp::Lt, Static::Int(4));
    check(&traces, only(min), &["1: abc min(span.n)=1"]);
    let sum = scalar(of(Aggregate::Sum, "span.n"), BinaryOp::Gt, Static::Int(0));
    check(
        &traces,
        only(sum),
        &["1: abc sum(span.n)=6", "2: a sum(span.n)=4"],
    );
    let avg = scalar(of(Aggregate::Avg, "span.n"), BinaryOp::Gt, Static::Int(0));
    check(
        &traces,
        only(avg),
        &[
            "1: abc avg(span.n)=Float(2.0)",
            "2: a avg(span.n)=Float(4.0)",
        ],
    );
    let of_parents = scalar(
        of(Aggregate::Sum, "parent.span.n"),
        BinaryOp::Ge,
        Static::Int(0),
    );
    check(&traces, only(of_parents), &["1: abc sum(parent.span.n)=2"]);
    for nothing in ["span.nosuch", "name"] {
        let stage = scalar(of(Aggregate::Min, nothing), BinaryOp::Ne, Static::Int(0));
        check(&traces, only(stage), &[]);
    }
}

#[test]
fn a_comparison_of_aggregates_may_calculate() {
    // The longest span is at least twice the average.
    let twice = Scalar::Binary {
        op: BinaryOp::Mul,
        left: Box::new(Scalar::Static(Static::Int(2))),
        right: Box::new(Scalar::Aggregate(Aggregate::Avg(field("duration")))),
    };
    let stages = [
        Stage::Spansets(named("ab")),
        Stage::Scalar(ScalarFilter {
            op: BinaryOp::Ge,
            left: Scalar::Aggregate(Aggregate::Max(field("duration"))),
            right: twice,
        }),
    ];
    let traces = ["1: a(a a c c c c c b)", "2: a(b)"];
    check(
        &traces,
        stages,
        &["1: aaab max(duration)=9ms avg(duration)=3.75ms"],
    );
}

#[test]
fn a_pipeline_in_parentheses_is_an_operand() {
    let twice_b = || {
        Spansets::Pipeline(Box::new(pipeline([
            Stage::Spansets(named("b")),
            scalar(Aggregate::Count, BinaryOp::Eq, Static::Int(2)),
        ])))
    };
    let traces = ["1: a(b b c)", "2: a(b c)", "3: a(c)"];
    check_operator(
        &traces,
        binary(twice_b(), SpansetOp::And, named("c")),
        &["1: bbc"],
    );
    let sibling = SpansetOp::Structural {
        relation: Relation::Sibling,
        mode: Mode::Holds,
    };
    check_operator(&traces, binary(twice_b(), sibling, named("c")), &["1: c"]);
    // Alone it is what stands in the parentheses.
    check_operator(&traces, twice_b(), &["1: bb count()=2"]);
}

#[test]
fn sides_that_are_split_cannot_be_related() {
    let side = |stages: &[Stage]| Spansets::Pipeline(Box::new(pipeline(stages.iter().cloned())));
    let split = [Stage::Spansets(named("a")), Stage::By(field("name"))];
    let joined: Vec<Stage> = split.iter().cloned().chain([Stage::Coalesce]).collect();
    let refusal = |left, op| {
        let spansets = binary(left, op, named("b"));
        SearchPlan::new(&pipeline([Stage::Spansets(spansets)])).refusal()
    };
    for relation in RELATIONS {
        let op = SpansetOp::Structural {
            relation,
            mode: Mode::Holds,
        };
        assert_eq!(refusal(side(&split), op), Some(Refusal::SplitSides));
        assert_eq!(refusal(side(&joined), op), None);
    }
    assert_eq!(
        refusal(side(&split), SpansetOp::And),
        None,
        "their union is clear"
    );
    assert_eq!(
        Refusal::SplitSides.to_string(),
        "spanset operators are not supported for multiple spansets per trace. consider using coalesce()"
    );
}

#[test]
fn what_can_never_match_is_known_as_such() {
    let never = || Spansets::Filter(parse("{ false }").unwrap());
    let is_known =
        |spansets| SearchPlan::new(&pipeline([Stage::Spansets(spansets)])).never_matches();
    let structural = |left, mode, right| {
        let relation = Relation::Child;
        binary(left, SpansetOp::Structural { relation, mode }, right)
    };
    assert!(is_known(never()));
    assert!(is_known(binary(never(), SpansetOp::And, named("a"))));
    assert!(!is_known(binary(never(), SpansetOp::Or, named("a"))));
    assert!(is_known(binary(never(), SpansetOp::Or, never())));
    assert!(is_known(structural(never(), Mode::Holds, named("a"))));
    assert!(!is_known(structural(
        never(),
        Mode::HoldsForNone,
        named("a")
    )));
    assert!(is_known(structural(
        named("a"),
        Mode::HoldsForNone,
        never()
    )));
    assert!(!is_known(Spansets::Without(parse("{ false }").unwrap())));
}

#[test]
fn traces_to_be_skipped_are_not_there() {
    for columns in both_ways(forest(&["1: a", "2: a", "3: a"])) {
        let mut skip = Bitmap::none(3);
        let second = columns.traces.id.iter().position(|id| id.0[0] == 2);
        skip.insert(u32::try_from(second.unwrap()).unwrap());
        let scope = Scope {
            skip: Some(&skip),
            ..Scope::new(TimeRange::ALL, &|| true)
        };
        let plan = SearchPlan::new(&pipeline([Stage::Spansets(named("a"))]));
        let hits = search(&columns, &plan, &scope, &ALL).unwrap();
        let found: Vec<u8> = hits.iter().map(|hit| hit.trace.0[0]).collect();
        assert_eq!(found, [3, 1]);
    }
}

#[test]
fn an_evaluation_ends_where_its_memory_does() {
    let [live, _] = both_ways(forest(&["1: a(b c)", "2: a(b)"]));
    let asked = Cell::new(0);
    let run = |stages: Vec<Stage>, budget: usize| {
        let may_hold = |bytes| {
            asked.set(bytes);
            bytes <= budget
        };
        let scope = Scope {
            may_hold: &may_hold,
            ..Scope::new(TimeRange::ALL, &|| true)
        };
        search(&live, &SearchPlan::new(&pipeline(stages)), &scope, &ALL).map(|hits| hits.len())
    };
    let all = || Stage::Spansets(named(""));
    for stages in [
        vec![all(), Stage::By(field("name"))],
        vec![
            all(),
            scalar(Aggregate::Count, BinaryOp::Gt, Static::Int(1)),
        ],
        vec![Stage::Spansets(structural(
            "a",
            Relation::Descendant,
            Mode::Holds,
            "",
        ))],
        vec![all()],
    ] {
        assert_eq!(run(stages.clone(), usize::MAX), Ok(2));
        let needed = asked.get();
        assert!(needed > 0, "{stages:?} holds something");
        assert_eq!(run(stages.clone(), needed), Ok(2));
        assert_eq!(run(stages, needed - 1), Err(Stopped::OverBudget));
    }
}
