//! What an event is about: the key of watches, of history and of the audit trail.

use takt_model::TenantId;

/// The kinds of things the control plane keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    Tenant,
    Overrides,
    Ring,
    Partition,
    PolicySet,
    Segment,
    AccessPolicy,
    Token,
    OidcIssuer,
    Licence,
    Account,
    RateCard,
    Credit,
    Invoice,
    Usage,
    Job,
    Node,
    Lease,
    Cluster,
}

/// One thing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject {
    pub resource: Resource,
    /// Whose it is, if it is a tenant's.
    pub tenant: Option<TenantId>,
    /// Its name among its kind (and tenant); empty where there is but one.
    pub name: String,
}

impl Subject {
    /// The one of its kind that a tenant has.
    #[must_use]
    pub fn of_tenant(resource: Resource, tenant: &TenantId) -> Self {
        Self {
            resource,
            tenant: Some(tenant.clone()),
            name: String::new(),
        }
    }

    /// One of many.
    #[must_use]
    pub fn named(resource: Resource, name: impl Into<String>) -> Self {
        Self {
            resource,
            tenant: None,
            name: name.into(),
        }
    }
}
