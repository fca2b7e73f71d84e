//! Access policies: what the holders of their tokens may do, where, and from where.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use takt_model::{Revision, TenantId, UnixNano};

use super::{Access, Event, Name, Network, Rejection, Scope, Selector, bounded, tokens};
use crate::{Facts, tenants};

pub const MAX_POLICIES: usize = 10_000;
pub const MAX_DISPLAY_NAME_BYTES: usize = 256;
pub const MAX_REALMS: usize = 64;
pub const MAX_SELECTORS: usize = 32;
pub const MAX_NETWORKS: usize = 64;
const MAX_LABELS: usize = 32;
const MAX_LABEL_BYTES: usize = 256;
const MAX_STAMPS: usize = 16;
const MAX_STAMP_VALUES: usize = 64;
const MAX_REVEALED: usize = 64;

/// A policy as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    pub spec: Arc<PolicySpec>,
    pub created_at: UnixNano,
    /// The revision after its last change.
    pub version: Revision,
}

/// What people say of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PolicySpec {
    pub display_name: String,
    pub scopes: BTreeSet<Scope>,
    pub realms: Vec<Realm>,
    /// Where callers may come from; empty is everywhere.
    pub networks: Vec<Network>,
    /// From then on it allows nothing.
    pub expires_at: Option<UnixNano>,
    /// Switched off, it allows nothing.
    pub inactive: bool,
    pub labels: BTreeMap<String, String>,
    pub redaction: Redaction,
    /// What is enforced on spans that are sent under this policy.
    pub stamps: Vec<Stamp>,
}

/// Whose data, and which of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Realm {
    pub tenants: Tenants,
    /// A span is seen if one of these selects it; empty selects all.
    pub allow: Vec<Selector>,
    /// And if none of these does.
    pub deny: Vec<Selector>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tenants {
    /// Those that come later, too.
    All,
    One(TenantId),
}

/// What becomes of spans that must not be seen when their trace is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Redaction {
    pub mode: RedactionMode,
    /// Attributes that stay visible on them, `resource.service.name`.
    pub reveal: BTreeSet<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum RedactionMode {
    /// They keep ids, name, kind, times and status.
    #[default]
    Attributes,
    /// They are left out.
    Spans,
    /// The trace is not found.
    Hide,
}

/// A resource attribute that what is sent must carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    pub key: String,
    /// Which values are right; the first is put where there is none.
    pub values: Vec<String>,
    pub otherwise: Otherwise,
}

/// What becomes of a span that says something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Otherwise {
    Overwrite,
    Reject,
}

impl PolicySpec {
    /// Whether it allows anything at this moment.
    #[must_use]
    pub fn in_force(&self, now: UnixNano) -> bool {
        !self.inactive && self.expires_at.is_none_or(|end| now < end)
    }

    /// Whether the realms reach this tenant.
    #[must_use]
    pub fn reaches(&self, tenant: &TenantId) -> bool {
        self.realms.iter().any(|realm| match &realm.tenants {
            Tenants::All => true,
            Tenants::One(one) => one == tenant,
        })
    }

    fn check(&self) -> Result<(), Rejection> {
        bounded(
            "spec.display_name",
            self.display_name.len(),
            MAX_DISPLAY_NAME_BYTES,
        )?;
        bounded("spec.realms", self.realms.len(), MAX_REALMS)?;
        bounded("spec.networks", self.networks.len(), MAX_NETWORKS)?;
        bounded("spec.labels", self.labels.len(), MAX_LABELS)?;
        bounded(
            "spec.redaction.reveal",
            self.redaction.reveal.len(),
            MAX_REVEALED,
        )?;
        for text in &self.redaction.reveal {
            bounded("spec.redaction.reveal", text.len(), MAX_LABEL_BYTES)?;
        }
        for (key, value) in &self.labels {
            bounded("spec.labels", key.len().max(value.len()), MAX_LABEL_BYTES)?;
        }
        self.check_scopes()?;
        self.check_realms()?;
        self.check_stamps()
    }

