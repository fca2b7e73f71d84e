//! Sampling policies: every event, and in them every rule.

use std::collections::BTreeSet;

use takt_domain::policies::rule::{
    Action, Adaptive, Algorithm, Anomaly, Average, BooleanAttribute, Case, CaseScope, Compare,
    Composite, Condition, Datatype, Detector, Diversity, ErrorMode, Extension, Fingerprint,
    FirstMatch, Latency, Limit, Matching, NumericAttribute, Operator, Ottl, Part, Probabilistic,
    Randomness, SpanCount, Status, StringAttribute, TraceState, Volume, Volumetric,
};
use takt_domain::policies::{Event, Field, PolicyId, Rule, Share, Spec, Stage, Window};

use super::*;

const SECOND: u64 = 1_000_000_000;

pub(super) fn corpus() -> Vec<(&'static str, crate::codec::Event)> {
    let tenant = || TenantId::new("team-1").unwrap();
    let policy = PolicyId(3);
    let name = || "keep slow".to_owned();
    vec![
        (
            "policies-0001-created",
            Event::Created {
                tenant: tenant(),
                policy,
                spec: Box::new(full()),
            }
            .into(),
        ),
        (
            "policies-0001-created-with-every-rule",
            Event::Created {
                tenant: tenant(),
                policy,
                spec: Box::new(Spec::new("everything", Rule::And(every_rule()))),
            }
            .into(),
        ),
        (
            "policies-0002-changed",
            Event::Changed {
                tenant: tenant(),
                policy,
                spec: Box::new(Spec::new("all", Rule::Always)),
                fields: Field::ALL.to_vec(),
            }
            .into(),
        ),
        (
            "policies-0003-deleted",
            Event::Deleted {
                tenant: tenant(),
                policy,
                name: name(),
            }
            .into(),
        ),
        (
            "policies-0004-expired",
            Event::Expired {
                tenant: tenant(),
                policy,
                name: name(),
            }
            .into(),
        ),
        (
            "policies-0005-cleared",
            Event::Cleared { tenant: tenant() }.into(),
        ),
    ]
}

#[test]
fn every_type_of_rule_is_in_the_corpus() {
    let kinds: BTreeSet<&str> = every_rule().iter().map(Rule::kind).collect();
    assert_eq!(kinds.len(), 24);
    // Whoever adds a type is sent here by the compiler, to add it above and count it.
    for rule in every_rule() {
        match rule {
            Rule::Always
            | Rule::Probabilistic(_)
            | Rule::Latency(_)
            | Rule::StatusCode(_)
            | Rule::StringAttribute(_)
            | Rule::NumericAttribute(_)
            | Rule::BooleanAttribute(_)
            | Rule::TraceState(_)
            | Rule::TraceFlags
            | Rule::SpanCount(_)
            | Rule::RateLimiting(_)
            | Rule::BytesLimiting(_)
            | Rule::Ottl(_)
            | Rule::TraceQl(_)
            | Rule::And(_)
            | Rule::Not(_)
            | Rule::Drop(_)
            | Rule::Composite(_)
            | Rule::FirstMatch(_)
            | Rule::Diversity(_)
            | Rule::Volumetric(_)
            | Rule::Adaptive(_)
            | Rule::Anomaly(_)
            | Rule::Extension(_) => {}
        }
    }
}

#[test]
fn a_policy_with_a_part_that_is_missing_or_unknown_is_not_read() {
    let read = |change: &dyn Fn(&mut stored::PolicySpec)| {
        let mut spec = policy_spec_to_wire(&full());
        change(&mut spec);
        policy_spec_from_wire(Some(spec)).map_err(|error| error.to_string())
    };
    assert_eq!(read(&|_| ()), Ok(full()));
    let missing =
        |field| format!("`{field}` is missing, or of a kind that this version does not know");
    assert_eq!(read(&|spec| spec.rule = None), Err(missing("rule")));
    assert_eq!(read(&|spec| spec.stage = 99), Err(missing("stage")));
    let status = |spec: &mut stored::PolicySpec| {
        let status_codes = vec![99];
        let rule = stored::StatusCodeRule { status_codes };
        let rule = Some(stored::policy_rule::Rule::StatusCode(rule));
        spec.rule = Some(stored::PolicyRule { rule });
    };
    assert_eq!(read(&status), Err(missing("status_code.status_codes")));
    let share = |spec: &mut stored::PolicySpec| {
        let (share, hash_salt) = (1_000_000_001, None);
        let rule = stored::ProbabilisticRule { share, hash_salt };
        let rule = Some(stored::policy_rule::Rule::Probabilistic(rule));
        spec.rule = Some(stored::PolicyRule { rule });
    };
    let too_much = "`probabilistic.share` is 1000000001, more than 1000000000";
    assert_eq!(read(&share), Err(too_much.to_owned()));
}

