//! The events of the first release, in the order of their numbers.

use takt_domain::{Event, Layer, overrides, tenants};
use takt_model::TenantId;

fn tenant() -> TenantId {
    TenantId::new("team-1").unwrap()
}

pub(super) fn corpus() -> Vec<(&'static str, Event)> {
    let tenant = tenant();
    let layer = Layer::Tenant(tenant.clone());
    vec![
        (
            "0001-tenant-created",
            tenants::Event::Created {
                tenant: tenant.clone(),
                display_name: "Team One".into(),
            }
            .into(),
        ),
        (
            "0002-tenant-renamed",
            tenants::Event::Renamed {
                tenant: tenant.clone(),
                display_name: "Team 1".into(),
            }
            .into(),
        ),
        (
            "0003-tenant-suspended",
            tenants::Event::Suspended {
                tenant: tenant.clone(),
                reason: "unpaid".into(),
            }
            .into(),
        ),
        (
            "0004-tenant-resumed",
            tenants::Event::Resumed {
                tenant: tenant.clone(),
            }
            .into(),
        ),
        (
            "0005-tenant-deleted",
            tenants::Event::Deleted { tenant }.into(),
        ),
        (
            "0006-override-set",
            overrides::Event::Set {
                layer,
                name: "ingestion.rate_limit_bytes".into(),
                value: "1000000".into(),
            }
            .into(),
        ),
        (
            "0007-override-cleared",
            overrides::Event::Cleared {
                layer: Layer::Defaults,
                name: "ingestion.rate_limit_bytes".into(),
            }
            .into(),
        ),
    ]
}
