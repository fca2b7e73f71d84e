//! Overrides over the wire.

use std::collections::BTreeMap;
use std::sync::Arc;

use takt_domain::overrides::{Command, Values, Wish};
use takt_domain::{Layer, Rejection, State};
use takt_log::Handle;
use takt_model::{Limits, OverridesPatch, Revision};
use takt_wire::takt::admin::v1 as wire;
use takt_wire::takt::admin::v1::overrides_service_server::OverridesService;
use tonic::{Request, Response, Status};

use crate::refusal::{past, rejected};
use crate::request::{actor, layer};
use crate::writer::{Writer, if_match};

#[derive(Debug)]
pub(crate) struct OverridesApi {
    writer: Writer,
    log: Handle,
    base: Arc<Limits>,
}

impl OverridesApi {
    pub(crate) fn new(writer: Writer, log: Handle, base: Arc<Limits>) -> Self {
        Self { writer, log, base }
    }

    async fn change(
        &self,
        actor: String,
        change: Option<wire::Change>,
        layer: Layer,
        wish: Wish,
    ) -> Result<(Option<wire::Outcome>, Option<wire::Overrides>), Status> {
        let command = Command {
            layer: layer.clone(),
            wish,
            if_match: if_match(change.as_ref()),
        };
        let changed = self.writer.change(actor, change, command).await?;
        let overrides = to_wire(&layer, &values(&changed.state, &layer));
        Ok((Some(changed.outcome), Some(overrides)))
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
        if let Some(tenant) = layer.tenant()
            && !state.tenants.contains_key(tenant)
        {
            return Err(rejected(&Rejection::TenantUnknown(tenant.clone())));
        }
        let (effective, ignored) = effective(&state, &layer, &self.base);
        Ok(Response::new(wire::GetOverridesResponse {
            overrides: Some(to_wire(&layer, &values(&state, &layer))),
            effective,
            ignored,
        }))
    }

    async fn list_override_fields(
        &self,
        request: Request<wire::ListOverrideFieldsRequest>,
    ) -> Result<Response<wire::ListOverrideFieldsResponse>, Status> {
        let prefix = request.into_inner().prefix;
        let built_in: BTreeMap<&str, String> = self.base.entries().into_iter().collect();
        let fields = takt_model::overrides().filter(|known| known.field.name.starts_with(&prefix));
        let fields = fields.map(|known| wire::OverrideField {
            name: known.field.name.to_owned(),
            unit: known.field.unit.to_owned(),
            doc: known.field.doc.trim().to_owned(),
            built_in: built_in.get(known.field.name).cloned().unwrap_or_default(),
            acted_on: known.acted_on,
            user_configurable: known.user_configurable,
        });
        Ok(Response::new(wire::ListOverrideFieldsResponse {
            fields: fields.collect(),
        }))
    }

    async fn change_overrides(
        &self,
        request: Request<wire::ChangeOverridesRequest>,
    ) -> Result<Response<wire::ChangeOverridesResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let wish = Wish::Change {
            set: request.set,
            clear: request.clear.into_iter().collect(),
        };
        let layer = layer(request.scope)?;
        let (outcome, overrides) = self.change(actor, request.change, layer, wish).await?;
        Ok(Response::new(wire::ChangeOverridesResponse {
            outcome,
            overrides,
        }))
    }

    async fn replace_overrides(
        &self,
        request: Request<wire::ReplaceOverridesRequest>,
    ) -> Result<Response<wire::ReplaceOverridesResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let fields = request.fields;
        let layer = layer(request.scope)?;
        let wish = Wish::Replace { fields };
        let (outcome, overrides) = self.change(actor, request.change, layer, wish).await?;
        Ok(Response::new(wire::ReplaceOverridesResponse {
            outcome,
            overrides,
        }))
    }

    async fn rollback_overrides(
        &self,
        request: Request<wire::RollbackOverridesRequest>,
    ) -> Result<Response<wire::RollbackOverridesResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let to = Revision(request.to_revision);
        let layer = layer(request.scope)?;
        let then = self.log.state_at(to).await;
        let then = then.map_err(|error| past(&error))?;
        let fields = values(&then, &layer).fields.to_map();
        let wish = Wish::RollBack { fields, to };
        let (outcome, overrides) = self.change(actor, request.change, layer, wish).await?;
        Ok(Response::new(wire::RollbackOverridesResponse {
            outcome,
            overrides,
        }))
    }
}

fn values(state: &State, layer: &Layer) -> Values {
    let values = state.overrides.get(layer);
    values
        .map(|values| Values::clone(values))
        .unwrap_or_default()
}

pub(crate) fn to_wire(layer: &Layer, values: &Values) -> wire::Overrides {
    use wire::scope::Scope;
    let scope = match layer {
        Layer::Defaults => Scope::Defaults(true),
        Layer::Tenant(tenant) => Scope::Tenant(tenant.to_string()),
        Layer::OfTenantItself(tenant) => Scope::UserConfigurable(tenant.to_string()),
    };
    wire::Overrides {
        scope: Some(wire::Scope { scope: Some(scope) }),
        fields: values.fields.to_map(),
        version: values.version.0,
    }
}

/// The layers that hold for one, the weakest first.
fn layers(layer: &Layer) -> Vec<(Layer, wire::OverrideSource)> {
    let mut layers = vec![(Layer::Defaults, wire::OverrideSource::Defaults)];
    if let Some(tenant) = layer.tenant() {
        let own = Layer::OfTenantItself(tenant.clone());
        layers.push((Layer::Tenant(tenant.clone()), wire::OverrideSource::Tenant));
        layers.push((own, wire::OverrideSource::UserConfigurable));
    }
    layers
}

/// Every field as it holds in the end, and what cannot be read on the way there.
fn effective(
    state: &State,
    layer: &Layer,
    base: &Limits,
) -> (Vec<wire::Override>, BTreeMap<String, String>) {
    let mut ignored = BTreeMap::new();
    let mut found: BTreeMap<&'static str, (String, wire::OverrideSource)> = BTreeMap::new();
    for (name, value) in base.entries() {
        found.insert(name, (value, wire::OverrideSource::BuiltIn));
    }
    for (layer, source) in layers(layer) {
        let (patch, unreadable): (OverridesPatch, _) = values(state, &layer).patch();
        for (name, value) in patch.entries() {
            found.insert(name, (value, source));
        }
        let unreadable = unreadable.into_iter();
        ignored.extend(unreadable.map(|(name, why)| (name, why.to_string())));
    }
    let known = takt_model::overrides().filter_map(|known| {
        let (value, source) = found.remove(known.field.name)?;
        Some(wire::Override {
            name: known.field.name.to_owned(),
            value,
            source: source.into(),
            unit: known.field.unit.to_owned(),
        })
    });
    (known.collect(), ignored)
}
