//! What each event makes of a tenant.

use std::collections::BTreeMap;
use std::sync::Arc;

use takt_model::{Revision, TenantId, UnixNano};

use super::{BlockFormat, Event, Purge, Standing, Tenant};
use crate::State;

impl Tenant {
    /// As it is when nothing but its name was said.
    pub(super) fn new(display_name: String, created_at: UnixNano, version: Revision) -> Self {
        Self {
            display_name,
            standing: Standing::Active,
            labels: BTreeMap::new(),
            block_format: BlockFormat::default(),
            cell: String::new(),
            created_at,
            version,
        }
    }
}

/// Folds one event; `version` is the revision after it.
pub(crate) fn evolve(state: &mut State, event: &Event, at: UnixNano, version: Revision) {
    if let Event::Created {
        tenant,
        display_name,
    } = event
    {
        let created = Tenant::new(display_name.clone(), at, version);
        state.tenants.insert(tenant.clone(), Arc::new(created));
        return;
    }
    change(state, event.tenant(), version, |found| match event {
        Event::Created { .. } => {}
        Event::Renamed { display_name, .. } => found.display_name.clone_from(display_name),
        Event::Suspended { reason, .. } => {
            let reason = reason.clone();
            found.standing = Standing::Suspended { reason };
        }
        Event::Resumed { .. } | Event::Undeleted { .. } => found.standing = Standing::Active,
        Event::Deleted { .. } => {
            found.standing = Standing::Deleting(Purge {
                deleted_at: at,
                ..Purge::default()
            });
        }
        Event::LabelSet { key, value, .. } => {
            found.labels.insert(key.clone(), value.clone());
        }
        Event::LabelCleared { key, .. } => {
            found.labels.remove(key);
        }
        Event::BlockFormatChosen { block_format, .. } => found.block_format = *block_format,
        Event::CellAssigned { cell, .. } => found.cell.clone_from(cell),
        Event::PurgeProgressed { blocks, bytes, .. } => {
            if let Standing::Deleting(purge) = &mut found.standing {
                purge.blocks = purge.blocks.saturating_add(*blocks);
                purge.bytes = purge.bytes.saturating_add(*bytes);
                purge.last_failure.clear();
            }
        }
        Event::PurgeFailed { reason, .. } => {
            if let Standing::Deleting(purge) = &mut found.standing {
                purge.last_failure.clone_from(reason);
            }
        }
        Event::Purged { .. } => {
            *found = Tenant {
                standing: Standing::Deleted,
                ..Tenant::new(String::new(), found.created_at, version)
            };
        }
    });
}

fn change(state: &mut State, tenant: &TenantId, version: Revision, how: impl FnOnce(&mut Tenant)) {
    if let Some(found) = state.tenants.get_mut(tenant) {
        let found = Arc::make_mut(found);
        how(found);
        found.version = version;
    }
}
