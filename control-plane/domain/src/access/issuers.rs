//! OIDC issuers: who else may say who somebody is, and what follows from what they say.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use takt_model::{Revision, UnixNano};

use super::{Access, Event, Name, Rejection, bounded, policies, selector};
use crate::tenants;

pub const MAX_ISSUERS: usize = 64;
const MAX_AUDIENCES: usize = 16;
const MAX_MAPPINGS: usize = 32;
const MAX_REQUIRED: usize = 16;
const MAX_URL_BYTES: usize = 2048;
const MAX_CLAIM_BYTES: usize = 256;
/// A token older than this is never taken, whatever it says of itself.
pub const MAX_TOKEN_AGE_SECONDS: u32 = 86_400;

/// An issuer as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer {
    pub spec: Arc<IssuerSpec>,
    pub created_at: UnixNano,
    /// The revision after its last change.
    pub version: Revision,
}

/// What people say of an issuer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IssuerSpec {
    pub display_name: String,
    /// What its tokens say in `iss`, exactly.
    pub issuer: String,
    /// One of these must be in `aud`.
    pub audiences: BTreeSet<String>,
    /// Where its public keys are.
    pub jwks_url: String,
    /// What its tokens may be signed with.
    pub algorithms: BTreeSet<Algorithm>,
    /// Claims that must have exactly this value.
    pub required: BTreeMap<String, String>,
    /// Which policies follow from which claims; all that fit count.
    pub mappings: Vec<Mapping>,
    /// How long after it was issued a token is taken; 0 is the longest there is.
    pub max_age_seconds: u32,
    /// Switched off, its tokens are not taken.
    pub inactive: bool,
}

/// Only signatures with public keys; the names are those of JOSE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    EdDsa,
}

impl Algorithm {
    pub const ALL: [Self; 9] = [
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Es256,
        Self::Es384,
        Self::EdDsa,
    ];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
        }
    }

    /// # Errors
    /// When it is not one of these; `none` and keyed hashes never are.
    pub fn parse(text: &str) -> Result<Self, Rejection> {
        let found = Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name() == text);
        found.ok_or_else(|| Rejection::AlgorithmRefused(text.chars().take(64).collect()))
    }
}

/// From a claim to a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// A claim that is a text or a list of texts; dots reach into objects.
    pub claim: String,
    /// The whole value must match.
    pub pattern: String,
    /// The policy that follows; without one, the first group of the pattern names it.
    pub policy: Option<Name>,
}

impl Mapping {
    /// The policies that follow from one value of the claim.
    #[must_use]
    pub fn policy_of(&self, value: &str) -> Option<Name> {
        let found = selector::regex(&self.pattern).ok()?;
        let groups = found.captures(value)?;
        match &self.policy {
            Some(policy) => Some(policy.clone()),
            None => Name::new(groups.get(1)?.as_str()).ok(),
        }
    }

    fn check(&self) -> Result<(), Rejection> {
        let claim = self.claim.len();
        bounded("spec.mappings.claim", claim, MAX_CLAIM_BYTES)?;
        if claim == 0 {
            return Err(Rejection::MappingInvalid("the claim is empty".into()));
        }
        let regex = selector::regex(&self.pattern).map_err(Rejection::MappingInvalid)?;
        if self.policy.is_none() && regex.captures_len() < 2 {
            let why = format!(
                "`{}` has no group to take a policy's name from",
                self.pattern
            );
            return Err(Rejection::MappingInvalid(why));
        }
        Ok(())
    }
}

