//! What a subscriber wants to hear of.

use std::collections::BTreeSet;

use takt_domain::{Resource, Subject};
use takt_model::TenantId;

/// Everything, unless narrowed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// Only these kinds; empty is all.
    pub resources: BTreeSet<Resource>,
    /// Only what is this tenant's.
    pub tenant: Option<TenantId>,
    /// Only what has this name.
    pub name: Option<String>,
}

impl Filter {
    /// Whether a kind is wanted at all.
    #[must_use]
    pub fn wants(&self, resource: Resource) -> bool {
        self.resources.is_empty() || self.resources.contains(&resource)
    }

    #[must_use]
    pub fn admits(&self, subject: &Subject) -> bool {
        self.wants(subject.resource)
            && (self.tenant.is_none() || self.tenant == subject.tenant)
            && (subject.is_all() || self.name.as_ref().is_none_or(|name| *name == subject.name))
    }
}
