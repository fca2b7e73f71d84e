//! What nodes tell the leader: through another replica that they live, and that they want something for
//! themselves.

use takt_domain::Fence;
use takt_domain::nodes::Command;
use takt_kit::{Code, Reject};
use takt_log::{Handle, Leader};
use takt_reconcile::Presence;
use takt_wire::takt::admin::v1::Change;
use takt_wire::takt::control::v1 as wire;
use takt_wire::takt::control::v1::lease_service_server::LeaseService;
use takt_wire::takt::control::v1::presence_service_server::PresenceService;
use tonic::{Request, Response, Status};

use crate::nodes::{lease_name, node_name};
use crate::refusal::{invalid, reading};
use crate::request::actor;
use crate::writer::Writer;

/// How many heartbeats are taken in one call.
const HEARTBEATS_MAX: usize = 10_000;

#[derive(Debug)]
pub(crate) struct PresenceApi {
    log: Handle,
    presence: Presence,
}

impl PresenceApi {
    pub(crate) fn new(log: Handle, presence: Presence) -> Self {
        Self { log, presence }
    }
}

#[tonic::async_trait]
impl PresenceService for PresenceApi {
    async fn report_presence(
        &self,
        request: Request<wire::ReportPresenceRequest>,
    ) -> Result<Response<wire::ReportPresenceResponse>, Status> {
        let heartbeats = request.into_inner().heartbeats;
        if heartbeats.len() > HEARTBEATS_MAX {
            let count = heartbeats.len();
            let text = format!("{count} heartbeats at once, at most {HEARTBEATS_MAX} are taken");
            return Err(invalid("HEARTBEATS_TOO_MANY", text));
        }
        if self.log.leader() != Leader::Here {
            let text = "this node does not lead the control plane";
            return Err(Reject::new(Code::Unavailable, "CONTROL_NOT_LEADER", text).status());
        }
        // Makes sure that it still leads: who does not must not tell nodes what they may do.
        let state = self.log.read().await.map_err(|error| reading(&error))?;
        let leases = self.presence.report(&state, heartbeats);
        let leases = leases.map_err(|error| invalid("HEARTBEAT_INVALID", error.to_string()))?;
        Ok(Response::new(wire::ReportPresenceResponse { leases }))
    }
}

#[derive(Debug)]
pub(crate) struct LeaseApi {
    writer: Writer,
}

impl LeaseApi {
    pub(crate) fn new(writer: Writer) -> Self {
        Self { writer }
    }
}

#[tonic::async_trait]
impl LeaseService for LeaseApi {
    async fn acquire_lease(
        &self,
        request: Request<wire::AcquireLeaseRequest>,
    ) -> Result<Response<wire::AcquireLeaseResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let (name, node) = (lease_name(&request.lease)?, node_name(&request.node)?);
        let command = Command::Grant {
            lease: name.clone(),
            node: node.clone(),
            incarnation: request.incarnation,
        };
        let change = Change {
            command_id: request.command_id,
            ..Change::default()
        };
        let changed = self.writer.change(actor, Some(change), command).await?;
        let held = changed.state.nodes.leases.get(&name);
        let lease = held.filter(|held| held.node == node);
        Ok(Response::new(wire::AcquireLeaseResponse {
            lease: lease.map(|lease| wire::NamedLease {
                name: name.to_string(),
                fence: lease.fence.0,
            }),
        }))
    }

    async fn release_lease(
        &self,
        request: Request<wire::ReleaseLeaseRequest>,
    ) -> Result<Response<wire::ReleaseLeaseResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let command = Command::Release {
            lease: lease_name(&request.lease)?,
            node: node_name(&request.node)?,
            fence: Fence(request.fence),
        };
        let change = Change {
            command_id: request.command_id,
            ..Change::default()
        };
        self.writer.change(actor, Some(change), command).await?;
        Ok(Response::new(wire::ReleaseLeaseResponse {}))
    }
}
