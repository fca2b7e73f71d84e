//! What may be used: signed licences, verified offline and merged.
//!
//! An envelope is verified once, when it is added ([`envelope`]); its event holds it and what it says. How
//! licences stand is computed from that and the time ([`merged()`]); changes of standing are events too, so
//! that they are seen, but nothing is decided by them. Whatever licences say, ingest and reads go on
//! ([`permits()`]): nobody's data is held hostage.

mod standing;

pub mod envelope;
pub mod trust;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use takt_model::{Revision, UnixNano};
use uuid::Uuid;

pub use standing::{
    Action, BEHIND_MAX, Merged, Overall, SOFT_PERCENT, Standing, TENANTS, WARNINGS, high_water,
    merged, now, permits, standing,
};
pub use trust::Trust;

use crate::tenants::matches;
use crate::{Facts, Kind, Map, Resource, State, Subject};
use envelope::{MAX_ENVELOPE_BYTES, Opened, open_licence, open_revocations};

pub const MAX_LICENCES: usize = 64;
pub const MAX_REASON_BYTES: usize = 1024;

/// The part of the state that is this aggregate's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Licences {
    /// By id; at most [`MAX_LICENCES`].
    pub rows: Map<String, Arc<Licence>>,
    pub revocations: Arc<Revocations>,
    /// The latest moment at which anything here was issued.
    pub latest_issue: UnixNano,
}

/// A licence as it is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Licence {
    pub envelope: String,
    pub claims: Claims,
    /// The keys that vouch for it, the root first.
    pub signers: Vec<String>,
    /// As last told; see [`standing()`] for how it is.
    pub told: Standing,
    pub added_at: UnixNano,
    pub version: Revision,
}

/// What a licence says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// A renewal has the id of what it renews, and a later issue.
    pub id: String,
    pub customer: String,
    pub products: BTreeSet<String>,
    pub edition: String,
    pub features: BTreeSet<String>,
    pub limits: BTreeMap<String, u64>,
    /// The only cluster it is for.
    pub cluster: Option<Uuid>,
    pub issued: UnixNano,
    pub not_before: UnixNano,
    pub expires: UnixNano,
    /// How long after it everything still works.
    pub grace_days: u32,
    pub support_until: Option<UnixNano>,
    /// Revoked once the issuer's minimum is above it.
    pub revocation_epoch: u64,
}

/// What no longer counts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Revocations {
    /// Rises from list to list.
    pub epoch: u64,
    /// Licences of a lower revocation epoch are revoked.
    pub minimum: u64,
    pub licences: BTreeSet<String>,
    /// Licences these keys vouch for are revoked.
    pub keys: BTreeSet<String>,
    pub issued: UnixNano,
}

impl Licences {
    fn revokes(&self, id: &str, revocation_epoch: u64, signers: &[String]) -> bool {
        self.revocations.revokes(id, revocation_epoch, signers)
    }
}

