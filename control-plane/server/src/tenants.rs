//! Tenants over the wire.

use std::ops::Bound;

use takt_domain::tenants::{BlockFormat, Command, Profile};
use takt_domain::{Rejection, Standing, State, Tenant};
use takt_model::TenantId;
use takt_wire::takt::admin::v1 as wire;
use takt_wire::takt::admin::v1::tenant_service_server::TenantService;
use tonic::{Request, Response, Status};

use crate::refusal::{invalid, rejected};
use crate::request::{Sees, actor, tenant};
use crate::writer::{Writer, if_match};

const PAGE_MAX: usize = 1000;

#[derive(Debug)]
pub(crate) struct TenantApi {
    writer: Writer,
}

/// What a change came to, and the tenant as it stands then.
type Changed = (Option<wire::Outcome>, Option<wire::Tenant>);

impl TenantApi {
    pub(crate) fn new(writer: Writer) -> Self {
        Self { writer }
    }

    async fn change(
        &self,
        actor: String,
        change: Option<wire::Change>,
        id: &TenantId,
        command: Command,
    ) -> Result<Changed, Status> {
        let changed = self.writer.change(actor, change, command).await?;
        let tenant = known(&changed.state, id)?;
        Ok((Some(changed.outcome), Some(tenant)))
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
        let block_format = block_format(request.block_format)?;
        let command = Command::Create {
            tenant: id.clone(),
            profile: Profile {
                display_name: Some(request.display_name),
                labels: request.labels,
                block_format,
                cell: Some(request.cell),
                suspended: Some(request.suspended),
            },
        };
        let changed = self.writer.add(actor, request.change, command).await?;
        let tenant = Some(known(&changed.state, &id)?);
        Ok(Response::new(wire::CreateTenantResponse {
            outcome: Some(changed.outcome),
            tenant,
        }))
    }

    async fn get_tenant(
        &self,
        request: Request<wire::GetTenantRequest>,
    ) -> Result<Response<wire::GetTenantResponse>, Status> {
        let id = tenant(&request.into_inner().tenant)?;
        let state = self.writer.read().await?;
        let tenant = Some(known(&state, &id)?);
        Ok(Response::new(wire::GetTenantResponse { tenant }))
    }

    async fn list_tenants(
        &self,
        request: Request<wire::ListTenantsRequest>,
    ) -> Result<Response<wire::ListTenantsResponse>, Status> {
        let sees = Sees::of(&request);
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
        let mut rest = state
            .tenants
            .range((after, Bound::Unbounded))
            .filter(|(id, _)| sees.tenant(id))
            .filter(|(id, _)| id.as_str().starts_with(&request.prefix))
            .map(|(id, tenant)| to_wire(id, tenant))
            .filter(|tenant| wanted(&request, tenant));
        let page: Vec<wire::Tenant> = rest.by_ref().take(size).collect();
        let more = rest.next().is_some();
        let last = page.last().filter(|_| more);
        Ok(Response::new(wire::ListTenantsResponse {
            next_page_token: last.map(|last| last.tenant.clone()).unwrap_or_default(),
            tenants: page,
        }))
    }

