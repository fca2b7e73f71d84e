//! Which traces are kept: a set of sampling policies for each tenant.
//!
//! A set has no order: see [`union()`]. Where no policy has a say (there is none, or all are shadows) every
//! trace is kept; from the first one on, what no policy keeps is dropped.
//!
//! Policies are counted from 1 within their tenant and no number is given twice, so that a short number names
//! a policy for ever: in metrics, in decision segments, in the history.

mod check;
mod covers;
mod lint;
mod replace;
mod share;
mod spec;
mod union;

pub mod rule;

use std::fmt;
use std::ops::Bound;
use std::sync::Arc;

use imbl::OrdSet;
use takt_model::{Revision, TenantId, UnixNano};

use crate::tenants::{matches, present};
use crate::{Facts, Kind, Map, Resource, State, Subject, licences};

pub use check::{
    Fault, MAX_DEPTH, MAX_EXPRESSION_BYTES, MAX_ITEMS, MAX_NAME_BYTES, MAX_RULES, MAX_TEXT_BYTES,
    Wrong,
};
pub use lint::{Finding, Oddity, lint};
pub use replace::Wanted;
pub use rule::Rule;
pub use share::{Share, Threshold};
pub use spec::{Field, Spec, Stage, Window};
pub use union::{Verdict, Vote, union};

pub const MAX_POLICIES: usize = 256;
/// What the texts of a set may come to.
pub const MAX_SET_BYTES: usize = 256 * 1024;
/// Regular expressions in a set: the leader compiles those that change, and everybody waits for it.
pub const MAX_PATTERNS: usize = 256;
/// How many tenants one sweep asks about; the next one asks about the rest.
const DUE_MAX: usize = 1000;

/// A policy's number within its tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicyId(pub u32);

impl fmt::Display for PolicyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The part of the state that is this aggregate's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policies {
    sets: Map<TenantId, Arc<Set>>,
    /// What will expire, the soonest first; follows from the sets.
    expiring: OrdSet<(UnixNano, TenantId, PolicyId)>,
}

/// The policies of one tenant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Set {
    pub policies: Map<PolicyId, Arc<Policy>>,
    /// The number given out last; stays when its policy goes.
    pub last: u32,
    /// The revision after the last change of any of them.
    pub version: Revision,
}

/// One policy as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    pub spec: Spec,
    pub created_at: UnixNano,
    pub changed_at: UnixNano,
    /// The revision after its last change.
    pub version: Revision,
}

/// A policy by number or by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    Id(PolicyId),
    Name(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// `if_match` is the version of the set; 0 is a set nobody touched.
    Create {
        tenant: TenantId,
        spec: Box<Spec>,
        if_match: Option<Revision>,
    },
    /// `if_match` is the version of the policy.
    Update {
        tenant: TenantId,
        policy: Which,
        spec: Box<Spec>,
        if_match: Option<Revision>,
    },
    /// `if_match` is the version of the policy.
    Delete {
        tenant: TenantId,
        policy: Which,
        if_match: Option<Revision>,
    },
    /// Makes the set what is wanted: a policy without a number is the one of that name, if there is one.
    /// `if_match` is the version of the set.
    Replace {
        tenant: TenantId,
        wanted: Vec<Wanted>,
        if_match: Option<Revision>,
    },
    /// Removes what is over by the leader's clock.
    Expire { tenant: TenantId },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    Created {
        tenant: TenantId,
        policy: PolicyId,
        spec: Box<Spec>,
    },
    /// `fields` is what differs from before.
    Changed {
        tenant: TenantId,
        policy: PolicyId,
        spec: Box<Spec>,
        fields: Vec<Field>,
    },
    Deleted {
        tenant: TenantId,
        policy: PolicyId,
        name: String,
    },
    Expired {
        tenant: TenantId,
        policy: PolicyId,
        name: String,
    },
    /// The tenant goes, and with it the set and its numbers.
    Cleared { tenant: TenantId },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    #[error("tenant `{tenant}` has no policy `{policy}`")]
    PolicyUnknown { tenant: TenantId, policy: String },
    #[error("policy `{by}` has the name `{name}` already; choose another or change that one")]
    NameTaken { name: String, by: PolicyId },
    #[error("policy `{0}` is wanted twice")]
    WantedTwice(String),
    #[error("the set would have {0} policies, at most {MAX_POLICIES} are allowed")]
    TooMany(usize),
    #[error("the set would come to {0} bytes, at most {MAX_SET_BYTES} are allowed")]
    SetTooLarge(usize),
    #[error("the set would have {0} regular expressions, at most {MAX_PATTERNS} are allowed")]
    TooManyPatterns(usize),
    #[error(
        "policy `{0}` would have expired before it begins; choose a later time or leave it out"
    )]
    ExpiresInThePast(String),
    #[error("policy `{policy}`: {wrong}")]
    Invalid { policy: String, wrong: Wrong },
}

