//! Policies as they are told.

use takt_domain::State;
use takt_domain::policies::{Finding, Oddity, Policy, PolicyId, Set};
use takt_model::TenantId;
use takt_wire::takt::admin::v1 as wire;
use takt_wire::takt::control::log::v1::event::Event as Stored;
use takt_wire::takt::control::log::v1::policy_event::Event;

/// A set nobody touched is empty and has version 0.
pub(crate) fn set(state: &State, tenant: &TenantId) -> wire::PolicySet {
    let set = state.policies.set(tenant);
    let policies = set.into_iter().flat_map(|set: &Set| &set.policies);
    wire::PolicySet {
        tenant: tenant.to_string(),
        policies: policies
            .map(|(id, found)| policy(tenant, *id, found))
            .collect(),
        version: set.map_or(0, |set| set.version.0),
    }
}

pub(super) fn policy(tenant: &TenantId, id: PolicyId, policy: &Policy) -> wire::Policy {
    wire::Policy {
        tenant: tenant.to_string(),
        id: id.0,
        spec: Some(takt_log::policy_spec_to_wire(&policy.spec)),
        created_at: policy.created_at.0,
        changed_at: policy.changed_at.0,
        version: policy.version.0,
    }
}

/// What the events of a replacement come to; `set` is as it stands after them.
pub(super) fn difference(outcome: &wire::Outcome, set: &wire::PolicySet) -> wire::PolicyDifference {
    let now = |id: u32| set.policies.iter().find(|policy| policy.id == id).cloned();
    let mut difference = wire::PolicyDifference::default();
    for event in &outcome.events {
        let Some(Stored::Policies(event)) = &event.event else {
            continue;
        };
        match &event.event {
            Some(Event::Created(event)) => difference.added.extend(now(event.policy)),
            Some(Event::Changed(event)) => difference.changed.push(wire::ChangedPolicy {
                policy: now(event.policy),
                fields: event.fields.clone(),
            }),
            Some(Event::Deleted(event)) => difference.removed.push(wire::RemovedPolicy {
                id: event.policy,
                name: event.name.clone(),
            }),
            Some(Event::Expired(_) | Event::Cleared(_)) | None => {}
        }
    }
    difference
}

pub(super) fn finding(finding: Finding) -> wire::PolicyFinding {
    let code = match finding.oddity {
        Oddity::Invalid => wire::PolicyOddity::Invalid,
        Oddity::Contradictory => wire::PolicyOddity::Contradictory,
        Oddity::Expired => wire::PolicyOddity::Expired,
        Oddity::Duplicate => wire::PolicyOddity::Duplicate,
        Oddity::Shadowed => wire::PolicyOddity::Shadowed,
        Oddity::Unreachable => wire::PolicyOddity::Unreachable,
        Oddity::Broad => wire::PolicyOddity::Broad,
        Oddity::PatternAsText => wire::PolicyOddity::PatternAsText,
        Oddity::KeepsNothing => wire::PolicyOddity::KeepsNothing,
    };
    wire::PolicyFinding {
        code: code.into(),
        policy: finding.policy,
        because_of: finding.because_of.unwrap_or_default(),
        message: finding.message,
    }
}
