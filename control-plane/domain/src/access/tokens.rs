//! Tokens: secrets that stand for a policy. Only their hashes are kept.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use takt_model::{Revision, UnixNano};
use uuid::Uuid;

use super::{Access, Event, Name, Policy, Rejection, bounded, policies};
use crate::{Facts, Map, tenants};

pub const MAX_TOKENS: usize = 100_000;
pub const MAX_TOKENS_OF_POLICY: usize = 1_000;
/// How many uses are recorded at once.
pub const MAX_USED: usize = 1_000;
/// How much of a secret is kept to recognise it by.
pub const MAX_PREFIX_BYTES: usize = 16;
const MAX_REASON_BYTES: usize = 256;

/// SHA-256 of the whole secret. The secret is 256 random bits, so there is nothing to guess, and a
/// slow hash would protect nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenHash(pub [u8; 32]);

/// Eight hex digits are enough to tell hashes apart.
impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.0;
        write!(f, "TokenHash({:08x}..)", u32::from_be_bytes([a, b, c, d]))
    }
}

/// Days since 1970-01-01, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Day(pub u32);

impl Day {
    #[must_use]
    pub fn of(moment: UnixNano) -> Self {
        Self(u32::try_from(moment.as_secs() / 86_400).unwrap_or(u32::MAX))
    }

    /// Its first moment.
    #[must_use]
    pub fn start(self) -> UnixNano {
        UnixNano::from_secs(u64::from(self.0) * 86_400)
    }
}

/// A token as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub spec: Arc<TokenSpec>,
    pub created_at: UnixNano,
    pub revoked: Option<Revoked>,
    /// The newest day it was used on, as far as that is recorded.
    pub last_used: Option<Day>,
    /// The revision after its last change; being used is none.
    pub version: Revision,
}

/// What is decided when a token is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenSpec {
    /// Never given to another token, not even one of the same name.
    pub id: Uuid,
    pub display_name: String,
    pub policy: Name,
    pub hash: TokenHash,
    /// The first characters of the secret.
    pub prefix: String,
    pub expires_at: Option<UnixNano>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoked {
    pub at: UnixNano,
    pub reason: String,
}

/// What a new token is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    pub name: Name,
    pub display_name: String,
    pub policy: Name,
    pub hash: TokenHash,
    pub prefix: String,
    pub expires_at: Option<UnixNano>,
}

/// Why a secret opens nothing. Callers are told no more than that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refused {
    Unknown,
    Revoked,
    Expired,
    PolicyInactive,
    PolicyExpired,
}

impl Refused {
    /// Stable; in metrics and the record of refusals.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Unknown => "TOKEN_UNKNOWN",
            Self::Revoked => "TOKEN_REVOKED",
            Self::Expired => "TOKEN_EXPIRED",
            Self::PolicyInactive => "POLICY_INACTIVE",
            Self::PolicyExpired => "POLICY_EXPIRED",
        }
    }
}

/// Whom a secret stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Authenticated<'a> {
    pub token: &'a Name,
    pub policy_name: &'a Name,
    pub policy: &'a Policy,
}

/// Looks a secret up by its hash.
///
/// Hashes are compared from the front and answers may take different times, which tells nothing:
/// whoever learns a hash still has no secret, and cannot steer the hash of what they try.
///
/// # Errors
/// Why it opens nothing.
pub fn authenticate<'a>(
    access: &'a Access,
    hash: &TokenHash,
    now: UnixNano,
) -> Result<Authenticated<'a>, Refused> {
    let name = access.by_hash.get(hash).ok_or(Refused::Unknown)?;
    let token = access.tokens.get(name).ok_or(Refused::Unknown)?;
    if token.revoked.is_some() {
        return Err(Refused::Revoked);
    }
    if token.spec.expires_at.is_some_and(|end| end <= now) {
        return Err(Refused::Expired);
    }
    let found = access.policies.get_key_value(&token.spec.policy);
    let (policy_name, policy) = found.ok_or(Refused::Unknown)?;
    if policy.spec.inactive {
        return Err(Refused::PolicyInactive);
    }
    if !policy.spec.in_force(now) {
        return Err(Refused::PolicyExpired);
    }
    Ok(Authenticated {
        token: name,
        policy_name,
        policy,
    })
}

pub(super) fn create(
    access: &Access,
    new: &NewToken,
    facts: &Facts,
) -> Result<Vec<crate::Event>, crate::Rejection> {
    policies::present(access, &new.policy, None)?;
    if access.tokens.contains_key(&new.name) {
        return Err(Rejection::TokenExists(new.name.clone()).into());
    }
    if access.by_hash.contains_key(&new.hash) {
        return Err(Rejection::TokenHashTaken.into());
    }
    let full = access.tokens.len() >= MAX_TOKENS
        || of_policy(access, &new.policy).count() >= MAX_TOKENS_OF_POLICY;
    if full {
        return Err(Rejection::TokensFull.into());
    }
    bounded(
        "token.display_name",
        new.display_name.len(),
        policies::MAX_DISPLAY_NAME_BYTES,
    )?;
    bounded("token.prefix", new.prefix.len(), MAX_PREFIX_BYTES)?;
    policies::future("token.expires_at", new.expires_at, facts)?;
    let spec = TokenSpec {
        id: facts.command.0,
        display_name: new.display_name.clone(),
        policy: new.policy.clone(),
        hash: new.hash,
        prefix: new.prefix.clone(),
        expires_at: new.expires_at,
    };
    Ok(vec![
        Event::TokenCreated {
            name: new.name.clone(),
            spec: Arc::new(spec),
        }
        .into(),
    ])
}

/// For good: a revoked token stays to be seen until it is deleted.
pub(super) fn revoke(
    access: &Access,
    name: &Name,
    reason: &str,
    if_match: Option<Revision>,
) -> Result<Vec<crate::Event>, crate::Rejection> {
    let token = present(access, name, if_match)?;
    bounded("reason", reason.len(), MAX_REASON_BYTES)?;
    if token.revoked.is_some() {
        return Ok(Vec::new());
    }
    Ok(vec![
        Event::TokenRevoked {
            name: name.clone(),
            reason: reason.to_owned(),
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
    Ok(vec![Event::TokenDeleted { name: name.clone() }.into()])
}

/// Tokens that are gone or were seen that day already are passed over: nodes report late and twice.
pub(super) fn used(
    access: &Access,
    day: Day,
    names: &BTreeSet<Name>,
) -> Result<Vec<crate::Event>, crate::Rejection> {
    bounded("names", names.len(), MAX_USED)?;
    let newer = |name: &&Name| {
        let token = access.tokens.get(*name);
        token.is_some_and(|token| token.last_used.is_none_or(|last| last < day))
    };
    let names: BTreeSet<Name> = names.iter().filter(newer).cloned().collect();
    if names.is_empty() {
        return Ok(Vec::new());
    }
    Ok(vec![Event::TokensUsed { day, names }.into()])
}

/// In the order of their names.
pub(super) fn of_policy<'a>(
    access: &'a Access,
    policy: &'a Name,
) -> impl Iterator<Item = &'a Name> {
    let tokens = access.by_policy.get(policy);
    tokens.into_iter().flat_map(Map::keys)
}

fn present<'a>(
    access: &'a Access,
    name: &Name,
    if_match: Option<Revision>,
) -> Result<&'a Token, crate::Rejection> {
    let found = access.tokens.get(name);
    let found = found.ok_or_else(|| Rejection::TokenUnknown(name.clone()))?;
    tenants::matches(if_match, found.version)?;
    Ok(found)
}
