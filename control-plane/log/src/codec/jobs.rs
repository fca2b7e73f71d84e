//! Work for workers.

mod payload;

use std::sync::Arc;

use takt_domain::Fence;
use takt_domain::jobs::{Draft, Event, Job, JobId, Jobs, Lease, Progress, Standing};
use takt_model::{Revision, TenantId, UnixNano};
use takt_wire::takt::control::log::v1 as stored;
use takt_wire::takt::control::log::v1::job::Standing as StoredStanding;
use takt_wire::takt::control::log::v1::job_event::Event as Stored;
use uuid::Uuid;

use super::DecodeError;
use super::nodes::node_from;

pub use payload::{
    job_payload_from_wire, job_payload_to_wire, job_result_from_wire, job_result_to_wire,
};

#[expect(
    clippy::too_many_lines,
    reason = "one arm for each event, nothing else"
)]
pub(super) fn event_to(event: &Event) -> stored::JobEvent {
    let job = id_to(event.job());
    let event = match event {
        Event::Planned { draft, turn, .. } => Stored::Planned(stored::JobPlanned {
            job,
            tenant: draft.tenant.to_string(),
            payload: Some(payload::to(&draft.payload)),
            batch: draft.batch.clone(),
            priority: draft.priority.into(),
            turn: *turn,
            not_before: draft.not_before.0,
            max_attempts: draft.max_attempts,
        }),
        Event::Leased {
            worker,
            fence,
            expires_at,
            attempt,
            ..
        } => Stored::Leased(stored::JobLeased {
            job,
            worker: worker.to_string(),
            fence: fence.0,
            expires_at: expires_at.0,
            attempt: *attempt,
        }),
        Event::Progressed {
            fence,
            progress,
            expires_at,
            ..
        } => Stored::Progressed(stored::JobProgressed {
            job,
            fence: fence.0,
            done: progress.done,
            total: progress.total,
            expires_at: expires_at.0,
        }),
        Event::Completed {
            fence,
            worker,
            outcome,
            ..
        } => Stored::Completed(stored::JobCompleted {
            job,
            fence: fence.0,
            worker: worker.to_string(),
            result: Some(payload::outcome_to(outcome)),
        }),
        Event::Failed {
            fence,
            worker,
            error,
            retry_at,
            ..
        } => Stored::Failed(stored::JobFailed {
            job,
            fence: fence.0,
            worker: worker.to_string(),
            error: error.clone(),
            retry_at: retry_at.0,
        }),
        Event::Expired {
            fence,
            worker,
            retry_at,
            ..
        } => Stored::Expired(stored::JobExpired {
            job,
            fence: fence.0,
            worker: worker.to_string(),
            retry_at: retry_at.0,
        }),
        Event::Poisoned {
            fence,
            worker,
            error,
            ..
        } => Stored::Poisoned(stored::JobPoisoned {
            job,
            fence: fence.0,
            worker: worker.to_string(),
            error: error.clone(),
        }),
        Event::Cancelled { .. } => Stored::Cancelled(stored::JobCancelled { job }),
        Event::Retried { turn, .. } => Stored::Retried(stored::JobRetried { job, turn: *turn }),
        Event::Trimmed { .. } => Stored::Trimmed(stored::JobTrimmed { job }),
    };
    stored::JobEvent { event: Some(event) }
}

pub(super) fn event_from(event: stored::JobEvent) -> Result<Event, DecodeError> {
    Ok(match event.event.ok_or(DecodeError::UnknownKind)? {
        Stored::Planned(event) => Event::Planned {
            job: id_from(&event.job)?,
            turn: event.turn,
            draft: Draft {
                tenant: TenantId::new(&event.tenant)?,
                payload: payload::from(event.payload)?,
                batch: event.batch,
                priority: priority_from(event.priority)?,
                not_before: UnixNano(event.not_before),
                max_attempts: event.max_attempts,
            },
        },
        Stored::Leased(event) => Event::Leased {
            job: id_from(&event.job)?,
            worker: node_from(&event.worker)?,
            fence: Fence(event.fence),
            expires_at: UnixNano(event.expires_at),
            attempt: event.attempt,
        },
        Stored::Progressed(event) => Event::Progressed {
            job: id_from(&event.job)?,
            fence: Fence(event.fence),
            progress: Progress {
                done: event.done,
                total: event.total,
            },
            expires_at: UnixNano(event.expires_at),
        },
        Stored::Completed(event) => Event::Completed {
            job: id_from(&event.job)?,
            fence: Fence(event.fence),
            worker: node_from(&event.worker)?,
            outcome: payload::outcome_from(event.result.unwrap_or_default())?,
        },
        Stored::Failed(event) => Event::Failed {
            job: id_from(&event.job)?,
            fence: Fence(event.fence),
            worker: node_from(&event.worker)?,
            error: event.error,
            retry_at: UnixNano(event.retry_at),
        },
        Stored::Expired(event) => Event::Expired {
            job: id_from(&event.job)?,
            fence: Fence(event.fence),
            worker: node_from(&event.worker)?,
            retry_at: UnixNano(event.retry_at),
        },
        Stored::Poisoned(event) => Event::Poisoned {
            job: id_from(&event.job)?,
            fence: Fence(event.fence),
            worker: node_from(&event.worker)?,
            error: event.error,
        },
        Stored::Cancelled(event) => Event::Cancelled {
            job: id_from(&event.job)?,
        },
        Stored::Retried(event) => Event::Retried {
            job: id_from(&event.job)?,
            turn: event.turn,
        },
        Stored::Trimmed(event) => Event::Trimmed {
            job: id_from(&event.job)?,
        },
    })
}

