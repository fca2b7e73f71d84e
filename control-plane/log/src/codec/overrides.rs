//! Overrides.

use std::sync::Arc;

use takt_domain::overrides::{Event, Values};
use takt_domain::{Layer, Map};
use takt_model::{Revision, TenantId};
use takt_wire::takt::control::log::v1 as stored;
use takt_wire::takt::control::log::v1::event::Event as Stored;
use takt_wire::takt::control::log::v1::overrides_event::Event as Later;

use super::DecodeError;

pub(super) fn event_to(event: &Event) -> Stored {
    let (tenant, own) = layer_to(event.layer());
    match event {
        Event::Set { name, value, .. } => {
            let (name, value) = (name.clone(), value.clone());
            if own {
                return later(Later::OwnSet(stored::OwnOverrideSet {
                    tenant,
                    name,
                    value,
                }));
            }
            Stored::OverrideSet(stored::OverrideSet {
                tenant,
                name,
                value,
            })
        }
        Event::Cleared { name, .. } => {
            let name = name.clone();
            if own {
                return later(Later::OwnCleared(stored::OwnOverrideCleared {
                    tenant,
                    name,
                }));
            }
            Stored::OverrideCleared(stored::OverrideCleared { tenant, name })
        }
        Event::RolledBack { to, .. } => later(Later::RolledBack(stored::OverridesRolledBack {
            tenant,
            own,
            to: to.0,
        })),
    }
}

fn later(event: Later) -> Stored {
    Stored::Overrides(stored::OverridesEvent { event: Some(event) })
}

/// The events of the first release stand in the stored event itself.
pub(super) fn first_event_from(event: Stored) -> Result<Event, DecodeError> {
    Ok(match event {
        Stored::OverrideSet(e) => Event::Set {
            layer: layer_from(&e.tenant, false)?,
            name: e.name,
            value: e.value,
        },
        Stored::OverrideCleared(e) => Event::Cleared {
            layer: layer_from(&e.tenant, false)?,
            name: e.name,
        },
        _ => return Err(DecodeError::UnknownKind),
    })
}

pub(super) fn event_from(event: stored::OverridesEvent) -> Result<Event, DecodeError> {
    Ok(match event.event.ok_or(DecodeError::UnknownKind)? {
        Later::OwnSet(e) => Event::Set {
            layer: layer_from(&e.tenant, true)?,
            name: e.name,
            value: e.value,
        },
        Later::OwnCleared(e) => Event::Cleared {
            layer: layer_from(&e.tenant, true)?,
            name: e.name,
        },
        Later::RolledBack(e) => Event::RolledBack {
            layer: layer_from(&e.tenant, e.own)?,
            to: Revision(e.to),
        },
    })
}

pub(super) fn state_to(
    overrides: &Map<Layer, Arc<Values>>,
) -> impl Iterator<Item = stored::Layer> + '_ {
    overrides.iter().map(|(layer, values)| {
        let (tenant, own) = layer_to(layer);
        stored::Layer {
            tenant,
            values: values.fields.to_map(),
            version: values.version.0,
            own,
        }
    })
}

pub(super) fn row_from(layer: stored::Layer) -> Result<(Layer, Arc<Values>), DecodeError> {
    let values = Values {
        fields: layer.values.into(),
        version: Revision(layer.version),
    };
    Ok((layer_from(&layer.tenant, layer.own)?, Arc::new(values)))
}

/// Whose it is, and whether it is what the tenant set for itself.
fn layer_to(layer: &Layer) -> (String, bool) {
    match layer {
        Layer::Defaults => (String::new(), false),
        Layer::Tenant(tenant) => (tenant.to_string(), false),
        Layer::OfTenantItself(tenant) => (tenant.to_string(), true),
    }
}

fn layer_from(tenant: &str, own: bool) -> Result<Layer, DecodeError> {
    if tenant.is_empty() && !own {
        return Ok(Layer::Defaults);
    }
    let tenant = TenantId::new(tenant)?;
    Ok(if own {
        Layer::OfTenantItself(tenant)
    } else {
        Layer::Tenant(tenant)
    })
}
