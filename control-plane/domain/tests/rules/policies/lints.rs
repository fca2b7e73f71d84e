//! What is odd about a set.

use takt_domain::policies::rule::{
    BooleanAttribute, Latency, Matching, NumericAttribute, SpanCount, Status, StringAttribute,
};
use takt_domain::policies::{Rule, Spec, Stage, Window, lint};
use takt_model::UnixNano;

use super::{SECOND, always, limited, share, slow};

/// `policy: CODE` or `policy: CODE other`, in order.
fn findings(set: &[Spec]) -> Vec<String> {
    let findings = lint(set, UnixNano(1000)).into_iter();
    let shown = findings.map(|finding| {
        let because_of = finding.because_of.map(|name| format!(" {name}"));
        let because_of = because_of.unwrap_or_default();
        format!("{}: {}{because_of}", finding.policy, finding.oddity.code())
    });
    shown.collect()
}

#[test]
fn a_sensible_set_has_no_findings() {
    let set = [
        rule("errors", Rule::StatusCode([Status::Error].into())),
        slow("slow"),
        share("some", 5),
        rule("health", Rule::Drop(vec![route(&["/health"])])),
    ];
    assert_eq!(findings(&set), Vec::<String>::new());
    assert_eq!(findings(&[]), Vec::<String>::new());
}

#[test]
fn a_narrower_policy_beside_a_wider_one_is_unreachable() {
    let wide = latency("wide", SECOND / 2, None);
    assert_eq!(findings(&[slow("slow"), wide]), ["slow: UNREACHABLE wide"]);
    let pairs = [
        (share("p", 5), share("wide", 10)),
        (
            rule("p", route(&["/a"])),
            rule("wide", route(&["/a", "/b"])),
        ),
        (
            rule("p", pattern(&["^/a"])),
            rule("wide", pattern(&["^/a", "^/b"])),
        ),
        (
            numbers("p", Some(5), Some(6)),
            numbers("wide", Some(5), None),
        ),
        (spans("p", 5, Some(6)), spans("wide", 5, None)),
        (
            rule("p", Rule::And(vec![route(&["/a"]), share("x", 5).rule])),
            rule("wide", route(&["/a"])),
        ),
        (
            rule("p", Rule::Not(Box::new(route(&["/a", "/b"])))),
            rule("wide", inverted(&["/a"])),
        ),
        (limited("p", 5), share("wide", 100)),
    ];
    for (narrow, wide) in pairs {
        let found = findings(&[narrow, wide]);
        assert!(
            found.contains(&"p: UNREACHABLE wide".to_owned()),
            "{found:?}"
        );
        assert!(
            !found.contains(&"wide: UNREACHABLE p".to_owned()),
            "{found:?}"
        );
    }
}

#[test]
fn what_is_not_certain_is_not_said() {
    let pairs = [
        (
            rule("p", pattern(&["^/a$"])),
            rule("q", route(&["/a", "/b"])),
        ),
        (
            numbers("p", Some(1), Some(5)),
            numbers("q", Some(2), Some(6)),
        ),
        (latency("p", 1, Some(9)), latency("q", 2, Some(10))),
        (limited("p", 5), limited("q", 6)),
        (share("p", 5), salted("q", 10)),
        // The wider one has no effect, a limit, an end, or another place.
        (
            slow("p"),
            Spec {
                shadow: true,
                ..latency("q", 1, None)
            },
        ),
        (
            slow("p"),
            Spec {
                max_spans_per_second: Some(5),
                ..latency("q", 1, None)
            },
        ),
        (
            slow("p"),
            Spec {
                expires_at: Some(UnixNano(2000)),
                ..latency("q", 1, None)
            },
        ),
        (
            slow("p"),
            Spec {
                windows: vec![office_hours()],
                ..latency("q", 1, None)
            },
        ),
        (
            share("p", 5),
            Spec {
                stage: Stage::Head,
                ..share("q", 10)
            },
        ),
    ];
    for (one, other) in pairs {
        assert_eq!(findings(&[one, other]), Vec::<String>::new());
    }
}

#[test]
fn what_keeps_nothing_is_unreachable() {
    assert_eq!(findings(&[share("p", 0), slow("slow")]), ["p: UNREACHABLE"]);
    let none = Rule::And(vec![route(&["/a"]), share("x", 0).rule]);
    assert_eq!(
        findings(&[rule("p", none), slow("slow")]),
        ["p: UNREACHABLE"]
    );
}

#[test]
fn a_policy_that_drops_shadows_what_it_takes() {
    let drop = rule("drop", Rule::Drop(vec![route(&["/a", "/b"])]));
    let set = [
        drop,
        rule("p", Rule::And(vec![route(&["/a"]), slow("x").rule])),
        rule("q", route(&["/a", "/c"])),
        slow("slow"),
    ];
    assert_eq!(findings(&set), ["p: SHADOWED drop"]);
    let narrow = rule(
        "drop",
        Rule::Drop(vec![route(&["/a"]), spans("x", 9, None).rule]),
    );
    assert_eq!(
        findings(&[narrow, rule("p", route(&["/a"]))]),
        Vec::<String>::new()
    );
}

