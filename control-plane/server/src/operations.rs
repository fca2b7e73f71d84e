//! What takes longer than a call, read off the state: deletions, jobs, drains.

use std::time::Duration;

use takt_domain::jobs::{Job, JobId, Standing as JobStanding};
use takt_domain::nodes::{Node, NodeName, Standing as NodeStanding};
use takt_domain::{Standing, State, Tenant};
use takt_kit::{Code, Reject};
use takt_log::Handle;
use takt_model::TenantId;
use takt_wire::takt::admin::v1 as wire;
use takt_wire::takt::admin::v1::operation_service_server::OperationService;
use takt_wire::takt::admin::v1::{OperationKind as Kind, OperationState as Stands};
use tokio::time::Instant;
use tonic::{Request, Response, Status};

use crate::jobs::job_id;
use crate::nodes::node_name;
use crate::page;
use crate::request::tenant;
use crate::writer::Writer;

const WAIT: Duration = Duration::from_secs(5);
const WAIT_MAX: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(crate) struct OperationApi {
    log: Handle,
    writer: Writer,
}

impl OperationApi {
    pub(crate) fn new(log: Handle, writer: Writer) -> Self {
        Self { log, writer }
    }
}

#[tonic::async_trait]
impl OperationService for OperationApi {
    async fn get_operation(
        &self,
        request: Request<wire::GetOperationRequest>,
    ) -> Result<Response<wire::GetOperationResponse>, Status> {
        let name = request.into_inner().operation;
        let operation = find(self.writer.read().await?.as_ref(), &name)?;
        Ok(Response::new(wire::GetOperationResponse {
            operation: Some(operation),
        }))
    }

    async fn list_operations(
        &self,
        request: Request<wire::ListOperationsRequest>,
    ) -> Result<Response<wire::ListOperationsResponse>, Status> {
        let request = request.into_inner();
        let kinds: Vec<Kind> = request.kinds().collect();
        let states: Vec<Stands> = request.states().collect();
        let state = self.writer.read().await?;
        let jobs = state.jobs.iter_after(None).map(|(id, job)| of_job(id, job));
        let nodes = state.nodes.by_name.iter();
        let nodes = nodes.filter_map(|(name, node)| of_node(name, node));
        let tenants = state.tenants.iter();
        let tenants = tenants.filter_map(|(id, tenant)| of_tenant(id, tenant));
        // The kinds come in the order of their names, and so do the things of each.
        let rows = jobs
            .chain(nodes)
            .chain(tenants)
            .filter(|row| request.tenant.is_empty() || row.tenant == request.tenant)
            .filter(|row| kinds.is_empty() || kinds.contains(&row.kind()))
            .filter(|row| states.is_empty() || states.contains(&row.state()))
            .map(|row| (row.operation.clone(), row));
        let (operations, next_page_token) =
            page::by_key(rows, request.page_size, &request.page_token);
        Ok(Response::new(wire::ListOperationsResponse {
            operations,
            next_page_token,
        }))
    }

    async fn wait_operation(
        &self,
        request: Request<wire::WaitOperationRequest>,
    ) -> Result<Response<wire::WaitOperationResponse>, Status> {
        let request = request.into_inner();
        let patience = match request.timeout_milliseconds {
            0 => WAIT,
            asked => Duration::from_millis(asked.into()).min(WAIT_MAX),
        };
        let deadline = Instant::now() + patience;
        let mut applied = self.log.applied();
        self.writer.read().await?;
        let operation = loop {
            applied.mark_unchanged();
            let operation = find(&self.log.state(), &request.operation)?;
            if operation.state() != Stands::Running {
                break operation;
            }
            match tokio::time::timeout_at(deadline, applied.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => break operation,
            }
        };
        Ok(Response::new(wire::WaitOperationResponse {
            operation: Some(operation),
        }))
    }
}

fn find(state: &State, name: &str) -> Result<wire::Operation, Status> {
    let found = match name.split_once('/') {
        Some(("job", id)) => {
            let id = job_id(id)?;
            state.jobs.get(id).map(|job| of_job(id, job))
        }
        Some(("node-drain", name)) => {
            let name = node_name(name)?;
            let node = state.nodes.by_name.get(&name);
            node.and_then(|node| of_node(&name, node))
        }
        Some(("tenant-deletion", id)) => {
            let id = tenant(id)?;
            let tenant = state.tenants.get(&id);
            tenant.and_then(|tenant| of_tenant(&id, tenant))
        }
        _ => None,
    };
    found.ok_or_else(|| {
        let name: String = name.chars().take(200).collect();
        let text = format!("there is no operation `{name}`");
        Reject::new(Code::NotFound, "OPERATION_UNKNOWN", text).status()
    })
}

fn of_job(id: JobId, job: &Job) -> wire::Operation {
    let (state, done, total) = match &job.standing {
        JobStanding::Waiting => (Stands::Running, 0, 0),
        JobStanding::Leased(lease) => {
            let progress = lease.progress;
            (Stands::Running, progress.done, progress.total)
        }
        JobStanding::Done(_) => (Stands::Done, 0, 0),
        JobStanding::Poisoned => (Stands::Failed, 0, 0),
        JobStanding::Cancelled => (Stands::Cancelled, 0, 0),
    };
    wire::Operation {
        operation: format!("job/{id}"),
        kind: Kind::Job.into(),
        state: state.into(),
        tenant: job.tenant.to_string(),
        started_at: job.planned_at.0,
        ended_at: if job.finished() { job.since.0 } else { 0 },
        done,
        total,
        error: job.error.clone(),
    }
}

/// Nothing where a node does not drain and did not.
fn of_node(name: &NodeName, node: &Node) -> Option<wire::Operation> {
    let (state, started_at, ended_at) = match node.standing {
        NodeStanding::Joined | NodeStanding::Lost => return None,
        NodeStanding::Draining => (Stands::Running, node.since.0, 0),
        NodeStanding::Left => (Stands::Done, 0, node.since.0),
    };
    Some(wire::Operation {
        operation: format!("node-drain/{name}"),
        kind: Kind::NodeDrain.into(),
        state: state.into(),
        started_at,
        ended_at,
        ..wire::Operation::default()
    })
}

/// Nothing for a tenant that is not deleted.
fn of_tenant(id: &TenantId, tenant: &Tenant) -> Option<wire::Operation> {
    let begun = wire::Operation {
        operation: format!("tenant-deletion/{id}"),
        kind: Kind::TenantDeletion.into(),
        tenant: id.to_string(),
        ..wire::Operation::default()
    };
    match &tenant.standing {
        Standing::Active | Standing::Suspended { .. } => None,
        Standing::Deleting(purge) => Some(wire::Operation {
            state: Stands::Running.into(),
            started_at: purge.deleted_at.0,
            done: purge.blocks,
            error: purge.last_failure.clone(),
            ..begun
        }),
        Standing::Deleted => Some(wire::Operation {
            state: Stands::Done.into(),
            ..begun
        }),
    }
}