impl Event {
    /// What it is about.
    #[must_use]
    pub fn subject(&self) -> Subject {
        Subject::of_tenant(Resource::PolicySet, self.tenant())
    }

    /// Whose policy it is.
    #[must_use]
    pub fn tenant(&self) -> &TenantId {
        match self {
            Self::Created { tenant, .. }
            | Self::Changed { tenant, .. }
            | Self::Deleted { tenant, .. }
            | Self::Expired { tenant, .. }
            | Self::Cleared { tenant } => tenant,
        }
    }
}

impl Rejection {
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::PolicyUnknown { .. } => "POLICY_UNKNOWN",
            Self::NameTaken { .. } => "POLICY_NAME_TAKEN",
            Self::WantedTwice(_) => "POLICY_WANTED_TWICE",
            Self::TooMany(_) => "POLICIES_TOO_MANY",
            Self::SetTooLarge(_) => "POLICIES_TOO_LARGE",
            Self::TooManyPatterns(_) => "POLICIES_TOO_MANY_PATTERNS",
            Self::ExpiresInThePast(_) => "POLICY_EXPIRES_IN_THE_PAST",
            Self::Invalid { wrong, .. } => wrong.fault.reason(),
        }
    }

    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::PolicyUnknown { .. } => Kind::NotFound,
            Self::NameTaken { .. }
            | Self::TooMany(_)
            | Self::SetTooLarge(_)
            | Self::TooManyPatterns(_) => Kind::Conflict,
            Self::WantedTwice(_) | Self::ExpiresInThePast(_) | Self::Invalid { .. } => {
                Kind::Invalid
            }
        }
    }

    /// The field of the request that is at fault, if it is one.
    #[must_use]
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::PolicyUnknown { .. } => Some("policy"),
            Self::NameTaken { .. } => Some("spec.name"),
            Self::WantedTwice(_) => Some("policies"),
            Self::TooMany(_) | Self::SetTooLarge(_) | Self::TooManyPatterns(_) => None,
            Self::ExpiresInThePast(_) => Some("spec.expires_at"),
            Self::Invalid { .. } => Some("spec"),
        }
    }
}

impl Policies {
    /// The set of a tenant; nothing if nobody touched it.
    #[must_use]
    pub fn set(&self, tenant: &TenantId) -> Option<&Set> {
        self.sets.get(tenant).map(AsRef::as_ref)
    }

    /// All sets, by tenant.
    pub fn sets(&self) -> impl Iterator<Item = (&TenantId, &Set)> {
        self.sets.iter().map(|(tenant, set)| (tenant, set.as_ref()))
    }

    /// All sets, by tenant, from this one on.
    pub fn sets_from(&self, tenant: Option<&TenantId>) -> impl Iterator<Item = (&TenantId, &Set)> {
        let from = tenant.cloned().map_or(Bound::Unbounded, Bound::Included);
        let sets = self.sets.range((from, Bound::Unbounded));
        sets.map(|(tenant, set)| (tenant, set.as_ref()))
    }

    /// From sets that were stored.
    #[must_use]
    pub fn from_sets(sets: impl IntoIterator<Item = (TenantId, Set)>) -> Self {
        let mut policies = Self::default();
        for (tenant, set) in sets {
            for (id, policy) in &set.policies {
                if let Some(expires) = policy.spec.expires_at {
                    policies.expiring.insert((expires, tenant.clone(), *id));
                }
            }
            policies.sets.insert(tenant, Arc::new(set));
        }
        policies
    }
}

impl Set {
    /// A policy by number or by name.
    #[must_use]
    pub fn find(&self, which: &Which) -> Option<(PolicyId, &Policy)> {
        match which {
            Which::Id(id) => self.policies.get(id).map(|policy| (*id, policy.as_ref())),
            Which::Name(name) => self.named(name),
        }
    }

    fn named(&self, name: &str) -> Option<(PolicyId, &Policy)> {
        let mut all = self.policies.iter();
        let found = all.find(|(_, policy)| policy.spec.name == name)?;
        Some((*found.0, found.1.as_ref()))
    }