#[test]
fn conditions_that_exclude_each_other_are_contradictory() {
    let both = |a, b| [rule("p", Rule::And(vec![a, b])), slow("slow")];
    let spell = |above_ns, up_to_ns| Rule::Latency(Latency { above_ns, up_to_ns });
    for (a, b) in [
        (spell(5, None), spell(1, Some(5))),
        (spans("x", 1, Some(4)).rule, spans("x", 5, None).rule),
        (route(&["/a"]), Rule::Not(Box::new(route(&["/a", "/b"])))),
        (flag(true), Rule::Not(Box::new(flag(true)))),
    ] {
        assert_eq!(findings(&both(a, b)), ["p: CONTRADICTORY"]);
    }
    // One span may say yes and another no.
    assert_eq!(
        findings(&both(flag(true), flag(false))),
        Vec::<String>::new()
    );
    let apart = both(
        numbers("x", Some(1), Some(2)).rule,
        numbers("x", Some(5), None).rule,
    );
    assert_eq!(findings(&apart), Vec::<String>::new());
    let drop = Rule::Drop(vec![spell(5, None), spell(1, Some(5))]);
    assert_eq!(
        findings(&[rule("p", drop), slow("slow")]),
        ["p: CONTRADICTORY"]
    );
}

#[test]
fn drafts_may_be_invalid() {
    assert_eq!(
        findings(&[numbers("p", Some(2), Some(1)), slow("slow")]),
        ["p: CONTRADICTORY"]
    );
    assert_eq!(findings(&[limited("p", 0), slow("slow")]), ["p: INVALID"]);
    assert_eq!(
        findings(&[slow("p"), latency("p", 1, None)])[0],
        "p: INVALID"
    );
}

#[test]
fn what_is_over_is_said_and_no_reason_for_anything() {
    let over = Spec {
        expires_at: Some(UnixNano(1000)),
        ..always("over")
    };
    assert_eq!(
        findings(&[over, slow("slow")]),
        ["over: EXPIRED", "over: BROAD"]
    );
}

#[test]
fn of_two_that_are_the_same_the_later_by_name_is_the_duplicate() {
    assert_eq!(findings(&[slow("b"), slow("a")]), ["b: DUPLICATE a"]);
}

#[test]
fn a_set_that_only_drops_keeps_nothing() {
    let drop = || rule("drop", Rule::Drop(vec![route(&["/a"])]));
    assert_eq!(findings(&[drop()]), [": KEEPS_NOTHING"]);
    let shadow = Spec {
        shadow: true,
        ..drop()
    };
    assert_eq!(findings(&[shadow]), Vec::<String>::new());
}

#[test]
fn broad_and_mistaken_policies_are_pointed_out() {
    let unset = Rule::StatusCode([Status::Unset, Status::Error].into());
    assert_eq!(findings(&[rule("p", unset)]), ["p: BROAD"]);
    assert_eq!(
        findings(&[rule("p", route(&["^/api/.*"]))]),
        ["p: PATTERN_AS_TEXT"]
    );
}

fn rule(name: &str, rule: Rule) -> Spec {
    Spec::new(name, rule)
}

fn latency(name: &str, above_ns: u64, up_to_ns: Option<u64>) -> Spec {
    rule(name, Rule::Latency(Latency { above_ns, up_to_ns }))
}

fn numbers(name: &str, min: Option<i64>, max: Option<i64>) -> Spec {
    let (key, invert) = ("size".to_owned(), false);
    rule(
        name,
        Rule::NumericAttribute(NumericAttribute {
            key,
            min,
            max,
            invert,
        }),
    )
}

fn spans(name: &str, min: u64, max: Option<u64>) -> Spec {
    rule(name, Rule::SpanCount(SpanCount { min, max }))
}

fn salted(name: &str, percent: u32) -> Spec {
    use takt_domain::policies::rule::{Probabilistic, Randomness};
    let Rule::Probabilistic(Probabilistic { share, .. }) = share(name, percent).rule else {
        unreachable!("it is one");
    };
    let randomness = Randomness::Salted("tier 2".into());
    rule(
        name,
        Rule::Probabilistic(Probabilistic { share, randomness }),
    )
}

fn strings(values: &[&str], matching: Matching, invert: bool) -> Rule {
    Rule::StringAttribute(StringAttribute {
        key: "http.route".into(),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
        matching,
        invert,
    })
}

fn route(values: &[&str]) -> Rule {
    strings(values, Matching::Exact, false)
}

fn inverted(values: &[&str]) -> Rule {
    strings(values, Matching::Exact, true)
}

fn pattern(values: &[&str]) -> Rule {
    strings(values, Matching::Regex { cache_size: 0 }, false)
}

fn flag(value: bool) -> Rule {
    let (key, invert) = ("force".to_owned(), false);
    Rule::BooleanAttribute(BooleanAttribute { key, value, invert })
}

fn office_hours() -> Window {
    Window {
        from_minute: 480,
        to_minute: 1080,
    }
}
