//! What holds for every set.

use std::collections::BTreeMap;

use proptest::prelude::*;
use takt_domain::policies::rule::{
    BooleanAttribute, Composite, Latency, Limit, Matching, NumericAttribute, Part, Probabilistic,
    Randomness, SpanCount, Status, StringAttribute,
};
use takt_domain::policies::{
    Policies, PolicyId, Rule, Share, Spec, Threshold, Verdict, Vote, Wanted, lint, union,
};
use takt_domain::{Command, State};
use takt_model::UnixNano;

use super::{id, replace, tenant, wanted};
use crate::given::given;

proptest! {
    /// Afterwards the set is what was wanted, and asking again has nothing to say.
    #[test]
    fn a_replaced_set_is_what_was_wanted(first in wishes(), second in wishes()) {
        let begun = set(given([tenant()]).when(replace(first.clone(), None)).after());
        let events = given([tenant()]).when(replace(first, None)).after();
        let after = decide_and_apply(events, &replace(second.clone(), None));
        let now: BTreeMap<String, Spec> = set(after.clone()).into_iter().map(|(_, spec)| (spec.name.clone(), spec)).collect();
        let then = second.iter().map(|wanted| (wanted.spec.name.clone(), wanted.spec.clone())).collect();
        prop_assert_eq!(&now, &then);
        // Who keeps a name keeps a number.
        let numbers: BTreeMap<String, PolicyId> = set(after.clone()).into_iter().map(|(id, spec)| (spec.name, id)).collect();
        for (id, spec) in begun {
            if let Some(number) = numbers.get(&spec.name) {
                prop_assert_eq!(*number, id);
            }
        }
        prop_assert_eq!(decide(&after, &replace(second, None)), vec![]);
        // What follows from the sets is what one would work out from them.
        let sets = after.policies.sets().map(|(tenant, set)| (tenant.clone(), set.clone()));
        prop_assert_eq!(&Policies::from_sets(sets), &after.policies);
    }

    /// The order of the wish means nothing.
    #[test]
    fn a_wish_has_no_order(first in wishes(), wish in wishes().prop_shuffle(), seed in any::<u64>()) {
        let state = given([tenant()]).when(replace(first, None)).after();
        let mut other = wish.clone();
        let at = usize::try_from(seed % (wish.len() as u64 + 1)).unwrap();
        other.rotate_left(at.min(wish.len()));
        prop_assert_eq!(decide(&state, &replace(wish, None)), decide(&state, &replace(other, None)));
    }

    #[test]
    fn a_union_has_no_order(votes in votes().prop_shuffle()) {
        let mut sorted = votes.clone();
        sorted.sort_by_key(|(policy, _)| *policy);
        prop_assert_eq!(union(votes), union(sorted));
    }

    /// A trace is kept if and only if nobody drops it and somebody keeps it.
    #[test]
    fn a_union_keeps_what_any_keeps_and_none_drops(votes in votes(), randomness in 0_u64..1 << 56) {
        let Verdict { threshold, by, vetoed } = union(votes.clone());
        let dropped = votes.iter().any(|(_, vote)| *vote == Vote::Drop);
        let kept = votes.iter().any(|(_, vote)| matches!(vote, Vote::Keep(threshold) if threshold.keeps(randomness)));
        prop_assert_eq!(threshold.keeps(randomness), kept && !dropped);
        prop_assert_eq!(vetoed, dropped);
        if let Some(by) = by {
            let decided = if dropped { Vote::Drop } else { Vote::Keep(threshold) };
            prop_assert!(votes.contains(&(by, decided)));
        }
    }

    /// Valid or not, in any order: the same findings, and no panic.
    #[test]
    fn lint_is_the_same_whatever_the_order(specs in prop::collection::vec(spec(), 0..8).prop_shuffle(), now in any::<u64>()) {
        let mut other = specs.clone();
        other.reverse();
        prop_assert_eq!(lint(&specs, UnixNano(now)), lint(&other, UnixNano(now)));
    }

    /// What a lint calls unreachable or shadowed can go, and no trace is decided otherwise.
    #[test]
    fn what_is_unreachable_makes_no_difference(rules in akin(), traces in prop::collection::vec(trace(), 16)) {
        let specs: Vec<Spec> = rules.into_iter().enumerate().map(|(number, rule)| Spec::new(format!("p{number}"), rule)).collect();
        let specs: Vec<Spec> = specs.into_iter().filter(|spec| spec.check().is_ok()).collect();
        for finding in lint(&specs, UnixNano(0)) {
            let superfluous = ["UNREACHABLE", "SHADOWED", "DUPLICATE", "CONTRADICTORY"];
            if !superfluous.contains(&finding.oddity.code()) {
                continue;
            }
            let without: Vec<Spec> = specs.iter().filter(|spec| spec.name != finding.policy).cloned().collect();
            for trace in &traces {
                prop_assert_eq!(decided(&specs, trace), decided(&without, trace), "{:?}", finding);
            }
        }
    }
}

