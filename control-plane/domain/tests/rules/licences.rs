//! Signed licences: what is believed, what it comes to, and that nothing stops for it.

use std::sync::Arc;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use takt_domain::cluster::{self, ClusterId};
use takt_domain::licences::envelope::open_licence;
use takt_domain::licences::trust::Key;
use takt_domain::licences::{
    Action, Command, Event, MAX_LICENCES, Overall, Rejection, Standing, Trust, due, merged, now,
    permits,
};
use takt_domain::{Kind, State, policies, tenants};
use takt_model::{Revision, TenantId, UnixNano};
use uuid::Uuid;

use crate::given::{Given, given};

const DAY: u64 = 86_400;
/// When the licences of these tests are issued, in Unix seconds.
const ISSUED: u64 = 1_800_000_000;
const OURS: Uuid = Uuid::from_u128(77);

/// The private halves of the keys of these tests, and of no others.
fn key(name: &str) -> Ed25519KeyPair {
    let mut seed = [0; 32];
    seed[..name.len()].copy_from_slice(name.as_bytes());
    Ed25519KeyPair::from_seed_unchecked(&seed).unwrap()
}

fn public(name: &str) -> [u8; 32] {
    key(name).public_key().as_ref().try_into().unwrap()
}

fn trust() -> Arc<Trust> {
    let root = |name: &str| Key::ed25519(name, public(name));
    Arc::new(Trust {
        roots: vec![root("root-a"), root("root-b")],
        product: "takt".into(),
    })
}

