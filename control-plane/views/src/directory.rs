//! Who there is and what they may do: tenants joined with their overrides.

use std::collections::BTreeMap;
use std::sync::Arc;

use takt_domain::overrides::Values;
use takt_domain::{Batch, Event, Layer, Standing, State, Tenant, overrides, tenants};
use takt_model::{Revision, TenantId, UnixNano};

/// Cheap to clone: rows are shared.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Directory {
    pub revision: Revision,
    /// When the newest event was decided.
    pub decided_at: UnixNano,
    pub defaults: Arc<Values>,
    pub tenants: BTreeMap<TenantId, Arc<Row>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub tenant: Tenant,
    pub overrides: Values,
}

impl Row {
    /// The revision after its last change.
    #[must_use]
    pub fn changed_at(&self) -> Revision {
        self.tenant.version.max(self.overrides.version)
    }
}

impl Directory {
    /// What folding everything that led to this state gives.
    #[must_use]
    pub fn of(state: &State) -> Self {
        let layer = |layer: &Layer| {
            let values = state.overrides.get(layer);
            values
                .map(|values| Values::clone(values))
                .unwrap_or_default()
        };
        let tenants = state.tenants.iter().map(|(id, tenant)| {
            let row = Row {
                tenant: Tenant::clone(tenant),
                overrides: layer(&Layer::Tenant(id.clone())),
            };
            (id.clone(), Arc::new(row))
        });
        Self {
            revision: state.revision,
            decided_at: state.at,
            defaults: Arc::new(layer(&Layer::Defaults)),
            tenants: tenants.collect(),
        }
    }

    /// Folds a batch that was applied to the log at this revision.
    pub fn fold(&mut self, batch: &Batch) {
        for event in &batch.events {
            let version = Revision(self.revision.0 + 1);
            match event {
                Event::Tenant(event) => self.fold_tenant(event, batch.at, version),
                Event::Override(event) => self.fold_override(event, version),
                Event::Ring(_)
                | Event::Policy(_)
                | Event::Decision(_)
                | Event::Access(_)
                | Event::Licence(_)
                | Event::Ledger(_)
                | Event::Job(_)
                | Event::Node(_)
                | Event::Cluster(_) => {}
            }
            self.revision = version;
        }
        self.decided_at = self.decided_at.max(batch.at);
    }

    fn fold_tenant(&mut self, event: &tenants::Event, at: UnixNano, version: Revision) {
        let id = event.tenant();
        let standing = match event {
            tenants::Event::Created { display_name, .. } => {
                let tenant = Tenant {
                    display_name: display_name.clone(),
                    standing: Standing::Active,
                    created_at: at,
                    version,
                };
                let overrides = Values::default();
                let row = Row { tenant, overrides };
                self.tenants.insert(id.clone(), Arc::new(row));
                return;
            }
            tenants::Event::Renamed { display_name, .. } => {
                return self.change(id, |row| {
                    row.tenant.display_name.clone_from(display_name);
                    row.tenant.version = version;
                });
            }
            tenants::Event::Suspended { reason, .. } => Standing::Suspended {
                reason: reason.clone(),
            },
            tenants::Event::Resumed { .. } => Standing::Active,
            tenants::Event::Deleted { .. } => Standing::Deleted,
        };
        self.change(id, |row| {
            row.tenant.standing = standing;
            row.tenant.version = version;
        });
    }

    fn fold_override(&mut self, event: &overrides::Event, version: Revision) {
        let change = |values: &mut Values| {
            match event {
                overrides::Event::Set { name, value, .. } => {
                    values.fields.insert(name.clone(), value.clone());
                }
                overrides::Event::Cleared { name, .. } => {
                    values.fields.remove(name);
                }
            }
            values.version = version;
        };
        match event.layer() {
            Layer::Defaults => change(Arc::make_mut(&mut self.defaults)),
            Layer::Tenant(id) => self.change(id, |row| change(&mut row.overrides)),
        }
    }

    fn change(&mut self, id: &TenantId, how: impl FnOnce(&mut Row)) {
        if let Some(row) = self.tenants.get_mut(id) {
            how(Arc::make_mut(row));
        }
    }
}
