//! What tenants may do: fields set for one tenant or, as the defaults layer, for all.
//!
//! Values are kept as the canonical text that was valid when it was decided. Whoever reads them
//! later asks [`Values::patch`], which also names what it could not read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use takt_model::{LimitError, OverridesPatch, Revision, TenantId, UnixNano};

use crate::{Facts, Rejection, Resource, State, Subject, tenants};

/// Where an override is set.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    Defaults,
    Tenant(TenantId),
}

/// What is set in one layer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Values {
    /// Canonical text by dotted name.
    pub fields: BTreeMap<String, String>,
    /// The revision after the last change of this layer.
    pub version: Revision,
}

impl Values {
    /// The fields as limits, and those this version of Takt cannot read (an older or newer one wrote them).
    #[must_use]
    pub fn patch(&self) -> (OverridesPatch, Vec<(String, LimitError)>) {
        let mut patch = OverridesPatch::default();
        let mut unreadable = Vec::new();
        for (name, value) in &self.fields {
            if let Err(error) = patch.set(name, value) {
                unreadable.push((name.clone(), error));
            }
        }
        (patch, unreadable)
    }
}

/// Set and clear fields of one layer, all or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    pub layer: Layer,
    pub set: BTreeMap<String, String>,
    pub clear: BTreeSet<String>,
    /// The version of the layer; revision 0 is a layer nobody touched.
    pub if_match: Option<Revision>,
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
}

impl Event {
    /// What it is about.
    #[must_use]
    pub fn subject(&self) -> Subject {
        match self.layer() {
            Layer::Defaults => Subject::named(Resource::Overrides, ""),
            Layer::Tenant(tenant) => Subject::of_tenant(Resource::Overrides, tenant),
        }
    }

    /// Where it happened.
    #[must_use]
    pub fn layer(&self) -> &Layer {
        match self {
            Self::Set { layer, .. } | Self::Cleared { layer, .. } => layer,
        }
    }
}

pub(crate) fn decide(
    state: &State,
    command: &Command,
    _facts: &Facts,
) -> Result<Vec<crate::Event>, Rejection> {
    if let Layer::Tenant(tenant) = &command.layer {
        tenants::present(state, tenant, None)?;
    }
    let untouched = Arc::default();
    let current = state.overrides.get(&command.layer).unwrap_or(&untouched);
    tenants::matches(command.if_match, current.version)?;
    if let Some(name) = command
        .clear
        .iter()
        .find(|name| command.set.contains_key(*name))
    {
        return Err(Rejection::OverrideAmbiguous(name.clone()));
    }
    let mut events = Vec::new();
    for (name, text) in &command.set {
        let value = canonical(name, text)?;
        if current.fields.get(name) != Some(&value) {
            let layer = command.layer.clone();
            let name = name.clone();
            events.push(Event::Set { layer, name, value }.into());
        }
    }
    for name in &command.clear {
        clearable(current, name)?;
        if current.fields.contains_key(name) {
            events.push(cleared(&command.layer, name));
        }
    }
    Ok(events)
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

fn cleared(layer: &Layer, name: &str) -> crate::Event {
    Event::Cleared {
        layer: layer.clone(),
        name: name.to_owned(),
    }
    .into()
}

fn canonical(name: &str, text: &str) -> Result<String, Rejection> {
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
            values.fields.insert(name.clone(), value.clone());
        }
        Event::Cleared { name, .. } => {
            values.fields.remove(name);
        }
    }
    values.version = version;
}
