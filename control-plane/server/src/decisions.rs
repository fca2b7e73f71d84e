//! Segments of the decision index over the wire.

mod samplers;

use takt_domain::State;
use takt_domain::decisions::{self, Command, Row, SegmentId};
use takt_domain::policies::PolicyId;
use takt_model::{TenantId, TimeRange, UnixNano};
use takt_wire::takt::admin::v1 as wire;
use takt_wire::takt::admin::v1::decision_service_server::DecisionService;
use tonic::{Request, Response, Status};
use uuid::Uuid;

pub(crate) use samplers::SamplersApi;

use crate::refusal::{invalid, rejected};
use crate::request::{actor, tenant};
use crate::writer::{Writer, if_match};

const PAGE_MAX: usize = 1000;

#[derive(Debug)]
pub(crate) struct DecisionApi {
    writer: Writer,
}

impl DecisionApi {
    pub(crate) fn new(writer: Writer) -> Self {
        Self { writer }
    }
}

#[tonic::async_trait]
impl DecisionService for DecisionApi {
    async fn list_segments(
        &self,
        request: Request<wire::ListSegmentsRequest>,
    ) -> Result<Response<wire::ListSegmentsResponse>, Status> {
        let request = request.into_inner();
        let tenant = tenant(&request.tenant)?;
        let after = match request.page_token.as_str() {
            "" => None,
            token => Some(segment_id(token)?),
        };
        let asked = Asked::of(&request)?;
        let state = self.writer.read().await?;
        crate::policies::known(&state, &tenant)?;
        let index = state.decisions.of(&tenant).into_iter();
        let mut rows = index
            .flat_map(|index| index.rows_after(after))
            .filter(|row| asked.matches(row));
        let page = rows.by_ref().take(page_size(request.page_size));
        let page: Vec<wire::Segment> = page.map(|row| to_wire(&tenant, row)).collect();
        let last = page.last().filter(|_| rows.next().is_some());
        Ok(Response::new(wire::ListSegmentsResponse {
            next_page_token: last.map(|last| last.id.clone()).unwrap_or_default(),
            segments: page,
        }))
    }

    async fn get_segment(
        &self,
        request: Request<wire::GetSegmentRequest>,
    ) -> Result<Response<wire::GetSegmentResponse>, Status> {
        let request = request.into_inner();
        let tenant = tenant(&request.tenant)?;
        let id = segment_id(&request.segment)?;
        let state = self.writer.read().await?;
        crate::policies::known(&state, &tenant)?;
        let segment = Some(get(&state, &tenant, id)?);
        Ok(Response::new(wire::GetSegmentResponse { segment }))
    }

    async fn retire_segment(
        &self,
        request: Request<wire::RetireSegmentRequest>,
    ) -> Result<Response<wire::RetireSegmentResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let tenant = tenant(&request.tenant)?;
        let segment = segment_id(&request.segment)?;
        let command = Command::Retire {
            tenant: tenant.clone(),
            segment,
            if_match: if_match(request.change.as_ref()),
        };
        let changed = self.writer.change(actor, request.change, command).await?;
        Ok(Response::new(wire::RetireSegmentResponse {
            outcome: Some(changed.outcome),
            segment: Some(get(&changed.state, &tenant, segment)?),
        }))
    }
}

/// What a list is asked for.
struct Asked {
    retired: Option<bool>,
    time: TimeRange,
    partition: Option<u32>,
    policy: Option<PolicyId>,
}

impl Asked {
    fn of(request: &wire::ListSegmentsRequest) -> Result<Self, Status> {
        let state = wire::SegmentState::try_from(request.state).map_err(|_| {
            let message = format!("`{}` is not a state of segments", request.state);
            invalid("SEGMENT_STATE_INVALID", message)
        })?;
        Ok(Self {
            retired: match state {
                wire::SegmentState::Unspecified => None,
                wire::SegmentState::Live => Some(false),
                wire::SegmentState::Retired => Some(true),
            },
            time: time(request.traces_from, request.traces_to),
            partition: request.partition,
            policy: request.policy.map(PolicyId),
        })
    }

    fn matches(&self, row: &Row) -> bool {
        let segment = &row.segment;
        let about = |partition| segment.ranges.iter().any(|it| it.partition == partition);
        let decided = |policy| segment.policies.iter().any(|it| it.policy == policy);
        self.retired
            .is_none_or(|retired| retired == row.retired.is_some())
            && segment.may_know(&self.time)
            && self.partition.is_none_or(about)
            && self.policy.is_none_or(decided)
    }
}

/// What is not said is not a bound.
fn time(from: Option<u64>, to: Option<u64>) -> TimeRange {
    TimeRange {
        start: from.map_or(UnixNano::MIN, UnixNano),
        end: to.map_or(UnixNano::MAX, UnixNano),
    }
}

fn page_size(asked: u32) -> usize {
    match usize::try_from(asked) {
        Ok(0) | Err(_) => PAGE_MAX,
        Ok(size) => size.min(PAGE_MAX),
    }
}

fn segment_id(text: &str) -> Result<SegmentId, Status> {
    let id = Uuid::parse_str(text).map(SegmentId);
    id.map_err(|_| {
        let text: String = text.chars().take(64).collect();
        let message = format!("segment id `{text}` is not a UUID");
        invalid("SEGMENT_ID_INVALID", message)
    })
}

fn get(state: &State, tenant: &TenantId, segment: SegmentId) -> Result<wire::Segment, Status> {
    find(state, tenant, segment).ok_or_else(|| {
        let tenant = tenant.clone();
        rejected(&decisions::Rejection::SegmentUnknown { tenant, segment }.into())
    })
}

/// A segment as it stands.
pub(crate) fn find(state: &State, tenant: &TenantId, segment: SegmentId) -> Option<wire::Segment> {
    let row = state.decisions.of(tenant)?.get(segment)?;
    Some(to_wire(tenant, row))
}

pub(crate) fn to_wire(tenant: &TenantId, row: &Row) -> wire::Segment {
    let (state, reason, since) = match row.retired {
        None => (wire::SegmentState::Live, None, 0),
        Some((reason, since)) => (wire::SegmentState::Retired, Some(reason), since.0),
    };
    wire::Segment {
        tenant: tenant.to_string(),
        id: row.segment.id.to_string(),
        spec: Some(takt_log::segment_to_wire(&row.segment)),
        registered_at: row.registered_at.0,
        state: state.into(),
        retire_reason: reason
            .map(takt_log::retire_reason_to_wire)
            .unwrap_or_default()
            .into(),
        retired_at: since,
        version: row.version.0,
    }
}
