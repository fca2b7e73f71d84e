//! Who may do what.

use std::sync::Arc;
use std::time::Duration;

use takt_domain::access::{
    Algorithm, Command, Day, Event, IssuerSpec, MAX_REALMS, MAX_TOKENS_OF_POLICY, MAX_USED,
    Mapping, Name, Network, NewToken, Otherwise, PolicySpec, Realm, Refused, Rejection, Scope,
    Selector, Stamp, Tenants, TokenHash, TokenSpec, authenticate,
};
use takt_domain::{Kind, Resource, State};
use takt_model::{Revision, TenantId, UnixNano};

use crate::given::{ASKED, given};

const NOW: UnixNano = UnixNano::from_secs(1_000_000);

#[test]
fn a_policy_is_made_changed_and_deleted() {
    given::<Event>([])
        .when(create("reader", reader()))
        .then([created("reader", reader())])
        .state(|state| {
            assert_eq!(
                state.access.policies()[&name("reader")].version,
                Revision(1)
            )
        });
    let wider = PolicySpec {
        scopes: [Scope::TracesRead, Scope::RulesRead].into(),
        ..reader()
    };
    given([created("reader", reader())])
        .when(update("reader", wider.clone(), Some(1)))
        .then([Event::PolicyUpdated {
            name: name("reader"),
            spec: Arc::new(wider),
        }]);
    given([created("reader", reader())])
        .when(update("reader", reader(), None))
        .nothing();
    given([created("reader", reader())])
        .when(create("reader", reader()))
        .refused(Rejection::PolicyExists(name("reader")));
    given::<Event>([])
        .when(update("reader", reader(), None))
        .refused(Rejection::PolicyUnknown(name("reader")));
    given([created("reader", reader())])
        .when(update("reader", PolicySpec::default(), Some(9)))
        .refused(takt_domain::Rejection::VersionMismatch {
            asked: Revision(9),
            current: Revision(1),
        });
}