    fn check_scopes(&self) -> Result<(), Rejection> {
        if self.scopes.is_empty() {
            return Err(Rejection::ScopesMissing);
        }
        let everywhere = self
            .realms
            .iter()
            .any(|realm| realm.tenants == Tenants::All);
        match self.scopes.iter().find(|scope| scope.of_installation()) {
            Some(scope) if !everywhere => Err(Rejection::ScopeNeedsEveryTenant(*scope)),
            Some(_) | None => Ok(()),
        }
    }

    fn check_realms(&self) -> Result<(), Rejection> {
        if self.realms.is_empty() {
            return Err(Rejection::RealmsMissing);
        }
        let mut named = BTreeSet::new();
        for realm in &self.realms {
            bounded("spec.realms.allow", realm.allow.len(), MAX_SELECTORS)?;
            bounded("spec.realms.deny", realm.deny.len(), MAX_SELECTORS)?;
            if !named.insert(&realm.tenants) {
                return Err(Rejection::RealmTwice(realm.tenants.to_string()));
            }
        }
        Ok(())
    }

    fn check_stamps(&self) -> Result<(), Rejection> {
        bounded("spec.stamps", self.stamps.len(), MAX_STAMPS)?;
        let mut keys = BTreeSet::new();
        for stamp in &self.stamps {
            bounded("spec.stamps.values", stamp.values.len(), MAX_STAMP_VALUES)?;
            for text in stamp.values.iter().chain([&stamp.key]) {
                bounded("spec.stamps", text.len(), MAX_LABEL_BYTES)?;
            }
            if stamp.key.is_empty() || stamp.values.is_empty() || !keys.insert(&stamp.key) {
                return Err(Rejection::StampInvalid(stamp.key.clone()));
            }
        }
        Ok(())
    }
}

impl std::fmt::Display for Tenants {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::All => f.write_str("*"),
            Self::One(tenant) => write!(f, "{tenant}"),
        }
    }
}

pub(super) fn create(
    access: &Access,
    name: &Name,
    spec: &PolicySpec,
    facts: &Facts,
) -> Result<Vec<crate::Event>, crate::Rejection> {
    if access.policies.contains_key(name) {
        return Err(Rejection::PolicyExists(name.clone()).into());
    }
    if access.policies.len() >= MAX_POLICIES {
        return Err(Rejection::PoliciesFull.into());
    }
    future("spec.expires_at", spec.expires_at, facts)?;
    spec.check()?;
    Ok(vec![
        Event::PolicyCreated {
            name: name.clone(),
            spec: Arc::new(spec.clone()),
        }
        .into(),
    ])
}

pub(super) fn update(
    access: &Access,
    name: &Name,
    spec: &PolicySpec,
    if_match: Option<Revision>,
) -> Result<Vec<crate::Event>, crate::Rejection> {
    let found = present(access, name, if_match)?;
    if *found.spec == *spec {
        return Ok(Vec::new());
    }
    spec.check()?;
    Ok(vec![
        Event::PolicyUpdated {
            name: name.clone(),
            spec: Arc::new(spec.clone()),
        }
        .into(),
    ])
}

/// Its tokens go with it, and the log says so.
pub(super) fn delete(
    access: &Access,
    name: &Name,
    if_match: Option<Revision>,
) -> Result<Vec<crate::Event>, crate::Rejection> {
    present(access, name, if_match)?;
    let mut events: Vec<crate::Event> = tokens::of_policy(access, name)
        .map(|token| {
            Event::TokenDeleted {
                name: token.clone(),
            }
            .into()
        })
        .collect();
    events.push(Event::PolicyDeleted { name: name.clone() }.into());
    Ok(events)
}

pub(super) fn present<'a>(
    access: &'a Access,
    name: &Name,
    if_match: Option<Revision>,
) -> Result<&'a Policy, crate::Rejection> {
    let found = access.policies.get(name);
    let found = found.ok_or_else(|| Rejection::PolicyUnknown(name.clone()))?;
    tenants::matches(if_match, found.version)?;
    Ok(found)
}

/// A new thing that has ended already is a mistake.
pub(super) fn future(
    field: &'static str,
    end: Option<UnixNano>,
    facts: &Facts,
) -> Result<(), Rejection> {
    match end {
        Some(end) if end <= facts.at => Err(Rejection::ExpiryPast(field)),
        Some(_) | None => Ok(()),
    }
}
