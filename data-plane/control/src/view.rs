//! The view: what the control plane has decided, as the data plane needs it.

use std::sync::Arc;

use arc_swap::ArcSwap;
use takt_kit::{Code, Reject};
use takt_model::{Limits, Revision, TenantId, UnixNano};

use crate::Rows;

/// An ordered map whose clones share what they have in common, so that a new view costs what changed.
pub type Map<K, V> = imbl::OrdMap<K, V>;

/// May a tenant take part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TenantState {
    Active,
    Suspended,
    Deleting,
}

/// One tenant as the data plane sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Tenant {
    pub state: TenantState,
    /// Effective: the tenant's overrides laid over the defaults.
    pub limits: Arc<Limits>,
}

/// What happens to a tenant the control plane has never heard of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnknownTenants {
    /// It is served with the default limits, as Tempo does.
    #[default]
    Accept,
    Refuse,
}

/// Everything the data plane knows of the control plane's decisions at one revision.
#[derive(Debug, Clone)]
pub struct View {
    pub revision: Revision,
    /// When the newest event in this view was decided.
    pub decided_at: UnixNano,
    pub defaults: Arc<Limits>,
    pub tenants: Map<TenantId, Tenant>,
    /// Everything as it was told, tenants and limits too.
    pub rows: Rows,
    pub unknown: UnknownTenants,
}

impl Default for View {
    fn default() -> Self {
        Self {
            revision: Revision(0),
            decided_at: UnixNano(0),
            defaults: Arc::new(Limits::default()),
            tenants: Map::new(),
            rows: Rows::default(),
            unknown: UnknownTenants::Accept,
        }
    }
}

impl View {
    /// The effective limits of a tenant.
    #[must_use]
    pub fn limits(&self, tenant: &TenantId) -> &Arc<Limits> {
        self.tenants
            .get(tenant)
            .map_or(&self.defaults, |known| &known.limits)
    }

    /// Whether the tenant may write now.
    ///
    /// # Errors
    /// When it is suspended, being deleted, or unknown where unknown tenants are refused.
    pub fn admit_write(&self, tenant: &TenantId) -> Result<(), Reject> {
        self.admit(tenant)?;
        match self.tenants.get(tenant).map(|known| known.state) {
            Some(TenantState::Suspended) => Err(Reject::new(
                Code::Denied,
                "TENANT_SUSPENDED",
                format!(
                    "tenant `{tenant}` is suspended; resume it with `takt ctl tenant resume {tenant}`"
                ),
            )),
            Some(TenantState::Deleting) => Err(Reject::new(
                Code::Denied,
                "TENANT_DELETED",
                format!("tenant `{tenant}` is being deleted"),
            )),
            Some(TenantState::Active) | None => Ok(()),
        }
    }

    /// Whether the tenant may read now; a suspended tenant may.
    ///
    /// # Errors
    /// When it is unknown and unknown tenants are refused.
    pub fn admit(&self, tenant: &TenantId) -> Result<(), Reject> {
        if self.unknown == UnknownTenants::Refuse && !self.tenants.contains_key(tenant) {
            return Err(Reject::new(
                Code::Denied,
                "TENANT_UNKNOWN",
                format!(
                    "tenant `{tenant}` is unknown; create it with `takt ctl tenant create {tenant}`"
                ),
            ));
        }
        Ok(())
    }
}

/// The one place where the current view is found. Clones share it; loading takes no lock.
#[derive(Debug, Clone, Default)]
pub struct ViewHandle(Arc<ArcSwap<View>>);

impl ViewHandle {
    #[must_use]
    pub fn new(view: View) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(view)))
    }

    #[must_use]
    pub fn load(&self) -> Arc<View> {
        self.0.load_full()
    }

    /// Replaces the view; readers see the old or the new one, never a mixture.
    pub fn publish(&self, view: View) {
        self.0.store(Arc::new(view));
    }
}