    /// What the policies say, without their numbers.
    pub fn specs(&self) -> impl Iterator<Item = &Spec> {
        self.policies.values().map(|policy| &policy.spec)
    }
}

impl Which {
    /// What is written in digits is a number; no name is.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text.parse() {
            Ok(id) if text.bytes().all(|byte| byte.is_ascii_digit()) => Self::Id(PolicyId(id)),
            _ => Self::Name(text.to_owned()),
        }
    }
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "{id}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

pub(crate) fn decide(
    state: &State,
    command: &Command,
    facts: &Facts,
) -> Result<Vec<crate::Event>, crate::Rejection> {
    let empty = Set::default();
    let set = |tenant| -> Result<&Set, crate::Rejection> {
        present(state, tenant, None)?;
        Ok(state.policies.set(tenant).unwrap_or(&empty))
    };
    let events = match command {
        Command::Create {
            tenant,
            spec,
            if_match,
        } => {
            let set = set(tenant)?;
            matches(*if_match, set.version)?;
            create(set, tenant, spec, facts)?
        }
        Command::Update {
            tenant,
            policy,
            spec,
            if_match,
        } => {
            let set = set(tenant)?;
            let (id, found) = find(set, tenant, policy)?;
            matches(*if_match, found.version)?;
            update(set, tenant, (id, found), spec, facts)?
        }
        Command::Delete {
            tenant,
            policy,
            if_match,
        } => {
            let (id, found) = find(set(tenant)?, tenant, policy)?;
            matches(*if_match, found.version)?;
            vec![deleted(tenant, id, found)]
        }
        Command::Replace {
            tenant,
            wanted,
            if_match,
        } => {
            let set = set(tenant)?;
            matches(*if_match, set.version)?;
            replace::replace(set, tenant, wanted, facts)?
        }
        Command::Expire { tenant } => expire(set(tenant)?, tenant, facts.at),
    };
    let new = |event: &Event| matches!(event, Event::Created { .. });
    if events.iter().any(new) {
        licences::permits(state, facts.at, licences::Action::CreatePolicy)?;
    }
    Ok(events.into_iter().map(Into::into).collect())
}

/// What the leader should sweep now.
#[must_use]
pub fn due(state: &State, now: UnixNano) -> Vec<Command> {
    let mut tenants: Vec<&TenantId> = Vec::new();
    for (expires, tenant, _) in &state.policies.expiring {
        if *expires > now || tenants.len() == DUE_MAX {
            break;
        }
        tenants.push(tenant);
    }
    tenants.sort_unstable();
    tenants.dedup();
    let expire = |tenant: &TenantId| Command::Expire {
        tenant: tenant.clone(),
    };
    tenants.into_iter().map(expire).collect()
}

/// What follows for the policies of a tenant that is deleted.
pub(crate) fn farewell(state: &State, tenant: &TenantId) -> Vec<crate::Event> {
    let set = state.policies.set(tenant);
    let cleared = |_| {
        let tenant = tenant.clone();
        Event::Cleared { tenant }.into()
    };
    set.map(cleared).into_iter().collect()
}

fn find<'a>(
    set: &'a Set,
    tenant: &TenantId,
    which: &Which,
) -> Result<(PolicyId, &'a Policy), Rejection> {
    set.find(which).ok_or_else(|| Rejection::PolicyUnknown {
        tenant: tenant.clone(),
        policy: which.to_string(),
    })
}

fn create(
    set: &Set,
    tenant: &TenantId,
    spec: &Spec,
    facts: &Facts,
) -> Result<Vec<Event>, Rejection> {
    bounded(set.specs().chain([spec]))?;
    sound(spec, facts.at)?;
    if let Some((by, _)) = set.named(&spec.name) {
        let name = spec.name.clone();
        return Err(Rejection::NameTaken { name, by });
    }
    Ok(vec![Event::Created {
        tenant: tenant.clone(),
        policy: PolicyId(set.last.saturating_add(1)),
        spec: Box::new(spec.clone()),
    }])
}

fn update(
    set: &Set,
    tenant: &TenantId,
    (id, found): (PolicyId, &Policy),
    spec: &Spec,
    facts: &Facts,
) -> Result<Vec<Event>, Rejection> {
    let Some(event) = changed(tenant, id, found, spec) else {
        return Ok(Vec::new());
    };
    let others = set.policies.iter().filter(|(other, _)| **other != id);
    bounded(others.map(|(_, policy)| &policy.spec).chain([spec]))?;
    sound(spec, facts.at)?;
    if let Some((by, _)) = set.named(&spec.name)
        && by != id
    {
        let name = spec.name.clone();
        return Err(Rejection::NameTaken { name, by });
    }
    Ok(vec![event])
}

