//! Tenants. Inactive is suspended; what is being deleted is not there any more.

use serde::{Deserialize, Serialize};
use takt_wire::methods::AdminMethod;
use takt_wire::takt::admin::v1 as wire;
use tonic::Status;

use super::answer::Answer;
use super::ask::{Ask, Refused, Result};
use super::json::{Standing, same_name, this_cluster, time};
use crate::refusal::rejected;

#[derive(Debug, Serialize)]
struct Tenant<'a> {
    name: String,
    display_name: String,
    created_at: String,
    status: Standing,
    cluster: &'a str,
}

/// What is said of one. What a client has read it may send back.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    #[serde(default)]
    name: String,
    #[serde(default)]
    display_name: String,
    #[serde(default)]
    status: Standing,
    #[serde(default)]
    cluster: String,
    #[serde(default, rename = "created_at")]
    _created_at: Option<String>,
}

pub(super) async fn list(ask: &Ask<'_>) -> Result<Answer> {
    let list = ask.list("tenant", |page_size, page_token| async move {
        let request = wire::ListTenantsRequest {
            page_size,
            page_token,
            ..wire::ListTenantsRequest::default()
        };
        let method = AdminMethod::TenantListTenants;
        let page: wire::ListTenantsResponse = ask.call(method, &request).await?;
        let there = page.tenants.into_iter().filter(is_there);
        let rows = there.map(|tenant| show(ask, tenant)).collect();
        Ok((rows, page.next_page_token))
    });
    Ok(Answer::many(&list.await?)?)
}

pub(super) async fn create(ask: &Ask<'_>) -> Result<Answer> {
    let wanted = wanted(ask)?;
    let request = wire::CreateTenantRequest {
        change: Some(ask.change(None)?),
        tenant: wanted.name,
        display_name: wanted.display_name,
        suspended: wanted.status == Standing::Inactive,
        ..wire::CreateTenantRequest::default()
    };
    let method = AdminMethod::TenantCreateTenant;
    let created: wire::CreateTenantResponse = ask.call(method, &request).await?;
    shown(ask, created.tenant)
}

pub(super) async fn get(ask: &Ask<'_>) -> Result<Answer> {
    let tenant = ask.name().await?;
    let method = AdminMethod::TenantGetTenant;
    let request = wire::GetTenantRequest { tenant };
    let got: wire::GetTenantResponse = ask.call(method, &request).await?;
    match got.tenant {
        Some(tenant) if !is_there(&tenant) => Err(Refused::Called(unknown(&tenant.tenant)?)),
        tenant => shown(ask, tenant),
    }
}

pub(super) async fn replace(ask: &Ask<'_>) -> Result<Answer> {
    let name = ask.name().await?;
    let precondition = ask.precondition()?;
    let wanted = wanted(ask)?;
    same_name(&name, &wanted.name)?;
    let request = wire::UpdateTenantRequest {
        change: Some(ask.change(Some(precondition))?),
        tenant: name,
        display_name: Some(wanted.display_name),
        suspended: Some(wanted.status == Standing::Inactive),
        ..wire::UpdateTenantRequest::default()
    };
    let method = AdminMethod::TenantUpdateTenant;
    let updated: wire::UpdateTenantResponse = ask.call(method, &request).await?;
    shown(ask, updated.tenant)
}

pub(super) async fn delete(ask: &Ask<'_>) -> Result<Answer> {
    let request = wire::DeleteTenantRequest {
        tenant: ask.name().await?,
        change: Some(ask.change(Some(ask.precondition()?))?),
    };
    let method = AdminMethod::TenantDeleteTenant;
    let _: wire::DeleteTenantResponse = ask.call(method, &request).await?;
    Ok(Answer::Gone)
}

fn wanted(ask: &Ask<'_>) -> Result<Wanted> {
    let wanted: Wanted = ask.json()?;
    this_cluster(ask.cluster(), &wanted.cluster)?;
    Ok(wanted)
}

fn is_there(tenant: &wire::Tenant) -> bool {
    match tenant.state() {
        wire::TenantState::Deleting | wire::TenantState::Deleted => false,
        wire::TenantState::Unspecified
        | wire::TenantState::Active
        | wire::TenantState::Suspended => true,
    }
}

fn unknown(name: &str) -> Result<Status> {
    let tenant = crate::request::tenant(name)?;
    Ok(rejected(&takt_domain::Rejection::TenantUnknown(tenant)))
}

fn shown(ask: &Ask<'_>, tenant: Option<wire::Tenant>) -> Result<Answer> {
    let tenant = tenant.unwrap_or_default();
    let version = tenant.version;
    Ok(Answer::one(&show(ask, tenant), version)?)
}

fn show<'a>(ask: &Ask<'a>, tenant: wire::Tenant) -> Tenant<'a> {
    let status = match tenant.state() {
        wire::TenantState::Active => Standing::Active,
        wire::TenantState::Unspecified
        | wire::TenantState::Suspended
        | wire::TenantState::Deleting
        | wire::TenantState::Deleted => Standing::Inactive,
    };
    Tenant {
        name: tenant.tenant,
        display_name: tenant.display_name,
        created_at: time(tenant.created_at),
        status,
        cluster: ask.cluster(),
    }
}
