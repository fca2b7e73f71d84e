//! A worker's calls: take, report, end.

use std::time::Duration;

use takt_domain::jobs::{Command, Event, Job, JobId, Lease, Progress, Standing};
use takt_domain::{Fence, State};
use takt_wire::takt::admin::v1::Change;
use takt_wire::takt::control::v1 as wire;
use takt_wire::takt::control::v1::jobs_service_server::JobsService;
use tonic::{Request, Response, Status};

use super::{job_id, kinds};
use crate::nodes::node_name;
use crate::refusal::invalid;
use crate::request::actor;
use crate::writer::{Changed, Writer};

const TTL: Duration = Duration::from_secs(300);

#[derive(Debug)]
pub(crate) struct WorkerApi {
    writer: Writer,
}

impl WorkerApi {
    pub(crate) fn new(writer: Writer) -> Self {
        Self { writer }
    }

    async fn change(
        &self,
        actor: String,
        command_id: String,
        command: Command,
    ) -> Result<Changed, Status> {
        let change = Change {
            command_id,
            ..Change::default()
        };
        self.writer.change(actor, Some(change), command).await
    }
}

#[tonic::async_trait]
impl JobsService for WorkerApi {
    async fn lease_jobs(
        &self,
        request: Request<wire::LeaseJobsRequest>,
    ) -> Result<Response<wire::LeaseJobsResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let command = Command::Lease {
            worker: node_name(&request.worker)?,
            kinds: kinds(&request.kinds)?,
            count: request.count.max(1),
            ttl: ttl(request.ttl_milliseconds),
        };
        let changed = self.change(actor, request.command_id, command).await?;
        let leased = changed.decided.iter().filter_map(|event| match event {
            takt_domain::Event::Job(Event::Leased { job, fence, .. }) => Some((*job, *fence)),
            _ => None,
        });
        let jobs = leased.filter_map(|(id, fence)| {
            let (job, lease) = held(&changed.state, id, fence)?;
            Some(leased_to_wire(id, job, lease))
        });
        Ok(Response::new(wire::LeaseJobsResponse {
            jobs: jobs.collect(),
        }))
    }

    async fn report_job(
        &self,
        request: Request<wire::ReportJobRequest>,
    ) -> Result<Response<wire::ReportJobResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let (id, fence) = (job_id(&request.job)?, Fence(request.fence));
        let command = Command::Report {
            job: id,
            fence,
            progress: Progress {
                done: request.done,
                total: request.total,
            },
            ttl: ttl(request.ttl_milliseconds),
        };
        let changed = self.change(actor, request.command_id, command).await?;
        let held = held(&changed.state, id, fence);
        let expires_at = held.map(|(_, lease)| lease.expires_at.0);
        Ok(Response::new(wire::ReportJobResponse {
            expires_at: expires_at.unwrap_or_default(),
        }))
    }

    async fn complete_job(
        &self,
        request: Request<wire::CompleteJobRequest>,
    ) -> Result<Response<wire::CompleteJobResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let outcome = takt_log::job_result_from_wire(request.result);
        let command = Command::Complete {
            job: job_id(&request.job)?,
            fence: Fence(request.fence),
            outcome: outcome.map_err(|error| invalid("JOB_RESULT_INVALID", error))?,
        };
        self.change(actor, request.command_id, command).await?;
        Ok(Response::new(wire::CompleteJobResponse {}))
    }

    async fn fail_job(
        &self,
        request: Request<wire::FailJobRequest>,
    ) -> Result<Response<wire::FailJobResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let id = job_id(&request.job)?;
        let command = Command::Fail {
            job: id,
            fence: Fence(request.fence),
            error: request.error,
            permanent: request.permanent,
        };
        let changed = self.change(actor, request.command_id, command).await?;
        let job = changed.state.jobs.get(id);
        let waiting = job.filter(|job| job.standing == Standing::Waiting);
        Ok(Response::new(wire::FailJobResponse {
            poisoned: job.is_some_and(|job| job.standing == Standing::Poisoned),
            retry_at: waiting.map(|job| job.not_before.0).unwrap_or_default(),
        }))
    }
}

fn ttl(milliseconds: u64) -> Duration {
    match milliseconds {
        0 => TTL,
        milliseconds => Duration::from_millis(milliseconds),
    }
}

/// The job, if this is still its lease.
fn held(state: &State, id: JobId, fence: Fence) -> Option<(&Job, &Lease)> {
    let job = state.jobs.get(id)?;
    match &job.standing {
        Standing::Leased(lease) if lease.fence == fence => Some((job, lease)),
        Standing::Leased(_)
        | Standing::Waiting
        | Standing::Done(_)
        | Standing::Poisoned
        | Standing::Cancelled => None,
    }
}

fn leased_to_wire(id: JobId, job: &Job, lease: &Lease) -> wire::LeasedJob {
    wire::LeasedJob {
        job: id.to_string(),
        fence: lease.fence.0,
        expires_at: lease.expires_at.0,
        attempt: job.attempts,
        tenant: job.tenant.to_string(),
        batch: job.batch.clone(),
        payload: Some(takt_log::job_payload_to_wire(&job.payload)),
    }
}