impl IssuerSpec {
    fn check(&self) -> Result<(), Rejection> {
        bounded(
            "spec.display_name",
            self.display_name.len(),
            policies::MAX_DISPLAY_NAME_BYTES,
        )?;
        bounded("spec.audiences", self.audiences.len(), MAX_AUDIENCES)?;
        bounded("spec.mappings", self.mappings.len(), MAX_MAPPINGS)?;
        bounded("spec.required", self.required.len(), MAX_REQUIRED)?;
        let texts = self.required.iter().flat_map(|(key, value)| [key, value]);
        for text in texts.chain(&self.audiences) {
            bounded("spec.required", text.len(), MAX_CLAIM_BYTES)?;
        }
        if self.audiences.is_empty() || self.audiences.contains("") {
            return Err(Rejection::AudienceMissing);
        }
        if self.algorithms.is_empty() {
            return Err(Rejection::AlgorithmsMissing);
        }
        if self.max_age_seconds > MAX_TOKEN_AGE_SECONDS {
            return Err(Rejection::MaxAgeTooLong(self.max_age_seconds));
        }
        url("spec.issuer", &self.issuer)?;
        url("spec.jwks_url", &self.jwks_url)?;
        self.mappings.iter().try_for_each(Mapping::check)
    }

    /// How old a token may be.
    #[must_use]
    pub fn max_age_seconds(&self) -> u32 {
        match self.max_age_seconds {
            0 => MAX_TOKEN_AGE_SECONDS,
            seconds => seconds,
        }
    }
}

/// Keys that come over the network in the clear can be anybody's; on the machine itself they cannot.
fn url(field: &'static str, text: &str) -> Result<(), Rejection> {
    bounded(field, text.len(), MAX_URL_BYTES)?;
    let refuse = || Rejection::UrlInvalid {
        field,
        url: text.to_owned(),
    };
    let (scheme, rest) = text.split_once("://").ok_or_else(refuse)?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(six) => six.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    let local = ["localhost", "127.0.0.1", "::1"].contains(&host);
    let safe = scheme == "https" || (scheme == "http" && local);
    let legal = text.chars().all(|c| c.is_ascii_graphic()) && !authority.contains('@');
    if safe && legal && !host.is_empty() {
        Ok(())
    } else {
        Err(refuse())
    }
}

pub(super) fn create(
    access: &Access,
    name: &Name,
    spec: &IssuerSpec,
) -> Result<Vec<crate::Event>, crate::Rejection> {
    if access.issuers.contains_key(name) {
        return Err(Rejection::IssuerExists(name.clone()).into());
    }
    if access.issuers.len() >= MAX_ISSUERS {
        return Err(Rejection::IssuersFull.into());
    }
    alone(access, name, spec)?;
    spec.check()?;
    Ok(vec![
        Event::IssuerCreated {
            name: name.clone(),
            spec: Arc::new(spec.clone()),
        }
        .into(),
    ])
}

pub(super) fn update(
    access: &Access,
    name: &Name,
    spec: &IssuerSpec,
    if_match: Option<Revision>,
) -> Result<Vec<crate::Event>, crate::Rejection> {
    let found = present(access, name, if_match)?;
    if *found.spec == *spec {
        return Ok(Vec::new());
    }
    alone(access, name, spec)?;
    spec.check()?;
    Ok(vec![
        Event::IssuerUpdated {
            name: name.clone(),
            spec: Arc::new(spec.clone()),
        }
        .into(),
    ])
}

pub(super) fn delete(
    access: &Access,
    name: &Name,
    if_match: Option<Revision>,
) -> Result<Vec<crate::Event>, crate::Rejection> {
    present(access, name, if_match)?;
    Ok(vec![Event::IssuerDeleted { name: name.clone() }.into()])
}

/// Two issuers with the same `iss` would make it a question of order which one is asked.
fn alone(access: &Access, name: &Name, spec: &IssuerSpec) -> Result<(), Rejection> {
    let other =
        |(other, issuer): &(&Name, &Issuer)| *other != name && issuer.spec.issuer == spec.issuer;
    match access.issuers.iter().find(other) {
        Some((other, _)) => Err(Rejection::IssuerTwice(other.clone())),
        None => Ok(()),
    }
}

fn present<'a>(
    access: &'a Access,
    name: &Name,
    if_match: Option<Revision>,
) -> Result<&'a Issuer, crate::Rejection> {
    let found = access.issuers.get(name);
    let found = found.ok_or_else(|| Rejection::IssuerUnknown(name.clone()))?;
    tenants::matches(if_match, found.version)?;
    Ok(found)
}
