//! Leases that ended, jobs that nobody asks about any more.

use takt_domain::jobs::{Command, MAX_BATCH, Standing};
use takt_domain::{Command as Any, State};
use takt_model::UnixNano;

use super::{PLAN_MAX, Waits};

pub(super) fn expire(state: &State, _waits: &Waits, now: UnixNano) -> Vec<Any> {
    state
        .jobs
        .leased()
        .take_while(|(expires_at, _)| *expires_at <= now)
        .filter_map(|(_, id)| match &state.jobs.get(id)?.standing {
            Standing::Leased(lease) => Some(Any::from(Command::Expire {
                job: id,
                fence: lease.fence,
            })),
            Standing::Waiting | Standing::Done(_) | Standing::Poisoned | Standing::Cancelled => {
                None
            }
        })
        .take(PLAN_MAX)
        .collect()
}

pub(super) fn trim(state: &State, waits: &Waits, now: UnixNano) -> Vec<Any> {
    let jobs: Vec<_> = state
        .jobs
        .finished()
        .take_while(|(at, _)| now.since(*at) > waits.jobs_kept)
        .filter(|(at, id)| {
            let job = state.jobs.get(*id);
            let poisoned = job.is_some_and(|job| job.standing == Standing::Poisoned);
            !poisoned || now.since(*at) > waits.poisoned_kept
        })
        .map(|(_, id)| id)
        .take(MAX_BATCH)
        .collect();
    if jobs.is_empty() {
        return Vec::new();
    }
    vec![Command::Trim { jobs }.into()]
}
