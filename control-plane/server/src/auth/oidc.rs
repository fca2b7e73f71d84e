//! Tokens that others signed: OpenID Connect.
//!
//! Only algorithms with public keys, only those the issuer is entered with, only keys named by `kid`.
//! Times are held against our clock with a minute of leeway.

mod keys;

use std::sync::Arc;

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm as Jose, DecodingKey, Validation};
use serde_json::{Map, Value};
use takt_domain::access::{Access, Algorithm, Issuer, Name};
use takt_kit::Clock;
use takt_model::UnixNano;

pub use keys::{Fetch, FetchError, HttpKeys};
pub(super) use keys::{Keys, NoKeys};

const LEEWAY_SECONDS: u64 = 60;

type Claims = Map<String, Value>;

/// Somebody an issuer vouches for.
#[derive(Debug)]
pub(super) struct Vouched {
    pub(super) issuer: Name,
    pub(super) subject: String,
    /// What follows from the claims, whether there are such policies or not.
    pub(super) policies: Vec<Name>,
}

/// Why a signed token is not taken; callers are told no more than that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    Malformed,
    IssuerUnknown,
    AlgorithmWrong,
    KeyUnknown,
    KeysUnavailable,
    SignatureWrong,
    AudienceWrong,
    Expired,
    NotYet,
    TooOld,
    ClaimWrong,
}

impl Refused {
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Malformed => "JWT_MALFORMED",
            Self::IssuerUnknown => "JWT_ISSUER_UNKNOWN",
            Self::AlgorithmWrong => "JWT_ALGORITHM_WRONG",
            Self::KeyUnknown => "JWT_KEY_UNKNOWN",
            Self::KeysUnavailable => "JWT_KEYS_UNAVAILABLE",
            Self::SignatureWrong => "JWT_SIGNATURE_WRONG",
            Self::AudienceWrong => "JWT_AUDIENCE_WRONG",
            Self::Expired => "JWT_EXPIRED",
            Self::NotYet => "JWT_NOT_YET",
            Self::TooOld => "JWT_TOO_OLD",
            Self::ClaimWrong => "JWT_CLAIM_WRONG",
        }
    }
}

/// Whom a signed token stands for.
pub(super) async fn verify(
    access: &Access,
    keys: &Keys,
    clock: &Arc<dyn Clock>,
    token: &str,
) -> Result<Vouched, Refused> {
    let header = jsonwebtoken::decode_header(token).map_err(|_| Refused::Malformed)?;
    let kid = header.kid.as_deref().ok_or(Refused::KeyUnknown)?;
    // Not believed before the signature is verified; it only says whose keys to take.
    let claims: Claims =
        jsonwebtoken::dangerous::insecure_decode_claims(token).map_err(|_| Refused::Malformed)?;
    let said = claims
        .get("iss")
        .and_then(Value::as_str)
        .ok_or(Refused::IssuerUnknown)?;
    let mut issuers = access.issuers().iter();
    let found = issuers.find(|(_, issuer)| issuer.spec.issuer == said && !issuer.spec.inactive);
    let (name, issuer) = found.ok_or(Refused::IssuerUnknown)?;
    let algorithm = allowed(issuer, header.alg)?;
    let key = keys.key(&issuer.spec.jwks_url, kid).await?;
    let claims = signed(token, &key, algorithm)?;
    check(issuer, &claims, clock.now())?;
    let subject = claims.get("sub").and_then(Value::as_str);
    Ok(Vouched {
        issuer: name.clone(),
        subject: subject.ok_or(Refused::ClaimWrong)?.to_owned(),
        policies: policies(issuer, &claims),
    })
}

fn allowed(issuer: &Issuer, algorithm: Jose) -> Result<Jose, Refused> {
    let ours = match algorithm {
        Jose::RS256 => Algorithm::Rs256,
        Jose::RS384 => Algorithm::Rs384,
        Jose::RS512 => Algorithm::Rs512,
        Jose::PS256 => Algorithm::Ps256,
        Jose::PS384 => Algorithm::Ps384,
        Jose::PS512 => Algorithm::Ps512,
        Jose::ES256 => Algorithm::Es256,
        Jose::ES384 => Algorithm::Es384,
        Jose::EdDSA => Algorithm::EdDsa,
        // Whatever else there is; with a shared key (HS256), who can verify can also sign.
        _ => return Err(Refused::AlgorithmWrong),
    };
    if issuer.spec.algorithms.contains(&ours) {
        return Ok(algorithm);
    }
    Err(Refused::AlgorithmWrong)
}