proptest! {
    #[test]
    fn policies_survive_their_snapshot(
        rules in prop::collection::vec(0_usize..24, 0..12),
        gone in prop::collection::vec(any::<bool>(), 12),
        expires in prop::option::of(1_u64..100),
    ) {
        let mut state = State::default();
        let tenant = TenantId::new("team-1").unwrap();
        let all = every_rule();
        let mut events = Vec::new();
        for ((rule, number), gone) in rules.iter().zip(1..).zip(gone) {
            let policy = PolicyId(number);
            let expires_at = expires.map(UnixNano);
            let spec = Spec { expires_at, ..Spec::new(format!("p{number}"), all[*rule].clone()) };
            let (tenant, name) = (tenant.clone(), spec.name.clone());
            events.push(Event::Created { tenant: tenant.clone(), policy, spec: Box::new(spec) }.into());
            if gone {
                events.push(Event::Deleted { tenant, policy, name }.into());
            }
        }
        state.apply(&Batch { decided_at: Revision(0), ..batch_of(events) });
        let sealed = seal_snapshot(&state, &AppliedAt::default());
        let (opened, applied) = open_snapshot(&sealed).unwrap();
        prop_assert_eq!(seal_snapshot(&opened, &applied), sealed);
        prop_assert_eq!(opened, state);
    }
}

fn share(parts: u32) -> Share {
    Share::of_billion(parts).unwrap()
}

