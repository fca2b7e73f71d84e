//! What samplers, compactors and queriers ask.

use takt_domain::decisions::{Command, Segment, SegmentId};
use takt_model::UnixNano;
use takt_wire::takt::control::log::v1 as stored;
use takt_wire::takt::control::v1 as control;
use takt_wire::takt::control::v1::decisions_service_server::DecisionsService;
use tonic::{Request, Response, Status};

use super::{page_size, segment_id, time, to_wire};
use crate::refusal::invalid;
use crate::request::{actor, tenant};
use crate::writer::Writer;

#[derive(Debug)]
pub(crate) struct SamplersApi {
    writer: Writer,
}

impl SamplersApi {
    pub(crate) fn new(writer: Writer) -> Self {
        Self { writer }
    }
}

#[tonic::async_trait]
impl DecisionsService for SamplersApi {
    async fn register_segments(
        &self,
        request: Request<control::RegisterSegmentsRequest>,
    ) -> Result<Response<control::RegisterSegmentsResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let segments = request
            .segments
            .into_iter()
            .map(|it| Ok((tenant(&it.tenant)?, segment(it.segment)?)));
        let command = Command::Register {
            segments: segments.collect::<Result<_, Status>>()?,
        };
        let changed = self.writer.add(actor, request.change, command).await?;
        let outcome = Some(changed.outcome);
        Ok(Response::new(control::RegisterSegmentsResponse { outcome }))
    }

    async fn supersede_segments(
        &self,
        request: Request<control::SupersedeSegmentsRequest>,
    ) -> Result<Response<control::SupersedeSegmentsResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let command = Command::Supersede {
            tenant: tenant(&request.tenant)?,
            replaced: segment_ids(&request.replaced)?,
            by: Box::new(segment(request.by)?),
        };
        let changed = self.writer.add(actor, request.change, command).await?;
        let outcome = Some(changed.outcome);
        Ok(Response::new(control::SupersedeSegmentsResponse {
            outcome,
        }))
    }

    async fn forget_segments(
        &self,
        request: Request<control::ForgetSegmentsRequest>,
    ) -> Result<Response<control::ForgetSegmentsResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let command = Command::Forget {
            tenant: tenant(&request.tenant)?,
            segments: segment_ids(&request.segments)?,
        };
        let changed = self.writer.add(actor, request.change, command).await?;
        let outcome = Some(changed.outcome);
        Ok(Response::new(control::ForgetSegmentsResponse { outcome }))
    }

    async fn find_segments(
        &self,
        request: Request<control::FindSegmentsRequest>,
    ) -> Result<Response<control::FindSegmentsResponse>, Status> {
        let request = request.into_inner();
        let tenant = tenant(&request.tenant)?;
        let state = self.writer.read().await?;
        crate::policies::known(&state, &tenant)?;
        let rows = state
            .decisions
            .find(&tenant, &time(request.from, request.to));
        let segments = rows.into_iter().map(|row| to_wire(&tenant, row));
        let segments = segments.collect();
        Ok(Response::new(control::FindSegmentsResponse { segments }))
    }

    async fn list_retired_segments(
        &self,
        request: Request<control::ListRetiredSegmentsRequest>,
    ) -> Result<Response<control::ListRetiredSegmentsResponse>, Status> {
        let request = request.into_inner();
        let state = self.writer.read().await?;
        let rows = state.decisions.retired_by(UnixNano(request.retired_by));
        let page = rows.take(page_size(request.page_size));
        let segments = page.map(|(tenant, row)| to_wire(tenant, row)).collect();
        Ok(Response::new(control::ListRetiredSegmentsResponse {
            segments,
        }))
    }
}

fn segment(segment: Option<stored::SegmentSpec>) -> Result<Segment, Status> {
    takt_log::segment_from_wire(segment)
        .map_err(|error| invalid("SEGMENT_MALFORMED", error.to_string()))
}

fn segment_ids(ids: &[String]) -> Result<Vec<SegmentId>, Status> {
    ids.iter().map(|id| segment_id(id)).collect()
}
