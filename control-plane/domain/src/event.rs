//! Facts.
//!
//! The stored form, its numbers and the rules of changing it stand in `api/proto/takt/control/log/v1`.

use crate::{overrides, tenants};

/// Something that happened, for ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    Tenant(tenants::Event),
    Override(overrides::Event),
}

impl From<tenants::Event> for Event {
    fn from(event: tenants::Event) -> Self {
        Self::Tenant(event)
    }
}

impl From<overrides::Event> for Event {
    fn from(event: overrides::Event) -> Self {
        Self::Override(event)
    }
}
