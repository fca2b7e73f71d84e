//! Tenants.

use std::sync::Arc;

use takt_domain::tenants::Event;
use takt_domain::{Map, Standing, Tenant};
use takt_model::{Revision, TenantId, UnixNano};
use takt_wire::takt::control::log::v1 as stored;
use takt_wire::takt::control::log::v1::event::Event as Stored;

use super::DecodeError;

pub(super) fn event_to(event: &Event) -> Stored {
    let tenant = event.tenant().to_string();
    match event {
        Event::Created { display_name, .. } => {
            let display_name = display_name.clone();
            Stored::TenantCreated(stored::TenantCreated {
                tenant,
                display_name,
            })
        }
        Event::Renamed { display_name, .. } => {
            let display_name = display_name.clone();
            Stored::TenantRenamed(stored::TenantRenamed {
                tenant,
                display_name,
            })
        }
        Event::Suspended { reason, .. } => {
            let reason = reason.clone();
            Stored::TenantSuspended(stored::TenantSuspended { tenant, reason })
        }
        Event::Resumed { .. } => Stored::TenantResumed(stored::TenantResumed { tenant }),
        Event::Deleted { .. } => Stored::TenantDeleted(stored::TenantDeleted { tenant }),
    }
}

/// The events of the first release stand in the stored event itself.
pub(super) fn first_event_from(event: Stored) -> Result<Event, DecodeError> {
    Ok(match event {
        Stored::TenantCreated(e) => Event::Created {
            tenant: TenantId::new(&e.tenant)?,
            display_name: e.display_name,
        },
        Stored::TenantRenamed(e) => Event::Renamed {
            tenant: TenantId::new(&e.tenant)?,
            display_name: e.display_name,
        },
        Stored::TenantSuspended(e) => Event::Suspended {
            tenant: TenantId::new(&e.tenant)?,
            reason: e.reason,
        },
        Stored::TenantResumed(e) => Event::Resumed {
            tenant: TenantId::new(&e.tenant)?,
        },
        Stored::TenantDeleted(e) => Event::Deleted {
            tenant: TenantId::new(&e.tenant)?,
        },
        _ => return Err(DecodeError::UnknownKind),
    })
}

pub(super) fn event_from(_event: stored::TenantEvent) -> Result<Event, DecodeError> {
    Err(DecodeError::UnknownKind)
}

pub(super) fn state_to(tenants: &Map<TenantId, Arc<Tenant>>) -> Vec<stored::Tenant> {
    tenants
        .iter()
        .map(|(id, tenant)| tenant_to(id, tenant))
        .collect()
}

pub(super) fn state_from(
    tenants: Vec<stored::Tenant>,
) -> Result<Map<TenantId, Arc<Tenant>>, DecodeError> {
    tenants
        .into_iter()
        .map(|tenant| {
            let id = TenantId::new(&tenant.tenant)?;
            Ok((id, Arc::new(tenant_from(tenant)?)))
        })
        .collect()
}

fn tenant_to(id: &TenantId, tenant: &Tenant) -> stored::Tenant {
    let (standing, suspend_reason) = match &tenant.standing {
        Standing::Active => (stored::TenantStanding::Active, String::new()),
        Standing::Suspended { reason } => (stored::TenantStanding::Suspended, reason.clone()),
        Standing::Deleted => (stored::TenantStanding::Deleted, String::new()),
    };
    stored::Tenant {
        tenant: id.to_string(),
        display_name: tenant.display_name.clone(),
        standing: standing.into(),
        suspend_reason,
        created_at: tenant.created_at.0,
        version: tenant.version.0,
    }
}

fn tenant_from(tenant: stored::Tenant) -> Result<Tenant, DecodeError> {
    let standing = match stored::TenantStanding::try_from(tenant.standing) {
        Ok(stored::TenantStanding::Active) => Standing::Active,
        Ok(stored::TenantStanding::Suspended) => Standing::Suspended {
            reason: tenant.suspend_reason,
        },
        Ok(stored::TenantStanding::Deleted) => Standing::Deleted,
        Ok(stored::TenantStanding::Unspecified) | Err(_) => return Err(DecodeError::UnknownKind),
    };
    Ok(Tenant {
        display_name: tenant.display_name,
        standing,
        created_at: UnixNano(tenant.created_at),
        version: Revision(tenant.version),
    })
}
