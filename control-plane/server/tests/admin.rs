//! The admin API over its own routes, without a socket.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests stop at the first surprise"
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::registry::Registry;
use takt_kit::{ManualClock, Tasks};
use takt_log::Settings;
use takt_model::{Limits, UnixNano};
use takt_server::Services;
use takt_server::auth::Guard;
use takt_views::Views;
use takt_wire::takt::admin::v1::overrides_service_client::OverridesServiceClient;
use takt_wire::takt::admin::v1::scope::Scope as In;
use takt_wire::takt::admin::v1::status_service_client::StatusServiceClient;
use takt_wire::takt::admin::v1::tenant_service_client::TenantServiceClient;
use takt_wire::takt::admin::v1::{self as wire, OverrideSource, TenantState};
use tonic::service::Routes;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_lives_and_dies() {
    let node = Node::start().await;
    let mut tenants = node.tenants();
    let created = tenants.create_tenant(create("a")).await.unwrap();
    let created = created.into_inner().tenant.unwrap();
    assert_eq!(
        (created.state(), created.version, created.created_at),
        (TenantState::Active, 1, NOW.0)
    );
    let suspended = tenants.suspend_tenant(suspend("a")).await.unwrap();
    let suspended = suspended.into_inner().tenant.unwrap();
    assert_eq!(
        (suspended.state(), suspended.suspend_reason.as_str()),
        (TenantState::Suspended, "unpaid")
    );
    let resume = wire::ResumeTenantRequest {
        tenant: "a".into(),
        ..wire::ResumeTenantRequest::default()
    };
    tenants.resume_tenant(resume).await.unwrap();
    let update = wire::UpdateTenantRequest {
        tenant: "a".into(),
        display_name: Some("Team A".into()),
        ..wire::UpdateTenantRequest::default()
    };
    let updated = tenants.update_tenant(update).await.unwrap().into_inner();
    let outcome = updated.outcome.unwrap();
    assert_eq!((outcome.revision, outcome.events.len()), (4, 1));
    let get = wire::GetTenantRequest { tenant: "a".into() };
    let got = tenants.get_tenant(get).await.unwrap().into_inner();
    let got = got.tenant.unwrap();
    assert_eq!(
        (got.state(), got.display_name.as_str(), got.version),
        (TenantState::Active, "Team A", 4)
    );
    let delete = wire::DeleteTenantRequest {
        tenant: "a".into(),
        change: expecting(4),
    };
    let deleted = tenants.delete_tenant(delete).await.unwrap().into_inner();
    assert_eq!(deleted.tenant.unwrap().state(), TenantState::Deleting);
    let again = tenants.create_tenant(create("a")).await.unwrap_err();
    refused(&again, Code::FailedPrecondition, "TENANT_DELETED");
    let undelete = wire::UndeleteTenantRequest {
        tenant: "a".into(),
        ..wire::UndeleteTenantRequest::default()
    };
    let back = tenants
        .undelete_tenant(undelete)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(back.tenant.unwrap().state(), TenantState::Active);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_carry_stable_reasons() {
    let node = Node::start().await;
    let mut tenants = node.tenants();
    let unknown = tenants.suspend_tenant(suspend("a")).await.unwrap_err();
    refused(&unknown, Code::NotFound, "TENANT_UNKNOWN");
    let illegal = tenants.create_tenant(create("a/b")).await.unwrap_err();
    refused(&illegal, Code::InvalidArgument, "TENANT_INVALID");
    let mut bad_id = create("a");
    bad_id.change = Some(wire::Change {
        command_id: "seven".into(),
        ..wire::Change::default()
    });
    let bad_id = tenants.create_tenant(bad_id).await.unwrap_err();
    refused(&bad_id, Code::InvalidArgument, "COMMAND_ID_INVALID");
    tenants.create_tenant(create("a")).await.unwrap();
    let stale = tenants
        .suspend_tenant(wire::SuspendTenantRequest {
            change: expecting(9),
            ..suspend("a")
        })
        .await
        .unwrap_err();
    refused(&stale, Code::FailedPrecondition, "VERSION_MISMATCH");

    let mut overrides = node.overrides();
    let nowhere = overrides
        .get_overrides(wire::GetOverridesRequest { scope: None })
        .await
        .unwrap_err();
    refused(&nowhere, Code::InvalidArgument, "SCOPE_MISSING");
    let unknown = overrides
        .change_overrides(change(In::Defaults(true), &[("no.such", "1")]))
        .await
        .unwrap_err();
    refused(&unknown, Code::InvalidArgument, "OVERRIDE_UNKNOWN");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_sent_twice_is_carried_out_once() {
    let node = Node::start().await;
    let request = wire::CreateTenantRequest {
        change: Some(wire::Change {
            command_id: "6d0f6a8e-4b5f-4a55-9d0e-0a3c3f0f8a11".into(),
            ..wire::Change::default()
        }),
        ..create("a")
    };
    for repeated in [false, true] {
        let answer = node.tenants().create_tenant(request.clone()).await.unwrap();
        let answer = answer.into_inner();
        assert_eq!(answer.tenant.unwrap().version, 1);
        let outcome = answer.outcome.unwrap();
        assert_eq!((outcome.events.len(), outcome.repeated), (1, repeated));
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tenants_are_listed_page_by_page() {
    let node = Node::start().await;
    for id in ["c", "a", "b"] {
        node.tenants().create_tenant(create(id)).await.unwrap();
    }
    let mut pages = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = wire::ListTenantsRequest {
            page_size: 2,
            page_token,
            ..wire::ListTenantsRequest::default()
        };
        let page = node.tenants().list_tenants(request).await.unwrap();
        let page = page.into_inner();
        let ids: Vec<String> = page
            .tenants
            .into_iter()
            .map(|tenant| tenant.tenant)
            .collect();
        pages.push(ids.join(" "));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(pages, ["a b", "c"]);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn effective_overrides_name_the_layer_they_come_from() {
    let node = Node::start().await;
    node.tenants().create_tenant(create("a")).await.unwrap();
    let mut overrides = node.overrides();
    let fields = [
        ("ingestion.rate_limit_bytes", "1MB"),
        ("ingestion.burst_size_bytes", "2MB"),
    ];
    overrides
        .change_overrides(change(In::Defaults(true), &fields))
        .await
        .unwrap();
    let own = [("ingestion.burst_size_bytes", "3MB")];
    let changed = overrides
        .change_overrides(change(In::Tenant("a".into()), &own))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        changed.overrides.unwrap().fields["ingestion.burst_size_bytes"],
        "3000000"
    );
    let scope = Some(wire::Scope {
        scope: Some(In::Tenant("a".into())),
    });
    let got = overrides
        .get_overrides(wire::GetOverridesRequest { scope })
        .await
        .unwrap()
        .into_inner();
    let field = |name: &str| {
        let found = got.effective.iter().find(|field| field.name == name);
        let found = found.unwrap();
        (found.value.clone(), found.source())
    };
    assert_eq!(
        field("ingestion.rate_limit_bytes"),
        ("1000000".into(), OverrideSource::Defaults)
    );
    assert_eq!(
        field("ingestion.burst_size_bytes"),
        ("3000000".into(), OverrideSource::Tenant)
    );
    assert_eq!(
        field("read.left_pad_trace_ids"),
        ("true".into(), OverrideSource::BuiltIn),
        "the base is what the process was configured with"
    );
    assert_eq!(got.effective.len(), Limits::fields().len());
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_shows_what_would_be_and_changes_nothing() {
    let node = Node::start().await;
    let request = wire::CreateTenantRequest {
        change: Some(wire::Change {
            dry_run: true,
            ..wire::Change::default()
        }),
        labels: BTreeMap::from([("team".into(), "shop".into())]),
        ..create("a")
    };
    let tried = node.tenants().create_tenant(request).await.unwrap();
    let tried = tried.into_inner();
    let outcome = tried.outcome.unwrap();
    assert_eq!(
        (outcome.revision, outcome.dry_run, outcome.events.len()),
        (0, true, 2)
    );
    assert_eq!(tried.tenant.unwrap().labels["team"], "shop");
    let get = wire::GetTenantRequest { tenant: "a".into() };
    let missing = node.tenants().get_tenant(get).await.unwrap_err();
    refused(&missing, Code::NotFound, "TENANT_UNKNOWN");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_layer_is_rolled_back_to_a_revision() {
    let node = Node::start().await;
    node.tenants().create_tenant(create("a")).await.unwrap();
    let mut overrides = node.overrides();
    let own = || In::Tenant("a".into());
    for value in ["1MB", "2MB"] {
        let fields = [("ingestion.burst_size_bytes", value)];
        overrides
            .change_overrides(change(own(), &fields))
            .await
            .unwrap();
    }
    let back = |to_revision| wire::RollbackOverridesRequest {
        scope: Some(wire::Scope { scope: Some(own()) }),
        to_revision,
        ..wire::RollbackOverridesRequest::default()
    };
    let done = overrides
        .rollback_overrides(back(2))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        done.overrides.unwrap().fields["ingestion.burst_size_bytes"],
        "1000000"
    );
    assert_eq!(done.outcome.unwrap().events.len(), 2);
    let ahead = overrides.rollback_overrides(back(99)).await.unwrap_err();
    refused(&ahead, Code::InvalidArgument, "REVISION_IN_FUTURE");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_configures_what_it_may_and_every_field_is_told() {
    let node = Node::start().await;
    node.tenants().create_tenant(create("a")).await.unwrap();
    let mut overrides = node.overrides();
    let own = || In::UserConfigurable("a".into());
    let fields = [("ingestion.burst_size_bytes", "1")];
    let refusal = overrides
        .change_overrides(change(own(), &fields))
        .await
        .unwrap_err();
    refused(
        &refusal,
        Code::InvalidArgument,
        "OVERRIDE_NOT_USER_CONFIGURABLE",
    );
    let fields = [("metrics_generator.collection_interval", "30s")];
    overrides
        .change_overrides(change(own(), &fields))
        .await
        .unwrap();
    let scope = Some(wire::Scope { scope: Some(own()) });
    let got = overrides
        .get_overrides(wire::GetOverridesRequest { scope })
        .await
        .unwrap();
    let effective = got.into_inner().effective;
    let found = effective
        .iter()
        .find(|field| field.name == fields[0].0)
        .unwrap();
    assert_eq!(
        (found.value.as_str(), found.source()),
        ("30s", OverrideSource::UserConfigurable)
    );
    let request = wire::ListOverrideFieldsRequest {
        prefix: "metrics_generator.".into(),
    };
    let known = overrides
        .list_override_fields(request)
        .await
        .unwrap()
        .into_inner();
    assert!(
        known
            .fields
            .iter()
            .any(|field| field.name == fields[0].0 && !field.acted_on)
    );
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn status_says_who_leads() {
    let node = Node::start().await;
    let mut status = StatusServiceClient::new(node.routes.clone());
    let status = status.get_status(wire::GetStatusRequest {}).await.unwrap();
    let status = status.into_inner();
    assert_eq!(
        (status.node, status.leader, status.voters),
        (1, Some(1), vec![1])
    );
    node.stop().await;
}

const NOW: UnixNano = UnixNano(1_700_000_000_000_000_000);

struct Node {
    routes: Routes,
    tasks: Tasks,
    _dir: tempfile::TempDir,
}

impl Node {
    async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let tasks = Tasks::default();
        let clock = Arc::new(ManualClock::at(NOW));
        let settings = Settings::new(dir.path().into());
        let log = takt_log::open(
            settings,
            takt_log::Parts::new(clock.clone()),
            &tasks,
            &mut Registry::default(),
        )
        .await
        .unwrap();
        let views = Views::start(
            log.clone(),
            takt_views::Settings::default(),
            &tasks,
            &mut Registry::default(),
        )
        .await
        .unwrap();
        let guard = Guard::open_to_all(log.clone(), clock.clone(), &tasks)
            .await
            .unwrap();
        let base = Limits {
            left_pad_trace_ids: true,
            ..Limits::default()
        };
        Self {
            routes: Services::new(log, views, clock, base).routes(&guard),
            tasks,
            _dir: dir,
        }
    }

    fn tenants(&self) -> TenantServiceClient<Routes> {
        TenantServiceClient::new(self.routes.clone())
    }

    fn overrides(&self) -> OverridesServiceClient<Routes> {
        OverridesServiceClient::new(self.routes.clone())
    }

    async fn stop(self) {
        drop(self.routes);
        self.tasks.stop();
        assert_eq!(self.tasks.drain(Duration::from_secs(10)).await, [""; 0]);
    }
}

fn create(tenant: &str) -> wire::CreateTenantRequest {
    wire::CreateTenantRequest {
        tenant: tenant.into(),
        ..wire::CreateTenantRequest::default()
    }
}

fn suspend(tenant: &str) -> wire::SuspendTenantRequest {
    wire::SuspendTenantRequest {
        tenant: tenant.into(),
        reason: "unpaid".into(),
        ..wire::SuspendTenantRequest::default()
    }
}

fn change(scope: In, set: &[(&str, &str)]) -> wire::ChangeOverridesRequest {
    let set = set.iter();
    let set = set.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    wire::ChangeOverridesRequest {
        scope: Some(wire::Scope { scope: Some(scope) }),
        set: set.collect::<BTreeMap<_, _>>(),
        ..wire::ChangeOverridesRequest::default()
    }
}

fn refused(status: &Status, code: Code, reason: &str) {
    let details = status.get_error_details();
    let found = details.error_info().map(|info| info.reason.as_str());
    assert_eq!((status.code(), found), (code, Some(reason)), "{status:?}");
}

fn expecting(version: u64) -> Option<wire::Change> {
    Some(wire::Change {
        if_match: Some(version),
        ..wire::Change::default()
    })
}
