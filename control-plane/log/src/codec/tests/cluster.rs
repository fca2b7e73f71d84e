//! The control plane itself.

use takt_domain::cluster::{ClusterId, Event};
use uuid::Uuid;

pub(super) fn corpus() -> Vec<(&'static str, takt_domain::Event)> {
    let id = ClusterId(Uuid::from_u128(0x1234));
    vec![
        ("cluster-0001-founded", Event::Founded { id }.into()),
        (
            "cluster-0002-level-raised",
            Event::LevelRaised { level: 9 }.into(),
        ),
    ]
}