fn signed(token: &str, key: &Jwk, algorithm: Jose) -> Result<Claims, Refused> {
    let said = key.common.key_algorithm;
    if said.is_some_and(|said| said.to_string() != format!("{algorithm:?}")) {
        return Err(Refused::AlgorithmWrong);
    }
    let key = DecodingKey::from_jwk(key).map_err(|_| Refused::KeyUnknown)?;
    let mut validation = Validation::new(algorithm);
    // Held against our own clock, and our own list, below.
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    let read =
        jsonwebtoken::decode(token, &key, &validation).map_err(|_| Refused::SignatureWrong)?;
    Ok(read.claims)
}

fn check(issuer: &Issuer, claims: &Claims, now: UnixNano) -> Result<(), Refused> {
    let spec = &issuer.spec;
    let now = now.as_secs();
    let seconds = |claim: &str| {
        claims
            .get(claim)
            .map(|value| value.as_u64().ok_or(Refused::Malformed))
            .transpose()
    };
    if claims.get("iss").and_then(Value::as_str) != Some(&spec.issuer) {
        return Err(Refused::IssuerUnknown);
    }
    let ends = seconds("exp")?.ok_or(Refused::Malformed)?;
    if ends.saturating_add(LEEWAY_SECONDS) <= now {
        return Err(Refused::Expired);
    }
    let begins = seconds("nbf")?.unwrap_or_default();
    let issued = seconds("iat")?.ok_or(Refused::Malformed)?;
    if begins.max(issued) > now.saturating_add(LEEWAY_SECONDS) {
        return Err(Refused::NotYet);
    }
    let oldest = u64::from(spec.max_age_seconds()).saturating_add(LEEWAY_SECONDS);
    if issued.saturating_add(oldest) < now {
        return Err(Refused::TooOld);
    }
    let audiences = texts(claims.get("aud"));
    if !audiences
        .iter()
        .any(|audience| spec.audiences.contains(*audience))
    {
        return Err(Refused::AudienceWrong);
    }
    // Made for several, it says who of them asked for it.
    let party = claims.get("azp").and_then(Value::as_str);
    if audiences.len() > 1 && !party.is_some_and(|party| spec.audiences.contains(party)) {
        return Err(Refused::AudienceWrong);
    }
    for (claim, wanted) in &spec.required {
        let fits = match find(claims, claim) {
            Some(Value::String(text)) => text == wanted,
            Some(Value::Bool(yes)) => yes.to_string() == *wanted,
            Some(Value::Number(number)) => number.to_string() == *wanted,
            Some(Value::Null | Value::Array(_) | Value::Object(_)) | None => false,
        };
        if !fits {
            return Err(Refused::ClaimWrong);
        }
    }
    Ok(())
}

fn policies(issuer: &Issuer, claims: &Claims) -> Vec<Name> {
    let mut policies = Vec::new();
    for mapping in &issuer.spec.mappings {
        for value in texts(find(claims, &mapping.claim)) {
            if let Some(policy) = mapping.policy_of(value)
                && !policies.contains(&policy)
            {
                policies.push(policy);
            }
        }
    }
    policies
}

/// A claim by its name as it is, or else by a path of names with dots between.
fn find<'a>(claims: &'a Claims, path: &str) -> Option<&'a Value> {
    if let Some(value) = claims.get(path) {
        return Some(value);
    }
    let (name, rest) = path.split_once('.')?;
    find(claims.get(name)?.as_object()?, rest)
}

/// A text, or those of a list.
fn texts(value: Option<&Value>) -> Vec<&str> {
    match value {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(values)) => values.iter().filter_map(Value::as_str).collect(),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => {
            Vec::new()
        }
    }
}

#[cfg(test)]
mod tests;