fn texts<T: FromIterator<String>>(texts: &[&str]) -> T {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// Every field is said.
fn full() -> Spec {
    Spec {
        name: "keep slow".into(),
        description: "Slower than the objective".into(),
        owner: "team checkout".into(),
        labels: [("env".to_owned(), "prod".to_owned())].into(),
        shadow: true,
        stage: Stage::Head,
        starts_at: Some(UnixNano(1_700_000_000_000_000_000)),
        expires_at: Some(UnixNano(1_700_003_600_000_000_000)),
        windows: vec![Window {
            from_minute: 480,
            to_minute: 1080,
        }],
        max_spans_per_second: Some(500),
        max_bytes_per_second: Some(1_000_000),
        recommendation: "r-17".into(),
        rule: Rule::Latency(Latency {
            above_ns: SECOND,
            up_to_ns: Some(5 * SECOND),
        }),
    }
}

fn every_rule() -> Vec<Rule> {
    let mut rules = conditions();
    rules.extend(samplers());
    rules.extend([
        Rule::And(vec![Rule::Always, Rule::TraceFlags]),
        Rule::Not(Box::new(Rule::TraceFlags)),
        Rule::Drop(vec![Rule::Always, Rule::TraceFlags]),
        Rule::Composite(Composite {
            spans_per_second: 1000,
            parts: vec![
                Part {
                    name: "errors".into(),
                    share: Some(share(500_000_000)),
                    rule: Rule::StatusCode([Status::Error].into()),
                },
                Part {
                    name: "rest".into(),
                    share: None,
                    rule: Rule::Always,
                },
            ],
        }),
        first_match(),
        Rule::Extension(Extension {
            name: "acme".into(),
            settings: [("level".to_owned(), "3".to_owned())].into(),
        }),
    ]);
    for algorithm in algorithms() {
        rules.push(Rule::Adaptive(adaptive(algorithm)));
    }
    rules
}

fn conditions() -> Vec<Rule> {
    let string = |matching, invert| {
        Rule::StringAttribute(StringAttribute {
            key: "http.route".into(),
            values: texts(&["/a", "/b"]),
            matching,
            invert,
        })
    };
    let ottl = |error_mode| {
        Rule::Ottl(Ottl {
            error_mode,
            span: texts(&["attributes[\"a\"] == 1"]),
            span_event: texts(&["name == \"exception\""]),
        })
    };
    vec![
        Rule::Always,
        Rule::Latency(Latency {
            above_ns: SECOND,
            up_to_ns: None,
        }),
        Rule::StatusCode([Status::Unset, Status::Ok, Status::Error].into()),
        string(Matching::Exact, false),
        string(Matching::Regex { cache_size: 128 }, true),
        Rule::NumericAttribute(NumericAttribute {
            key: "size".into(),
            min: Some(-5),
            max: Some(i64::MAX),
            invert: true,
        }),
        Rule::BooleanAttribute(BooleanAttribute {
            key: "force".into(),
            value: true,
            invert: true,
        }),
        Rule::TraceState(TraceState {
            key: "vendor".into(),
            values: texts(&["x"]),
        }),
        Rule::TraceFlags,
        Rule::SpanCount(SpanCount {
            min: 2,
            max: Some(9),
        }),
        ottl(ErrorMode::Ignore),
        ottl(ErrorMode::Silent),
        ottl(ErrorMode::Propagate),
        Rule::TraceQl("{ span.http.route = \"/a\" }".into()),
    ]
}

fn samplers() -> Vec<Rule> {
    let group_by = || texts(&["service.name"]);
    let diversity = |fingerprint| {
        Rule::Diversity(Diversity {
            window_ns: 900 * SECOND,
            per_window: 1,
            fingerprint,
            attributes: texts(&["http.route"]),
        })
    };
    let volumetric = |volume| {
        Rule::Volumetric(Volumetric {
            share: share(100_000_000),
            volume,
            group_by: group_by(),
        })
    };
    let salted = Randomness::Salted("tier 2".into());
    let mut rules = vec![
        Rule::RateLimiting(Limit {
            per_second: 100,
            burst: Some(300),
        }),
        Rule::BytesLimiting(Limit {
            per_second: 1_000_000,
            burst: None,
        }),
        diversity(Fingerprint::Attributes),
        diversity(Fingerprint::Root),
        diversity(Fingerprint::Edges),
        diversity(Fingerprint::CountedEdges),
        volumetric(Volume::Traces),
        volumetric(Volume::Spans),
        volumetric(Volume::Bytes),
        Rule::Anomaly(Anomaly {
            detectors: detectors(),
            min_latency_ns: 50_000_000,
            min_change: share(200_000_000),
            false_discovery: share(50_000_000),
            confirm_ns: 120 * SECOND,
            hold_ns: 600 * SECOND,
            cooldown_ns: 1800 * SECOND,
            extra_spans_per_second: 200,
            group_by: group_by(),
        }),
    ];
    for randomness in [Randomness::Consistent, salted] {
        rules.push(Rule::Probabilistic(Probabilistic {
            share: share(125_000_000),
            randomness,
        }));
    }
    rules
}

fn detectors() -> BTreeSet<Detector> {
    [
        Detector::LatencyOutlier,
        Detector::ErrorRate,
        Detector::NewPattern,
        Detector::MissingPattern,
        Detector::FanOut,
        Detector::AttributeContrast,
        Detector::RuntimeState,
        Detector::Alert,
    ]
    .into()
}

fn adaptive(algorithm: Algorithm) -> Adaptive {
    Adaptive {
        algorithm,
        keys: texts(&["http.route", "http.response.status_code"]),
        max_keys: 500,
        use_trace_length: true,
    }
}

fn algorithms() -> Vec<Algorithm> {
    let average = Average {
        interval_ns: 15 * SECOND,
        weight: share(500_000_000),
        age_out: share(500_000_001),
        burst_thousandths: 2000,
        burst_delay: 3,
    };
    let (one_in, per_second, interval_ns) = (10, 100, 30 * SECOND);
    vec![
        Algorithm::Deterministic { one_in },
        Algorithm::Dynamic {
            one_in,
            interval_ns,
        },
        Algorithm::EmaDynamic { one_in, average },
        Algorithm::EmaThroughput {
            per_second,
            initial_one_in: 7,
            average,
        },
        Algorithm::WindowedThroughput {
            per_second,
            update_ns: SECOND,
            lookback_ns: interval_ns,
        },
        Algorithm::TotalThroughput {
            per_second,
            interval_ns,
        },
        Algorithm::Percentage {
            share: share(50_000_000),
        },
        Algorithm::Throughput { per_second },
    ]
}

fn first_match() -> Rule {
    let operators = [
        Operator::Equal,
        Operator::NotEqual,
        Operator::Greater,
        Operator::Less,
        Operator::GreaterOrEqual,
        Operator::LessOrEqual,
        Operator::StartsWith,
        Operator::Contains,
        Operator::DoesNotContain,
        Operator::Exists,
        Operator::NotExists,
        Operator::HasRootSpan,
        Operator::Matches,
        Operator::In,
        Operator::NotIn,
    ];
    let datatypes = [
        Datatype::String,
        Datatype::Integer,
        Datatype::Decimal,
        Datatype::Boolean,
    ];
    let compare = |operator, datatype| {
        Condition::Compare(Compare {
            fields: texts(&["root.http.route", "b"]),
            operator,
            values: texts(&["1"]),
            datatype,
        })
    };
    let datatypes = datatypes.into_iter().cycle();
    let mut conditions: Vec<Condition> = operators
        .into_iter()
        .zip(datatypes)
        .map(|(operator, datatype)| compare(operator, datatype))
        .collect();
    conditions.push(Condition::Ottl("name == \"a\"".into()));
    conditions.push(Condition::TraceQl("{ name = \"a\" }".into()));
    let case = |scope, conditions, action| Case {
        name: "case".into(),
        scope,
        conditions,
        action,
    };
    let adaptively = Action::KeepAdaptively(adaptive(Algorithm::Deterministic { one_in: 3 }));
    Rule::FirstMatch(FirstMatch {
        cases: vec![
            case(CaseScope::AnySpan, conditions, Action::Keep),
            case(CaseScope::SameSpan, Vec::new(), Action::KeepOneIn(7)),
            case(CaseScope::SameSpan, Vec::new(), adaptively),
            case(CaseScope::AnySpan, Vec::new(), Action::Pass),
        ],
        otherwise: Action::Drop,
    })
}