    async fn update_tenant(
        &self,
        request: Request<wire::UpdateTenantRequest>,
    ) -> Result<Response<wire::UpdateTenantResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let id = tenant(&request.tenant)?;
        let block_format = block_format(request.block_format)?;
        let command = Command::Update {
            tenant: id.clone(),
            change: Profile {
                display_name: request.display_name,
                labels: request.set_labels,
                block_format,
                cell: request.cell,
                suspended: request.suspended,
            },
            clear_labels: request.clear_labels.into_iter().collect(),
            if_match: if_match(request.change.as_ref()),
        };
        let (outcome, tenant) = self.change(actor, request.change, &id, command).await?;
        Ok(Response::new(wire::UpdateTenantResponse {
            outcome,
            tenant,
        }))
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
            if_match: if_match(request.change.as_ref()),
        };
        let (outcome, tenant) = self.change(actor, request.change, &id, command).await?;
        Ok(Response::new(wire::SuspendTenantResponse {
            outcome,
            tenant,
        }))
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
            if_match: if_match(request.change.as_ref()),
        };
        let (outcome, tenant) = self.change(actor, request.change, &id, command).await?;
        Ok(Response::new(wire::ResumeTenantResponse {
            outcome,
            tenant,
        }))
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
            if_match: if_match(request.change.as_ref()),
        };
        let (outcome, tenant) = self.change(actor, request.change, &id, command).await?;
        Ok(Response::new(wire::DeleteTenantResponse {
            outcome,
            tenant,
        }))
    }

    async fn undelete_tenant(
        &self,
        request: Request<wire::UndeleteTenantRequest>,
    ) -> Result<Response<wire::UndeleteTenantResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let id = tenant(&request.tenant)?;
        let command = Command::Undelete {
            tenant: id.clone(),
            if_match: if_match(request.change.as_ref()),
        };
        let (outcome, tenant) = self.change(actor, request.change, &id, command).await?;
        Ok(Response::new(wire::UndeleteTenantResponse {
            outcome,
            tenant,
        }))
    }
}

fn known(state: &State, id: &TenantId) -> Result<wire::Tenant, Status> {
    find(state, id).ok_or_else(|| rejected(&Rejection::TenantUnknown(id.clone())))
}

pub(crate) fn find(state: &State, id: &TenantId) -> Option<wire::Tenant> {
    state.tenants.get(id).map(|tenant| to_wire(id, tenant))
}

fn wanted(request: &wire::ListTenantsRequest, tenant: &wire::Tenant) -> bool {
    let labelled = |(key, value)| tenant.labels.get(key) == Some(value);
    (request.state == 0 || request.state == tenant.state)
        && (request.cell.is_empty() || request.cell == tenant.cell)
        && request.labels.iter().all(labelled)
}

/// `None` leaves it.
fn block_format(number: i32) -> Result<Option<BlockFormat>, Status> {
    match wire::BlockFormat::try_from(number) {
        Ok(wire::BlockFormat::Unspecified) => Ok(None),
        Ok(wire::BlockFormat::Native) => Ok(Some(BlockFormat::Native)),
        Ok(wire::BlockFormat::Vparquet4) => Ok(Some(BlockFormat::VParquet4)),
        Ok(wire::BlockFormat::Vparquet5) => Ok(Some(BlockFormat::VParquet5)),
        Err(_unknown) => Err(invalid(
            "BLOCK_FORMAT_INVALID",
            format!("block format `{number}` is not known"),
        )),
    }
}

pub(crate) fn to_wire(id: &TenantId, tenant: &Tenant) -> wire::Tenant {
    let (state, suspend_reason, purge) = match &tenant.standing {
        Standing::Active => (wire::TenantState::Active, String::new(), None),
        Standing::Suspended { reason } => (wire::TenantState::Suspended, reason.clone(), None),
        Standing::Deleting(purge) => {
            let purge = wire::Purge {
                deleted_at: purge.deleted_at.0,
                blocks_purged: purge.blocks,
                bytes_purged: purge.bytes,
                last_failure: purge.last_failure.clone(),
            };
            (wire::TenantState::Deleting, String::new(), Some(purge))
        }
        Standing::Deleted => (wire::TenantState::Deleted, String::new(), None),
    };
    let block_format = match tenant.block_format {
        BlockFormat::Native => wire::BlockFormat::Native,
        BlockFormat::VParquet4 => wire::BlockFormat::Vparquet4,
        BlockFormat::VParquet5 => wire::BlockFormat::Vparquet5,
    };
    wire::Tenant {
        tenant: id.to_string(),
        display_name: tenant.display_name.clone(),
        state: state.into(),
        suspend_reason,
        created_at: tenant.created_at.0,
        version: tenant.version.0,
        labels: tenant.labels.clone(),
        block_format: block_format.into(),
        cell: tenant.cell.clone(),
        purge,
    }
}
