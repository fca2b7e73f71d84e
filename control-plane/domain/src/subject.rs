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
    /// Every kind, in their order.
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

    /// What it is called where names outlive a process; a name never comes to mean another kind.
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

    /// Whether there may be several of a tenant, or of nobody, which have names then. Overrides are in layers of
    /// fixed names, and each is told by itself.
    #[must_use]
    pub fn is_named(self) -> bool {
        match self {
            Self::Ring
            | Self::Partition
            | Self::Segment
            | Self::AccessPolicy
            | Self::Token
            | Self::OidcIssuer
            | Self::Licence
            | Self::RateCard
            | Self::Credit
            | Self::Invoice
            | Self::Usage
            | Self::Job
            | Self::Node
            | Self::Lease => true,
            Self::Tenant | Self::Overrides | Self::PolicySet | Self::Account | Self::Cluster => {
                false
            }
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
    /// Whether it is all of its kind and tenant.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.name.is_empty() && self.resource.is_named()
    }

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
