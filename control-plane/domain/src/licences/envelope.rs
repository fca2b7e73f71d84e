//! Opening signed envelopes, offline: who signed, with what key, and what it says. Pure and deterministic.
//!
//! An envelope is a JWS in compact form: `header.payload.signature`, each base64url without padding.
//! There are three types, told apart by `typ` so that none can pass for another:
//!
//! - `takt-licence+jws`: a licence, see [`Claims`];
//! - `takt-delegation+jws`: a key that another key lets sign, carried in the `chain` of a licence's header, the
//!   first signed by a root, each further one by the key before it, the licence by the last;
//! - `takt-revocations+jws`: licences and keys that no longer count, signed by a root itself.
//!
//! The header names the key (`kid`). The algorithm belongs to the key; a header that names another is
//! refused, and `none` is no key's. Names in `crit`, of the header or of the payload, must be understood; all
//! others may be skipped. A name that stands twice is refused.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use takt_model::UnixNano;
use uuid::Uuid;

use super::trust::{Algorithm, Key, Trust};
use super::{Claims, Rejection, Revocations};

pub const MAX_ENVELOPE_BYTES: usize = 64 * 1024;
/// Keys between a root and a licence.
pub const MAX_CHAIN: usize = 3;
pub const MAX_NAME_BYTES: usize = 256;
pub const MAX_NAMES: usize = 64;
pub const MAX_REVOKED: usize = 1024;
pub const MAX_GRACE_DAYS: u32 = 366;

const LICENCE: &str = "takt-licence+jws";
const DELEGATION: &str = "takt-delegation+jws";
const REVOCATIONS: &str = "takt-revocations+jws";

/// An envelope that holds: its content, and the ids of the keys that vouch for it, the root first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened<T> {
    pub content: T,
    pub signers: Vec<String>,
}

/// A licence, if its signatures hold and it makes sense. Whether it is for this installation and in time is asked
/// elsewhere.
///
/// # Errors
/// When it is not what a trusted key signed.
pub fn open_licence(envelope: &str, trust: &Trust) -> Result<Opened<Claims>, Rejection> {
    let parts = Parts::of(envelope, LICENCE)?;
    let (key, delegations) = chain(&parts.header, trust)?;
    parts.verify(&key)?;
    let raw: RawLicence = parts.payload()?;
    understood(&raw.crit, RawLicence::NAMES)?;
    let claims = raw.claims()?;
    for delegation in &delegations {
        delegation.covers(&claims)?;
    }
    let root = delegations
        .first()
        .map_or(&parts.header.kid, |first| &first.issuer);
    let mut signers = vec![root.clone()];
    signers.extend(
        delegations
            .iter()
            .map(|delegation| delegation.key.id.clone()),
    );
    Ok(Opened {
        content: claims,
        signers,
    })
}

/// A list of what no longer counts, if a root signed it.
///
/// # Errors
/// When it is not what a root signed.
pub fn open_revocations(envelope: &str, trust: &Trust) -> Result<Opened<Revocations>, Rejection> {
    let parts = Parts::of(envelope, REVOCATIONS)?;
    if !parts.header.chain.is_empty() {
        return Err(Rejection::ChainBroken(
            "a list of revocations is signed by a root itself".into(),
        ));
    }
    parts.verify(trust.root(&parts.header.kid)?)?;
    let raw: RawRevocations = parts.payload()?;
    understood(&raw.crit, RawRevocations::NAMES)?;
    if raw.licences.len() + raw.keys.len() > MAX_REVOKED {
        return Err(malformed(format!(
            "more than {MAX_REVOKED} things are revoked"
        )));
    }
    let names = raw.licences.iter().chain(&raw.keys);
    names
        .clone()
        .try_for_each(|name| short("licences and keys", name))?;
    let content = Revocations {
        epoch: raw.epoch,
        minimum: raw.minimum,
        licences: raw.licences,
        keys: raw.keys,
        issued: seconds("iat", raw.iat)?,
    };
    Ok(Opened {
        content,
        signers: vec![parts.header.kid],
    })
}

/// An envelope taken apart, not believed yet.
struct Parts<'a> {
    header: Header,
    payload: &'a str,
    signed: &'a [u8],
    signature: Vec<u8>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: String,
    kid: String,
    #[serde(default)]
    crit: BTreeSet<String>,
    #[serde(default)]
    chain: Vec<String>,
}

