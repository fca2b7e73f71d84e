//! What tenants may do: fields set for one tenant or, as the defaults layer, for all.
//!
//! Values are kept as the canonical text that was valid when it was decided. Whoever reads them
//! later asks [`Values::patch`], which also names what it could not read.

mod fields;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use takt_model::{LimitError, OverridesPatch, Revision, TenantId, UnixNano};

use crate::{Facts, Rejection, Resource, State, Subject, tenants};

pub use fields::Fields;

/// Where an override is set. The later ones win, field by field.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    Defaults,
    Tenant(TenantId),
    /// What a tenant sets for itself, of the few fields it may.
    OfTenantItself(TenantId),
}

impl Layer {
    /// Whose it is; nobody's is everybody's.
    #[must_use]
    pub fn tenant(&self) -> Option<&TenantId> {
        match self {
            Self::Defaults => None,
            Self::Tenant(tenant) | Self::OfTenantItself(tenant) => Some(tenant),
        }
    }
}

/// What the layer of a tenant itself is called among the tenant's.
pub const OF_TENANT_ITSELF: &str = "user-configurable";

/// What is set in one layer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Values {
    /// Canonical text by dotted name.
    pub fields: Fields,
    /// The revision after the last change of this layer.
    pub version: Revision,
}

impl Values {
    /// The fields as limits, and those this version of Takt cannot read (an older or newer one wrote them).
    #[must_use]
    pub fn patch(&self) -> (OverridesPatch, Vec<(String, LimitError)>) {
        let mut patch = OverridesPatch::default();
        let mut unreadable = Vec::new();
        for (name, value) in self.fields.iter() {
            if let Err(error) = patch.set(name, value) {
                unreadable.push((name.to_owned(), error));
            }
        }
        (patch, unreadable)
    }
}

/// What a tenant has in the end beside the defaults: what it set for itself over what was set for it.
#[must_use]
pub fn own(state: &State, tenant: &TenantId) -> BTreeMap<String, String> {
    let layers = [
        Layer::Tenant(tenant.clone()),
        Layer::OfTenantItself(tenant.clone()),
    ];
    let values = layers.iter().filter_map(|layer| state.overrides.get(layer));
    values.flat_map(|values| values.fields.to_map()).collect()
}

/// All or nothing, on one layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    pub layer: Layer,
    pub wish: Wish,
    /// The version of the layer; revision 0 is a layer nobody touched.
    pub if_match: Option<Revision>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// Set and clear fields, leave the others.
    Change {
        set: BTreeMap<String, String>,
        clear: BTreeSet<String>,
    },
    /// Exactly these fields.
    Replace { fields: BTreeMap<String, String> },
    /// Exactly the fields the layer had at a revision, whatever this version thinks of their values.
    RollBack {
        fields: BTreeMap<String, String>,
        to: Revision,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    Set {
        layer: Layer,
        name: String,
        value: String,
    },
    Cleared {
        layer: Layer,
        name: String,
    },
    /// The layer is going back to what it was at a revision; what that takes follows.
    RolledBack {
        layer: Layer,
        to: Revision,
    },
}

impl Event {
    /// What it is about.
    #[must_use]
    pub fn subject(&self) -> Subject {
        match self.layer() {
            Layer::Defaults => Subject::named(Resource::Overrides, ""),
            Layer::Tenant(tenant) => Subject::of_tenant(Resource::Overrides, tenant),
            Layer::OfTenantItself(tenant) => Subject {
                name: OF_TENANT_ITSELF.to_owned(),
                ..Subject::of_tenant(Resource::Overrides, tenant)
            },
        }
    }

    /// Where it happened.
    #[must_use]
    pub fn layer(&self) -> &Layer {
        match self {
            Self::Set { layer, .. }
            | Self::Cleared { layer, .. }
            | Self::RolledBack { layer, .. } => layer,
        }
    }
}