/// What a trace is to the rules that are tried here.
#[derive(Debug, Clone)]
struct Trace {
    nanos: u64,
    spans: u64,
    statuses: Vec<Status>,
    text: Vec<String>,
    numbers: Vec<i64>,
    flags: Vec<bool>,
    randomness: u64,
}

fn decided(specs: &[Spec], trace: &Trace) -> bool {
    let votes = specs.iter().zip(1..).map(|(spec, number)| {
        let vote = match (&spec.rule, threshold(&spec.rule, trace)) {
            (Rule::Drop(_), Threshold::ALWAYS) => Vote::Drop,
            (Rule::Drop(_), _) => Vote::Pass,
            (_, threshold) => Vote::Keep(threshold),
        };
        (PolicyId(number), vote)
    });
    union(votes).threshold.keeps(trace.randomness)
}

/// The rules as they are meant, one trace at a time; a sampler of the test's own.
fn threshold(rule: &Rule, trace: &Trace) -> Threshold {
    let yes = |yes: bool| {
        if yes {
            Threshold::ALWAYS
        } else {
            Threshold::NEVER
        }
    };
    match rule {
        Rule::Always => yes(true),
        Rule::Probabilistic(rule) => rule.share.threshold(),
        Rule::Latency(rule) => {
            yes(rule.above_ns < trace.nanos
                && rule.up_to_ns.is_none_or(|up_to| trace.nanos <= up_to))
        }
        Rule::StatusCode(codes) => yes(trace.statuses.iter().any(|status| codes.contains(status))),
        Rule::StringAttribute(rule) => {
            let any = trace.text.iter().any(|text| rule.values.contains(text));
            yes(any != rule.invert)
        }
        Rule::NumericAttribute(rule) => {
            let range = rule.min.unwrap_or(i64::MIN)..=rule.max.unwrap_or(i64::MAX);
            yes(trace.numbers.iter().any(|number| range.contains(number)) != rule.invert)
        }
        Rule::BooleanAttribute(rule) => yes(trace.flags.contains(&rule.value) != rule.invert),
        Rule::SpanCount(rule) => {
            yes(rule.min <= trace.spans && rule.max.is_none_or(|max| trace.spans <= max))
        }
        Rule::And(parts) | Rule::Drop(parts) => parts
            .iter()
            .map(|part| threshold(part, trace))
            .max()
            .unwrap_or(Threshold::NEVER),
        Rule::Not(inner) => yes(threshold(inner, trace) == Threshold::NEVER),
        _ => yes(false),
    }
}

fn decide(state: &State, command: &takt_domain::policies::Command) -> Vec<takt_domain::Event> {
    let facts = takt_domain::Facts {
        at: UnixNano(1),
        command: takt_domain::CommandId(uuid::Uuid::from_u128(2000)),
    };
    takt_domain::decide(state, &Command::Policy(command.clone()), &facts).unwrap()
}

fn decide_and_apply(mut state: State, command: &takt_domain::policies::Command) -> State {
    let events = decide(&state, command);
    state.apply(&crate::given::batch(2000, state.revision.0, events));
    state
}

fn set(state: State) -> Vec<(PolicyId, Spec)> {
    let set = state.policies.set(&id()).into_iter();
    set.flat_map(|set| {
        set.policies
            .iter()
            .map(|(id, policy)| (*id, policy.spec.clone()))
    })
    .collect()
}

fn wishes() -> impl Strategy<Value = Vec<Wanted>> {
    let names = prop::collection::btree_map("[a-e]", valid(), 0..5);
    names.prop_map(|specs| {
        let named = specs
            .into_iter()
            .map(|(name, spec)| wanted(None, Spec { name, ..spec }));
        named.collect()
    })
}

fn valid() -> impl Strategy<Value = Spec> {
    let expires = prop::option::of(2_u64..5);
    let parts = (rule(), any::<bool>(), expires);
    parts.prop_filter_map(
        "only what makes sense by itself",
        |(rule, shadow, expires)| {
            let spec = Spec {
                shadow,
                expires_at: expires.map(UnixNano),
                ..Spec::new("p", rule)
            };
            spec.check().is_ok().then_some(spec)
        },
    )
}

fn spec() -> impl Strategy<Value = Spec> {
    (
        prop::sample::select(vec!["", "a", "b", "c", "7"]),
        rule(),
        any::<bool>(),
        prop::option::of(any::<u64>()),
    )
        .prop_map(|(name, rule, shadow, expires)| Spec {
            shadow,
            expires_at: expires.map(UnixNano),
            ..Spec::new(name, rule)
        })
}