fn expire(set: &Set, tenant: &TenantId, now: UnixNano) -> Vec<Event> {
    let over = |policy: &Policy| policy.spec.expires_at.is_some_and(|expires| expires <= now);
    let all = set.policies.iter();
    all.filter(|(_, policy)| over(policy))
        .map(|(id, policy)| Event::Expired {
            tenant: tenant.clone(),
            policy: *id,
            name: policy.spec.name.clone(),
        })
        .collect()
}

fn deleted(tenant: &TenantId, id: PolicyId, found: &Policy) -> Event {
    Event::Deleted {
        tenant: tenant.clone(),
        policy: id,
        name: found.spec.name.clone(),
    }
}

/// Nothing if it is so already.
fn changed(tenant: &TenantId, id: PolicyId, found: &Policy, spec: &Spec) -> Option<Event> {
    let fields = found.spec.differences(spec);
    (!fields.is_empty()).then(|| Event::Changed {
        tenant: tenant.clone(),
        policy: id,
        spec: Box::new(spec.clone()),
        fields,
    })
}

/// Does it make sense by itself, today?
fn sound(spec: &Spec, now: UnixNano) -> Result<(), Rejection> {
    spec.check().map_err(|wrong| Rejection::Invalid {
        policy: spec.name.chars().take(64).collect(),
        wrong,
    })?;
    if spec.expires_at.is_some_and(|expires| expires <= now) {
        return Err(Rejection::ExpiresInThePast(spec.name.clone()));
    }
    Ok(())
}

/// Does a set of these keep its bounds? Cheap: nothing is compiled.
///
/// # Errors
/// The bound that it breaks.
pub fn bounded<'a>(specs: impl IntoIterator<Item = &'a Spec>) -> Result<(), Rejection> {
    let (mut count, mut bytes, mut patterns) = (0, 0, 0);
    for spec in specs {
        count += 1;
        bytes += spec.weight();
        patterns += spec.rule.patterns();
    }
    if count > MAX_POLICIES {
        return Err(Rejection::TooMany(count));
    }
    if bytes > MAX_SET_BYTES {
        return Err(Rejection::SetTooLarge(bytes));
    }
    if patterns > MAX_PATTERNS {
        return Err(Rejection::TooManyPatterns(patterns));
    }
    Ok(())
}

/// Folds one event; `version` is the revision after it.
pub(crate) fn evolve(state: &mut State, event: &Event, at: UnixNano, version: Revision) {
    let policies = &mut state.policies;
    if let Event::Cleared { tenant } = event {
        if let Some(set) = policies.sets.remove(tenant) {
            for (id, policy) in &set.policies {
                forget_expiry(policies, tenant, *id, Some(policy));
            }
        }
        return;
    }
    let tenant = event.tenant();
    let mut set = policies.sets.get(tenant).cloned().unwrap_or_default();
    let within = Arc::make_mut(&mut set);
    within.version = version;
    match event {
        Event::Created { policy, spec, .. } | Event::Changed { policy, spec, .. } => {
            let before = within.policies.get(policy);
            forget_expiry(policies, tenant, *policy, before);
            if let Some(expires) = spec.expires_at {
                policies.expiring.insert((expires, tenant.clone(), *policy));
            }
            let next = Policy {
                spec: Spec::clone(spec),
                created_at: before.map_or(at, |before| before.created_at),
                changed_at: at,
                version,
            };
            within.last = within.last.max(policy.0);
            within.policies.insert(*policy, Arc::new(next));
        }
        Event::Deleted { policy, .. } | Event::Expired { policy, .. } => {
            let gone = within.policies.remove(policy);
            forget_expiry(policies, tenant, *policy, gone.as_ref());
        }
        Event::Cleared { .. } => {}
    }
    policies.sets.insert(tenant.clone(), set);
}

fn forget_expiry(
    policies: &mut Policies,
    tenant: &TenantId,
    id: PolicyId,
    policy: Option<&Arc<Policy>>,
) {
    if let Some(expires) = policy.and_then(|policy| policy.spec.expires_at) {
        policies.expiring.remove(&(expires, tenant.clone(), id));
    }
}