impl<'a> Parts<'a> {
    fn of(envelope: &'a str, expected: &'static str) -> Result<Self, Rejection> {
        if envelope.len() > MAX_ENVELOPE_BYTES {
            return Err(Rejection::EnvelopeTooLong(envelope.len()));
        }
        let mut parts = envelope.split('.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(malformed("it is not `header.payload.signature`"));
        };
        let signed = &envelope.as_bytes()[..header.len() + 1 + payload.len()];
        let header: Header = json("header", header)?;
        if header.typ != expected {
            return Err(Rejection::TypeWrong {
                expected,
                found: header.typ.chars().take(64).collect(),
            });
        }
        short("kid", &header.kid)?;
        understood(&header.crit, &["alg", "typ", "kid", "chain"])?;
        Ok(Self {
            header,
            payload,
            signed,
            signature: base64("signature", signature)?,
        })
    }

    fn verify(&self, key: &Key) -> Result<(), Rejection> {
        if self.header.alg != key.algorithm.name() {
            return Err(Rejection::AlgorithmWrong {
                key: key.id.clone(),
                expected: key.algorithm.name(),
                found: self.header.alg.chars().take(64).collect(),
            });
        }
        key.verify(self.signed, &self.signature)
    }

    fn payload<T: DeserializeOwned>(&self) -> Result<T, Rejection> {
        json("payload", self.payload)
    }
}

/// A key that another key let sign.
struct Delegation {
    issuer: String,
    key: Key,
    from: UnixNano,
    until: UnixNano,
    /// Empty: any.
    products: BTreeSet<String>,
}

#[derive(Deserialize)]
struct RawDelegation {
    kid: String,
    alg: String,
    key: String,
    nbf: u64,
    exp: u64,
    #[serde(default)]
    products: BTreeSet<String>,
    #[serde(default)]
    crit: BTreeSet<String>,
}

/// The key that signs the licence, and how a root comes to vouch for it.
fn chain(header: &Header, trust: &Trust) -> Result<(Key, Vec<Delegation>), Rejection> {
    if header.chain.len() > MAX_CHAIN {
        return Err(Rejection::ChainBroken(format!(
            "it has {} keys, at most {MAX_CHAIN} are allowed",
            header.chain.len()
        )));
    }
    let mut delegations: Vec<Delegation> = Vec::new();
    for envelope in &header.chain {
        let delegation = delegation(envelope, delegations.last(), trust)?;
        delegations.push(delegation);
    }
    let Some(last) = delegations.last() else {
        return Ok((trust.root(&header.kid)?.clone(), delegations));
    };
    if last.key.id != header.kid {
        return Err(Rejection::ChainBroken(format!(
            "it ends at key `{}`, the licence is signed with `{}`",
            last.key.id, header.kid
        )));
    }
    Ok((last.key.clone(), delegations))
}

fn delegation(
    envelope: &str,
    before: Option<&Delegation>,
    trust: &Trust,
) -> Result<Delegation, Rejection> {
    let parts = Parts::of(envelope, DELEGATION)?;
    let issuer = &parts.header.kid;
    match before {
        Some(before) if before.key.id == *issuer => parts.verify(&before.key)?,
        Some(before) => {
            return Err(Rejection::ChainBroken(format!(
                "`{issuer}` signed where `{}` should",
                before.key.id
            )));
        }
        None => parts.verify(trust.root(issuer)?)?,
    }
    let raw: RawDelegation = parts.payload()?;
    understood(&raw.crit, &["kid", "alg", "key", "nbf", "exp", "products"])?;
    short("kid", &raw.kid)?;
    if raw.alg != Algorithm::EdDsa.name() {
        return Err(Rejection::AlgorithmWrong {
            key: raw.kid,
            expected: Algorithm::EdDsa.name(),
            found: raw.alg.chars().take(64).collect(),
        });
    }
    if trust.root(&raw.kid).is_ok() {
        return Err(Rejection::ChainBroken(format!(
            "`{}` is the name of a root",
            raw.kid
        )));
    }
    let public = base64("key", &raw.key)?;
    let public = public
        .try_into()
        .map_err(|_| malformed("a public key has 32 bytes"))?;
    Ok(Delegation {
        issuer: parts.header.kid,
        key: Key::ed25519(raw.kid, public),
        from: seconds("nbf", raw.nbf)?,
        until: seconds("exp", raw.exp)?,
        products: raw.products,
    })
}

impl Delegation {
    /// A key signs in its time; what it signed stays good after it.
    fn covers(&self, claims: &Claims) -> Result<(), Rejection> {
        if !(self.from..=self.until).contains(&claims.issued) {
            return Err(Rejection::ChainBroken(format!(
                "key `{}` was not to sign when the licence was issued",
                self.key.id
            )));
        }
        let alien = claims
            .products
            .iter()
            .find(|product| !self.products.is_empty() && !self.products.contains(*product));
        match alien {
            Some(product) => Err(Rejection::ChainBroken(format!(
                "key `{}` is not to sign for product `{product}`",
                self.key.id
            ))),
            None => Ok(()),
        }
    }
}

