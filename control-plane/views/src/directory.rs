//! Who there is and what they may do: tenants joined with their overrides.

use std::collections::BTreeMap;
use std::sync::Arc;

use takt_domain::overrides::Values;
use takt_domain::{Layer, State, Tenant, overrides};
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
                overrides: own(state, id),
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
}

/// What a tenant has beside the defaults, whoever set it.
fn own(state: &State, tenant: &TenantId) -> Values {
    let layers = [
        Layer::Tenant(tenant.clone()),
        Layer::OfTenantItself(tenant.clone()),
    ];
    let versions = layers.iter().filter_map(|layer| state.overrides.get(layer));
    Values {
        fields: overrides::own(state, tenant),
        version: versions
            .map(|values| values.version)
            .max()
            .unwrap_or_default(),
    }
}
