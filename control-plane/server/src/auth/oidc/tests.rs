//! An issuer of our own, and everything that can be wrong with its tokens.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{EncodingKey, Header};
use serde_json::json;
use takt_domain::access::{IssuerSpec, Mapping};
use takt_kit::ManualClock;
use takt_model::Revision;

use super::*;

const NOW: UnixNano = UnixNano::from_secs(1_700_000_000);

#[tokio::test]
async fn who_is_vouched_for_gets_the_policies_of_the_claims() {
    let corp = Corp::new();
    let vouched = corp.verify(&corp.token("one", claims())).await.unwrap();
    assert_eq!(
        (vouched.issuer.as_str(), vouched.subject.as_str()),
        ("corp", "ada")
    );
    let policies: Vec<&str> = vouched.policies.iter().map(Name::as_str).collect();
    assert_eq!(policies, ["readers", "writers", "admins"]);
}

#[tokio::test]
async fn whatever_is_wrong_with_a_token_it_is_not_taken() {
    let corp = Corp::new();
    let with = |claim: &str, value: Value| {
        let mut claims = claims();
        claims.insert(claim.to_owned(), value);
        corp.token("one", claims)
    };
    let without = |claim: &str| {
        let mut claims = claims();
        claims.remove(claim);
        corp.token("one", claims)
    };
    let now = NOW.as_secs();
    let good = corp.token("one", claims());
    let (head, rest) = good.split_once('.').unwrap();
    let (body, signature) = rest.split_once('.').unwrap();
    let other = with("sub", json!("eve"));
    let stolen = other.split('.').nth(1).unwrap();
    let none = Header {
        kid: Some("one".into()),
        ..Header::default()
    };
    let shared =
        jsonwebtoken::encode(&none, &claims(), &EncodingKey::from_secret(b"public")).unwrap();
    let mut nameless = Header::new(Jose::ES256);
    nameless.kid = None;
    let nameless = jsonwebtoken::encode(&nameless, &claims(), &corp.key).unwrap();
    for (token, refused) in [
        (
            format!("{head}.{stolen}.{signature}"),
            Refused::SignatureWrong,
        ),
        (format!("{head}.{body}."), Refused::SignatureWrong),
        // {"alg":"none","kid":"one"}
        (
            format!("eyJhbGciOiJub25lIiwia2lkIjoib25lIn0.{body}."),
            Refused::Malformed,
        ),
        (shared, Refused::AlgorithmWrong),
        (nameless, Refused::KeyUnknown),
        (corp.token("two", claims()), Refused::KeyUnknown),
        (
            with("iss", json!("https://evil.example")),
            Refused::IssuerUnknown,
        ),
        (without("iss"), Refused::IssuerUnknown),
        (with("aud", json!("others")), Refused::AudienceWrong),
        (without("aud"), Refused::AudienceWrong),
        (
            with("aud", json!(["takt", "others"])),
            Refused::AudienceWrong,
        ),
        (with("exp", json!(now - 60)), Refused::Expired),
        (without("exp"), Refused::Malformed),
        (with("exp", json!("soon")), Refused::Malformed),
        (with("nbf", json!(now + 61)), Refused::NotYet),
        (with("iat", json!(now + 61)), Refused::NotYet),
        (with("iat", json!(now - 3661)), Refused::TooOld),
        (without("iat"), Refused::Malformed),
        (with("hd", json!("evil.example")), Refused::ClaimWrong),
        (without("hd"), Refused::ClaimWrong),
        (without("sub"), Refused::ClaimWrong),
        ("a.b.c".to_owned(), Refused::Malformed),
    ] {
        assert_eq!(corp.verify(&token).await.unwrap_err(), refused, "{token}");
    }
    for token in [
        with("exp", json!(now - 59)),
        with("nbf", json!(now + 60)),
        with("iat", json!(now - 3660)),
    ] {
        assert!(corp.verify(&token).await.is_ok(), "a minute of leeway");
    }
    let mut several = claims();
    several.insert("aud".into(), json!(["takt", "others"]));
    several.insert("azp".into(), json!("takt"));
    assert!(corp.verify(&corp.token("one", several)).await.is_ok());
}

#[tokio::test]
async fn keys_are_fetched_seldom_and_outlive_their_issuer_for_a_day() {
    let corp = Corp::new();
    let fetched = || corp.issuer.asked.load(Ordering::Relaxed);
    let good = corp.token("one", fresh_for(Duration::from_secs(2 * 86_400)));
    for _ in 0..3 {
        corp.verify(&good).await.unwrap();
    }
    assert_eq!(fetched(), 1);
    for _ in 0..3 {
        let refused = corp.verify(&corp.token("two", claims())).await.unwrap_err();
        assert_eq!(refused, Refused::KeyUnknown);
    }
    assert_eq!(fetched(), 1, "unknown names do not make us ask at once");
    corp.clock.advance(Duration::from_secs(30));
    corp.verify(&corp.token("two", claims())).await.unwrap_err();
    assert_eq!(fetched(), 2, "but then they do");
    corp.issuer.away.store(true, Ordering::Relaxed);
    corp.clock.advance(Duration::from_secs(3600));
    corp.find("one").await.unwrap();
    assert_eq!(fetched(), 3, "stale keys hold while nobody answers");
    corp.clock.advance(Duration::from_secs(24 * 3600));
    assert_eq!(
        corp.find("one").await.unwrap_err(),
        Refused::KeysUnavailable
    );
}

