//! Jobs: planned, leased, reported, finished.

use std::collections::BTreeSet;
use std::time::Duration;

use rand::RngExt as _;
use rand::rngs::SmallRng;
use takt_domain::jobs::{Draft, Job, JobId, Outcome, Payload, Progress, Standing};
use takt_domain::{Command, Fence, State, jobs};
use takt_model::UnixNano;

use super::nodes::name;
use super::tenants::{if_match, tenant_id};
use crate::plan::pick;

const TTL: Duration = Duration::from_secs(2);

pub(crate) fn job(rng: &mut SmallRng, known: &State) -> Command {
    let jobs: Vec<(JobId, &Job)> = known
        .jobs
        .iter_after(None)
        .map(|(id, job)| (id, &**job))
        .collect();
    if jobs.is_empty() || rng.random_bool(0.3) {
        return plan(rng).into();
    }
    if rng.random_bool(0.4) {
        return lease(rng).into();
    }
    let (job, row) = *pick(rng, &jobs);
    // Mostly who holds it speaks, sometimes who held it.
    let fence = match &row.standing {
        Standing::Leased(lease) if rng.random_bool(0.8) => lease.fence,
        _ => Fence(rng.random_range(1..10)),
    };
    let if_match = if_match(rng, Some(row.version));
    let command = match rng.random_range(0..9) {
        0..2 => jobs::Command::Report {
            job,
            fence,
            progress: Progress {
                done: rng.random_range(0..10),
                total: 10,
            },
            ttl: TTL,
        },
        2..4 => jobs::Command::Complete {
            job,
            fence,
            outcome: Outcome::default(),
        },
        4 => jobs::Command::Fail {
            job,
            fence,
            error: "no".into(),
            permanent: rng.random_bool(0.3),
        },
        5 => jobs::Command::Expire { job, fence },
        6 => jobs::Command::Cancel { job, if_match },
        7 => jobs::Command::Retry { job, if_match },
        _ => jobs::Command::Trim { jobs: vec![job] },
    };
    command.into()
}

fn plan(rng: &mut SmallRng) -> jobs::Command {
    let payload = pick(rng, &[Payload::Retention, Payload::Index]).clone();
    let draft = Draft {
        tenant: tenant_id(rng),
        payload,
        batch: String::new(),
        priority: rng.random_range(0..3),
        not_before: UnixNano(0),
        max_attempts: 3,
    };
    jobs::Command::Plan { jobs: vec![draft] }
}

fn lease(rng: &mut SmallRng) -> jobs::Command {
    jobs::Command::Lease {
        worker: name(rng),
        kinds: BTreeSet::new(),
        count: rng.random_range(1..3),
        ttl: TTL,
    }
}
