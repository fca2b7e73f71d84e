//! Who may use this installation: created, renamed, suspended, resumed, deleted.
//!
//! A deleted tenant stays as a tombstone, so that its id cannot come to mean somebody else while
//! blocks under that id may still exist.

use std::sync::Arc;

use takt_model::{Revision, TenantId, UnixNano};

use crate::{Facts, Layer, Rejection, Resource, State, Subject, decisions, overrides, policies};

pub const MAX_DISPLAY_NAME_BYTES: usize = 256;
pub const MAX_SUSPEND_REASON_BYTES: usize = 1024;

/// One tenant as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    pub display_name: String,
    pub standing: Standing,
    pub created_at: UnixNano,
    /// The revision after its last change.
    pub version: Revision,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    Active,
    Suspended { reason: String },
    Deleted,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    Create {
        tenant: TenantId,
        display_name: String,
    },
    Rename {
        tenant: TenantId,
        display_name: String,
        if_match: Option<Revision>,
    },
    Suspend {
        tenant: TenantId,
        reason: String,
        if_match: Option<Revision>,
    },
    Resume {
        tenant: TenantId,
        if_match: Option<Revision>,
    },
    Delete {
        tenant: TenantId,
        if_match: Option<Revision>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    Created {
        tenant: TenantId,
        display_name: String,
    },
    Renamed {
        tenant: TenantId,
        display_name: String,
    },
    Suspended {
        tenant: TenantId,
        reason: String,
    },
    Resumed {
        tenant: TenantId,
    },
    Deleted {
        tenant: TenantId,
    },
}

impl Event {
    /// What it is about.
    #[must_use]
    pub fn subject(&self) -> Subject {
        Subject::of_tenant(Resource::Tenant, self.tenant())
    }

    /// Whom it is about.
    #[must_use]
    pub fn tenant(&self) -> &TenantId {
        match self {
            Self::Created { tenant, .. }
            | Self::Renamed { tenant, .. }
            | Self::Suspended { tenant, .. }
            | Self::Resumed { tenant }
            | Self::Deleted { tenant } => tenant,
        }
    }
}

pub(crate) fn decide(
    state: &State,
    command: &Command,
    _facts: &Facts,
) -> Result<Vec<crate::Event>, Rejection> {
    match command {
        Command::Create {
            tenant,
            display_name,
        } => create(state, tenant, display_name),
        Command::Rename {
            tenant,
            display_name,
            if_match,
        } => rename(present(state, tenant, *if_match)?, tenant, display_name),
        Command::Suspend {
            tenant,
            reason,
            if_match,
        } => suspend(present(state, tenant, *if_match)?, tenant, reason),
        Command::Resume { tenant, if_match } => {
            Ok(resume(present(state, tenant, *if_match)?, tenant))
        }
        Command::Delete { tenant, if_match } => {
            present(state, tenant, *if_match)?;
            Ok(delete(state, tenant))
        }
    }
}

/// The tenant, if it is there, not deleted, and at the version asked for.
pub(crate) fn present<'a>(
    state: &'a State,
    tenant: &TenantId,
    if_match: Option<Revision>,
) -> Result<&'a Tenant, Rejection> {
    let found = state
        .tenants
        .get(tenant)
        .ok_or_else(|| Rejection::TenantUnknown(tenant.clone()))?;
    if found.standing == Standing::Deleted {
        return Err(Rejection::TenantDeleted(tenant.clone()));
    }
    matches(if_match, found.version)?;
    Ok(found)
}

pub(crate) fn matches(if_match: Option<Revision>, current: Revision) -> Result<(), Rejection> {
    match if_match {
        Some(asked) if asked != current => Err(Rejection::VersionMismatch { asked, current }),
        Some(_) | None => Ok(()),
    }
}

fn create(
    state: &State,
    tenant: &TenantId,
    display_name: &str,
) -> Result<Vec<crate::Event>, Rejection> {
    match state.tenants.get(tenant).map(|found| &found.standing) {
        Some(Standing::Deleted) => Err(Rejection::TenantDeleted(tenant.clone())),
        Some(Standing::Active | Standing::Suspended { .. }) => {
            Err(Rejection::TenantExists(tenant.clone()))
        }
        None => Ok(vec![
            Event::Created {
                tenant: tenant.clone(),
                display_name: short_name(display_name)?,
            }
            .into(),
        ]),
    }
}

fn rename(
    found: &Tenant,
    tenant: &TenantId,
    display_name: &str,
) -> Result<Vec<crate::Event>, Rejection> {
    let display_name = short_name(display_name)?;
    if found.display_name == display_name {
        return Ok(Vec::new());
    }
    Ok(vec![
        Event::Renamed {
            tenant: tenant.clone(),
            display_name,
        }
        .into(),
    ])
}

fn suspend(
    found: &Tenant,
    tenant: &TenantId,
    reason: &str,
) -> Result<Vec<crate::Event>, Rejection> {
    if reason.len() > MAX_SUSPEND_REASON_BYTES {
        return Err(Rejection::SuspendReasonTooLong(reason.len()));
    }
    let wanted = Standing::Suspended {
        reason: reason.to_owned(),
    };
    if found.standing == wanted {
        return Ok(Vec::new());
    }
    Ok(vec![
        Event::Suspended {
            tenant: tenant.clone(),
            reason: reason.to_owned(),
        }
        .into(),
    ])
}

fn resume(found: &Tenant, tenant: &TenantId) -> Vec<crate::Event> {
    if found.standing == Standing::Active {
        return Vec::new();
    }
    vec![
        Event::Resumed {
            tenant: tenant.clone(),
        }
        .into(),
    ]
}

/// What it has goes with it, and the log says so.
fn delete(state: &State, tenant: &TenantId) -> Vec<crate::Event> {
    let mut events = overrides::clear_all(state, &Layer::Tenant(tenant.clone()));
    events.extend(policies::farewell(state, tenant));
    events.extend(decisions::farewell(state, tenant));
    events.push(
        Event::Deleted {
            tenant: tenant.clone(),
        }
        .into(),
    );
    events
}

fn short_name(display_name: &str) -> Result<String, Rejection> {
    if display_name.len() > MAX_DISPLAY_NAME_BYTES {
        return Err(Rejection::DisplayNameTooLong(display_name.len()));
    }
    Ok(display_name.to_owned())
}

/// Folds one event; `version` is the revision after it.
pub(crate) fn evolve(state: &mut State, event: &Event, at: UnixNano, version: Revision) {
    match event {
        Event::Created {
            tenant,
            display_name,
        } => {
            state.tenants.insert(
                tenant.clone(),
                Arc::new(Tenant {
                    display_name: display_name.clone(),
                    standing: Standing::Active,
                    created_at: at,
                    version,
                }),
            );
        }
        Event::Renamed {
            tenant,
            display_name,
        } => change(state, tenant, version, |found| {
            found.display_name.clone_from(display_name);
        }),
        Event::Suspended { tenant, reason } => change(state, tenant, version, |found| {
            found.standing = Standing::Suspended {
                reason: reason.clone(),
            };
        }),
        Event::Resumed { tenant } => change(state, tenant, version, |found| {
            found.standing = Standing::Active;
        }),
        Event::Deleted { tenant } => change(state, tenant, version, |found| {
            found.standing = Standing::Deleted;
        }),
    }
}

fn change(state: &mut State, tenant: &TenantId, version: Revision, how: impl FnOnce(&mut Tenant)) {
    if let Some(found) = state.tenants.get_mut(tenant) {
        let found = Arc::make_mut(found);
        how(found);
        found.version = version;
    }
}
