//! What a policy may be by itself.

use takt_domain::policies::rule::ErrorMode;
use takt_domain::policies::rule::{
    Action, Adaptive, Algorithm, Case, CaseScope, Compare, Composite, Condition, Datatype,
    FirstMatch, Latency, Matching, NumericAttribute, Operator, Ottl, Part, SpanCount,
    StringAttribute,
};
use takt_domain::policies::{Fault, Rule, Share, Spec, Stage, Window};
use takt_model::UnixNano;

use super::{always, create, limited, share, tenant};
use crate::given::given;

fn wrong(spec: Spec) -> (String, Fault) {
    let wrong = spec.check().unwrap_err();
    (wrong.path, wrong.fault)
}

/// The path and the stable reason of what is wrong with a rule.
fn reason(rule: Rule) -> (String, &'static str) {
    let (path, fault) = wrong(Spec::new("p", rule));
    (path, fault.reason())
}

#[test]
fn a_bad_policy_is_refused_with_its_field_and_reason() {
    let refusal = given([tenant()]).when(create(limited("p", 0))).refusal();
    assert_eq!(refusal.reason(), "POLICY_FIELD_OUT_OF_RANGE");
    assert_eq!(refusal.field(), Some("spec"));
    assert_eq!(
        refusal.to_string(),
        "policy `p`: `rule.rate_limiting.per_second`: \
         is 0, but must be between 1 and 1000000000000"
    );
}

#[test]
fn names_are_words() {
    let fault = |name: &str| wrong(always(name)).1.reason();
    assert_eq!(fault(""), "POLICY_FIELD_EMPTY");
    assert_eq!(fault("12"), "POLICY_NAME_IS_NUMBER");
    assert_eq!(fault(" a"), "POLICY_FIELD_CHARACTERS");
    assert_eq!(fault("a\nb"), "POLICY_FIELD_CHARACTERS");
    assert_eq!(fault(&"x".repeat(129)), "POLICY_FIELD_TOO_LONG");
    always("keep errors (checkout)").check().unwrap();
}

#[test]
fn times_have_an_order() {
    let never = Spec {
        starts_at: Some(UnixNano(5)),
        expires_at: Some(UnixNano(5)),
        ..always("p")
    };
    assert_eq!(wrong(never).0, "expires_at");
    let within = |from_minute, to_minute| Spec {
        windows: vec![Window {
            from_minute,
            to_minute,
        }],
        ..always("p")
    };
    assert_eq!(wrong(within(5, 5)).1.reason(), "POLICY_RANGE_EMPTY");
    assert_eq!(
        wrong(within(0, 10_081)).1.reason(),
        "POLICY_FIELD_OUT_OF_RANGE"
    );
    within(0, 10_080).check().unwrap();
}

#[test]
fn ranges_hold_something() {
    let latency = |above_ns, up_to_ns| {
        let up_to_ns = Some(up_to_ns);
        Rule::Latency(Latency { above_ns, up_to_ns })
    };
    // The lower bound is not part of it.
    assert_eq!(reason(latency(5, 5)).1, "POLICY_RANGE_EMPTY");
    Spec::new("p", latency(5, 6)).check().unwrap();
    let numbers = |min, max| {
        let (key, invert) = ("k".to_owned(), false);
        Rule::NumericAttribute(NumericAttribute {
            key,
            min,
            max,
            invert,
        })
    };
    assert_eq!(reason(numbers(None, None)).1, "POLICY_RANGE_MISSING");
    assert_eq!(
        reason(numbers(Some(2), Some(1))),
        (
            "rule.numeric_attribute.max_value".into(),
            "POLICY_RANGE_EMPTY"
        )
    );
    Spec::new("p", numbers(Some(i64::MIN), Some(i64::MIN)))
        .check()
        .unwrap();
    let spans = |min, max| {
        Rule::SpanCount(SpanCount {
            min,
            max: Some(max),
        })
    };
    assert_eq!(reason(spans(3, 2)).1, "POLICY_RANGE_EMPTY");
}

#[test]
fn regular_expressions_compile_and_are_bounded() {
    let pattern = |pattern: &str| {
        Rule::StringAttribute(StringAttribute {
            key: "http.route".into(),
            values: [pattern.to_owned()].into(),
            matching: Matching::Regex { cache_size: 0 },
            invert: false,
        })
    };
    Spec::new("p", pattern("^/api/v[0-9]+/")).check().unwrap();
    let (path, fault) = wrong(Spec::new("p", pattern("(")));
    assert_eq!(path, "rule.string_attribute.values");
    assert_eq!(
        fault.to_string(),
        "is not a regular expression that can be used: error: unclosed group"
    );
    assert_eq!(
        reason(pattern("(a{1000}){1000}")).1,
        "POLICY_PATTERN_INVALID"
    );
    assert_eq!(
        reason(pattern(&"x".repeat(1025))).1,
        "POLICY_FIELD_TOO_LONG"
    );
}

