//! What was received so far, as received: the layers the view is computed from.

use std::collections::BTreeMap;
use std::sync::Arc;

use takt_model::{IdError, Limits, OverridesPatch, Revision, TenantId, UnixNano};
use takt_wire::takt::control::v1 as wire;

use crate::{Tenant, TenantState, UnknownTenants, View};

/// Why an update makes no sense.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UpdateError {
    #[error("a tenant id is not legal")]
    Tenant(#[from] IdError),
    #[error("the state `{state}` of tenant `{tenant}` is not known; the control plane is newer")]
    State { tenant: TenantId, state: i32 },
    #[error("it goes back from revision {from} to {to} without saying so")]
    Backwards { from: Revision, to: Revision },
}

type Fields = BTreeMap<String, String>;

#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Held {
    pub(crate) revision: Revision,
    decided_at: UnixNano,
    defaults: Fields,
    tenants: BTreeMap<TenantId, (TenantState, Fields)>,
}

impl Held {
    /// Takes an update in, whole or not at all.
    pub(crate) fn apply(&mut self, update: wire::WatchResponse) -> Result<(), UpdateError> {
        let mut tenants = Vec::with_capacity(update.tenants.len());
        for tenant in update.tenants {
            tenants.push(read_tenant(tenant)?);
        }
        if update.reset {
            *self = Self::default();
        }
        let revision = Revision(update.revision);
        if revision < self.revision {
            return Err(UpdateError::Backwards {
                from: self.revision,
                to: revision,
            });
        }
        self.revision = revision;
        self.decided_at = UnixNano(update.decided_at);
        if let Some(defaults) = update.defaults {
            self.defaults = defaults.values;
        }
        self.tenants.extend(tenants);
        Ok(())
    }

    /// Everything held, as one update.
    pub(crate) fn whole(&self) -> wire::WatchResponse {
        wire::WatchResponse {
            revision: self.revision.0,
            decided_at: self.decided_at.0,
            reset: true,
            defaults: Some(wire::Layer {
                values: self.defaults.clone(),
            }),
            tenants: self
                .tenants
                .iter()
                .map(|(id, (state, fields))| wire::Tenant {
                    tenant: id.to_string(),
                    state: state_to(*state).into(),
                    overrides: Some(wire::Layer {
                        values: fields.clone(),
                    }),
                })
                .collect(),
        }
    }

    /// The layers laid over each other: tenant over defaults over `base`.
    pub(crate) fn view(&self, base: &Limits, unknown: UnknownTenants) -> View {
        let defaults = Arc::new(readable("defaults", &self.defaults).over(base));
        let tenants = self.tenants.iter().map(|(id, (state, fields))| {
            let limits = if fields.is_empty() {
                Arc::clone(&defaults)
            } else {
                Arc::new(readable(id.as_str(), fields).over(&defaults))
            };
            let state = *state;
            (id.clone(), Tenant { state, limits })
        });
        View {
            revision: self.revision,
            decided_at: self.decided_at,
            tenants: tenants.collect(),
            defaults,
            unknown,
        }
    }
}

fn read_tenant(tenant: wire::Tenant) -> Result<(TenantId, (TenantState, Fields)), UpdateError> {
    let id = TenantId::new(&tenant.tenant)?;
    let state = match wire::TenantState::try_from(tenant.state) {
        Ok(wire::TenantState::Active) => TenantState::Active,
        Ok(wire::TenantState::Suspended) => TenantState::Suspended,
        Ok(wire::TenantState::Deleting) => TenantState::Deleting,
        Ok(wire::TenantState::Unspecified) | Err(_) => {
            let state = tenant.state;
            return Err(UpdateError::State { tenant: id, state });
        }
    };
    let fields = tenant.overrides.unwrap_or_default().values;
    Ok((id, (state, fields)))
}

fn state_to(state: TenantState) -> wire::TenantState {
    match state {
        TenantState::Active => wire::TenantState::Active,
        TenantState::Suspended => wire::TenantState::Suspended,
        TenantState::Deleting => wire::TenantState::Deleting,
    }
}

