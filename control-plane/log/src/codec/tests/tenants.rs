//! What was added about tenants after the first release.

use takt_domain::Event;
use takt_domain::tenants::{BlockFormat, Event as TenantEvent};
use takt_model::TenantId;

pub(super) fn corpus() -> Vec<(&'static str, Event)> {
    let tenant = TenantId::new("team-1").unwrap();
    let mut events = vec![
        (
            "tenants-0001-label-set",
            TenantEvent::LabelSet {
                tenant: tenant.clone(),
                key: "team".into(),
                value: "shop".into(),
            },
        ),
        (
            "tenants-0002-label-cleared",
            TenantEvent::LabelCleared {
                tenant: tenant.clone(),
                key: "team".into(),
            },
        ),
        (
            "tenants-0003-block-format-chosen",
            TenantEvent::BlockFormatChosen {
                tenant: tenant.clone(),
                block_format: BlockFormat::VParquet4,
            },
        ),
        (
            "tenants-0004-cell-assigned",
            TenantEvent::CellAssigned {
                tenant: tenant.clone(),
                cell: "eu-1".into(),
            },
        ),
    ];
    events.extend([
        (
            "tenants-0005-undeleted",
            TenantEvent::Undeleted {
                tenant: tenant.clone(),
            },
        ),
        (
            "tenants-0006-purge-progressed",
            TenantEvent::PurgeProgressed {
                tenant: tenant.clone(),
                blocks: 3,
                bytes: 4096,
            },
        ),
        (
            "tenants-0007-purge-failed",
            TenantEvent::PurgeFailed {
                tenant: tenant.clone(),
                reason: "the bucket is gone".into(),
            },
        ),
        ("tenants-0008-purged", TenantEvent::Purged { tenant }),
    ]);
    events
        .into_iter()
        .map(|(name, event)| (name, event.into()))
        .collect()
}
