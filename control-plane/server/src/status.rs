//! How the control plane is.

use takt_log::Handle;
use takt_wire::takt::admin::v1 as wire;
use takt_wire::takt::admin::v1::status_service_server::StatusService;
use tonic::{Request, Response, Status};

#[derive(Debug)]
pub(crate) struct StatusApi {
    log: Handle,
}

impl StatusApi {
    pub(crate) fn new(log: Handle) -> Self {
        Self { log }
    }
}

#[tonic::async_trait]
impl StatusService for StatusApi {
    /// As this node sees it, without asking others: it must answer when nobody leads.
    async fn get_status(
        &self,
        _: Request<wire::GetStatusRequest>,
    ) -> Result<Response<wire::GetStatusResponse>, Status> {
        let status = self.log.status();
        Ok(Response::new(wire::GetStatusResponse {
            node: status.node.0,
            revision: status.revision.0,
            term: status.term.0,
            leader: status.leader.map(|leader| leader.0),
            voters: status.voters.iter().map(|voter| voter.0).collect(),
            decided_at: status.decided_at.0,
        }))
    }
}