pub(crate) fn decide(
    state: &State,
    command: &Command,
    _facts: &Facts,
) -> Result<Vec<crate::Event>, Rejection> {
    let layer = &command.layer;
    if let Some(tenant) = layer.tenant() {
        tenants::present(state, tenant, None)?;
    }
    let untouched = Arc::default();
    let current = state.overrides.get(layer).unwrap_or(&untouched);
    tenants::matches(command.if_match, current.version)?;
    match &command.wish {
        Wish::Change { set, clear } => change(layer, current, set, clear),
        Wish::Replace { fields } => {
            let fields = fields.iter();
            let fields =
                fields.map(|(name, text)| Ok((name.clone(), canonical(layer, name, text)?)));
            Ok(replace(
                layer,
                current,
                &fields.collect::<Result<_, Rejection>>()?,
            ))
        }
        Wish::RollBack { fields, to } => {
            let mut events = replace(layer, current, fields);
            if !events.is_empty() {
                let (layer, to) = (layer.clone(), *to);
                events.insert(0, Event::RolledBack { layer, to }.into());
            }
            Ok(events)
        }
    }
}

fn change(
    layer: &Layer,
    current: &Values,
    set: &BTreeMap<String, String>,
    clear: &BTreeSet<String>,
) -> Result<Vec<crate::Event>, Rejection> {
    if let Some(name) = clear.iter().find(|name| set.contains_key(*name)) {
        return Err(Rejection::OverrideAmbiguous(name.clone()));
    }
    let mut events = Vec::new();
    for (name, text) in set {
        let value = canonical(layer, name, text)?;
        if current.fields.get(name) != Some(value.as_str()) {
            events.push(was_set(layer, name, value));
        }
    }
    for name in clear {
        clearable(current, name)?;
        if current.fields.contains_key(name) {
            events.push(cleared(layer, name));
        }
    }
    Ok(events)
}

/// From what is there to exactly these fields.
fn replace(
    layer: &Layer,
    current: &Values,
    fields: &BTreeMap<String, String>,
) -> Vec<crate::Event> {
    let set = fields
        .iter()
        .filter(|(name, value)| current.fields.get(name) != Some(value.as_str()))
        .map(|(name, value)| was_set(layer, name, value.clone()));
    let gone = current
        .fields
        .keys()
        .filter(|name| !fields.contains_key(*name));
    let gone = gone.map(|name| cleared(layer, name));
    set.chain(gone).collect()
}

/// Everything of a layer goes.
pub(crate) fn clear_all(state: &State, layer: &Layer) -> Vec<crate::Event> {
    let Some(values) = state.overrides.get(layer) else {
        return Vec::new();
    };
    values
        .fields
        .keys()
        .map(|name| cleared(layer, name))
        .collect()
}

fn was_set(layer: &Layer, name: &str, value: String) -> crate::Event {
    Event::Set {
        layer: layer.clone(),
        name: name.to_owned(),
        value,
    }
    .into()
}

fn cleared(layer: &Layer, name: &str) -> crate::Event {
    Event::Cleared {
        layer: layer.clone(),
        name: name.to_owned(),
    }
    .into()
}

fn canonical(layer: &Layer, name: &str, text: &str) -> Result<String, Rejection> {
    if let Layer::OfTenantItself(_) = layer
        && !takt_model::is_user_configurable(name)
    {
        return Err(Rejection::OverrideNotTheirs(name.to_owned()));
    }
    let mut patch = OverridesPatch::default();
    patch.set(name, text).map_err(rejection)?;
    let entry = patch.entries().into_iter().next();
    Ok(entry.map_or_else(|| text.to_owned(), |(_, value)| value))
}

/// A name nobody knows may still be cleared where it is set: a newer version may have set it.
fn clearable(current: &Values, name: &str) -> Result<(), Rejection> {
    if current.fields.contains_key(name) {
        return Ok(());
    }
    OverridesPatch::default().clear(name).map_err(rejection)
}

fn rejection(error: LimitError) -> Rejection {
    match error {
        LimitError::Unknown(_) => Rejection::OverrideUnknown(error),
        LimitError::Value { .. } | LimitError::Zero { .. } => Rejection::OverrideInvalid(error),
    }
}

/// Folds one event; `version` is the revision after it.
pub(crate) fn evolve(state: &mut State, event: &Event, _at: UnixNano, version: Revision) {
    let layer = event.layer().clone();
    let values = Arc::make_mut(state.overrides.entry(layer).or_default());
    match event {
        Event::Set { name, value, .. } => {
            values.fields.insert(name, value);
        }
        Event::Cleared { name, .. } => {
            values.fields.remove(name);
        }
        Event::RolledBack { .. } => {}
    }
    values.version = version;
}
