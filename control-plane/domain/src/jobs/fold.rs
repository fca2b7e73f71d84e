//! What each fact of a job changes.

use std::sync::Arc;

use takt_model::{Revision, UnixNano};

use super::{Draft, Event, Job, JobId, Jobs, Lease, Progress, Standing};
use crate::State;

/// Folds one event; `version` is the revision after it.
pub(crate) fn evolve(state: &mut State, event: &Event, at: UnixNano, version: Revision) {
    let jobs = &mut state.jobs;
    let id = event.job();
    match event {
        Event::Planned { draft, turn, .. } => {
            jobs.put(id, Arc::new(planned(draft, *turn, at, version)));
        }
        Event::Leased {
            worker,
            fence,
            expires_at,
            attempt,
            ..
        } => {
            jobs.fence = jobs.fence.max(*fence);
            if let Some(job) = jobs.get(id) {
                jobs.turn = jobs.turn.max(job.turn);
            }
            let lease = Lease {
                worker: worker.clone(),
                fence: *fence,
                expires_at: *expires_at,
                progress: Progress::default(),
            };
            change(jobs, id, version, |job| {
                job.attempts = *attempt;
                stand(job, Standing::Leased(lease), at);
            });
        }
        Event::Progressed {
            progress,
            expires_at,
            ..
        } => change(jobs, id, version, |job| {
            if let Standing::Leased(lease) = &mut job.standing {
                lease.progress = *progress;
                lease.expires_at = *expires_at;
            }
        }),
        Event::Completed { outcome, .. } => change(jobs, id, version, |job| {
            stand(job, Standing::Done(outcome.clone()), at);
        }),
        Event::Failed {
            error, retry_at, ..
        } => change(jobs, id, version, |job| {
            job.error.clone_from(error);
            job.not_before = *retry_at;
            stand(job, Standing::Waiting, at);
        }),
        Event::Expired {
            worker, retry_at, ..
        } => change(jobs, id, version, |job| {
            job.error = format!("worker `{worker}` fell silent");
            job.not_before = *retry_at;
            stand(job, Standing::Waiting, at);
        }),
        Event::Poisoned { error, .. } => change(jobs, id, version, |job| {
            job.error.clone_from(error);
            stand(job, Standing::Poisoned, at);
        }),
        Event::Cancelled { .. } => change(jobs, id, version, |job| {
            stand(job, Standing::Cancelled, at);
        }),
        Event::Retried { turn, .. } => change(jobs, id, version, |job| {
            job.turn = *turn;
            job.attempts = 0;
            job.not_before = at;
            stand(job, Standing::Waiting, at);
        }),
        Event::Trimmed { .. } => {
            jobs.remove(id);
        }
    }
}

fn planned(draft: &Draft, turn: u64, at: UnixNano, version: Revision) -> Job {
    Job {
        tenant: draft.tenant.clone(),
        payload: draft.payload.clone(),
        batch: draft.batch.clone(),
        priority: draft.priority,
        turn,
        not_before: draft.not_before,
        attempts: 0,
        max_attempts: draft.max_attempts,
        planned_at: at,
        standing: Standing::Waiting,
        since: at,
        error: String::new(),
        version,
    }
}

fn stand(job: &mut Job, standing: Standing, at: UnixNano) {
    job.standing = standing;
    job.since = at;
}

fn change(jobs: &mut Jobs, id: JobId, version: Revision, how: impl FnOnce(&mut Job)) {
    if let Some(mut found) = jobs.remove(id) {
        let job = Arc::make_mut(&mut found);
        how(job);
        job.version = version;
        jobs.put(id, found);
    }
}