fn votes() -> impl Strategy<Value = Vec<(PolicyId, Vote)>> {
    let threshold = (0_u64..=1 << 56).prop_map(|threshold| Threshold::new(threshold).unwrap());
    let vote = prop_oneof![
        2 => Just(Vote::Pass),
        4 => threshold.prop_map(Vote::Keep),
        1 => Just(Vote::Drop),
    ];
    prop::collection::btree_map(1_u32..20, vote, 0..8).prop_map(|votes| {
        votes
            .into_iter()
            .map(|(id, vote)| (PolicyId(id), vote))
            .collect()
    })
}

/// Of any kinds.
fn rule() -> impl Strategy<Value = Rule> {
    compound(prop::strategy::Union::new(leaves()).boxed())
}

/// Rules of one kind or two, so that they often have to do with each other.
fn akin() -> impl Strategy<Value = Vec<Rule>> {
    let kinds = prop::sample::subsequence((0..leaves().len()).collect::<Vec<_>>(), 1..3);
    kinds.prop_flat_map(|kinds| {
        let mut all = leaves().into_iter().map(Some).collect::<Vec<_>>();
        let some = kinds.into_iter().filter_map(|kind| all[kind].take());
        let leaf = prop::strategy::Union::new(some).boxed();
        prop::collection::vec(compound(leaf), 1..4)
    })
}

/// One strategy for each kind, with few values, so that rules often meet.
fn leaves() -> Vec<BoxedStrategy<Rule>> {
    let few = 0_u64..6;
    let number = || prop::option::of(0_i64..6);
    let status = prop::sample::select(vec![Status::Unset, Status::Ok, Status::Error]);
    let share = prop::sample::select(vec![0, 1, 500_000_000, 1_000_000_000]);
    let texts = prop::collection::btree_set("[ab]", 0..3);
    vec![
        Just(Rule::Always).boxed(),
        share
            .prop_map(|share| {
                Rule::Probabilistic(Probabilistic {
                    share: Share::of_billion(share).unwrap(),
                    randomness: Randomness::Consistent,
                })
            })
            .boxed(),
        (few.clone(), prop::option::of(few.clone()))
            .prop_map(|(above_ns, up_to_ns)| Rule::Latency(Latency { above_ns, up_to_ns }))
            .boxed(),
        (few.clone(), prop::option::of(few.clone()))
            .prop_map(|(min, max)| Rule::SpanCount(SpanCount { min, max }))
            .boxed(),
        prop::collection::btree_set(status, 0..4)
            .prop_map(Rule::StatusCode)
            .boxed(),
        (texts, any::<bool>())
            .prop_map(|(values, invert)| {
                Rule::StringAttribute(StringAttribute {
                    key: "k".into(),
                    values,
                    matching: Matching::Exact,
                    invert,
                })
            })
            .boxed(),
        (number(), number(), any::<bool>())
            .prop_map(|(min, max, invert)| {
                Rule::NumericAttribute(NumericAttribute {
                    key: "n".into(),
                    min,
                    max,
                    invert,
                })
            })
            .boxed(),
        (any::<bool>(), any::<bool>())
            .prop_map(|(value, invert)| {
                Rule::BooleanAttribute(BooleanAttribute {
                    key: "b".into(),
                    value,
                    invert,
                })
            })
            .boxed(),
        few.prop_map(|per_second| {
            Rule::RateLimiting(Limit {
                per_second,
                burst: None,
            })
        })
        .boxed(),
    ]
}

fn compound(leaf: BoxedStrategy<Rule>) -> impl Strategy<Value = Rule> {
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Rule::And),
            inner.clone().prop_map(|inner| Rule::Not(Box::new(inner))),
            prop::collection::vec(inner.clone(), 0..3).prop_map(Rule::Drop),
            (0_u64..3, prop::collection::vec(inner, 0..3)).prop_map(|(spans_per_second, rules)| {
                let parts = rules.into_iter().enumerate().map(|(number, rule)| Part {
                    name: number.to_string(),
                    share: None,
                    rule,
                });
                Rule::Composite(Composite {
                    spans_per_second,
                    parts: parts.collect(),
                })
            }),
        ]
    })
}

fn trace() -> impl Strategy<Value = Trace> {
    let status = prop::sample::select(vec![Status::Unset, Status::Ok, Status::Error]);
    (
        (0_u64..8, 1_u64..8, 0_u64..1 << 56),
        prop::collection::vec(status, 1..4),
        prop::collection::vec("[abc]", 0..3),
        prop::collection::vec(0_i64..8, 0..3),
        prop::collection::vec(any::<bool>(), 0..3),
    )
        .prop_map(
            |((nanos, spans, randomness), statuses, text, numbers, flags)| Trace {
                nanos,
                spans,
                statuses,
                text,
                numbers,
                flags,
                randomness,
            },
        )
}
