//! Overrides.

use std::sync::Arc;

use takt_domain::overrides::{Event, Values};
use takt_domain::{Layer, Map};
use takt_model::{Revision, TenantId};
use takt_wire::takt::control::log::v1 as stored;
use takt_wire::takt::control::log::v1::event::Event as Stored;

use super::DecodeError;

pub(super) fn event_to(event: &Event) -> Stored {
    let tenant = layer_to(event.layer());
    match event {
        Event::Set { name, value, .. } => Stored::OverrideSet(stored::OverrideSet {
            tenant,
            name: name.clone(),
            value: value.clone(),
        }),
        Event::Cleared { name, .. } => {
            let name = name.clone();
            Stored::OverrideCleared(stored::OverrideCleared { tenant, name })
        }
    }
}

/// The events of the first release stand in the stored event itself.
pub(super) fn first_event_from(event: Stored) -> Result<Event, DecodeError> {
    Ok(match event {
        Stored::OverrideSet(e) => Event::Set {
            layer: layer_from(&e.tenant)?,
            name: e.name,
            value: e.value,
        },
        Stored::OverrideCleared(e) => Event::Cleared {
            layer: layer_from(&e.tenant)?,
            name: e.name,
        },
        _ => return Err(DecodeError::UnknownKind),
    })
}

pub(super) fn event_from(_event: stored::OverridesEvent) -> Result<Event, DecodeError> {
    Err(DecodeError::UnknownKind)
}

pub(super) fn state_to(overrides: &Map<Layer, Arc<Values>>) -> Vec<stored::Layer> {
    overrides
        .iter()
        .map(|(layer, values)| stored::Layer {
            tenant: layer_to(layer),
            values: values.fields.clone(),
            version: values.version.0,
        })
        .collect()
}

pub(super) fn state_from(
    layers: Vec<stored::Layer>,
) -> Result<Map<Layer, Arc<Values>>, DecodeError> {
    layers
        .into_iter()
        .map(|layer| {
            let values = Values {
                fields: layer.values,
                version: Revision(layer.version),
            };
            Ok((layer_from(&layer.tenant)?, Arc::new(values)))
        })
        .collect()
}

fn layer_to(layer: &Layer) -> String {
    match layer {
        Layer::Defaults => String::new(),
        Layer::Tenant(tenant) => tenant.to_string(),
    }
}

fn layer_from(tenant: &str) -> Result<Layer, DecodeError> {
    if tenant.is_empty() {
        return Ok(Layer::Defaults);
    }
    Ok(Layer::Tenant(TenantId::new(tenant)?))
}