#[tokio::test]
async fn an_issuer_that_is_switched_off_vouches_for_nobody() {
    let mut corp = Corp::new();
    corp.access = access(true);
    let refused = corp.verify(&corp.token("one", claims())).await.unwrap_err();
    assert_eq!(refused, Refused::IssuerUnknown);
}

#[test]
fn a_public_key_is_told_how_long_it_may_be_kept() {
    let keys = [
        ("max-age=60", Some(60)),
        ("public, max-age=5", Some(5)),
        ("no-store", None),
    ];
    for (control, seconds) in keys {
        assert_eq!(keys::max_age(control), seconds.map(Duration::from_secs));
    }
}

/// An issuer with one key.
struct Corp {
    key: EncodingKey,
    issuer: Arc<Issues>,
    access: Access,
    keys: Keys,
    clock: ManualClock,
}

#[derive(Debug)]
struct Issues {
    body: Vec<u8>,
    asked: AtomicUsize,
    away: AtomicBool,
}

#[tonic::async_trait]
impl Fetch for Issues {
    async fn fetch(&self, url: &str) -> Result<(Vec<u8>, Option<Duration>), FetchError> {
        assert_eq!(url, "https://accounts.example/keys");
        self.asked.fetch_add(1, Ordering::Relaxed);
        if self.away.load(Ordering::Relaxed) {
            return Err(FetchError::Status(503));
        }
        Ok((self.body.clone(), None))
    }
}

impl Corp {
    fn new() -> Self {
        let pair = rcgen::KeyPair::generate().unwrap();
        let key = EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()).unwrap();
        let mut public = Jwk::from_encoding_key(&key, Jose::ES256).unwrap();
        public.common.key_id = Some("one".into());
        let set = JwkSet { keys: vec![public] };
        let issuer = Arc::new(Issues {
            body: serde_json::to_vec(&set).unwrap(),
            asked: AtomicUsize::new(0),
            away: AtomicBool::new(false),
        });
        let clock = ManualClock::at(NOW);
        Self {
            key,
            access: access(false),
            keys: Keys::new(
                Arc::clone(&issuer) as Arc<dyn Fetch>,
                Arc::new(clock.clone()),
            ),
            issuer,
            clock,
        }
    }

    fn token(&self, kid: &str, claims: Claims) -> String {
        let mut header = Header::new(Jose::ES256);
        header.kid = Some(kid.to_owned());
        jsonwebtoken::encode(&header, &claims, &self.key).unwrap()
    }

    async fn verify(&self, token: &str) -> Result<Vouched, Refused> {
        let clock: Arc<dyn Clock> = Arc::new(self.clock.clone());
        verify(&self.access, &self.keys, &clock, token).await
    }

    async fn find(&self, kid: &str) -> Result<Jwk, Refused> {
        self.keys.key("https://accounts.example/keys", kid).await
    }
}

fn access(inactive: bool) -> Access {
    let mapping = |claim: &str, pattern: &str, policy: Option<&str>| Mapping {
        claim: claim.into(),
        pattern: pattern.into(),
        policy: policy.map(|policy| Name::new(policy).unwrap()),
    };
    let spec = IssuerSpec {
        issuer: "https://accounts.example".into(),
        audiences: ["takt".into()].into(),
        jwks_url: "https://accounts.example/keys".into(),
        algorithms: [Algorithm::Es256].into(),
        required: [("hd".into(), "example".into())].into(),
        mappings: vec![
            mapping("groups", "takt-(.*)", None),
            mapping("realm.role", "boss", Some("admins")),
        ],
        max_age_seconds: 3600,
        inactive,
        ..IssuerSpec::default()
    };
    let issuer = Issuer {
        spec: Arc::new(spec),
        created_at: NOW,
        version: Revision(1),
    };
    let name = Name::new("corp").unwrap();
    Access::restore([], [], [(name, issuer)], Revision(1))
}

fn claims() -> Claims {
    fresh_for(Duration::from_secs(300))
}

fn fresh_for(duration: Duration) -> Claims {
    let now = NOW.as_secs();
    let claims = json!({
        "iss": "https://accounts.example",
        "sub": "ada",
        "aud": "takt",
        "iat": now,
        "exp": now + duration.as_secs(),
        "hd": "example",
        "groups": ["takt-readers", "takt-writers", "takt-readers", "others", 7],
        "realm": { "role": "boss" },
    });
    claims.as_object().unwrap().clone()
}
