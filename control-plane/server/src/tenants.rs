//! Tenants over the wire.

use std::ops::Bound;

use takt_domain::tenants::Command;
use takt_domain::{Rejection, Standing, State, Tenant};
use takt_model::TenantId;
use takt_wire::takt::admin::v1 as wire;
use takt_wire::takt::admin::v1::tenant_service_server::TenantService;
use tonic::{Request, Response, Status};

use crate::refusal::rejected;
use crate::request::{actor, if_match, tenant};
use crate::writer::Writer;

const PAGE_MAX: usize = 1000;

#[derive(Debug)]
pub(crate) struct TenantApi {
    writer: Writer,
}

impl TenantApi {
    pub(crate) fn new(writer: Writer) -> Self {
        Self { writer }
    }

    /// Carries out a command and answers with the tenant as it stands then.
    async fn change(
        &self,
        command_id: &str,
        actor: String,
        id: &TenantId,
        command: Command,
    ) -> Result<wire::Tenant, Status> {
        let change = wire::Change {
            command_id: command_id.to_owned(),
            ..wire::Change::default()
        };
        let changed = self.writer.change(actor, Some(change), command).await?;
        find(&changed.state, id)
    }
}

#[tonic::async_trait]
impl TenantService for TenantApi {
    async fn create_tenant(
        &self,
        request: Request<wire::CreateTenantRequest>,
    ) -> Result<Response<wire::CreateTenantResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let id = tenant(&request.tenant)?;
        let command = Command::Create {
            tenant: id.clone(),
            display_name: request.display_name,
        };
        let tenant = Some(
            self.change(&request.command_id, actor, &id, command)
                .await?,
        );
        Ok(Response::new(wire::CreateTenantResponse { tenant }))
    }

    async fn get_tenant(
        &self,
        request: Request<wire::GetTenantRequest>,
    ) -> Result<Response<wire::GetTenantResponse>, Status> {
        let id = tenant(&request.into_inner().tenant)?;
        let state = self.writer.read().await?;
        let tenant = Some(find(&state, &id)?);
        Ok(Response::new(wire::GetTenantResponse { tenant }))
    }

    async fn list_tenants(
        &self,
        request: Request<wire::ListTenantsRequest>,
    ) -> Result<Response<wire::ListTenantsResponse>, Status> {
        let request = request.into_inner();
        let after = match request.page_token.as_str() {
            "" => Bound::Unbounded,
            token => Bound::Excluded(tenant(token)?),
        };
        let size = match usize::try_from(request.page_size) {
            Ok(0) | Err(_) => PAGE_MAX,
            Ok(size) => size.min(PAGE_MAX),
        };
        let state = self.writer.read().await?;
        let mut rest = state.tenants.range((after, Bound::Unbounded));
        let page: Vec<wire::Tenant> = rest
            .by_ref()
            .take(size)
            .map(|(id, tenant)| to_wire(id, tenant))
            .collect();
        let more = rest.next().is_some();
        let last = page.last().filter(|_| more);
        Ok(Response::new(wire::ListTenantsResponse {
            next_page_token: last.map(|last| last.tenant.clone()).unwrap_or_default(),
            tenants: page,
        }))
    }

    async fn rename_tenant(
        &self,
        request: Request<wire::RenameTenantRequest>,
    ) -> Result<Response<wire::RenameTenantResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let id = tenant(&request.tenant)?;
        let command = Command::Rename {
            tenant: id.clone(),
            display_name: request.display_name,
            if_match: if_match(request.if_match),
        };
        let tenant = Some(
            self.change(&request.command_id, actor, &id, command)
                .await?,
        );
        Ok(Response::new(wire::RenameTenantResponse { tenant }))
    }

    async fn suspend_tenant(
        &self,
        request: Request<wire::SuspendTenantRequest>,
    ) -> Result<Response<wire::SuspendTenantResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let id = tenant(&request.tenant)?;
        let command = Command::Suspend {
            tenant: id.clone(),
            reason: request.reason,
            if_match: if_match(request.if_match),
        };
        let tenant = Some(
            self.change(&request.command_id, actor, &id, command)
                .await?,
        );
        Ok(Response::new(wire::SuspendTenantResponse { tenant }))
    }

    async fn resume_tenant(
        &self,
        request: Request<wire::ResumeTenantRequest>,
    ) -> Result<Response<wire::ResumeTenantResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let id = tenant(&request.tenant)?;
        let command = Command::Resume {
            tenant: id.clone(),
            if_match: if_match(request.if_match),
        };
        let tenant = Some(
            self.change(&request.command_id, actor, &id, command)
                .await?,
        );
        Ok(Response::new(wire::ResumeTenantResponse { tenant }))
    }

    async fn delete_tenant(
        &self,
        request: Request<wire::DeleteTenantRequest>,
    ) -> Result<Response<wire::DeleteTenantResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let id = tenant(&request.tenant)?;
        let command = Command::Delete {
            tenant: id.clone(),
            if_match: if_match(request.if_match),
        };
        let tenant = Some(
            self.change(&request.command_id, actor, &id, command)
                .await?,
        );
        Ok(Response::new(wire::DeleteTenantResponse { tenant }))
    }
}

fn find(state: &State, id: &TenantId) -> Result<wire::Tenant, Status> {
    let tenant = state
        .tenants
        .get(id)
        .ok_or_else(|| rejected(&Rejection::TenantUnknown(id.clone())))?;
    Ok(to_wire(id, tenant))
}

fn to_wire(id: &TenantId, tenant: &Tenant) -> wire::Tenant {
    let (state, suspend_reason) = match &tenant.standing {
        Standing::Active => (wire::TenantState::Active, String::new()),
        Standing::Suspended { reason } => (wire::TenantState::Suspended, reason.clone()),
        Standing::Deleted => (wire::TenantState::Deleting, String::new()),
    };
    wire::Tenant {
        tenant: id.to_string(),
        display_name: tenant.display_name.clone(),
        state: state.into(),
        suspend_reason,
        created_at: tenant.created_at.0,
        version: tenant.version.0,
    }
}
