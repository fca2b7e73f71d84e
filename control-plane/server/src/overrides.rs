//! Overrides over the wire.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use takt_domain::overrides::{Command, Values};
use takt_domain::{Layer, Rejection, State};
use takt_model::{Limits, OverridesPatch};
use takt_wire::takt::admin::v1 as wire;
use takt_wire::takt::admin::v1::overrides_service_server::OverridesService;
use tonic::{Request, Response, Status};

use crate::refusal::rejected;
use crate::request::{actor, if_match, layer};
use crate::writer::Writer;

#[derive(Debug)]
pub(crate) struct OverridesApi {
    writer: Writer,
    base: Arc<Limits>,
}

impl OverridesApi {
    pub(crate) fn new(writer: Writer, base: Arc<Limits>) -> Self {
        Self { writer, base }
    }
}

#[tonic::async_trait]
impl OverridesService for OverridesApi {
    async fn get_overrides(
        &self,
        request: Request<wire::GetOverridesRequest>,
    ) -> Result<Response<wire::GetOverridesResponse>, Status> {
        let layer = layer(request.into_inner().scope)?;
        let state = self.writer.read().await?;
        if let Layer::Tenant(tenant) = &layer
            && !state.tenants.contains_key(tenant)
        {
            return Err(rejected(&Rejection::TenantUnknown(tenant.clone())));
        }
        let own = values(&state, &layer);
        let (effective, ignored) = effective(&state, &layer, &self.base);
        Ok(Response::new(wire::GetOverridesResponse {
            own: own.fields,
            effective,
            version: own.version.0,
            ignored,
        }))
    }

    async fn change_overrides(
        &self,
        request: Request<wire::ChangeOverridesRequest>,
    ) -> Result<Response<wire::ChangeOverridesResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let layer = layer(request.scope)?;
        let command = Command {
            layer: layer.clone(),
            set: request.set,
            clear: request.clear.into_iter().collect::<BTreeSet<_>>(),
            if_match: if_match(request.if_match),
        };
        let change = wire::Change {
            command_id: request.command_id,
            ..wire::Change::default()
        };
        let changed = self.writer.change(actor, Some(change), command).await?;
        let own = values(&changed.state, &layer);
        Ok(Response::new(wire::ChangeOverridesResponse {
            own: own.fields,
            version: own.version.0,
        }))
    }
}

fn values(state: &State, layer: &Layer) -> Values {
    state
        .overrides
        .get(layer)
        .map(|values| Values::clone(values))
        .unwrap_or_default()
}

/// Every field as it holds in this layer, and what cannot be read on the way there.
fn effective(
    state: &State,
    layer: &Layer,
    base: &Limits,
) -> (Vec<wire::Override>, BTreeMap<String, String>) {
    let mut ignored = BTreeMap::new();
    let mut patch = |layer: &Layer| {
        let (patch, unreadable) = values(state, layer).patch();
        let unreadable = unreadable.into_iter();
        ignored.extend(unreadable.map(|(name, why)| (name, why.to_string())));
        patch
    };
    let defaults = patch(&Layer::Defaults);
    let own = match layer {
        Layer::Defaults => OverridesPatch::default(),
        Layer::Tenant(_) => patch(layer),
    };
    let limits = own.over(&defaults.over(base));
    let names = |patch: &OverridesPatch| -> BTreeSet<&'static str> {
        patch.entries().into_iter().map(|(name, _)| name).collect()
    };
    let (own, defaults) = (names(&own), names(&defaults));
    let source = |name| {
        if own.contains(name) {
            wire::OverrideSource::Tenant
        } else if defaults.contains(name) {
            wire::OverrideSource::Defaults
        } else {
            wire::OverrideSource::BuiltIn
        }
    };
    let fields = limits.entries().into_iter().zip(Limits::fields());
    let effective = fields.map(|((name, value), field)| wire::Override {
        name: name.to_owned(),
        value,
        source: source(name).into(),
        unit: field.unit.to_owned(),
    });
    (effective.collect(), ignored)
}
