//! What every request that changes something has in common.

use takt_domain::Layer;
use takt_model::TenantId;
use takt_wire::takt::admin::v1 as wire;
use tonic::{Request, Status};

use crate::refusal::invalid;

/// Who asks, as far as anybody knows before there is authentication.
pub(crate) fn actor<T>(request: &Request<T>) -> String {
    match request.remote_addr() {
        Some(address) => format!("anonymous@{}", address.ip()),
        None => "anonymous".to_owned(),
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