pub(super) fn state_to(state: &Jobs) -> stored::Jobs {
    stored::Jobs {
        jobs: state
            .iter_after(None)
            .map(|(id, job)| job_to(id, job))
            .collect(),
        fence: state.fence.0,
        turn: state.turn,
    }
}

pub(super) fn state_from(state: stored::Jobs) -> Result<Jobs, DecodeError> {
    let mut jobs = Jobs::default();
    jobs.fence = Fence(state.fence);
    jobs.turn = state.turn;
    for job in state.jobs {
        jobs.put(id_from(&job.job)?, Arc::new(job_from(job)?));
    }
    Ok(jobs)
}

fn job_to(id: JobId, job: &Job) -> stored::Job {
    let standing = match &job.standing {
        Standing::Waiting => StoredStanding::Waiting(stored::JobWaiting {}),
        Standing::Leased(lease) => StoredStanding::Lease(stored::JobLease {
            worker: lease.worker.to_string(),
            fence: lease.fence.0,
            expires_at: lease.expires_at.0,
            done: lease.progress.done,
            total: lease.progress.total,
        }),
        Standing::Done(outcome) => StoredStanding::Result(payload::outcome_to(outcome)),
        Standing::Poisoned => StoredStanding::Poisoned(stored::JobGivenUp {}),
        Standing::Cancelled => StoredStanding::Cancelled(stored::JobCalledOff {}),
    };
    stored::Job {
        job: id_to(id),
        tenant: job.tenant.to_string(),
        payload: Some(payload::to(&job.payload)),
        batch: job.batch.clone(),
        priority: job.priority.into(),
        turn: job.turn,
        not_before: job.not_before.0,
        max_attempts: job.max_attempts,
        attempts: job.attempts,
        planned_at: job.planned_at.0,
        since: job.since.0,
        version: job.version.0,
        error: job.error.clone(),
        standing: Some(standing),
    }
}

fn job_from(job: stored::Job) -> Result<Job, DecodeError> {
    let standing = match job.standing.ok_or(DecodeError::Missing("standing"))? {
        StoredStanding::Waiting(stored::JobWaiting {}) => Standing::Waiting,
        StoredStanding::Lease(lease) => Standing::Leased(Lease {
            worker: node_from(&lease.worker)?,
            fence: Fence(lease.fence),
            expires_at: UnixNano(lease.expires_at),
            progress: Progress {
                done: lease.done,
                total: lease.total,
            },
        }),
        StoredStanding::Result(result) => Standing::Done(payload::outcome_from(result)?),
        StoredStanding::Poisoned(stored::JobGivenUp {}) => Standing::Poisoned,
        StoredStanding::Cancelled(stored::JobCalledOff {}) => Standing::Cancelled,
    };
    Ok(Job {
        tenant: TenantId::new(&job.tenant)?,
        payload: payload::from(job.payload)?,
        batch: job.batch,
        priority: priority_from(job.priority)?,
        turn: job.turn,
        not_before: UnixNano(job.not_before),
        attempts: job.attempts,
        max_attempts: job.max_attempts,
        planned_at: UnixNano(job.planned_at),
        standing,
        since: UnixNano(job.since),
        error: job.error,
        version: Revision(job.version),
    })
}

fn id_to(id: JobId) -> Vec<u8> {
    id.0.as_bytes().to_vec()
}

fn id_from(bytes: &[u8]) -> Result<JobId, DecodeError> {
    Uuid::from_slice(bytes)
        .map(JobId)
        .map_err(|_| DecodeError::Illegal("job"))
}

fn priority_from(priority: u32) -> Result<u8, DecodeError> {
    u8::try_from(priority).map_err(|_| DecodeError::Illegal("priority"))
}
