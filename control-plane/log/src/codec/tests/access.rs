//! Access policies, tokens and issuers.

use takt_domain::access::{
    Algorithm, Day, Event, IssuerSpec, Mapping, Name, Network, Otherwise, PolicySpec, Realm,
    Redaction, RedactionMode, Scope, Selector, Stamp, Tenants, TokenHash, TokenSpec,
};

use super::*;

pub(super) fn corpus() -> Vec<(&'static str, crate::codec::Event)> {
    [policies_and_tokens(), issuers()].concat()
}

fn policies_and_tokens() -> Vec<(&'static str, crate::codec::Event)> {
    let reader = || name("reader");
    let wider = PolicySpec {
        inactive: true,
        ..plain()
    };
    vec![
        (
            "access-0001-policy-created",
            Event::PolicyCreated {
                name: reader(),
                spec: Arc::new(everything()),
            }
            .into(),
        ),
        (
            "access-0002-policy-updated",
            Event::PolicyUpdated {
                name: reader(),
                spec: Arc::new(wider),
            }
            .into(),
        ),
        (
            "access-0003-policy-deleted",
            Event::PolicyDeleted { name: reader() }.into(),
        ),
        (
            "access-0004-token-created",
            Event::TokenCreated {
                name: name("ci-token"),
                spec: Arc::new(token()),
            }
            .into(),
        ),
        (
            "access-0005-token-revoked",
            Event::TokenRevoked {
                name: name("ci-token"),
                reason: "lost".into(),
            }
            .into(),
        ),
        (
            "access-0006-token-deleted",
            Event::TokenDeleted {
                name: name("ci-token"),
            }
            .into(),
        ),
        (
            "access-0007-tokens-used",
            Event::TokensUsed {
                day: Day(20_000),
                names: [name("ci-token"), name("other-token")].into(),
            }
            .into(),
        ),
    ]
}

fn issuers() -> Vec<(&'static str, crate::codec::Event)> {
    vec![
        (
            "access-0008-issuer-created",
            Event::IssuerCreated {
                name: name("corp"),
                spec: Arc::new(issuer()),
            }
            .into(),
        ),
        (
            "access-0009-issuer-updated",
            Event::IssuerUpdated {
                name: name("corp"),
                spec: Arc::new(IssuerSpec {
                    inactive: true,
                    ..issuer()
                }),
            }
            .into(),
        ),
        (
            "access-0010-issuer-deleted",
            Event::IssuerDeleted { name: name("corp") }.into(),
        ),
    ]
}

#[test]
fn every_kind_of_condition_and_enforcement_survives_a_snapshot() {
    let mut state = State::default();
    for (number, (_, event)) in corpus().into_iter().enumerate() {
        // What is deleted leaves no trace.
        if matches!(number, 2 | 5 | 9) {
            continue;
        }
        let mut batch = batch_of(vec![event]);
        batch.command = CommandId(Uuid::from_u128(number as u128));
        batch.decided_at = state.revision;
        state.apply(&batch);
        let sealed = seal_snapshot(&state, &AppliedAt::default());
        let (opened, applied) = open_snapshot(&sealed).unwrap();
        assert_eq!(opened, state);
        assert_eq!(seal_snapshot(&opened, &applied), sealed);
    }
    let access = &state.access;
    let rows = (
        access.policies().len(),
        access.tokens().len(),
        access.issuers().len(),
    );
    assert_eq!(rows, (1, 1, 1));
}

#[test]
fn a_scope_or_algorithm_of_a_newer_version_is_fatal() {
    let Event::PolicyCreated { name, spec } = policy_created() else {
        unreachable!("it is one");
    };
    let event = crate::codec::access::event_to(&Event::PolicyCreated { name, spec });
    let Some(stored::access_event::Event::PolicyCreated(mut created)) = event.event else {
        unreachable!("it is one");
    };
    created
        .spec
        .as_mut()
        .unwrap()
        .scopes
        .push("traces:dream".into());
    let event = stored::AccessEvent {
        event: Some(stored::access_event::Event::PolicyCreated(created)),
    };
    let read = crate::codec::access::event_from(event);
    assert!(matches!(read, Err(DecodeError::UnknownKind)));
}

fn policy_created() -> Event {
    Event::PolicyCreated {
        name: name("reader"),
        spec: Arc::new(plain()),
    }
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn plain() -> PolicySpec {
    PolicySpec {
        scopes: [Scope::TracesRead].into(),
        realms: vec![Realm {
            tenants: Tenants::All,
            allow: Vec::new(),
            deny: Vec::new(),
        }],
        ..PolicySpec::default()
    }
}

fn everything() -> PolicySpec {
    let selector = |text: &str| Selector::parse(text).unwrap();
    PolicySpec {
        display_name: "Readers".into(),
        scopes: Scope::ALL.into(),
        realms: vec![
            Realm {
                tenants: Tenants::All,
                allow: vec![
                    selector(r#"{ resource.team = "a", span.level >= -3, event.ok = true }"#),
                    selector(
                        r#"{ instrumentation.name != "x", link.w > 0.5, span:duration < 1s }"#,
                    ),
                ],
                deny: vec![selector(
                    r#"{ resource.env? =~ "p.*", span.n !~ "q", span.m <= 1.0 }"#,
                )],
            },
            Realm {
                tenants: Tenants::One(TenantId::new("team-1").unwrap()),
                allow: Vec::new(),
                deny: Vec::new(),
            },
        ],
        networks: vec![
            Network::parse("10.0.0.0/8").unwrap(),
            Network::parse("2001:db8::/32").unwrap(),
        ],
        expires_at: Some(UnixNano(1_800_000_000_000_000_000)),
        inactive: false,
        labels: [("owner".into(), "ada".into())].into(),
        redaction: Redaction {
            mode: RedactionMode::Spans,
            reveal: ["resource.service.name".into()].into(),
        },
        stamps: vec![
            Stamp {
                key: "team".into(),
                values: vec!["a".into(), "b".into()],
                otherwise: Otherwise::Overwrite,
            },
            Stamp {
                key: "env".into(),
                values: vec!["test".into()],
                otherwise: Otherwise::Reject,
            },
        ],
    }
}

fn token() -> TokenSpec {
    TokenSpec {
        id: Uuid::from_u128(7),
        display_name: "Continuous integration".into(),
        policy: name("reader"),
        hash: TokenHash([0xab; 32]),
        prefix: "takt_AbCdEfGh".into(),
        expires_at: Some(UnixNano(1_800_000_000_000_000_000)),
    }
}

fn issuer() -> IssuerSpec {
    IssuerSpec {
        display_name: "Corporation".into(),
        issuer: "https://accounts.example".into(),
        audiences: ["takt".into()].into(),
        jwks_url: "https://accounts.example/keys".into(),
        algorithms: Algorithm::ALL.into(),
        required: [("hd".into(), "example".into())].into(),
        mappings: vec![
            Mapping {
                claim: "groups".into(),
                pattern: "takt-(.*)".into(),
                policy: None,
            },
            Mapping {
                claim: "email".into(),
                pattern: "ada@example".into(),
                policy: Some(name("reader")),
            },
        ],
        max_age_seconds: 3600,
        inactive: false,
    }
}