/// Times are in Unix seconds, as in any JWT.
#[derive(Deserialize)]
struct RawLicence {
    licence: String,
    customer: String,
    products: BTreeSet<String>,
    #[serde(default)]
    edition: String,
    #[serde(default)]
    features: BTreeSet<String>,
    #[serde(default)]
    limits: BTreeMap<String, u64>,
    cluster: Option<Uuid>,
    iat: u64,
    nbf: u64,
    exp: u64,
    #[serde(default)]
    grace_days: u32,
    support_until: Option<u64>,
    #[serde(default)]
    revocation_epoch: u64,
    #[serde(default)]
    crit: BTreeSet<String>,
}

impl RawLicence {
    const NAMES: &'static [&'static str] = &[
        "licence",
        "customer",
        "products",
        "edition",
        "features",
        "limits",
        "cluster",
        "iat",
        "nbf",
        "exp",
        "grace_days",
        "support_until",
        "revocation_epoch",
    ];

    fn claims(self) -> Result<Claims, Rejection> {
        if self.licence.is_empty() {
            return Err(malformed("`licence`, its id, is empty"));
        }
        let counts = [self.products.len(), self.features.len(), self.limits.len()];
        if counts.iter().any(|count| *count > MAX_NAMES) {
            return Err(malformed(format!(
                "more than {MAX_NAMES} products, features or limits"
            )));
        }
        let single = [&self.licence, &self.customer, &self.edition];
        let names = single
            .into_iter()
            .chain(&self.products)
            .chain(&self.features);
        for name in names.chain(self.limits.keys()) {
            short("names", name)?;
        }
        if self.grace_days > MAX_GRACE_DAYS {
            return Err(malformed(format!(
                "`grace_days` is more than {MAX_GRACE_DAYS}"
            )));
        }
        let claims = Claims {
            id: self.licence,
            customer: self.customer,
            products: self.products,
            edition: self.edition,
            features: self.features,
            limits: self.limits,
            cluster: self.cluster,
            issued: seconds("iat", self.iat)?,
            not_before: seconds("nbf", self.nbf)?,
            expires: seconds("exp", self.exp)?,
            grace_days: self.grace_days,
            support_until: self
                .support_until
                .map(|until| seconds("support_until", until))
                .transpose()?,
            revocation_epoch: self.revocation_epoch,
        };
        if claims.expires <= claims.not_before {
            return Err(malformed("`exp` is not after `nbf`"));
        }
        Ok(claims)
    }
}

#[derive(Deserialize)]
struct RawRevocations {
    epoch: u64,
    #[serde(default)]
    minimum: u64,
    #[serde(default)]
    licences: BTreeSet<String>,
    #[serde(default)]
    keys: BTreeSet<String>,
    iat: u64,
    #[serde(default)]
    crit: BTreeSet<String>,
}

impl RawRevocations {
    const NAMES: &'static [&'static str] = &["epoch", "minimum", "licences", "keys", "iat"];
}

fn understood(critical: &BTreeSet<String>, names: &[&str]) -> Result<(), Rejection> {
    match critical.iter().find(|name| !names.contains(&name.as_str())) {
        Some(unknown) => Err(Rejection::CriticalUnknown(
            unknown.chars().take(64).collect(),
        )),
        None => Ok(()),
    }
}

fn malformed(what: impl Into<String>) -> Rejection {
    Rejection::EnvelopeMalformed(what.into())
}

fn short(what: &str, name: &str) -> Result<(), Rejection> {
    if name.len() > MAX_NAME_BYTES {
        return Err(malformed(format!(
            "{what} are at most {MAX_NAME_BYTES} bytes"
        )));
    }
    Ok(())
}

fn seconds(what: &str, seconds: u64) -> Result<UnixNano, Rejection> {
    let moment = UnixNano::from_secs(seconds);
    if moment.as_secs() != seconds {
        return Err(malformed(format!("`{what}` is beyond the year 2554")));
    }
    Ok(moment)
}

fn base64(what: &str, text: &str) -> Result<Vec<u8>, Rejection> {
    let bytes = URL_SAFE_NO_PAD.decode(text);
    bytes.map_err(|error| malformed(format!("the {what} is not base64url: {error}")))
}

fn json<T: DeserializeOwned>(what: &str, text: &str) -> Result<T, Rejection> {
    let bytes = base64(what, text)?;
    serde_json::from_slice(&bytes)
        .map_err(|error| malformed(format!("the {what} is not the JSON it should be: {error}")))
}
