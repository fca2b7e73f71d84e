//! What was received so far, and the view that follows from it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use prost::Message as _;
use takt_model::{IdError, Limits, OverridesPatch, Revision, TenantId, UnixNano};
use takt_wire::takt::admin::v1 as admin;
use takt_wire::takt::admin::v1::row::Row;
use takt_wire::takt::admin::v1::{Resource, TenantState as Told};
use takt_wire::takt::control::v1 as wire;
use takt_wire::takt::control::v1::node_row;

use crate::rows::Key;
use crate::{Tenant, TenantState, UnknownTenants, View};

/// How many rows are in one part of the copy on disk.
const PART_ROWS: usize = 1000;

/// Why an update makes no sense.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UpdateError {
    #[error("a tenant id is not legal")]
    Tenant(#[from] IdError),
    #[error("the state `{state}` of tenant `{tenant}` is not known; the control plane is newer")]
    State { tenant: TenantId, state: i32 },
    #[error("it goes back from revision {from} to {to} without saying so")]
    Backwards { from: Revision, to: Revision },
    #[error("it does not say of what, or of which revision, it tells")]
    Incomplete,
    #[error("a row cannot be read")]
    Row(#[from] prost::DecodeError),
}

/// Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub(crate) view: View,
    /// The command that led to the revision of the view.
    command: Vec<u8>,
    base: Arc<Limits>,
}

impl Held {
    /// Nothing yet; `base` is where the defaults layer starts.
    pub(crate) fn new(base: Limits, unknown: UnknownTenants) -> Self {
        let base = Arc::new(base);
        let defaults = Arc::clone(&base);
        Self {
            view: View {
                defaults,
                unknown,
                ..View::default()
            },
            command: Vec::new(),
            base,
        }
    }

    pub(crate) fn position(&self) -> wire::Position {
        wire::Position {
            revision: self.view.revision.0,
            command: self.command.clone(),
        }
    }

    /// Takes an update in. After an error, what is left is of no use.
    pub(crate) fn apply(&mut self, update: wire::SubscribeResponse) -> Result<(), UpdateError> {
        let position = update.position.ok_or(UpdateError::Incomplete)?;
        if update.reset {
            *self = Self::new(Limits::clone(&self.base), self.view.unknown);
        }
        let (from, to) = (self.view.revision, Revision(position.revision));
        if to < from {
            return Err(UpdateError::Backwards { from, to });
        }
        self.view.revision = to;
        self.view.decided_at = UnixNano(update.decided_at);
        self.command = position.command;
        let mut touched = BTreeSet::new();
        for change in update.changes {
            let key = Key::from(change.subject.ok_or(UpdateError::Incomplete)?);
            if matches!(
                Resource::try_from(key.resource),
                Ok(Resource::Tenant | Resource::Overrides)
            ) {
                touched.insert(key.tenant.clone());
            }
            match change.row {
                _ if change.all => self.view.rows.forget(&key),
                Some(row) => drop(self.view.rows.0.insert(key, row)),
                None => drop(self.view.rows.0.remove(&key)),
            }
        }
        // Those of nobody are the defaults.
        if touched.remove("") {
            let defaults = self.layer("")?.unwrap_or_default();
            self.view.defaults = Arc::new(defaults.over(&self.base));
            let everybody = self.view.tenants.keys();
            touched.extend(everybody.map(TenantId::to_string));
        }
        touched.iter().try_for_each(|tenant| self.settle(tenant))
    }

    /// Everything held, as updates.
    pub(crate) fn parts(&self) -> impl Iterator<Item = wire::SubscribeResponse> {
        let mut rows = self.view.rows.0.iter().peekable();
        let mut first = true;
        std::iter::from_fn(move || {
            let reset = std::mem::replace(&mut first, false);
            if rows.peek().is_none() && !reset {
                return None;
            }
            let changes = rows.by_ref().take(PART_ROWS).map(|(key, row)| {
                let (subject, row) = (Some(key.clone().into()), Some(row.clone()));
                let all = false;
                wire::RowChange { subject, row, all }
            });
            Some(wire::SubscribeResponse {
                position: Some(self.position()),
                decided_at: self.view.decided_at.0,
                reset,
                changes: changes.collect(),
                more: rows.peek().is_some(),
                ..wire::SubscribeResponse::default()
            })
        })
    }

    /// Makes a tenant of the view what its rows say.
    fn settle(&mut self, tenant: &str) -> Result<(), UpdateError> {
        let id = TenantId::new(tenant)?;
        let Some(Row::Tenant(told)) = self.row(Resource::Tenant, tenant)? else {
            self.view.tenants.remove(&id);
            return Ok(());
        };
        let limits = match self.layer(tenant)? {
            Some(own) => Arc::new(own.over(&self.view.defaults)),
            None => Arc::clone(&self.view.defaults),
        };
        let state = state(&id, &told)?;
        self.view.tenants.insert(id, Tenant { state, limits });
        Ok(())
    }

    /// What is set for a tenant, if anything. Of its layers the later ones, by name, win field by field.
    fn layer(&self, tenant: &str) -> Result<Option<OverridesPatch>, UpdateError> {
        let mut values = BTreeMap::new();
        let from = Key::new(Resource::Overrides, tenant, "");
        let number = from.resource;
        let rows = self.view.rows.0.range(from..);
        for (_, row) in rows.take_while(|(key, _)| key.resource == number && key.tenant == tenant) {
            if let Some(Row::Overrides(layer)) = decode(row)? {
                values.extend(layer.values);
            }
        }
        Ok((!values.is_empty()).then(|| readable(tenant, &values)))
    }

    fn row(&self, resource: Resource, tenant: &str) -> Result<Option<Row>, UpdateError> {
        let found = self.view.rows.get(resource, tenant, "");
        found.map_or(Ok(None), |row| Ok(decode(row)?))
    }
}

fn decode(row: &Bytes) -> Result<Option<Row>, prost::DecodeError> {
    let row = wire::NodeRow::decode(row.clone())?;
    Ok(match row.row {
        Some(node_row::Row::Shown(shown)) => shown.row,
        Some(node_row::Row::Token(_)) | None => None,
    })
}

fn state(id: &TenantId, told: &admin::Tenant) -> Result<TenantState, UpdateError> {
    match Told::try_from(told.state) {
        Ok(Told::Active) => Ok(TenantState::Active),
        Ok(Told::Suspended) => Ok(TenantState::Suspended),
        Ok(Told::Deleting | Told::Deleted) => Ok(TenantState::Deleting),
        Ok(Told::Unspecified) | Err(_) => {
            let (tenant, state) = (id.clone(), told.state);
            Err(UpdateError::State { tenant, state })
        }
    }
}

/// A field this version cannot read was set by a newer control plane; it has no effect here, and the
/// log says so.
fn readable(tenant: &str, values: &BTreeMap<String, String>) -> OverridesPatch {
    let mut patch = OverridesPatch::default();
    for (name, value) in values {
        if let Err(error) = patch.set(name, value) {
            tracing::warn!(tenant, name, %error, "override has no effect here");
        }
    }
    patch
}

#[cfg(test)]
pub(crate) mod tests;
