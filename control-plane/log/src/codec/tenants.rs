//! Tenants.

use std::sync::Arc;

use takt_domain::tenants::{BlockFormat, Event, Purge};
use takt_domain::{Map, Standing, Tenant};
use takt_model::{Revision, TenantId, UnixNano};
use takt_wire::takt::control::log::v1 as stored;
use takt_wire::takt::control::log::v1::event::Event as Stored;
use takt_wire::takt::control::log::v1::tenant_event::Event as Later;

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
        later => Stored::Tenant(stored::TenantEvent {
            event: later_event_to(later, tenant),
        }),
    }
}

/// `None` for the events of the first release, which do not come here.
fn later_event_to(event: &Event, tenant: String) -> Option<Later> {
    Some(match event {
        Event::Created { .. }
        | Event::Renamed { .. }
        | Event::Suspended { .. }
        | Event::Resumed { .. }
        | Event::Deleted { .. } => return None,
        Event::LabelSet { key, value, .. } => Later::LabelSet(stored::TenantLabelSet {
            tenant,
            key: key.clone(),
            value: value.clone(),
        }),
        Event::LabelCleared { key, .. } => {
            let key = key.clone();
            Later::LabelCleared(stored::TenantLabelCleared { tenant, key })
        }
        Event::BlockFormatChosen { block_format, .. } => {
            let block_format = format_to(*block_format).into();
            Later::BlockFormatChosen(stored::TenantBlockFormatChosen {
                tenant,
                block_format,
            })
        }
        Event::CellAssigned { cell, .. } => {
            let cell = cell.clone();
            Later::CellAssigned(stored::TenantCellAssigned { tenant, cell })
        }
        Event::Undeleted { .. } => Later::Undeleted(stored::TenantUndeleted { tenant }),
        Event::PurgeProgressed { blocks, bytes, .. } => {
            let (blocks, bytes) = (*blocks, *bytes);
            Later::PurgeProgressed(stored::TenantPurgeProgressed {
                tenant,
                blocks,
                bytes,
            })
        }
        Event::PurgeFailed { reason, .. } => {
            let reason = reason.clone();
            Later::PurgeFailed(stored::TenantPurgeFailed { tenant, reason })
        }
        Event::Purged { .. } => Later::Purged(stored::TenantPurged { tenant }),
    })
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

pub(super) fn event_from(event: stored::TenantEvent) -> Result<Event, DecodeError> {
    let id = |tenant: &str| TenantId::new(tenant);
    Ok(match event.event.ok_or(DecodeError::UnknownKind)? {
        Later::LabelSet(e) => Event::LabelSet {
            tenant: id(&e.tenant)?,
            key: e.key,
            value: e.value,
        },
        Later::LabelCleared(e) => Event::LabelCleared {
            tenant: id(&e.tenant)?,
            key: e.key,
        },
        Later::BlockFormatChosen(e) => Event::BlockFormatChosen {
            tenant: id(&e.tenant)?,
            block_format: format_from(e.block_format())?,
        },
        Later::CellAssigned(e) => Event::CellAssigned {
            tenant: id(&e.tenant)?,
            cell: e.cell,
        },
        Later::Undeleted(e) => Event::Undeleted {
            tenant: id(&e.tenant)?,
        },
        Later::PurgeProgressed(e) => Event::PurgeProgressed {
            tenant: id(&e.tenant)?,
            blocks: e.blocks,
            bytes: e.bytes,
        },
        Later::PurgeFailed(e) => Event::PurgeFailed {
            tenant: id(&e.tenant)?,
            reason: e.reason,
        },
        Later::Purged(e) => Event::Purged {
            tenant: id(&e.tenant)?,
        },
    })
}

pub(super) fn state_to(
    tenants: &Map<TenantId, Arc<Tenant>>,
) -> impl Iterator<Item = stored::Tenant> + '_ {
    let rows = tenants.iter();
    rows.map(|(id, tenant)| tenant_to(id, tenant))
}

pub(super) fn row_from(tenant: stored::Tenant) -> Result<(TenantId, Arc<Tenant>), DecodeError> {
    let id = TenantId::new(&tenant.tenant)?;
    Ok((id, Arc::new(tenant_from(tenant)?)))
}

fn tenant_to(id: &TenantId, tenant: &Tenant) -> stored::Tenant {
    let (standing, suspend_reason, purge) = match &tenant.standing {
        Standing::Active => (stored::TenantStanding::Active, String::new(), None),
        Standing::Suspended { reason } => (stored::TenantStanding::Suspended, reason.clone(), None),
        Standing::Deleting(purge) => {
            let purge = stored::TenantPurge {
                deleted_at: purge.deleted_at.0,
                blocks: purge.blocks,
                bytes: purge.bytes,
                last_failure: purge.last_failure.clone(),
            };
            (stored::TenantStanding::Deleted, String::new(), Some(purge))
        }
        Standing::Deleted => (stored::TenantStanding::Purged, String::new(), None),
    };
    stored::Tenant {
        tenant: id.to_string(),
        display_name: tenant.display_name.clone(),
        standing: standing.into(),
        suspend_reason,
        created_at: tenant.created_at.0,
        version: tenant.version.0,
        labels: tenant.labels.clone(),
        block_format: format_to(tenant.block_format).into(),
        cell: tenant.cell.clone(),
        purge,
    }
}

fn tenant_from(tenant: stored::Tenant) -> Result<Tenant, DecodeError> {
    let block_format = match tenant.block_format() {
        stored::BlockFormat::Unspecified => BlockFormat::Native,
        chosen => format_from(chosen)?,
    };
    let standing = match stored::TenantStanding::try_from(tenant.standing) {
        Ok(stored::TenantStanding::Active) => Standing::Active,
        Ok(stored::TenantStanding::Suspended) => Standing::Suspended {
            reason: tenant.suspend_reason,
        },
        Ok(stored::TenantStanding::Deleted) => {
            let purge = tenant.purge.unwrap_or_default();
            Standing::Deleting(Purge {
                deleted_at: UnixNano(purge.deleted_at),
                blocks: purge.blocks,
                bytes: purge.bytes,
                last_failure: purge.last_failure,
            })
        }
        Ok(stored::TenantStanding::Purged) => Standing::Deleted,
        Ok(stored::TenantStanding::Unspecified) | Err(_) => return Err(DecodeError::UnknownKind),
    };
    Ok(Tenant {
        display_name: tenant.display_name,
        standing,
        labels: tenant.labels,
        block_format,
        cell: tenant.cell,
        created_at: UnixNano(tenant.created_at),
        version: Revision(tenant.version),
    })
}

fn format_to(format: BlockFormat) -> stored::BlockFormat {
    match format {
        BlockFormat::Native => stored::BlockFormat::Native,
        BlockFormat::VParquet4 => stored::BlockFormat::Vparquet4,
        BlockFormat::VParquet5 => stored::BlockFormat::Vparquet5,
    }
}

fn format_from(format: stored::BlockFormat) -> Result<BlockFormat, DecodeError> {
    match format {
        stored::BlockFormat::Native => Ok(BlockFormat::Native),
        stored::BlockFormat::Vparquet4 => Ok(BlockFormat::VParquet4),
        stored::BlockFormat::Vparquet5 => Ok(BlockFormat::VParquet5),
        stored::BlockFormat::Unspecified => Err(DecodeError::UnknownKind),
    }
}
