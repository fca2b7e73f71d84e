//! What workers say of tenants that are being deleted.

use takt_domain::tenants::{Command, PurgeStep};
use takt_wire::takt::admin::v1::Change;
use takt_wire::takt::control::v1 as wire;
use takt_wire::takt::control::v1::purge_service_server::PurgeService;
use takt_wire::takt::control::v1::record_purge_request::Step;
use tonic::{Request, Response, Status};

use crate::refusal::invalid;
use crate::request::{actor, tenant};
use crate::writer::Writer;

#[derive(Debug)]
pub(crate) struct PurgeApi {
    writer: Writer,
}

impl PurgeApi {
    pub(crate) fn new(writer: Writer) -> Self {
        Self { writer }
    }
}

#[tonic::async_trait]
impl PurgeService for PurgeApi {
    async fn record_purge(
        &self,
        request: Request<wire::RecordPurgeRequest>,
    ) -> Result<Response<wire::RecordPurgeResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let step = match request.step {
            Some(Step::Progressed(more)) => PurgeStep::Progressed {
                blocks: more.blocks,
                bytes: more.bytes,
            },
            Some(Step::Failed(failure)) => PurgeStep::Failed {
                reason: failure.reason,
            },
            Some(Step::Finished(_)) => PurgeStep::Finished,
            None => return Err(invalid("PURGE_STEP_MISSING", "say how far the purge is")),
        };
        let command = Command::RecordPurge {
            tenant: tenant(&request.tenant)?,
            step,
        };
        let change = Change {
            command_id: request.command_id,
            ..Change::default()
        };
        self.writer.change(actor, Some(change), command).await?;
        Ok(Response::new(wire::RecordPurgeResponse {}))
    }
}