#[test]
fn expressions_balance() {
    let query = |query: &str| Rule::TraceQl(query.into());
    for good in [
        r#"{ span.http.route = "/a}" && duration > 1s }"#,
        "{ name =~ `(` } | count() > 3",
        r#"({ .a = "\"" }) >> { .b = 1 }"#,
    ] {
        Spec::new("p", query(good)).check().unwrap();
    }
    for bad in ["{ .a = 1 ", "{ .a = 1 )", "}", r#"{ .a = "x }"#] {
        assert_eq!(
            reason(query(bad)).1,
            "POLICY_EXPRESSION_UNBALANCED",
            "{bad}"
        );
    }
    assert_eq!(reason(query(" ")).1, "POLICY_FIELD_EMPTY");
    assert_eq!(reason(query(&"x".repeat(4097))).1, "POLICY_FIELD_TOO_LONG");
    let ottl = Rule::Ottl(Ottl {
        error_mode: ErrorMode::Ignore,
        span: vec![],
        span_event: vec!["IsMatch(name, \"x\"".into()],
    });
    assert_eq!(
        reason(ottl),
        (
            "rule.ottl_condition.span_event".into(),
            "POLICY_EXPRESSION_UNBALANCED"
        )
    );
}

#[test]
fn what_keeps_by_chance_or_budget_is_neither_inverted_nor_dropped() {
    let half = || share("p", 50).rule;
    for rule in [
        Rule::Not(Box::new(half())),
        Rule::Drop(vec![half()]),
        Rule::Drop(vec![Rule::And(vec![Rule::Always, half()])]),
        Rule::Not(Box::new(limited("p", 5).rule)),
    ] {
        assert_eq!(reason(rule).1, "POLICY_RULE_MISPLACED");
    }
    let both = Rule::And(vec![Rule::TraceFlags, half(), limited("p", 5).rule]);
    Spec::new("p", both).check().unwrap();
}

#[test]
fn a_veto_and_a_budget_are_policies_of_their_own() {
    let drop = Rule::Drop(vec![Rule::TraceFlags]);
    assert_eq!(
        reason(Rule::And(vec![Rule::Always, drop])),
        ("rule.and.policies[1].drop".into(), "POLICY_RULE_MISPLACED")
    );
    let composite = composite([Some(50)]);
    assert_eq!(
        reason(Rule::And(vec![composite])).1,
        "POLICY_RULE_MISPLACED"
    );
}

#[test]
fn rules_are_not_nested_for_ever() {
    let mut rule = Rule::TraceFlags;
    for _ in 0..6 {
        rule = Rule::Not(Box::new(rule));
    }
    assert_eq!(reason(rule).1, "POLICY_RULE_TOO_DEEP");
    let wide = Rule::And(vec![Rule::TraceFlags; 64]);
    assert_eq!(reason(wide), ("rule".into(), "POLICY_FIELD_TOO_MANY"));
    assert_eq!(reason(Rule::And(vec![])).1, "POLICY_FIELD_EMPTY");
}

#[test]
fn the_shares_of_a_budget_come_to_the_whole_at_most() {
    Spec::new("p", composite([Some(60), Some(40)]))
        .check()
        .unwrap();
    Spec::new("p", composite([Some(60), None, None]))
        .check()
        .unwrap();
    assert_eq!(
        reason(composite([Some(60), Some(41)])).1,
        "POLICY_SHARES_TOO_LARGE"
    );
    // Nothing is left for the one that says nothing.
    assert_eq!(
        reason(composite([Some(60), Some(40), None])).1,
        "POLICY_SHARES_TOO_LARGE"
    );
    assert_eq!(
        reason(composite([Some(0)])),
        (
            "rule.composite.parts[0].share".into(),
            "POLICY_FIELD_OUT_OF_RANGE"
        )
    );
}

#[test]
fn cases_compare_what_can_be_compared() {
    for good in [
        any(
            Operator::In,
            &["http.status"],
            &["500", "-3"],
            Datatype::Integer,
        ),
        any(
            Operator::Greater,
            &["a", "root.b"],
            &["-12.50"],
            Datatype::Decimal,
        ),
        any(Operator::Exists, &["a"], &[], Datatype::String),
        any(Operator::HasRootSpan, &[], &["true"], Datatype::String),
        any(Operator::Matches, &["a"], &["^x"], Datatype::Integer),
    ] {
        Spec::new("p", good).check().unwrap();
    }
}