impl Revocations {
    fn revokes(&self, id: &str, revocation_epoch: u64, signers: &[String]) -> bool {
        revocation_epoch < self.minimum
            || self.licences.contains(id)
            || signers.iter().any(|signer| self.keys.contains(signer))
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Adds a licence, or renews one of the same id; one that it replaces goes.
    Add {
        envelope: String,
        replaces: Option<String>,
        trust: Arc<Trust>,
        /// Of the licence that is there under the same id.
        if_match: Option<Revision>,
    },
    Remove {
        id: String,
        reason: String,
        if_match: Option<Revision>,
    },
    /// Takes in a signed list of what no longer counts.
    Revoke { envelope: String, trust: Arc<Trust> },
    /// Tells of every licence whose standing has changed since it was last told.
    Observe,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Takes the place of one of the same id.
    Added {
        envelope: String,
        claims: Claims,
        signers: Vec<String>,
        standing: Standing,
    },
    Removed {
        id: String,
        reason: String,
    },
    StandingChanged {
        id: String,
        standing: Standing,
    },
    RevocationsTaken {
        envelope: String,
        signer: String,
        list: Revocations,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    #[error("the envelope is {0} bytes long, at most {MAX_ENVELOPE_BYTES} are allowed")]
    EnvelopeTooLong(usize),
    #[error("the envelope is malformed: {0}")]
    EnvelopeMalformed(String),
    #[error("the envelope is a `{found}`, not the `{expected}` that is asked for")]
    TypeWrong {
        expected: &'static str,
        found: String,
    },
    #[error("key `{key}` signs with `{expected}`, the envelope says `{found}`")]
    AlgorithmWrong {
        key: String,
        expected: &'static str,
        found: String,
    },
    #[error("key `{0}` is not trusted here; ask the issuer, or name its root in the settings")]
    KeyUnknown(String),
    #[error("the signature is not of key `{0}`; the envelope was changed, or another key signed")]
    SignatureWrong(String),
    #[error("the envelope says `{0}` must be understood, and it is not; a newer version may")]
    CriticalUnknown(String),
    #[error("the chain of keys is broken: {0}")]
    ChainBroken(String),
    #[error("the licence is not for product `{0}`")]
    ProductWrong(String),
    #[error("the licence is for cluster `{bound}`, this is cluster `{ours}`")]
    ClusterWrong { bound: Uuid, ours: String },
    #[error("licence `{0}` is over, its grace too; ask the issuer for a renewal")]
    Expired(String),
    #[error("the envelope was issued in the future; check the clock of the control plane")]
    FromTheFuture,
    #[error("licence `{0}` or a key that vouches for it is revoked")]
    Revoked(String),
    #[error("licence `{0}` is here in a later issue")]
    Superseded(String),
    #[error("licence `{0}` is unknown")]
    Unknown(String),
    #[error("there are {MAX_LICENCES} licences, no more are allowed; remove one")]
    TooMany,
    #[error("a licence of the same id is renewed by adding it; `{0}` cannot replace itself")]
    ReplacesItself(String),
    #[error("the list of revocations is of epoch `{asked}`, epoch `{current}` is here")]
    RevocationsOld { asked: u64, current: u64 },
    #[error("the reason is {0} bytes long, at most {MAX_REASON_BYTES} are allowed")]
    ReasonTooLong(usize),
    #[error(
        "every licence is over, so nothing new is made; what is there goes on. add a licence, or \
         remove those that are over to go on with the open edition"
    )]
    Degraded,
    #[error("licences allow {limit} {name}, and {used} are there; add a licence")]
    LimitPassed { name: String, limit: u64, used: u64 },
}

impl Event {
    /// What it is about.
    #[must_use]
    pub fn subject(&self) -> Subject {
        let id = match self {
            Self::Added { claims, .. } => claims.id.as_str(),
            Self::Removed { id, .. } | Self::StandingChanged { id, .. } => id.as_str(),
            Self::RevocationsTaken { .. } => "",
        };
        Subject::named(Resource::Licence, id)
    }
}

impl Rejection {
    /// Stable; part of the API.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::EnvelopeTooLong(_) => "LICENCE_TOO_LONG",
            Self::EnvelopeMalformed(_) => "LICENCE_MALFORMED",
            Self::TypeWrong { .. } => "LICENCE_TYPE_WRONG",
            Self::AlgorithmWrong { .. } => "LICENCE_ALGORITHM_WRONG",
            Self::KeyUnknown(_) => "LICENCE_KEY_UNKNOWN",
            Self::SignatureWrong(_) => "LICENCE_SIGNATURE_WRONG",
            Self::CriticalUnknown(_) => "LICENCE_CRITICAL_UNKNOWN",
            Self::ChainBroken(_) => "LICENCE_CHAIN_BROKEN",
            Self::ProductWrong(_) => "LICENCE_PRODUCT_WRONG",
            Self::ClusterWrong { .. } => "LICENCE_CLUSTER_WRONG",
            Self::Expired(_) => "LICENCE_EXPIRED",
            Self::FromTheFuture => "LICENCE_FROM_THE_FUTURE",
            Self::Revoked(_) => "LICENCE_REVOKED",
            Self::Superseded(_) => "LICENCE_SUPERSEDED",
            Self::Unknown(_) => "LICENCE_UNKNOWN",
            Self::TooMany => "TOO_MANY_LICENCES",
            Self::ReplacesItself(_) => "LICENCE_REPLACES_ITSELF",
            Self::RevocationsOld { .. } => "REVOCATIONS_OLD",
            Self::ReasonTooLong(_) => "REASON_TOO_LONG",
            Self::Degraded => "LICENCE_DEGRADED",
            Self::LimitPassed { .. } => "LICENCE_LIMIT_PASSED",
        }
    }

    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Unknown(_) => Kind::NotFound,
            Self::ClusterWrong { .. }
            | Self::Expired(_)
            | Self::FromTheFuture
            | Self::Revoked(_)
            | Self::Superseded(_)
            | Self::TooMany
            | Self::RevocationsOld { .. }
            | Self::Degraded
            | Self::LimitPassed { .. } => Kind::Conflict,
            Self::EnvelopeTooLong(_)
            | Self::EnvelopeMalformed(_)
            | Self::TypeWrong { .. }
            | Self::AlgorithmWrong { .. }
            | Self::KeyUnknown(_)
            | Self::SignatureWrong(_)
            | Self::CriticalUnknown(_)
            | Self::ChainBroken(_)
            | Self::ProductWrong(_)
            | Self::ReplacesItself(_)
            | Self::ReasonTooLong(_) => Kind::Invalid,
        }
    }

    /// The field of the request that is at fault, if it is one.
    #[must_use]
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::EnvelopeTooLong(_)
            | Self::EnvelopeMalformed(_)
            | Self::TypeWrong { .. }
            | Self::AlgorithmWrong { .. }
            | Self::KeyUnknown(_)
            | Self::SignatureWrong(_)
            | Self::CriticalUnknown(_)
            | Self::ChainBroken(_)
            | Self::ProductWrong(_)
            | Self::ClusterWrong { .. }
            | Self::Expired(_)
            | Self::FromTheFuture
            | Self::Revoked(_)
            | Self::Superseded(_)
            | Self::RevocationsOld { .. } => Some("envelope"),
            Self::Unknown(_) => Some("licence"),
            Self::ReplacesItself(_) => Some("replaces"),
            Self::ReasonTooLong(_) => Some("reason"),
            Self::TooMany | Self::Degraded | Self::LimitPassed { .. } => None,
        }
    }
}

