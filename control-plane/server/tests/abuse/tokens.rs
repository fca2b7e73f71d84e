//! Tokens that are shown again when they do not count any more, and tokens of an issuer that never did.

use std::time::Duration;

use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Map, Value, json};
use takt_server::auth::{Fetch, FetchError};
use takt_wire::methods::AdminMethod;
use takt_wire::takt::admin::v1 as wire;
use tonic::Code;

use crate::node::{NOW, Node};

const METHOD: AdminMethod = AdminMethod::TenantListTenants;

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_was_replaced_opens_nothing_under_its_old_secret() {
    let node = Node::start().await;
    let make = async || {
        let request = wire::CreateTokenRequest {
            name: "rotated".into(),
            policy: "viewer".into(),
            ..wire::CreateTokenRequest::default()
        };
        node.create_token(request).await.secret
    };
    let delete = wire::DeleteTokenRequest {
        name: "rotated".into(),
        ..wire::DeleteTokenRequest::default()
    };
    let old = make().await;
    assert_eq!(
        node.call(METHOD, &format!("Bearer {old}"), &[]).await.code,
        Code::Ok
    );
    let deleted = node.ask(AdminMethod::TokenDeleteToken, &delete).await;
    assert_eq!(deleted.code, Code::Ok);
    let new = make().await;
    refused(&node, &old, "TOKEN_UNKNOWN").await;
    assert_eq!(
        node.call(METHOD, &format!("Bearer {new}"), &[]).await.code,
        Code::Ok
    );
    node.revoke("rotated").await;
    refused(&node, &new, "TOKEN_REVOKED").await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_an_issuer_is_taken_only_as_it_was_issued() {
    let node = Node::start().await;
    let corp = &node.corp;
    let good = corp.token("one", &claims());
    assert_eq!(
        node.call(METHOD, &format!("Bearer {good}"), &[]).await.code,
        Code::Ok
    );
    let now = NOW.as_secs();
    let with = |claim: &str, value: Value| {
        let mut claims = claims();
        claims.insert(claim.to_owned(), value);
        corp.token("one", &claims)
    };
    let (head, rest) = good.split_once('.').unwrap();
    let (body, signature) = rest.split_once('.').unwrap();
    let eve = with("sub", json!("eve"));
    let stolen = eve.split('.').nth(1).unwrap();
    // {"alg":"none","kid":"one"}
    let none = format!("eyJhbGciOiJub25lIiwia2lkIjoib25lIn0.{body}.");
    let shared = Header {
        kid: Some("one".into()),
        ..Header::default()
    };
    let public = EncodingKey::from_secret(&corp.body);
    let shared = jsonwebtoken::encode(&shared, &claims(), &public).unwrap();
    for (token, reason) in [
        (with("exp", json!(now - 60)), "JWT_EXPIRED"),
        (with("nbf", json!(now + 61)), "JWT_NOT_YET"),
        (with("aud", json!("others")), "JWT_AUDIENCE_WRONG"),
        (
            with("iss", json!("https://evil.example")),
            "JWT_ISSUER_UNKNOWN",
        ),
        (none, "JWT_MALFORMED"),
        (shared, "JWT_ALGORITHM_WRONG"),
        (corp.token("two", &claims()), "JWT_KEY_UNKNOWN"),
        (
            format!("{head}.{stolen}.{signature}"),
            "JWT_SIGNATURE_WRONG",
        ),
        (Corp::new().token("one", &claims()), "JWT_SIGNATURE_WRONG"),
    ] {
        refused(&node, &token, reason).await;
    }
    node.clock.advance(Duration::from_secs(400));
    refused(&node, &good, "JWT_EXPIRED").await;
    node.stop().await;
}

async fn refused(node: &Node, token: &str, reason: &str) {
    for method in [METHOD, AdminMethod::TenantCreateTenant] {
        let authorization = format!("Bearer {token}");
        let answer = node.unchanged(node.call(method, &authorization, &[])).await;
        assert_eq!(answer.code, Code::Unauthenticated, "{reason}: {token}");
        assert_eq!(answer.reason, "UNAUTHENTICATED", "nothing is told");
        node.recorded(method, Code::Unauthenticated, reason).await;
    }
}

/// An issuer with one key.
#[derive(Clone)]
pub(crate) struct Corp {
    key: EncodingKey,
    body: Vec<u8>,
}

impl std::fmt::Debug for Corp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Corp(..)")
    }
}

impl Corp {
    pub(crate) fn new() -> Self {
        let pair = rcgen::KeyPair::generate().unwrap();
        let key = EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()).unwrap();
        let mut public = Jwk::from_encoding_key(&key, Algorithm::ES256).unwrap();
        public.common.key_id = Some("one".into());
        let set = JwkSet { keys: vec![public] };
        Self {
            key,
            body: serde_json::to_vec(&set).unwrap(),
        }
    }

    fn token(&self, kid: &str, claims: &Map<String, Value>) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(kid.to_owned());
        jsonwebtoken::encode(&header, claims, &self.key).unwrap()
    }
}

#[tonic::async_trait]
impl Fetch for Corp {
    async fn fetch(&self, _: &str) -> Result<(Vec<u8>, Option<Duration>), FetchError> {
        Ok((self.body.clone(), None))
    }
}

/// Ada's, who is a viewer.
fn claims() -> Map<String, Value> {
    let now = NOW.as_secs();
    let claims = json!({
        "iss": "https://accounts.example",
        "sub": "ada",
        "aud": "takt",
        "iat": now,
        "exp": now + 300,
        "groups": ["takt-viewer"],
    });
    claims.as_object().unwrap().clone()
}
