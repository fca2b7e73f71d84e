//! Licences that somebody had a hand in.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use takt_domain::licences::Trust;
use takt_domain::licences::trust::Key;
use takt_wire::methods::AdminMethod;
use takt_wire::takt::admin::v1 as wire;
use tonic::Code;

use crate::node::{NOW, Node};

const DAY: u64 = 86_400;
const ROOT: u8 = 7;
const DELEGATE: u8 = 8;
const STRANGER: u8 = 9;

#[tokio::test(flavor = "multi_thread")]
async fn a_licence_with_any_character_changed_is_refused() {
    let node = Node::start().await;
    let good = envelope();
    for index in 0..good.len() {
        let mut bytes = good.clone().into_bytes();
        bytes[index] = if bytes[index] == b'A' { b'B' } else { b'A' };
        let forged = String::from_utf8(bytes).unwrap();
        refused(&node, &forged, None).await;
    }
    refused(&node, &good[..good.len() - 1], None).await;
    refused(&node, &format!("{good}.{good}"), None).await;
    assert_eq!(
        add(&node, &good).await.code,
        Code::Ok,
        "the whole of it is taken"
    );
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_licence_signed_by_somebody_else_is_refused() {
    let node = Node::start().await;
    let claims = claims("l-2", NOW.as_secs(), NOW.as_secs() + 90 * DAY);
    let head = header("root", "");
    // Claims edited under an old signature.
    let good = envelope();
    let signature = good.rsplit('.').next().unwrap();
    let edited = format!("{}.{}.{signature}", encode(&head), encode(&claims));
    refused(&node, &edited, Some("LICENCE_SIGNATURE_WRONG")).await;
    let borrowed = seal(STRANGER, &head, &claims);
    refused(&node, &borrowed, Some("LICENCE_SIGNATURE_WRONG")).await;
    let stranger = seal(STRANGER, &header("stranger", ""), &claims);
    refused(&node, &stranger, Some("LICENCE_KEY_UNKNOWN")).await;
    for algorithm in ["none", "HS256"] {
        let weak = head.replace("EdDSA", algorithm);
        let unsigned = format!("{}.{}.", encode(&weak), encode(&claims));
        refused(&node, &unsigned, Some("LICENCE_ALGORITHM_WRONG")).await;
        refused(
            &node,
            &seal(ROOT, &weak, &claims),
            Some("LICENCE_ALGORITHM_WRONG"),
        )
        .await;
    }
    let other_type = head.replace("takt-licence+jws", "takt-revocations+jws");
    refused(
        &node,
        &seal(ROOT, &other_type, &claims),
        Some("LICENCE_TYPE_WRONG"),
    )
    .await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_with_a_broken_link_holds_nothing() {
    let node = Node::start().await;
    let claims = claims("l-2", NOW.as_secs(), NOW.as_secs() + 90 * DAY);
    let chained = |signer: u8, links: &[String]| {
        let links: Vec<String> = links.iter().map(|link| format!("\"{link}\"")).collect();
        let more = format!(r#","chain":[{}]"#, links.join(","));
        seal(signer, &header("delegate", &more), &claims)
    };
    let link = delegation(ROOT, "root", "delegate", DELEGATE);
    for (forged, reason) in [
        (chained(DELEGATE, &[]), "LICENCE_KEY_UNKNOWN"),
        (
            chained(STRANGER, std::slice::from_ref(&link)),
            "LICENCE_SIGNATURE_WRONG",
        ),
        (
            chained(
                DELEGATE,
                &[delegation(STRANGER, "root", "delegate", DELEGATE)],
            ),
            "LICENCE_SIGNATURE_WRONG",
        ),
        (
            chained(
                DELEGATE,
                &[delegation(STRANGER, "stranger", "delegate", DELEGATE)],
            ),
            "LICENCE_KEY_UNKNOWN",
        ),
        (
            chained(DELEGATE, &[delegation(ROOT, "root", "other", DELEGATE)]),
            "LICENCE_CHAIN_BROKEN",
        ),
        (
            chained(
                DELEGATE,
                &[link.clone(), delegation(ROOT, "root", "delegate", DELEGATE)],
            ),
            "LICENCE_CHAIN_BROKEN",
        ),
    ] {
        refused(&node, &forged, Some(reason)).await;
    }
    let whole = add(&node, &chained(DELEGATE, &[link])).await;
    assert_eq!(whole.code, Code::Ok, "{whole:?}");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_set_back_brings_nothing_back() {
    let node = Node::start().await;
    let now = NOW.as_secs();
    let future = claims("l-2", now + 5 * DAY, now + 90 * DAY).replace(
        &format!("\"nbf\":{}", now + 5 * DAY),
        &format!("\"nbf\":{now}"),
    );
    refused(
        &node,
        &seal(ROOT, &header("root", ""), &future),
        Some("LICENCE_FROM_THE_FUTURE"),
    )
    .await;
    let brief = seal(ROOT, &header("root", ""), &claims("l-3", now, now + DAY));
    assert_eq!(add(&node, &brief).await.code, Code::Ok);
    // Something happens in a hundred days, and then the clock is set back to when the licence held.
    node.clock
        .advance(std::time::Duration::from_secs(100 * DAY));
    let tenant = node.about(AdminMethod::TenantSuspendTenant, "other");
    let admin = format!("Bearer {}", node.admin);
    let later = node
        .call(AdminMethod::TenantSuspendTenant, &admin, &tenant)
        .await;
    assert_eq!(later.code, Code::Ok, "{later:?}");
    node.clock.set(NOW);
    let status = node
        .ask(
            AdminMethod::LicenceGetLicenceStatus,
            &wire::GetLicenceStatusRequest {},
        )
        .await;
    let status: wire::GetLicenceStatusResponse = status.read();
    assert_eq!(status.state(), wire::LicenceState::Degraded, "{status:?}");
    assert!(status.now >= NOW.0 + 99 * DAY * 1_000_000_000);
    let again = seal(ROOT, &header("root", ""), &claims("l-4", now, now + DAY));
    refused(&node, &again, Some("LICENCE_EXPIRED")).await;
    node.stop().await;
}

pub(crate) fn trust() -> Trust {
    let public = key(ROOT).public_key().as_ref().try_into().unwrap();
    Trust {
        roots: vec![Key::ed25519("root", public)],
        product: "takt".into(),
    }
}

/// A licence that holds.
pub(crate) fn envelope() -> String {
    let (from, until) = (NOW.as_secs(), NOW.as_secs() + 90 * DAY);
    seal(ROOT, &header("root", ""), &claims("l-1", from, until))
}

pub(crate) fn revocations(epoch: u64) -> String {
    let header = r#"{"alg":"EdDSA","typ":"takt-revocations+jws","kid":"root"}"#;
    let issued = NOW.as_secs();
    let payload =
        format!(r#"{{"epoch":{epoch},"minimum":0,"licences":["l-9"],"keys":[],"iat":{issued}}}"#);
    seal(ROOT, header, &payload)
}

async fn add(node: &Node, envelope: &str) -> crate::node::Answer {
    let request = wire::AddLicenceRequest {
        envelope: envelope.into(),
        ..wire::AddLicenceRequest::default()
    };
    node.ask(AdminMethod::LicenceAddLicence, &request).await
}

async fn refused(node: &Node, envelope: &str, reason: Option<&str>) {
    let answer = node.unchanged(add(node, envelope)).await;
    assert!(
        [Code::InvalidArgument, Code::FailedPrecondition].contains(&answer.code),
        "{answer:?}: {envelope}"
    );
    if let Some(reason) = reason {
        assert_eq!(answer.reason, reason, "{envelope}");
    }
    node.recorded(AdminMethod::LicenceAddLicence, answer.code, &answer.reason)
        .await;
}

fn claims(id: &str, from: u64, until: u64) -> String {
    format!(
        r#"{{"licence":"{id}","customer":"Shop","products":["takt"],"iat":{from},"nbf":{from},"exp":{until}}}"#
    )
}

fn header(signer: &str, more: &str) -> String {
    format!(r#"{{"alg":"EdDSA","typ":"takt-licence+jws","kid":"{signer}"{more}}}"#)
}

fn delegation(signer: u8, issuer: &str, to: &str, of: u8) -> String {
    let header = format!(r#"{{"alg":"EdDSA","typ":"takt-delegation+jws","kid":"{issuer}"}}"#);
    let key = URL_SAFE_NO_PAD.encode(key(of).public_key().as_ref());
    let (from, until) = (NOW.as_secs() - DAY, NOW.as_secs() + DAY);
    let payload =
        format!(r#"{{"kid":"{to}","alg":"EdDSA","key":"{key}","nbf":{from},"exp":{until}}}"#);
    seal(signer, &header, &payload)
}

fn seal(signer: u8, header: &str, payload: &str) -> String {
    let signed = format!("{}.{}", encode(header), encode(payload));
    let signature = key(signer).sign(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn encode(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

fn key(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}
