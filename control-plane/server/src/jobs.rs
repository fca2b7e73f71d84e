//! Jobs over the wire, for people and for workers.

mod worker;

use takt_domain::State;
use takt_domain::jobs::{Command, Draft, Event, Job, JobId, JobKind, Rejection, Standing};
use takt_model::UnixNano;
use takt_wire::takt::admin::v1 as wire;
use takt_wire::takt::admin::v1::job_service_server::JobService;
use tonic::{Request, Response, Status};

pub(crate) use worker::WorkerApi;

use crate::page;
use crate::refusal::{invalid, rejected};
use crate::request::{actor, tenant};
use crate::writer::{Changed, Writer, if_match};

const ATTEMPTS: u32 = 5;

#[derive(Debug)]
pub(crate) struct JobApi {
    writer: Writer,
}

impl JobApi {
    pub(crate) fn new(writer: Writer) -> Self {
        Self { writer }
    }
}

#[tonic::async_trait]
impl JobService for JobApi {
    async fn get_job(
        &self,
        request: Request<wire::GetJobRequest>,
    ) -> Result<Response<wire::GetJobResponse>, Status> {
        let id = job_id(&request.into_inner().job)?;
        let state = self.writer.read().await?;
        let job = Some(present(&state, id)?);
        Ok(Response::new(wire::GetJobResponse { job }))
    }

    async fn list_jobs(
        &self,
        request: Request<wire::ListJobsRequest>,
    ) -> Result<Response<wire::ListJobsResponse>, Status> {
        let request = request.into_inner();
        let after = match request.page_token.as_str() {
            "" => None,
            token => Some(job_id(token)?),
        };
        let states: Vec<wire::JobState> = request.states().collect();
        let kinds = kinds(&request.kinds)?;
        let state = self.writer.read().await?;
        let rows = state
            .jobs
            .iter_after(after)
            .filter(|(_, job)| states.is_empty() || states.contains(&state_of(job)))
            .filter(|(_, job)| kinds.is_empty() || kinds.contains(&job.kind()))
            .filter(|(_, job)| request.tenant.is_empty() || job.tenant.as_str() == request.tenant)
            .filter(|(_, job)| request.batch.is_empty() || job.batch == request.batch)
            .map(|(id, job)| to_wire(id, job));
        let (jobs, next_page_token) =
            page::cut(rows, page::size(request.page_size), |job| job.job.clone());
        Ok(Response::new(wire::ListJobsResponse {
            jobs,
            next_page_token,
        }))
    }

    async fn create_jobs(
        &self,
        request: Request<wire::CreateJobsRequest>,
    ) -> Result<Response<wire::CreateJobsResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let drafts = request.jobs.into_iter().map(draft);
        let command = Command::Plan {
            jobs: drafts.collect::<Result<_, _>>()?,
        };
        let changed = self.writer.add(actor, request.change, command).await?;
        let planned = changed.decided.iter().filter_map(|event| match event {
            takt_domain::Event::Job(Event::Planned { job, .. }) => Some(*job),
            _ => None,
        });
        let jobs = planned
            .map(|id| present(&changed.state, id))
            .collect::<Result<_, _>>()?;
        let outcome = Some(changed.outcome);
        Ok(Response::new(wire::CreateJobsResponse { outcome, jobs }))
    }

    async fn cancel_job(
        &self,
        request: Request<wire::CancelJobRequest>,
    ) -> Result<Response<wire::CancelJobResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let id = job_id(&request.job)?;
        let command = Command::Cancel {
            job: id,
            if_match: if_match(request.change.as_ref()),
        };
        let changed = self.writer.change(actor, request.change, command).await?;
        let (outcome, job) = job_after(changed, id)?;
        Ok(Response::new(wire::CancelJobResponse { outcome, job }))
    }

    async fn retry_job(
        &self,
        request: Request<wire::RetryJobRequest>,
    ) -> Result<Response<wire::RetryJobResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let id = job_id(&request.job)?;
        let command = Command::Retry {
            job: id,
            if_match: if_match(request.change.as_ref()),
        };
        let changed = self.writer.change(actor, request.change, command).await?;
        let (outcome, job) = job_after(changed, id)?;
        Ok(Response::new(wire::RetryJobResponse { outcome, job }))
    }
}

fn draft(draft: wire::JobDraft) -> Result<Draft, Status> {
    let payload = takt_log::job_payload_from_wire(draft.payload);
    Ok(Draft {
        tenant: tenant(&draft.tenant)?,
        payload: payload.map_err(|error| invalid("JOB_PAYLOAD_INVALID", error))?,
        batch: draft.batch,
        // More than fits is more than is allowed.
        priority: u8::try_from(draft.priority).unwrap_or(u8::MAX),
        not_before: UnixNano(draft.not_before),
        max_attempts: match draft.max_attempts {
            0 => ATTEMPTS,
            attempts => attempts,
        },
    })
}

pub(crate) fn job_id(text: &str) -> Result<JobId, Status> {
    text.parse()
        .map_err(|error: takt_domain::jobs::JobIdError| {
            invalid("JOB_ID_INVALID", error.to_string())
        })
}

fn kinds(texts: &[String]) -> Result<std::collections::BTreeSet<JobKind>, Status> {
    let kind = |text: &String| {
        let kind = text.parse::<JobKind>();
        kind.map_err(|error| invalid("JOB_KIND_UNKNOWN", error.to_string()))
    };
    texts.iter().map(kind).collect()
}

fn job_after(
    changed: Changed,
    id: JobId,
) -> Result<(Option<wire::Outcome>, Option<wire::Job>), Status> {
    let job = present(&changed.state, id)?;
    Ok((Some(changed.outcome), Some(job)))
}

fn present(state: &State, id: JobId) -> Result<wire::Job, Status> {
    let found = state.jobs.get(id);
    let found = found.ok_or_else(|| rejected(&Rejection::Unknown(id).into()))?;
    Ok(to_wire(id, found))
}

fn state_of(job: &Job) -> wire::JobState {
    match job.standing {
        Standing::Waiting => wire::JobState::Waiting,
        Standing::Leased(_) => wire::JobState::Leased,
        Standing::Done(_) => wire::JobState::Done,
        Standing::Poisoned => wire::JobState::Poisoned,
        Standing::Cancelled => wire::JobState::Cancelled,
    }
}

pub(crate) fn to_wire(id: JobId, job: &Job) -> wire::Job {
    let row = wire::Job {
        job: id.to_string(),
        tenant: job.tenant.to_string(),
        kind: job.kind().as_str().to_owned(),
        state: state_of(job).into(),
        batch: job.batch.clone(),
        priority: job.priority.into(),
        payload: Some(takt_log::job_payload_to_wire(&job.payload)),
        not_before: job.not_before.0,
        attempts: job.attempts,
        max_attempts: job.max_attempts,
        planned_at: job.planned_at.0,
        since: job.since.0,
        error: job.error.clone(),
        version: job.version.0,
        ..wire::Job::default()
    };
    match &job.standing {
        Standing::Leased(lease) => wire::Job {
            worker: lease.worker.to_string(),
            fence: lease.fence.0,
            expires_at: lease.expires_at.0,
            done: lease.progress.done,
            total: lease.progress.total,
            ..row
        },
        Standing::Done(outcome) => wire::Job {
            result: Some(takt_log::job_result_to_wire(outcome)),
            ..row
        },
        Standing::Waiting | Standing::Poisoned | Standing::Cancelled => row,
    }
}
