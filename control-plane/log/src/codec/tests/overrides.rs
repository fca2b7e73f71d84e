//! What was added about overrides after the first release.

use takt_domain::overrides::Event as OverrideEvent;
use takt_domain::{Event, Layer};
use takt_model::{Revision, TenantId};

pub(super) fn corpus() -> Vec<(&'static str, Event)> {
    let layer = Layer::OfTenantItself(TenantId::new("team-1").unwrap());
    let name = "metrics_generator.collection_interval".to_owned();
    vec![
        (
            "overrides-0001-own-set",
            OverrideEvent::Set {
                layer: layer.clone(),
                name: name.clone(),
                value: "30s".into(),
            }
            .into(),
        ),
        (
            "overrides-0002-own-cleared",
            OverrideEvent::Cleared {
                layer: layer.clone(),
                name,
            }
            .into(),
        ),
        (
            "overrides-0003-rolled-back",
            OverrideEvent::RolledBack {
                layer,
                to: Revision(7),
            }
            .into(),
        ),
    ]
}