/// A field this version cannot read was set by a newer control plane; it has no effect here, and the
/// log says so.
fn readable(layer: &str, fields: &Fields) -> OverridesPatch {
    let mut patch = OverridesPatch::default();
    for (name, value) in fields {
        if let Err(error) = patch.set(name, value) {
            tracing::warn!(layer, name, %error, "override has no effect here");
        }
    }
    patch
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update(revision: u64, tenants: &[(&str, wire::TenantState)]) -> wire::WatchResponse {
        wire::WatchResponse {
            revision,
            tenants: tenants
                .iter()
                .map(|(id, state)| wire::Tenant {
                    tenant: (*id).to_owned(),
                    state: (*state).into(),
                    overrides: None,
                })
                .collect(),
            ..wire::WatchResponse::default()
        }
    }

    fn defaults(revision: u64, fields: &[(&str, &str)]) -> wire::WatchResponse {
        wire::WatchResponse {
            revision,
            defaults: Some(layer(fields)),
            ..wire::WatchResponse::default()
        }
    }

    fn layer(fields: &[(&str, &str)]) -> wire::Layer {
        let values = fields.iter();
        let values = values.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        wire::Layer {
            values: values.collect(),
        }
    }

    #[test]
    fn layers_are_laid_over_each_other_field_by_field() {
        let mut held = Held::default();
        held.apply(defaults(
            1,
            &[
                ("ingestion.rate_limit_bytes", "5"),
                ("ingestion.burst_size_bytes", "6"),
            ],
        ))
        .unwrap();
        let mut tenant = update(2, &[("a", wire::TenantState::Active)]);
        tenant.tenants[0].overrides = Some(layer(&[("ingestion.rate_limit_bytes", "7")]));
        held.apply(tenant).unwrap();
        let view = held.view(&Limits::default(), UnknownTenants::Accept);
        let limits = view.limits(&TenantId::new("a").unwrap());
        assert_eq!(
            (limits.ingestion_rate_limit.0, limits.ingestion_burst.0),
            (7, 6)
        );
        let others = view.limits(&TenantId::new("b").unwrap());
        assert_eq!(
            (others.ingestion_rate_limit.0, others.ingestion_burst.0),
            (5, 6)
        );
        assert_eq!(
            others.max_bytes_per_trace,
            Limits::default().max_bytes_per_trace
        );
    }

    #[test]
    fn a_field_of_a_newer_version_has_no_effect_and_the_others_do() {
        let mut held = Held::default();
        held.apply(defaults(
            1,
            &[
                ("from.the.future", "5"),
                ("ingestion.burst_size_bytes", "6"),
            ],
        ))
        .unwrap();
        let view = held.view(&Limits::default(), UnknownTenants::Accept);
        assert_eq!(view.defaults.ingestion_burst.0, 6);
    }

    #[test]
    fn a_reset_forgets_and_anything_else_may_not_go_back() {
        let mut held = Held::default();
        held.apply(update(5, &[("a", wire::TenantState::Suspended)]))
            .unwrap();
        let before = held.clone();
        assert!(matches!(
            held.apply(update(4, &[])),
            Err(UpdateError::Backwards { .. })
        ));
        assert!(
            held.apply(update(6, &[("../etc", wire::TenantState::Active)]))
                .is_err()
        );
        assert!(
            held.apply(update(6, &[("b", wire::TenantState::Unspecified)]))
                .is_err()
        );
        assert_eq!(held, before);
        held.apply(wire::WatchResponse {
            reset: true,
            ..update(1, &[("b", wire::TenantState::Active)])
        })
        .unwrap();
        assert_eq!(
            held.tenants
                .keys()
                .map(TenantId::as_str)
                .collect::<Vec<_>>(),
            ["b"]
        );
    }

    #[test]
    fn what_is_held_survives_being_one_update() {
        let mut held = Held::default();
        held.apply(update(
            5,
            &[
                ("a", wire::TenantState::Suspended),
                ("b", wire::TenantState::Deleting),
            ],
        ))
        .unwrap();
        held.apply(defaults(7, &[("ingestion.burst_size_bytes", "6")]))
            .unwrap();
        let mut again = Held::default();
        again.apply(held.whole()).unwrap();
        assert_eq!(again, held);
    }
}
