//! Sampling policies.

mod rule;
mod spec;

use std::sync::Arc;

use takt_domain::policies::{Event, Field, Policies, Policy, PolicyId, Set};
use takt_model::{Revision, TenantId, UnixNano};
use takt_wire::takt::control::log::v1 as stored;
use takt_wire::takt::control::log::v1::policy_event::Event as Stored;

use super::DecodeError;

pub use spec::{Malformed, policy_spec_from_wire, policy_spec_to_wire};

pub(super) fn event_to(event: &Event) -> stored::PolicyEvent {
    let tenant = event.tenant().to_string();
    let event = match event {
        Event::Created { policy, spec, .. } => Stored::Created(stored::PolicyCreated {
            tenant,
            policy: policy.0,
            spec: Some(policy_spec_to_wire(spec)),
        }),
        Event::Changed {
            policy,
            spec,
            fields,
            ..
        } => Stored::Changed(stored::PolicyChanged {
            tenant,
            policy: policy.0,
            spec: Some(policy_spec_to_wire(spec)),
            fields: fields.iter().map(|field| field_to(*field).into()).collect(),
        }),
        Event::Deleted { policy, name, .. } => Stored::Deleted(stored::PolicyDeleted {
            tenant,
            policy: policy.0,
            name: name.clone(),
        }),
        Event::Expired { policy, name, .. } => Stored::Expired(stored::PolicyExpired {
            tenant,
            policy: policy.0,
            name: name.clone(),
        }),
        Event::Cleared { .. } => Stored::Cleared(stored::PoliciesCleared { tenant }),
    };
    stored::PolicyEvent { event: Some(event) }
}

pub(super) fn event_from(event: stored::PolicyEvent) -> Result<Event, DecodeError> {
    Ok(match event.event.ok_or(DecodeError::UnknownKind)? {
        Stored::Created(e) => Event::Created {
            tenant: TenantId::new(&e.tenant)?,
            policy: PolicyId(e.policy),
            spec: Box::new(policy_spec_from_wire(e.spec)?),
        },
        Stored::Changed(e) => Event::Changed {
            tenant: TenantId::new(&e.tenant)?,
            policy: PolicyId(e.policy),
            spec: Box::new(policy_spec_from_wire(e.spec)?),
            fields: e
                .fields
                .into_iter()
                .map(field_from)
                .collect::<Result<_, _>>()?,
        },
        Stored::Deleted(e) => Event::Deleted {
            tenant: TenantId::new(&e.tenant)?,
            policy: PolicyId(e.policy),
            name: e.name,
        },
        Stored::Expired(e) => Event::Expired {
            tenant: TenantId::new(&e.tenant)?,
            policy: PolicyId(e.policy),
            name: e.name,
        },
        Stored::Cleared(e) => Event::Cleared {
            tenant: TenantId::new(&e.tenant)?,
        },
    })
}

pub(super) fn state_to(policies: &Policies) -> stored::Policies {
    let sets = policies
        .sets()
        .map(|(tenant, set)| stored::StoredPolicySet {
            tenant: tenant.to_string(),
            policies: set
                .policies
                .iter()
                .map(|(id, policy)| policy_to(*id, policy))
                .collect(),
            last: set.last,
            version: set.version.0,
        });
    stored::Policies {
        sets: sets.collect(),
    }
}

pub(super) fn state_from(policies: stored::Policies) -> Result<Policies, DecodeError> {
    let sets = policies.sets.into_iter().map(|set| {
        let tenant = TenantId::new(&set.tenant)?;
        let policies = set.policies.into_iter().map(policy_from);
        let policies = policies.collect::<Result<_, DecodeError>>()?;
        let (last, version) = (set.last, Revision(set.version));
        let set = Set {
            policies,
            last,
            version,
        };
        Ok((tenant, set))
    });
    let sets = sets.collect::<Result<Vec<_>, DecodeError>>()?;
    Ok(Policies::from_sets(sets))
}

fn policy_to(id: PolicyId, policy: &Policy) -> stored::StoredPolicy {
    stored::StoredPolicy {
        policy: id.0,
        spec: Some(policy_spec_to_wire(&policy.spec)),
        created_at: policy.created_at.0,
        changed_at: policy.changed_at.0,
        version: policy.version.0,
    }
}

fn policy_from(policy: stored::StoredPolicy) -> Result<(PolicyId, Arc<Policy>), DecodeError> {
    let found = Policy {
        spec: policy_spec_from_wire(policy.spec)?,
        created_at: UnixNano(policy.created_at),
        changed_at: UnixNano(policy.changed_at),
        version: Revision(policy.version),
    };
    Ok((PolicyId(policy.policy), Arc::new(found)))
}

fn field_to(field: Field) -> stored::PolicyField {
    match field {
        Field::Name => stored::PolicyField::Name,
        Field::Description => stored::PolicyField::Description,
        Field::Owner => stored::PolicyField::Owner,
        Field::Labels => stored::PolicyField::Labels,
        Field::Shadow => stored::PolicyField::Shadow,
        Field::Stage => stored::PolicyField::Stage,
        Field::StartsAt => stored::PolicyField::StartsAt,
        Field::ExpiresAt => stored::PolicyField::ExpiresAt,
        Field::Windows => stored::PolicyField::Windows,
        Field::MaxSpansPerSecond => stored::PolicyField::MaxSpansPerSecond,
        Field::MaxBytesPerSecond => stored::PolicyField::MaxBytesPerSecond,
        Field::Recommendation => stored::PolicyField::Recommendation,
        Field::Rule => stored::PolicyField::Rule,
    }
}

fn field_from(field: i32) -> Result<Field, DecodeError> {
    let all = Field::ALL.into_iter();
    all.clone()
        .find(|known| i32::from(field_to(*known)) == field)
        .ok_or(DecodeError::UnknownKind)
}