#[test]
fn cases_do_not_compare_what_cannot_be_compared() {
    use Datatype::{Boolean, Decimal, Integer, String};
    let same = CaseScope::SameSpan;
    for (bad, why) in [
        (
            any(Operator::Equal, &["a"], &["1e3"], Decimal),
            "POLICY_VALUE_UNREADABLE",
        ),
        (
            any(Operator::Equal, &["a"], &["yes"], Boolean),
            "POLICY_VALUE_UNREADABLE",
        ),
        (
            any(Operator::Equal, &["a"], &["1", "2"], Integer),
            "POLICY_OPERANDS",
        ),
        (
            any(Operator::Equal, &[], &["1"], Integer),
            "POLICY_OPERANDS",
        ),
        (
            any(Operator::NotExists, &["a"], &["1"], String),
            "POLICY_OPERANDS",
        ),
        (
            any(Operator::NotIn, &["a"], &[], String),
            "POLICY_FIELD_EMPTY",
        ),
        (
            any(Operator::Matches, &["a"], &["("], String),
            "POLICY_PATTERN_INVALID",
        ),
        (
            case(same, Operator::HasRootSpan, &[], &["true"], String),
            "POLICY_OPERANDS",
        ),
    ] {
        let (path, reason) = reason(bad);
        assert_eq!(reason, why);
        assert!(
            path.starts_with("rule.first_match.cases[0].conditions[0]."),
            "{path}"
        );
    }
}

#[test]
fn adaptive_rates_have_bounds() {
    let adaptive = |algorithm| {
        Rule::Adaptive(Adaptive {
            algorithm,
            keys: vec!["http.route".into()],
            max_keys: 500,
            use_trace_length: false,
        })
    };
    let windowed = |update_ns, lookback_ns| {
        let per_second = 10;
        adaptive(Algorithm::WindowedThroughput {
            per_second,
            update_ns,
            lookback_ns,
        })
    };
    let second = 1_000_000_000;
    Spec::new("p", windowed(second, 30 * second))
        .check()
        .unwrap();
    assert_eq!(
        reason(windowed(second, second / 2)),
        (
            "rule.adaptive.algorithm.lookback_ns".into(),
            "POLICY_RANGE_EMPTY"
        )
    );
    assert_eq!(reason(windowed(0, second)).1, "POLICY_FIELD_OUT_OF_RANGE");
    assert_eq!(
        reason(adaptive(Algorithm::Deterministic { one_in: 0 })).1,
        "POLICY_FIELD_OUT_OF_RANGE"
    );
}

#[test]
fn the_head_knows_little() {
    let head = |rule| Spec {
        stage: Stage::Head,
        ..Spec::new("p", rule)
    };
    head(Rule::And(vec![limited("p", 1).rule, share("p", 5).rule]))
        .check()
        .unwrap();
    let latency = Rule::Latency(Latency {
        above_ns: 1,
        up_to_ns: None,
    });
    let (path, fault) = wrong(head(Rule::Not(Box::new(latency))));
    assert_eq!(
        (path.as_str(), fault.reason()),
        ("rule.latency", "POLICY_RULE_MISPLACED")
    );
}

fn composite<const N: usize>(percents: [Option<u32>; N]) -> Rule {
    let parts = percents
        .into_iter()
        .enumerate()
        .map(|(number, percent)| Part {
            name: format!("part {number}"),
            share: percent.map(|percent| Share::of_billion(percent * 10_000_000).unwrap()),
            rule: Rule::Always,
        });
    Rule::Composite(Composite {
        spans_per_second: 100,
        parts: parts.collect(),
    })
}

fn any(operator: Operator, fields: &[&str], values: &[&str], datatype: Datatype) -> Rule {
    case(CaseScope::AnySpan, operator, fields, values, datatype)
}

fn case(
    scope: CaseScope,
    operator: Operator,
    fields: &[&str],
    values: &[&str],
    datatype: Datatype,
) -> Rule {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let compare = Compare {
        fields: texts(fields),
        operator,
        values: texts(values),
        datatype,
    };
    Rule::FirstMatch(FirstMatch {
        cases: vec![Case {
            name: "case".into(),
            scope,
            conditions: vec![Condition::Compare(compare)],
            action: Action::KeepOneIn(10),
        }],
        otherwise: Action::Pass,
    })
}