/// A signed envelope.
fn seal(signer: &str, header: &str, payload: &str) -> String {
    let (header, payload) = (
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(payload),
    );
    let signed = format!("{header}.{payload}");
    let signature = URL_SAFE_NO_PAD.encode(key(signer).sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

fn header(kid: &str, more: &str) -> String {
    format!(r#"{{"alg":"EdDSA","typ":"takt-licence+jws","kid":"{kid}"{more}}}"#)
}

/// For 60 days, with 10 of grace; `more` adds or, coming last, may not repeat.
fn claims(id: &str, issued: u64, more: &str) -> String {
    let expires = issued + 60 * DAY;
    format!(
        r#"{{"licence":"{id}","customer":"Shop","products":["takt"],"iat":{issued},"nbf":{issued},"exp":{expires},"grace_days":10{more}}}"#
    )
}

fn licence(id: &str, more: &str) -> String {
    seal("root-a", &header("root-a", ""), &claims(id, ISSUED, more))
}

fn delegation(issuer: &str, to: &str, more: &str) -> String {
    let header = format!(r#"{{"alg":"EdDSA","typ":"takt-delegation+jws","kid":"{issuer}"}}"#);
    let key = URL_SAFE_NO_PAD.encode(public(to));
    let (from, until) = (ISSUED - DAY, ISSUED + DAY);
    let payload =
        format!(r#"{{"kid":"{to}","alg":"EdDSA","key":"{key}","nbf":{from},"exp":{until}{more}}}"#);
    seal(issuer, &header, &payload)
}

fn chained(signer: &str, chain: &[String]) -> String {
    let chain = chain
        .iter()
        .map(|link| format!(r#""{link}""#))
        .collect::<Vec<_>>()
        .join(",");
    let header = header(signer, &format!(r#","chain":[{chain}]"#));
    seal(signer, &header, &claims("l", ISSUED, ""))
}

fn revocations(signer: &str, epoch: u64, more: &str) -> String {
    let header = format!(r#"{{"alg":"EdDSA","typ":"takt-revocations+jws","kid":"{signer}"}}"#);
    seal(
        signer,
        &header,
        &format!(r#"{{"epoch":{epoch},"iat":{ISSUED}{more}}}"#),
    )
}

fn add(envelope: String) -> Command {
    Command::Add {
        envelope,
        replaces: None,
        trust: trust(),
        if_match: None,
    }
}

fn revoke(envelope: String) -> Command {
    Command::Revoke {
        envelope,
        trust: trust(),
    }
}

fn day(days: u64) -> UnixNano {
    UnixNano::from_secs(ISSUED + days * DAY)
}

fn fresh() -> Given {
    given(Vec::<Event>::new()).at(day(1))
}

/// With these licences added a day after they were issued.
fn holding(envelopes: &[String]) -> Given {
    let mut state = State::default();
    let mut next = fresh();
    for (number, envelope) in envelopes.iter().enumerate() {
        let events = decided(&state, add(envelope.clone()));
        next = next.and(number as u128 + 1, events.clone());
        apply(&mut state, number as u128 + 1, events);
    }
    next
}

fn decided(state: &State, command: Command) -> Vec<takt_domain::Event> {
    let facts = takt_domain::Facts {
        at: day(1),
        command: crate::given::ASKED,
    };
    takt_domain::decide(state, &command.into(), &facts).unwrap()
}

fn apply(state: &mut State, number: u128, events: Vec<takt_domain::Event>) {
    let mut batch = crate::given::batch(number, state.revision.0, events);
    batch.at = day(1);
    state.apply(&batch);
}

fn state_with(envelopes: &[String]) -> State {
    holding(envelopes).when(Command::Observe).after()
}

fn refused(envelope: String, reason: &str) {
    let rejection = fresh().when(add(envelope)).refusal();
    assert_eq!(rejection.reason(), reason, "{rejection}");
    assert_eq!(rejection.field(), Some("envelope"));
}

#[test]
fn a_licence_of_a_root_is_added_with_all_it_says() {
    let envelope = licence(
        "l-1",
        r#","edition":"enterprise","features":["gateway"],"limits":{"tenants":5},"support_until":1900000000,"revocation_epoch":2"#,
    );
    fresh().when(add(envelope.clone())).state(|state| {
        let held = &state.licences.rows["l-1"];
        assert_eq!(
            (held.envelope.as_str(), held.signers.as_slice()),
            (envelope.as_str(), &["root-a".to_owned()][..])
        );
        assert_eq!((held.told, held.version), (Standing::Valid, Revision(1)));
        let claims = &held.claims;
        assert_eq!(
            (claims.customer.as_str(), claims.edition.as_str()),
            ("Shop", "enterprise")
        );
        assert_eq!((claims.limits["tenants"], claims.revocation_epoch), (5, 2));
        assert_eq!(claims.expires, day(60));
    });
    holding(std::slice::from_ref(&envelope))
        .when(add(envelope))
        .nothing();
}

#[test]
fn a_chain_of_keys_leads_to_a_root() {
    let chain = [
        delegation("root-b", "mid", ""),
        delegation("mid", "leaf", r#","products":["takt"]"#),
    ];
    let opened = open_licence(&chained("leaf", &chain), &trust()).unwrap();
    assert_eq!(opened.signers, ["root-b", "mid", "leaf"]);
}

#[test]
fn a_tampered_licence_is_refused_whichever_bit_it_is() {
    let envelope = licence("l-1", "");
    refused(
        seal("root-b", &header("root-a", ""), &claims("l", ISSUED, "")),
        "LICENCE_SIGNATURE_WRONG",
    );
    for index in 0..envelope.len() {
        for bit in 0..7 {
            let mut bytes = envelope.clone().into_bytes();
            bytes[index] ^= 1 << bit;
            let Ok(tampered) = String::from_utf8(bytes) else {
                continue;
            };
            assert!(
                open_licence(&tampered, &trust()).is_err(),
                "byte {index}, bit {bit}"
            );
        }
    }
}

#[test]
fn an_expired_licence_is_refused_and_one_in_grace_is_not() {
    let late = |days| fresh().at(day(days)).when(add(licence("l", "")));
    late(70).refused(Rejection::Expired("l".into()));
    late(69).state(|state| assert_eq!(state.licences.rows["l"].told, Standing::Grace));
}

#[test]
fn a_licence_for_another_product_or_cluster_is_refused() {
    let other =
        r#"{"licence":"l","customer":"c","products":["vault"],"iat":1,"nbf":1,"exp":9999999999}"#;
    refused(
        seal("root-a", &header("root-a", ""), other),
        "LICENCE_PRODUCT_WRONG",
    );
    let bound = |cluster: Uuid| licence("l", &format!(r#","cluster":"{cluster}""#));
    refused(bound(OURS), "LICENCE_CLUSTER_WRONG");
    let named = || {
        given([cluster::Event::Founded {
            id: ClusterId(OURS),
        }])
        .at(day(1))
    };
    named()
        .when(add(bound(OURS)))
        .state(|state| assert_eq!(state.licences.rows.len(), 1));
    let elsewhere = named().when(add(bound(Uuid::from_u128(8)))).refusal();
    assert_eq!(elsewhere.reason(), "LICENCE_CLUSTER_WRONG");
    assert_eq!(elsewhere.kind(), Kind::Conflict);
}

#[test]
fn a_licence_from_the_future_is_refused_and_one_for_the_future_waits() {
    let tomorrow = claims("l", ISSUED + 3 * DAY, "");
    refused(
        seal("root-a", &header("root-a", ""), &tomorrow),
        "LICENCE_FROM_THE_FUTURE",
    );
    let ahead = format!(
        r#"{{"licence":"l","customer":"c","products":["takt"],"iat":{ISSUED},"nbf":{},"exp":{}}}"#,
        ISSUED + 30 * DAY,
        ISSUED + 90 * DAY,
    );
    let state = state_with(&[seal("root-a", &header("root-a", ""), &ahead)]);
    assert_eq!(merged(&state, day(2)).standing, Overall::Unlicensed);
    assert_eq!(merged(&state, day(40)).standing, Overall::Valid);
}

#[test]
fn an_unknown_key_and_a_downgraded_algorithm_are_refused() {
    refused(
        seal("other", &header("other", ""), &claims("l", ISSUED, "")),
        "LICENCE_KEY_UNKNOWN",
    );
    for alg in ["none", "HS256", "ES256", "eddsa", ""] {
        let header = format!(r#"{{"alg":"{alg}","typ":"takt-licence+jws","kid":"root-a"}}"#);
        refused(
            seal("root-a", &header, &claims("l", ISSUED, "")),
            "LICENCE_ALGORITHM_WRONG",
        );
    }
    let delegation_header = r#"{"alg":"EdDSA","typ":"takt-delegation+jws","kid":"root-a"}"#;
    let weak = r#"{"kid":"mid","alg":"HS256","key":"","nbf":0,"exp":9999999999}"#;
    let weak = seal("root-a", delegation_header, weak);
    refused(chained("mid", &[weak]), "LICENCE_ALGORITHM_WRONG");
}

#[test]
fn what_must_be_understood_and_is_not_is_refused() {
    let unknown = header("root-a", r#","crit":["b64"],"b64":false"#);
    refused(
        seal("root-a", &unknown, &claims("l", ISSUED, "")),
        "LICENCE_CRITICAL_UNKNOWN",
    );
    refused(
        licence("l", r#","crit":["cores"],"cores":4"#),
        "LICENCE_CRITICAL_UNKNOWN",
    );
    let known = licence("l", r#","crit":["limits"],"cores":4"#);
    assert!(
        open_licence(&known, &trust()).is_ok(),
        "what need not be understood is skipped"
    );
}

#[test]
fn a_broken_chain_is_refused() {
    let good = delegation("root-a", "mid", "");
    refused(
        chained("other", std::slice::from_ref(&good)),
        "LICENCE_CHAIN_BROKEN",
    );
    let wrong_issuer = delegation("other", "leaf", "");
    refused(
        chained("leaf", &[good.clone(), wrong_issuer]),
        "LICENCE_CHAIN_BROKEN",
    );
    refused(
        chained("mid", &[delegation("other", "mid", "")]),
        "LICENCE_KEY_UNKNOWN",
    );
    let for_others = delegation("root-a", "mid", r#","products":["vault"]"#);
    refused(chained("mid", &[for_others]), "LICENCE_CHAIN_BROKEN");
    refused(
        chained("root-b", &[delegation("root-a", "root-b", "")]),
        "LICENCE_CHAIN_BROKEN",
    );
    let four = ["k1", "k2", "k3", "k4"];
    let mut issuer = "root-a";
    let chain: Vec<String> = four
        .iter()
        .map(|to| delegation(std::mem::replace(&mut issuer, to), to, ""))
        .collect();
    refused(chained("k4", &chain), "LICENCE_CHAIN_BROKEN");
    let late = header("mid", &format!(r#","chain":["{good}"]"#));
    refused(
        seal("mid", &late, &claims("l", ISSUED - 30 * DAY, "")),
        "LICENCE_CHAIN_BROKEN",
    );
}

#[test]
fn an_envelope_of_another_type_or_none_at_all_is_refused() {
    refused(revocations("root-a", 1, ""), "LICENCE_TYPE_WRONG");
    for malformed in ["", "a", "a.b", "a.b.c.d", "!.!.!", "e30.e30.e30"] {
        refused(malformed.into(), "LICENCE_MALFORMED");
    }
    refused("x".repeat(64 * 1024 + 1), "LICENCE_TOO_LONG");
    refused(licence("", ""), "LICENCE_MALFORMED");
    refused(licence("l", r#","licence":"twice""#), "LICENCE_MALFORMED");
    refused(
        licence("l", r#","support_until":99999999999999"#),
        "LICENCE_MALFORMED",
    );
    refused(licence(&"l".repeat(300), ""), "LICENCE_MALFORMED");
}

#[test]
fn the_built_in_roots_are_two_and_not_those_of_the_tests() {
    let built_in = Trust::default();
    assert_eq!(built_in.roots.len(), 2);
    assert_ne!(built_in.roots[0].public, built_in.roots[1].public);
    let refused = open_licence(&licence("l", ""), &built_in).unwrap_err();
    assert_eq!(refused.reason(), "LICENCE_KEY_UNKNOWN");
}

#[test]
fn a_renewal_takes_the_place_of_what_it_renews() {
    let renewal = seal(
        "root-b",
        &header("root-b", ""),
        &claims("l", ISSUED + DAY, ""),
    );
    let asked = holding(&[licence("l", "")]).when(add(renewal.clone()));
    asked.state(|state| {
        assert_eq!(state.licences.rows.len(), 1);
        assert_eq!(state.licences.rows["l"].envelope, renewal);
    });
    let old = holding(std::slice::from_ref(&renewal)).when(add(licence("l", "")));
    old.refused(Rejection::Superseded("l".into()));
    let stale = Command::Add {
        envelope: renewal,
        replaces: None,
        trust: trust(),
        if_match: Some(Revision(9)),
    };
    assert_eq!(
        holding(&[licence("l", "")]).when(stale).refusal().reason(),
        "VERSION_MISMATCH"
    );
}

#[test]
fn a_replacement_takes_the_other_with_it() {
    let replace = |id: &str, what: &str| Command::Add {
        envelope: licence(id, ""),
        replaces: Some(what.into()),
        trust: trust(),
        if_match: None,
    };
    let held = || holding(&[licence("old", "")]);
    held().when(replace("new", "old")).state(|state| {
        assert_eq!(state.licences.rows.keys().collect::<Vec<_>>(), ["new"]);
    });
    held()
        .when(replace("new", "none"))
        .refused(Rejection::Unknown("none".into()));
    held()
        .when(replace("new", "new"))
        .refused(Rejection::ReplacesItself("new".into()));
}

#[test]
fn a_licence_is_removed_and_there_is_a_bound_to_them() {
    let remove = |id: &str, if_match| Command::Remove {
        id: id.into(),
        reason: "sold".into(),
        if_match,
    };
    let held = || holding(&[licence("l", "")]);
    held().when(remove("l", None)).then([Event::Removed {
        id: "l".into(),
        reason: "sold".into(),
    }]);
    held()
        .when(remove("m", None))
        .refused(Rejection::Unknown("m".into()));
    assert_eq!(
        held()
            .when(remove("l", Some(Revision(9))))
            .refusal()
            .reason(),
        "VERSION_MISMATCH"
    );
    let long = Command::Remove {
        id: "l".into(),
        reason: "x".repeat(1025),
        if_match: None,
    };
    held().when(long).refused(Rejection::ReasonTooLong(1025));
    let many: Vec<String> = (0..MAX_LICENCES)
        .map(|n| licence(&format!("l{n}"), ""))
        .collect();
    holding(&many)
        .when(add(licence("one more", "")))
        .refused(Rejection::TooMany);
}

#[test]
fn standing_falls_step_by_step_and_is_told_once() {
    let state = state_with(&[licence("l", "")]);
    let told = |days| {
        let at = day(days);
        let events = takt_domain::decide(
            &state,
            &Command::Observe.into(),
            &takt_domain::Facts {
                at,
                command: crate::given::ASKED,
            },
        );
        let events = events.unwrap();
        assert_eq!(due(&state, at).is_some(), !events.is_empty());
        match events.as_slice() {
            [] => None,
            [takt_domain::Event::Licence(Event::StandingChanged { standing, .. })] => {
                Some(*standing)
            }
            other => unreachable!("{other:?}"),
        }
    };
    assert_eq!(told(29), None, "valid, as was told");
    for (days, standing) in [
        (30, Standing::Expiring(30)),
        (46, Standing::Expiring(14)),
        (53, Standing::Expiring(7)),
        (59, Standing::Expiring(1)),
        (60, Standing::Grace),
        (69, Standing::Grace),
        (70, Standing::Degraded),
    ] {
        assert_eq!(told(days), Some(standing), "day {days}");
        assert_eq!(merged(&state, day(days)).warnings["l"], standing);
    }
}

#[test]
fn several_licences_are_merged() {
    let other = seal(
        "root-b",
        &header("root-b", ""),
        &claims(
            "m",
            ISSUED - 50 * DAY,
            r#","edition":"support","features":["lbac"],"limits":{"tenants":3,"nodes":2},"support_until":1900000000"#,
        ),
    );
    let state = state_with(&[
        licence(
            "l",
            r#","edition":"enterprise","features":["gateway","lbac"],"limits":{"tenants":5}"#,
        ),
        other,
    ]);
    let both = merged(&state, day(2));
    assert_eq!(
        both.features.iter().collect::<Vec<_>>(),
        ["gateway", "lbac"]
    );
    assert_eq!((both.limits["tenants"], both.limits["nodes"]), (8, 2));
    assert_eq!((both.standing, both.editions.len()), (Overall::Valid, 2));
    assert_eq!(both.support_until, Some(UnixNano::from_secs(1_900_000_000)));
    let one = merged(&state, day(25));
    assert_eq!((one.limits["tenants"], one.limits.get("nodes")), (5, None));
    assert_eq!(one.warnings["m"], Standing::Degraded);
}

#[test]
fn a_clock_that_is_set_back_does_not_bring_a_licence_back() {
    let mut state = state_with(&[licence("l", "")]);
    state.at = day(100);
    assert_eq!(
        now(&state, day(99)),
        day(99),
        "a day of difference is no matter"
    );
    assert_eq!(now(&state, day(10)), day(100));
    assert_eq!(merged(&state, day(10)).standing, Overall::Degraded);
    state.at = UnixNano(0);
    assert_eq!(
        now(&state, UnixNano(0)),
        day(0),
        "a licence was issued then, so it is not before"
    );
}

#[test]
fn revoked_licences_and_keys_count_no_longer() {
    let chain = [delegation("root-a", "mid", "")];
    let state = |more: &str| {
        let held = holding(&[licence("plain", ""), chained("mid", &chain)]);
        held.when(revoke(revocations("root-b", 3, more))).after()
    };
    let revoked = |state: &State| {
        let warned = merged(state, day(2)).warnings;
        warned
            .into_iter()
            .filter(|(_, standing)| *standing == Standing::Revoked)
            .map(|(id, _)| id)
            .collect::<Vec<_>>()
    };
    assert_eq!(revoked(&state(r#","licences":["plain"]"#)), ["plain"]);
    assert_eq!(revoked(&state(r#","keys":["mid"]"#)), ["l"]);
    assert_eq!(revoked(&state(r#","minimum":1"#)), ["l", "plain"]);
    assert_eq!(
        state(r#","keys":["mid"]"#).licences.rows["l"].told,
        Standing::Revoked,
        "and it is told"
    );

    let after = || {
        holding(&[]).and(
            50,
            decided(
                &State::default(),
                revoke(revocations(
                    "root-b",
                    3,
                    r#","licences":["l"],"keys":["mid"]"#,
                )),
            ),
        )
    };
    after()
        .when(add(licence("l", "")))
        .refused(Rejection::Revoked("l".into()));
    after()
        .when(add(chained("mid", &chain)))
        .refused(Rejection::Revoked("l".into()));
    after()
        .when(revoke(revocations("root-b", 3, "")))
        .refused(Rejection::RevocationsOld {
            asked: 3,
            current: 3,
        });
    after()
        .when(revoke(revocations(
            "root-b",
            3,
            r#","licences":["l"],"keys":["mid"]"#,
        )))
        .nothing();
    let stranger = fresh().when(revoke(revocations("mid", 3, ""))).refusal();
    assert_eq!(stranger.reason(), "LICENCE_KEY_UNKNOWN");
}

#[test]
fn without_any_licence_nothing_is_restricted() {
    let state = State::default();
    for action in [
        Action::Ingest,
        Action::Read,
        Action::CreateTenant,
        Action::CreatePolicy,
    ] {
        assert_eq!(permits(&state, day(1), action), Ok(()));
    }
}

#[test]
fn a_degraded_installation_makes_nothing_new() {
    let state = state_with(&[licence("l", "")]);
    assert_eq!(
        permits(&state, day(69), Action::CreateTenant),
        Ok(()),
        "in grace everything works"
    );
    assert_eq!(
        permits(&state, day(70), Action::CreateTenant),
        Err(Rejection::Degraded)
    );
    assert_eq!(
        permits(&state, day(70), Action::CreatePolicy),
        Err(Rejection::Degraded)
    );
    let create = || tenants::Command::create(TenantId::new("a").unwrap());
    let held = |days| holding(&[licence("l", "")]).at(day(days));
    assert_eq!(held(69).when(create()).after().tenants.len(), 1);
    held(70).when(create()).refused(Rejection::Degraded);
    // Tenants that were there before keep what they have.
    let tenant = || TenantId::new("a").unwrap();
    let held = |days| {
        let created = tenants::Event::Created {
            tenant: tenant(),
            display_name: String::new(),
        };
        held(days).and(2, vec![created.into()])
    };
    let create = || policies::Command::Create {
        tenant: tenant(),
        spec: Box::new(policies::Spec::new("all", policies::Rule::Always)),
        if_match: None,
    };
    assert!(
        held(69)
            .when(create())
            .after()
            .policies
            .set(&tenant())
            .is_some()
    );
    held(70).when(create()).refused(Rejection::Degraded);
    let clear = policies::Command::Replace {
        tenant: tenant(),
        wanted: Vec::new(),
        if_match: None,
    };
    held(70).when(clear).nothing();
}

#[test]
fn a_limit_has_a_soft_band() {
    let mut state = state_with(&[licence("l", r#","limits":{"tenants":10}"#)]);
    for number in 0..12_u128 {
        let present = state.tenants.len();
        let permitted = permits(&state, day(2), Action::CreateTenant);
        assert_eq!(permitted.is_ok(), present < 11, "{present} tenants");
        let tenant = TenantId::new(&format!("t{number}")).unwrap();
        let created = tenants::Event::Created {
            tenant,
            display_name: String::new(),
        };
        apply(&mut state, 500 + number, vec![created.into()]);
    }
}

proptest! {
    /// Whatever licences are held, however they stand, whatever the clock says.
    #[test]
    fn ingest_and_reads_never_stop(
        licences in prop::collection::vec((0_u64..200, prop::option::of(0_u64..3)), 0..6),
        minimum in 0_u64..3, revoke_all in any::<bool>(), at in any::<u64>(), clock in any::<u64>(),
    ) {
        let envelopes: Vec<String> = licences
            .iter()
            .enumerate()
            .map(|(number, (age, limit))| {
                let limit = limit.map_or(String::new(), |limit| format!(r#","limits":{{"tenants":{limit}}}"#));
                let age = age.min(&60) * DAY;
                seal("root-a", &header("root-a", ""), &claims(&format!("l{number}"), ISSUED - age, &limit))
            })
            .collect();
        let mut state = state_with(&envelopes);
        let list = if revoke_all { r#","keys":["root-a"]"#.to_owned() } else { format!(r#","minimum":{minimum}"#) };
        let events = decided(&state, revoke(revocations("root-b", 1, &list)));
        apply(&mut state, 900, events);
        state.at = UnixNano(at);
        for action in [Action::Ingest, Action::Read] {
            prop_assert_eq!(permits(&state, UnixNano(clock), action), Ok(()));
        }
    }

    /// Opening foreign bytes never panics.
    #[test]
    fn any_text_can_be_opened(text in ".{0,200}", parts in prop::collection::vec("[A-Za-z0-9_-]{0,40}", 3)) {
        prop_assert!(open_licence(&text, &trust()).is_err());
        prop_assert!(open_licence(&parts.join("."), &trust()).is_err());
    }
}