#[test]
fn what_a_policy_says_must_make_sense() {
    let of = |change: &dyn Fn(&mut PolicySpec)| {
        let mut spec = reader();
        change(&mut spec);
        spec
    };
    let realm = |tenants| Realm {
        tenants,
        allow: Vec::new(),
        deny: Vec::new(),
    };
    let selector = Selector::parse(r#"{a="b"}"#).unwrap();
    let cases = [
        (of(&|spec| spec.scopes.clear()), "ACCESS_SCOPES_MISSING"),
        (
            of(&|spec| spec.scopes = [Scope::Admin].into()),
            "ACCESS_SCOPE_NEEDS_EVERY_TENANT",
        ),
        (of(&|spec| spec.realms.clear()), "REALMS_MISSING"),
        (
            of(&|spec| spec.realms.push(realm(Tenants::One(tenant("a"))))),
            "REALM_TWICE",
        ),
        (
            of(&|spec| spec.realms = vec![realm(Tenants::All); MAX_REALMS + 1]),
            "ACCESS_TOO_MUCH",
        ),
        (
            of(&|spec| spec.realms[0].deny = vec![selector.clone(); 33]),
            "ACCESS_TOO_MUCH",
        ),
        (
            of(&|spec| spec.networks = vec![Network::parse("::/0").unwrap(); 65]),
            "ACCESS_TOO_MUCH",
        ),
        (
            of(&|spec| spec.display_name = "x".repeat(257)),
            "ACCESS_TOO_MUCH",
        ),
        (
            of(&|spec| spec.labels = [("a".into(), "x".repeat(257))].into()),
            "ACCESS_TOO_MUCH",
        ),
        (
            of(&|spec| {
                spec.stamps = vec![Stamp {
                    key: "team".into(),
                    values: Vec::new(),
                    otherwise: Otherwise::Reject,
                }];
            }),
            "STAMP_INVALID",
        ),
        (of(&|spec| spec.expires_at = Some(NOW)), "EXPIRY_PAST"),
    ];
    for (spec, reason) in cases {
        let refusal = given::<Event>([])
            .at(NOW)
            .when(create("reader", spec))
            .refusal();
        assert_eq!((refusal.reason(), refusal.kind()), (reason, Kind::Invalid));
    }
}

#[test]
fn an_expiry_in_the_past_ends_a_policy_that_is_there() {
    let over = PolicySpec {
        expires_at: Some(UnixNano(1)),
        ..reader()
    };
    given([created("reader", reader())])
        .at(NOW)
        .when(update("reader", over, None))
        .state(|state| assert!(!state.access.policies()[&name("reader")].spec.in_force(NOW)));
}

#[test]
fn a_policy_takes_its_tokens_with_it() {
    given([
        created("reader", reader()),
        created("writer", reader()),
        token("one", "reader", 1),
        token("two", "writer", 2),
        token("three", "reader", 3),
    ])
    .when(Command::DeletePolicy {
        name: name("reader"),
        if_match: None,
    })
    .then([
        Event::TokenDeleted { name: name("one") },
        Event::TokenDeleted {
            name: name("three"),
        },
        Event::PolicyDeleted {
            name: name("reader"),
        },
    ])
    .state(|state| {
        assert_eq!(opens(state, 1), Err(Refused::Unknown));
        assert_eq!(opens(state, 2), Ok(("two", "writer")));
        assert_eq!(state.access.tokens_of(&name("reader")).count(), 0);
    });
}

#[test]
fn a_token_keeps_the_hash_and_a_name_from_its_command() {
    given([created("reader", reader())])
        .at(NOW)
        .when(new("one", "reader", 1))
        .then([Event::TokenCreated {
            name: name("one"),
            spec: Arc::new(TokenSpec {
                id: ASKED.0,
                display_name: String::new(),
                policy: name("reader"),
                hash: hash(1),
                prefix: "takt_".into(),
                expires_at: None,
            }),
        }])
        .state(|state| assert_eq!(opens(state, 1), Ok(("one", "reader"))));
}

#[test]
fn a_token_needs_a_policy_a_name_and_a_secret_of_its_own() {
    let before = || given([created("reader", reader()), token("one", "reader", 1)]).at(NOW);
    before()
        .when(new("two", "nobody", 2))
        .refused(Rejection::PolicyUnknown(name("nobody")));
    before()
        .when(new("one", "reader", 2))
        .refused(Rejection::TokenExists(name("one")));
    before()
        .when(new("two", "reader", 1))
        .refused(Rejection::TokenHashTaken);
    let past = NewToken {
        expires_at: Some(NOW),
        ..plain("two", "reader", 2)
    };
    before()
        .when(Command::CreateToken(past))
        .refused(Rejection::ExpiryPast("token.expires_at"));
    let tokens = (0..MAX_TOKENS_OF_POLICY)
        .map(|number| token(&format!("token-{number}"), "reader", number + 10));
    given([created("reader", reader())].into_iter().chain(tokens))
        .when(new("two", "reader", 2))
        .refused(Rejection::TokensFull);
}

#[test]
fn a_token_opens_until_something_ends_it() {
    let ends = NOW.plus(Duration::from_secs(60));
    let ending = |spec: PolicySpec, token_ends: Option<UnixNano>| {
        let token = Event::TokenCreated {
            name: name("one"),
            spec: Arc::new(TokenSpec {
                expires_at: token_ends,
                ..spec_of("reader", 1)
            }),
        };
        [created("reader", spec), token]
    };
    let check = |events: Vec<Event>, at: UnixNano| {
        let state = given(events).at(at).when(new("other", "reader", 9)).after();
        authenticate(&state.access, &hash(1), at).map(|_| ()).err()
    };
    let just_before = UnixNano(ends.0 - 1);
    assert_eq!(
        check(ending(reader(), Some(ends)).into(), just_before),
        None
    );
    assert_eq!(
        check(ending(reader(), Some(ends)).into(), ends),
        Some(Refused::Expired)
    );
    let policy = |inactive, expires_at| PolicySpec {
        inactive,
        expires_at,
        ..reader()
    };
    let over = ending(policy(false, Some(ends)), None);
    assert_eq!(check(over.clone().into(), just_before), None);
    assert_eq!(check(over.into(), ends), Some(Refused::PolicyExpired));
    let off = ending(policy(true, None), None);
    assert_eq!(check(off.into(), NOW), Some(Refused::PolicyInactive));
    let mut revoked = Vec::from(ending(reader(), None));
    revoked.push(Event::TokenRevoked {
        name: name("one"),
        reason: "lost".into(),
    });
    assert_eq!(check(revoked, NOW), Some(Refused::Revoked));
}

#[test]
fn revoking_is_for_good_and_once() {
    let revoke = || Command::RevokeToken {
        name: name("one"),
        reason: "lost".into(),
        if_match: None,
    };
    let revoked = Event::TokenRevoked {
        name: name("one"),
        reason: "lost".into(),
    };
    let before = [created("reader", reader()), token("one", "reader", 1)];
    given(before.clone()).when(revoke()).then([revoked.clone()]);
    given(before.into_iter().chain([revoked]))
        .when(revoke())
        .nothing();
    given::<Event>([])
        .when(revoke())
        .refused(Rejection::TokenUnknown(name("one")));
    let delete = Command::DeleteToken {
        name: name("one"),
        if_match: Some(Revision(7)),
    };
    let refusal = given([created("reader", reader()), token("one", "reader", 1)])
        .when(delete)
        .refusal();
    assert_eq!(refusal.reason(), "VERSION_MISMATCH");
}

#[test]
fn uses_are_recorded_by_the_day_and_change_nothing_else() {
    let used = |day, names: &[&str]| Event::TokensUsed {
        day: Day(day),
        names: names.iter().map(|text| name(text)).collect(),
    };
    let record = |day, names: &[&str]| Command::RecordUse {
        day: Day(day),
        names: names.iter().map(|text| name(text)).collect(),
    };
    let before = || {
        [
            created("reader", reader()),
            token("one", "reader", 1),
            token("two", "reader", 2),
            used(5, &["one"]),
        ]
    };
    given(before())
        .when(record(5, &["one", "two", "gone"]))
        .then([used(5, &["two"])])
        .state(|state| {
            let one = &state.access.tokens()[&name("one")];
            assert_eq!((one.last_used, one.version), (Some(Day(5)), Revision(2)));
            assert_eq!(
                state.access.version(),
                Revision(3),
                "who may do what is the same"
            );
        });
    given(before()).when(record(4, &["one"])).nothing();
    given(before())
        .when(record(6, &["one"]))
        .then([used(6, &["one"])]);
    let names: Vec<String> = (0..=MAX_USED)
        .map(|number| format!("t-{number:04}"))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let refusal = given(before()).when(record(6, &names)).refusal();
    assert_eq!(refusal.reason(), "ACCESS_TOO_MUCH");
    assert_eq!(Day::of(Day(7).start()), Day(7));
}

#[test]
fn an_issuer_is_made_changed_and_deleted() {
    let made = |issuer: IssuerSpec| Event::IssuerCreated {
        name: name("corp"),
        spec: Arc::new(issuer),
    };
    given::<Event>([])
        .when(issue("corp", issuer()))
        .then([made(issuer())]);
    given([made(issuer())])
        .when(issue("corp", issuer()))
        .refused(Rejection::IssuerExists(name("corp")));
    given([made(issuer())])
        .when(issue("other", issuer()))
        .refused(Rejection::IssuerTwice(name("corp")));
    let off = IssuerSpec {
        inactive: true,
        ..issuer()
    };
    let update = |spec: IssuerSpec, if_match| Command::UpdateIssuer {
        name: name("corp"),
        spec,
        if_match,
    };
    given([made(issuer())])
        .when(update(off.clone(), Some(Revision(1))))
        .then([Event::IssuerUpdated {
            name: name("corp"),
            spec: Arc::new(off),
        }]);
    given([made(issuer())])
        .when(update(issuer(), None))
        .nothing();
    let delete = Command::DeleteIssuer {
        name: name("corp"),
        if_match: None,
    };
    given([made(issuer())])
        .when(delete.clone())
        .then([Event::IssuerDeleted { name: name("corp") }]);
    given::<Event>([])
        .when(delete)
        .refused(Rejection::IssuerUnknown(name("corp")));
}

#[test]
fn what_is_said_of_an_issuer_must_be_safe() {
    let of = |change: &dyn Fn(&mut IssuerSpec)| {
        let mut spec = issuer();
        change(&mut spec);
        spec
    };
    let mapping = |claim: &str, pattern: &str| Mapping {
        claim: claim.into(),
        pattern: pattern.into(),
        policy: None,
    };
    let cases = [
        (of(&|spec| spec.audiences.clear()), "AUDIENCE_MISSING"),
        (of(&|spec| spec.algorithms.clear()), "ALGORITHMS_MISSING"),
        (
            of(&|spec| spec.jwks_url = "http://keys.example/x".into()),
            "URL_INVALID",
        ),
        (
            of(&|spec| spec.jwks_url = "http://localhost@evil.example/".into()),
            "URL_INVALID",
        ),
        (
            of(&|spec| spec.jwks_url = "file:///etc/passwd".into()),
            "URL_INVALID",
        ),
        (of(&|spec| spec.issuer = "accounts".into()), "URL_INVALID"),
        (
            of(&|spec| spec.max_age_seconds = 86_401),
            "MAX_AGE_TOO_LONG",
        ),
        (
            of(&|spec| spec.mappings = vec![mapping("groups", "takt-.*")]),
            "MAPPING_INVALID",
        ),
        (
            of(&|spec| spec.mappings = vec![mapping("groups", "a)|(b")]),
            "MAPPING_INVALID",
        ),
        (
            of(&|spec| spec.mappings = vec![mapping("", "(.*)")]),
            "MAPPING_INVALID",
        ),
    ];
    for (spec, reason) in cases {
        let refusal = given::<Event>([]).when(issue("corp", spec)).refusal();
        assert_eq!((refusal.reason(), refusal.kind()), (reason, Kind::Invalid));
    }
    given::<Event>([])
        .when(issue(
            "corp",
            of(&|spec| spec.jwks_url = "http://127.0.0.1:9/keys".into()),
        ))
        .state(|state| assert_eq!(state.access.issuers().len(), 1));
    for refused in ["none", "HS256", "hs512", ""] {
        assert!(Algorithm::parse(refused).is_err(), "{refused}");
    }
}

#[test]
fn a_claim_leads_to_the_policy_its_group_names() {
    let mapping = &issuer().mappings[0];
    assert_eq!(mapping.policy_of("takt-readers"), Some(name("readers")));
    assert_eq!(mapping.policy_of("other-readers"), None);
    assert_eq!(mapping.policy_of("takt-Not A Name"), None);
    assert_eq!(
        mapping.policy_of("x takt-readers"),
        None,
        "the whole value must match"
    );
}

#[test]
fn names_keep_to_their_rules() {
    for legal in ["abc", "a-b_c9", "0ab", &"x".repeat(64)] {
        assert!(Name::new(legal).is_ok(), "{legal}");
    }
    for illegal in ["", "ab", "Abc", "-ab", "a b", "ä12", &"x".repeat(65)] {
        assert!(Name::new(illegal).is_err(), "{illegal}");
    }
}

#[test]
fn events_say_what_they_are_about() {
    let subject = token("one", "reader", 1).subject();
    assert_eq!(
        (subject.resource, subject.name.as_str()),
        (Resource::Token, "one")
    );
    let subject = created("reader", reader()).subject();
    assert_eq!(
        (subject.resource, subject.name.as_str()),
        (Resource::AccessPolicy, "reader")
    );
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn tenant(text: &str) -> TenantId {
    TenantId::new(text).unwrap()
}

fn hash(number: usize) -> TokenHash {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    TokenHash(bytes)
}

fn reader() -> PolicySpec {
    PolicySpec {
        scopes: [Scope::TracesRead].into(),
        realms: vec![Realm {
            tenants: Tenants::One(tenant("a")),
            allow: vec![Selector::parse(r#"{team="a"}"#).unwrap()],
            deny: Vec::new(),
        }],
        ..PolicySpec::default()
    }
}

fn issuer() -> IssuerSpec {
    IssuerSpec {
        issuer: "https://accounts.example".into(),
        audiences: ["takt".into()].into(),
        jwks_url: "https://accounts.example/keys".into(),
        algorithms: [Algorithm::Es256].into(),
        mappings: vec![Mapping {
            claim: "groups".into(),
            pattern: "takt-(.*)".into(),
            policy: None,
        }],
        ..IssuerSpec::default()
    }
}

fn create(text: &str, spec: PolicySpec) -> Command {
    Command::CreatePolicy {
        name: name(text),
        spec,
    }
}

fn update(text: &str, spec: PolicySpec, if_match: Option<u64>) -> Command {
    Command::UpdatePolicy {
        name: name(text),
        spec,
        if_match: if_match.map(Revision),
    }
}

fn issue(text: &str, spec: IssuerSpec) -> Command {
    Command::CreateIssuer {
        name: name(text),
        spec,
    }
}

fn created(text: &str, spec: PolicySpec) -> Event {
    Event::PolicyCreated {
        name: name(text),
        spec: Arc::new(spec),
    }
}

fn plain(text: &str, policy: &str, secret: usize) -> NewToken {
    NewToken {
        name: name(text),
        display_name: String::new(),
        policy: name(policy),
        hash: hash(secret),
        prefix: "takt_".into(),
        expires_at: None,
    }
}

fn new(text: &str, policy: &str, secret: usize) -> Command {
    Command::CreateToken(plain(text, policy, secret))
}

fn spec_of(policy: &str, secret: usize) -> TokenSpec {
    TokenSpec {
        id: ASKED.0,
        display_name: String::new(),
        policy: name(policy),
        hash: hash(secret),
        prefix: "takt_".into(),
        expires_at: None,
    }
}

fn token(text: &str, policy: &str, secret: usize) -> Event {
    Event::TokenCreated {
        name: name(text),
        spec: Arc::new(spec_of(policy, secret)),
    }
}

fn opens(state: &State, secret: usize) -> Result<(&str, &str), Refused> {
    authenticate(&state.access, &hash(secret), NOW)
        .map(|found| (found.token.as_str(), found.policy_name.as_str()))
}