pub(crate) fn decide(
    state: &State,
    command: &Command,
    facts: &Facts,
) -> Result<Vec<crate::Event>, crate::Rejection> {
    let events = match command {
        Command::Add {
            envelope,
            replaces,
            trust,
            if_match,
        } => add(
            state,
            envelope,
            replaces.as_deref(),
            trust,
            *if_match,
            facts,
        )?,
        Command::Remove {
            id,
            reason,
            if_match,
        } => remove(state, id, reason, *if_match)?,
        Command::Revoke { envelope, trust } => revoke(state, envelope, trust, facts)?,
        Command::Observe => changed(&state.licences, now(state, facts.at)),
    };
    Ok(events.into_iter().map(Into::into).collect())
}

fn add(
    state: &State,
    envelope: &str,
    replaces: Option<&str>,
    trust: &Trust,
    if_match: Option<Revision>,
    facts: &Facts,
) -> Result<Vec<Event>, crate::Rejection> {
    let Opened {
        content: claims,
        signers,
    } = open_licence(envelope, trust)?;
    let licences = &state.licences;
    let present = licences.rows.get(&claims.id);
    matches(if_match, present.map_or(Revision(0), |found| found.version))?;
    if present.is_some_and(|found| found.envelope == envelope) {
        return Ok(Vec::new());
    }
    meant_for_us(state, &claims, trust)?;
    if present.is_some_and(|found| found.claims.issued > claims.issued) {
        return Err(Rejection::Superseded(claims.id).into());
    }
    let now = now(state, facts.at);
    if claims.issued > now.plus(BEHIND_MAX) {
        return Err(Rejection::FromTheFuture.into());
    }
    let replaced = match replaces {
        Some(id) if id == claims.id => return Err(Rejection::ReplacesItself(id.into()).into()),
        Some(id) => Some(found(state, id).map(|_| id.to_owned())?),
        None => None,
    };
    if present.is_none() && replaced.is_none() && licences.rows.len() >= MAX_LICENCES {
        return Err(Rejection::TooMany.into());
    }
    let licence = Licence {
        envelope: envelope.to_owned(),
        claims,
        signers,
        told: Standing::Pending,
        added_at: facts.at,
        version: Revision(0),
    };
    let standing = standing(licences, &licence, now);
    let id = licence.claims.id.clone();
    match standing {
        Standing::Revoked => return Err(Rejection::Revoked(id).into()),
        Standing::Degraded => return Err(Rejection::Expired(id).into()),
        Standing::Pending | Standing::Valid | Standing::Expiring(_) | Standing::Grace => {}
    }
    let mut events = vec![Event::Added {
        envelope: licence.envelope,
        claims: licence.claims,
        signers: licence.signers,
        standing,
    }];
    events.extend(replaced.map(|replaced| Event::Removed {
        id: replaced,
        reason: format!("replaced by `{id}`"),
    }));
    Ok(events)
}

