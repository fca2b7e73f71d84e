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

impl Resource {
    pub const ALL: [Self; 19] = [
        Self::Tenant,
        Self::Overrides,
        Self::Ring,
        Self::Partition,
        Self::PolicySet,
        Self::Segment,
        Self::AccessPolicy,
        Self::Token,
        Self::OidcIssuer,
        Self::Licence,
        Self::Account,
        Self::RateCard,
        Self::Credit,
        Self::Invoice,
        Self::Usage,
        Self::Job,
        Self::Node,
        Self::Lease,
        Self::Cluster,
    ];

    /// As people write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::Overrides => "overrides",
            Self::Ring => "ring",
            Self::Partition => "partition",
            Self::PolicySet => "policy_set",
            Self::Segment => "segment",
            Self::AccessPolicy => "access_policy",
            Self::Token => "token",
            Self::OidcIssuer => "oidc_issuer",
            Self::Licence => "licence",
            Self::Account => "account",
            Self::RateCard => "rate_card",
            Self::Credit => "credit",
            Self::Invoice => "invoice",
            Self::Usage => "usage",
            Self::Job => "job",
            Self::Node => "node",
            Self::Lease => "lease",
            Self::Cluster => "cluster",
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|resource| resource.name() == text)
    }
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
