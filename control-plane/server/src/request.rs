//! What every request that changes something has in common.

use std::collections::BTreeSet;

use takt_domain::Layer;
use takt_model::TenantId;
use takt_wire::takt::admin::v1 as wire;
use tonic::{Request, Status};

use crate::refusal::invalid;

/// Who asks, as it will stand in the log. The guard puts it into requests, or the node that passed one on.
#[derive(Debug, Clone)]
pub(crate) struct Actor(pub(crate) String);

/// Calls within the process come past the guard; they are our own.
pub(crate) fn actor<T>(request: &Request<T>) -> String {
    match request.extensions().get::<Actor>() {
        Some(Actor(actor)) => actor.clone(),
        None => "takt".to_owned(),
    }
}

/// Whose things a list shows. The guard puts it into requests; calls within the process see everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Sees {
    #[default]
    All,
    Only(BTreeSet<TenantId>),
}

impl Sees {
    pub(crate) fn of<T>(request: &Request<T>) -> Self {
        request
            .extensions()
            .get::<Self>()
            .cloned()
            .unwrap_or_default()
    }

    pub(crate) fn tenant(&self, tenant: &TenantId) -> bool {
        match self {
            Self::All => true,
            Self::Only(tenants) => tenants.contains(tenant),
        }
    }
}

pub(crate) fn tenant(text: &str) -> Result<TenantId, Status> {
    TenantId::new(text).map_err(|error| invalid("TENANT_INVALID", error.to_string()))
}

pub(crate) fn layer(scope: Option<wire::Scope>) -> Result<Layer, Status> {
    match scope.and_then(|scope| scope.scope) {
        Some(wire::scope::Scope::Tenant(text)) => Ok(Layer::Tenant(tenant(&text)?)),
        Some(wire::scope::Scope::UserConfigurable(text)) => {
            Ok(Layer::OfTenantItself(tenant(&text)?))
        }
        Some(wire::scope::Scope::Defaults(true)) => Ok(Layer::Defaults),
        Some(wire::scope::Scope::Defaults(false)) | None => Err(invalid(
            "SCOPE_MISSING",
            "say which layer: a tenant, or the defaults",
        )),
    }
}