fn meant_for_us(state: &State, claims: &Claims, trust: &Trust) -> Result<(), Rejection> {
    if !claims.products.contains(&trust.product) {
        return Err(Rejection::ProductWrong(trust.product.clone()));
    }
    let Some(bound) = claims.cluster else {
        return Ok(());
    };
    match state.cluster.id {
        Some(ours) if ours.0 == bound => Ok(()),
        Some(ours) => Err(Rejection::ClusterWrong {
            bound,
            ours: ours.to_string(),
        }),
        None => Err(Rejection::ClusterWrong {
            bound,
            ours: "without a name".into(),
        }),
    }
}

fn found<'a>(state: &'a State, id: &str) -> Result<&'a Licence, Rejection> {
    let found = state.licences.rows.get(id);
    found
        .map(AsRef::as_ref)
        .ok_or_else(|| Rejection::Unknown(id.into()))
}

fn remove(
    state: &State,
    id: &str,
    reason: &str,
    if_match: Option<Revision>,
) -> Result<Vec<Event>, crate::Rejection> {
    let licence = found(state, id)?;
    matches(if_match, licence.version)?;
    if reason.len() > MAX_REASON_BYTES {
        return Err(Rejection::ReasonTooLong(reason.len()).into());
    }
    Ok(vec![Event::Removed {
        id: id.to_owned(),
        reason: reason.to_owned(),
    }])
}

/// A later list holds instead of an earlier one.
fn revoke(
    state: &State,
    envelope: &str,
    trust: &Trust,
    facts: &Facts,
) -> Result<Vec<Event>, Rejection> {
    let Opened {
        content: list,
        signers,
    } = open_revocations(envelope, trust)?;
    if list == *state.licences.revocations {
        return Ok(Vec::new());
    }
    if list.epoch <= state.licences.revocations.epoch {
        return Err(Rejection::RevocationsOld {
            asked: list.epoch,
            current: state.licences.revocations.epoch,
        });
    }
    let now = now(state, facts.at);
    if list.issued > now.plus(BEHIND_MAX) {
        return Err(Rejection::FromTheFuture);
    }
    let after = Licences {
        revocations: Arc::new(list.clone()),
        ..state.licences.clone()
    };
    let mut events = vec![Event::RevocationsTaken {
        envelope: envelope.to_owned(),
        signer: signers.into_iter().collect(),
        list,
    }];
    events.extend(changed(&after, now));
    Ok(events)
}

fn changed(licences: &Licences, now: UnixNano) -> Vec<Event> {
    let rows = licences.rows.iter();
    rows.filter_map(|(id, licence)| {
        let standing = standing(licences, licence, now);
        (standing != licence.told).then(|| Event::StandingChanged {
            id: id.clone(),
            standing,
        })
    })
    .collect()
}

/// What time alone brings about: asked when some standing has changed. Pure, for whoever watches the clock.
#[must_use]
pub fn due(state: &State, clock: UnixNano) -> Option<Command> {
    let changed = changed(&state.licences, now(state, clock));
    (!changed.is_empty()).then_some(Command::Observe)
}

/// Folds one event; `version` is the revision after it.
pub(crate) fn evolve(state: &mut State, event: &Event, at: UnixNano, version: Revision) {
    let licences = &mut state.licences;
    match event {
        Event::Added {
            envelope,
            claims,
            signers,
            standing,
        } => {
            licences.latest_issue = licences.latest_issue.max(claims.issued);
            licences.rows.insert(
                claims.id.clone(),
                Arc::new(Licence {
                    envelope: envelope.clone(),
                    claims: claims.clone(),
                    signers: signers.clone(),
                    told: *standing,
                    added_at: at,
                    version,
                }),
            );
        }
        Event::Removed { id, .. } => {
            licences.rows.remove(id);
        }
        Event::StandingChanged { id, standing } => {
            if let Some(licence) = licences.rows.get_mut(id) {
                let licence = Arc::make_mut(licence);
                licence.told = *standing;
                licence.version = version;
            }
        }
        Event::RevocationsTaken { list, .. } => {
            licences.latest_issue = licences.latest_issue.max(list.issued);
            licences.revocations = Arc::new(list.clone());
        }
    }
}
