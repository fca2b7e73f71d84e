//! Making a set what somebody wants it to be.

use std::collections::{BTreeMap, BTreeSet};

use takt_model::TenantId;

use super::{Event, PolicyId, Rejection, Set, Spec, bounded, changed, deleted, sound};
use crate::Facts;

/// A policy that shall be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Which one it is to become; with none, the one of that name, or else a new one.
    pub policy: Option<PolicyId>,
    pub spec: Spec,
}

/// The difference, as events: first what goes, then what changes, then what comes.
pub(super) fn replace(
    set: &Set,
    tenant: &TenantId,
    wanted: &[Wanted],
    facts: &Facts,
) -> Result<Vec<Event>, Rejection> {
    bounded(wanted.iter().map(|wanted| &wanted.spec))?;
    let mut names = BTreeSet::new();
    let mut stays: BTreeMap<PolicyId, &Spec> = BTreeMap::new();
    let mut comes: BTreeMap<&str, &Spec> = BTreeMap::new();
    for Wanted { policy, spec } in wanted {
        if !names.insert(&spec.name) {
            return Err(Rejection::WantedTwice(spec.name.clone()));
        }
        match which(set, tenant, *policy, spec)? {
            None => {
                comes.insert(&spec.name, spec);
            }
            Some(id) => {
                if stays.insert(id, spec).is_some() {
                    return Err(Rejection::WantedTwice(id.to_string()));
                }
            }
        }
    }
    let policies = set.policies.iter();
    let mut events: Vec<Event> = policies
        .filter(|(id, _)| !stays.contains_key(id))
        .map(|(id, policy)| deleted(tenant, *id, policy))
        .collect();
    for (id, spec) in stays {
        let before = set.policies.get(&id);
        if let Some(event) = before.and_then(|before| changed(tenant, id, before, spec)) {
            sound(spec, facts.at)?;
            events.push(event);
        }
    }
    let mut last = set.last;
    for spec in comes.into_values() {
        sound(spec, facts.at)?;
        last = last.saturating_add(1);
        events.push(Event::Created {
            tenant: tenant.clone(),
            policy: PolicyId(last),
            spec: Box::new(spec.clone()),
        });
    }
    Ok(events)
}

fn which(
    set: &Set,
    tenant: &TenantId,
    policy: Option<PolicyId>,
    spec: &Spec,
) -> Result<Option<PolicyId>, Rejection> {
    match policy {
        Some(id) if set.policies.contains_key(&id) => Ok(Some(id)),
        Some(id) => Err(Rejection::PolicyUnknown {
            tenant: tenant.clone(),
            policy: id.to_string(),
        }),
        None => Ok(set.named(&spec.name).map(|(id, _)| id)),
    }
}
