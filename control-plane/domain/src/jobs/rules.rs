//! What may be done with jobs.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use takt_model::{BlockId, Revision, TenantId, UnixNano};
use uuid::Uuid;

use super::payload::check_text;
use super::{
    Command, Draft, Event, Job, JobId, JobKind, Jobs, Lease, MAX_ATTEMPTS, MAX_BACKOFF, MAX_BATCH,
    MAX_BATCH_NAME_BYTES, MAX_BLOCKS, MAX_FINISHED, MAX_LEASED_AT_ONCE, MAX_OPEN,
    MAX_OPEN_PER_TENANT, MAX_PRIORITY, MAX_TEXT_BYTES, MAX_TTL, MIN_BACKOFF, MIN_TTL, Outcome,
    Rejection, Standing,
};
use crate::nodes::{self, NodeName};
use crate::tenants::matches;
use crate::{CommandId, Facts, Fence, State};

pub(crate) fn decide(
    state: &State,
    command: &Command,
    facts: &Facts,
) -> Result<Vec<crate::Event>, crate::Rejection> {
    let jobs = &state.jobs;
    let events = match command {
        Command::Plan { jobs } => plan(state, jobs, facts.command)?,
        Command::Lease {
            worker,
            kinds,
            count,
            ttl,
        } => lease(state, worker, kinds, *count, *ttl, facts.at)?,
        Command::Report {
            job,
            fence,
            progress,
            ttl,
        } => {
            held(jobs, *job, *fence)?;
            vec![Event::Progressed {
                job: *job,
                fence: *fence,
                progress: *progress,
                expires_at: facts.at.plus(lasting(*ttl)?),
            }]
        }
        Command::Complete {
            job,
            fence,
            outcome,
        } => complete(jobs, *job, *fence, outcome)?,
        Command::Fail {
            job,
            fence,
            error,
            permanent,
        } => {
            check_text("error", error, MAX_TEXT_BYTES)?;
            let (found, lease) = held(jobs, *job, *fence)?;
            failed(jobs, *job, found, lease, error, *permanent, facts.at)
        }
        Command::Expire { job, fence } => expire(jobs, *job, *fence, facts.at)?,
        Command::Cancel { job, if_match } => cancel(jobs, *job, at(jobs, *job, *if_match)?)?,
        Command::Retry { job, if_match } => retry(jobs, *job, at(jobs, *job, *if_match)?)?,
        Command::Trim { jobs: ids } => trim(jobs, ids)?,
    };
    Ok(events.into_iter().map(Into::into).collect())
}

fn known(jobs: &Jobs, id: JobId) -> Result<&Job, Rejection> {
    let found = jobs.get(id).map(AsRef::as_ref);
    found.ok_or(Rejection::Unknown(id))
}

fn at(jobs: &Jobs, id: JobId, if_match: Option<Revision>) -> Result<&Job, crate::Rejection> {
    let found = known(jobs, id)?;
    matches(if_match, found.version)?;
    Ok(found)
}

/// The job, if this token is its present lease's.
fn held(jobs: &Jobs, id: JobId, fence: Fence) -> Result<(&Job, &Lease), Rejection> {
    let found = known(jobs, id)?;
    match &found.standing {
        Standing::Leased(lease) if lease.fence == fence => Ok((found, lease)),
        Standing::Leased(lease) => Err(Rejection::Fenced {
            job: id,
            asked: fence,
            current: lease.fence,
        }),
        Standing::Waiting => Err(Rejection::NotLeased(id)),
        Standing::Done(_) | Standing::Poisoned | Standing::Cancelled => {
            Err(Rejection::Finished(id))
        }
    }
}

/// What a command has planned so far, on top of what is there.
struct Planning<'a> {
    state: &'a State,
    blocks: BTreeMap<(TenantId, BlockId), JobId>,
    single: BTreeMap<(TenantId, JobKind), JobId>,
    opened: BTreeMap<TenantId, u32>,
}

fn plan(
    state: &State,
    drafts: &[Draft],
    command: CommandId,
) -> Result<Vec<Event>, crate::Rejection> {
    if drafts.is_empty() || drafts.len() > MAX_BATCH {
        return Err(Rejection::BatchSize(drafts.len()).into());
    }
    if state.jobs.open() + drafts.len() > MAX_OPEN {
        return Err(Rejection::TooMany.into());
    }
    let mut planning = Planning {
        state,
        blocks: BTreeMap::new(),
        single: BTreeMap::new(),
        opened: BTreeMap::new(),
    };
    drafts
        .iter()
        .zip(0_u128..)
        .map(|(draft, number)| {
            let job = JobId(Uuid::from_u128(command.0.as_u128().wrapping_add(number)));
            planning.one(job, draft)
        })
        .collect()
}

impl Planning<'_> {
    fn one(&mut self, job: JobId, draft: &Draft) -> Result<Event, crate::Rejection> {
        check(draft)?;
        if self.state.jobs.get(job).is_some() {
            return Err(Rejection::IdTaken(job).into());
        }
        self.tenant(draft)?;
        self.unique(job, draft)?;
        let tenant = &draft.tenant;
        let opened = self.opened.entry(tenant.clone()).or_default();
        if self.state.jobs.share(tenant).open + *opened >= MAX_OPEN_PER_TENANT {
            let tenant = tenant.clone();
            return Err(Rejection::TooManyOfTenant { tenant }.into());
        }
        let turn = self.state.jobs.next_turn(tenant) + u64::from(*opened);
        *opened += 1;
        Ok(Event::Planned {
            job,
            draft: draft.clone(),
            turn,
        })
    }

    /// A tenant that the control plane does not know may have blocks: who runs without tenants has one.
    fn tenant(&self, draft: &Draft) -> Result<(), crate::Rejection> {
        let known = self.state.tenants.contains_key(&draft.tenant);
        if known && draft.payload.kind() != JobKind::TenantPurge {
            crate::tenants::present(self.state, &draft.tenant, None)?;
        }
        Ok(())
    }

    fn unique(&mut self, job: JobId, draft: &Draft) -> Result<(), Rejection> {
        let kind = draft.payload.kind();
        let tenant = &draft.tenant;
        if kind.single() {
            let there = self.state.jobs.of_kind(tenant, kind);
            let key = (tenant.clone(), kind);
            if let Some(job) = there.or_else(|| self.single.get(&key).copied()) {
                let tenant = tenant.clone();
                return Err(Rejection::Exists { kind, tenant, job });
            }
            self.single.insert(key, job);
        }
        for block in draft.payload.blocks() {
            let there = self.state.jobs.of_block(tenant, *block);
            let key = (tenant.clone(), *block);
            if let Some(job) = there.or_else(|| self.blocks.get(&key).copied()) {
                return Err(Rejection::BlockBusy { block: *block, job });
            }
            self.blocks.insert(key, job);
        }
        Ok(())
    }
}

fn check(draft: &Draft) -> Result<(), Rejection> {
    draft.payload.check()?;
    check_text("jobs.batch", &draft.batch, MAX_BATCH_NAME_BYTES)?;
    if draft.priority > MAX_PRIORITY {
        return Err(Rejection::Priority(draft.priority));
    }
    if draft.max_attempts == 0 || draft.max_attempts > MAX_ATTEMPTS {
        return Err(Rejection::Attempts(draft.max_attempts));
    }
    Ok(())
}

fn lasting(ttl: Duration) -> Result<Duration, Rejection> {
    if ttl < MIN_TTL || ttl > MAX_TTL {
        return Err(Rejection::Ttl);
    }
    Ok(ttl)
}

/// A worker that is draining finds nothing to do.
fn lease(
    state: &State,
    worker: &NodeName,
    kinds: &BTreeSet<JobKind>,
    count: u32,
    ttl: Duration,
    now: UnixNano,
) -> Result<Vec<Event>, Rejection> {
    let expires_at = now.plus(lasting(ttl)?);
    if count == 0 || count > MAX_LEASED_AT_ONCE {
        return Err(Rejection::LeaseCount(count));
    }
    let node = state.nodes.by_name.get(worker);
    if node.is_some_and(|node| node.standing == nodes::Standing::Draining) {
        return Ok(Vec::new());
    }
    let due = state.jobs.waiting().filter(|(_, job)| {
        job.not_before <= now && (kinds.is_empty() || kinds.contains(&job.kind()))
    });
    let mut fence = state.jobs.fence;
    Ok(due
        .take(usize::try_from(count).unwrap_or_default())
        .map(|(id, job)| {
            fence = fence.next();
            Event::Leased {
                job: id,
                worker: worker.clone(),
                fence,
                expires_at,
                attempt: job.attempts + 1,
            }
        })
        .collect())
}

fn complete(
    jobs: &Jobs,
    id: JobId,
    fence: Fence,
    outcome: &Outcome,
) -> Result<Vec<Event>, Rejection> {
    let (found, lease) = held(jobs, id, fence)?;
    if outcome.blocks.len() > MAX_BLOCKS {
        return Err(Rejection::Blocks {
            kind: found.kind(),
            count: outcome.blocks.len(),
            min: 0,
            max: MAX_BLOCKS,
        });
    }
    let completed = Event::Completed {
        job: id,
        fence,
        worker: lease.worker.clone(),
        outcome: outcome.clone(),
    };
    Ok(finish(jobs, completed))
}

/// Another attempt after a while, or none.
fn failed(
    jobs: &Jobs,
    id: JobId,
    found: &Job,
    lease: &Lease,
    error: &str,
    permanent: bool,
    now: UnixNano,
) -> Vec<Event> {
    if permanent || found.attempts >= found.max_attempts {
        return poison(jobs, id, lease, error);
    }
    vec![Event::Failed {
        job: id,
        fence: lease.fence,
        worker: lease.worker.clone(),
        error: error.to_owned(),
        retry_at: now.plus(backoff(found.attempts)),
    }]
}

fn poison(jobs: &Jobs, id: JobId, lease: &Lease, error: &str) -> Vec<Event> {
    let poisoned = Event::Poisoned {
        job: id,
        fence: lease.fence,
        worker: lease.worker.clone(),
        error: error.to_owned(),
    };
    finish(jobs, poisoned)
}

/// How long to wait after so many attempts.
fn backoff(attempts: u32) -> Duration {
    let doublings = attempts.saturating_sub(1).min(16);
    (MIN_BACKOFF * 2_u32.pow(doublings)).min(MAX_BACKOFF)
}

fn expire(jobs: &Jobs, id: JobId, fence: Fence, now: UnixNano) -> Result<Vec<Event>, Rejection> {
    let (found, lease) = held(jobs, id, fence)?;
    if now < lease.expires_at {
        return Err(Rejection::NotExpired(id));
    }
    if found.attempts >= found.max_attempts {
        let error = format!("worker `{}` fell silent", lease.worker);
        return Ok(poison(jobs, id, lease, &error));
    }
    Ok(vec![Event::Expired {
        job: id,
        fence,
        worker: lease.worker.clone(),
        retry_at: now.plus(backoff(found.attempts)),
    }])
}

fn cancel(jobs: &Jobs, id: JobId, found: &Job) -> Result<Vec<Event>, Rejection> {
    match found.standing {
        Standing::Waiting | Standing::Leased(_) => Ok(finish(jobs, Event::Cancelled { job: id })),
        Standing::Cancelled => Ok(Vec::new()),
        Standing::Done(_) | Standing::Poisoned => Err(Rejection::Finished(id)),
    }
}

fn retry(jobs: &Jobs, id: JobId, found: &Job) -> Result<Vec<Event>, Rejection> {
    match found.standing {
        Standing::Waiting if found.attempts > 0 => {}
        Standing::Poisoned => reopen(jobs, found)?,
        Standing::Waiting | Standing::Leased(_) | Standing::Done(_) | Standing::Cancelled => {
            return Err(Rejection::NotRetryable(id));
        }
    }
    Ok(vec![Event::Retried {
        job: id,
        turn: jobs.next_turn(&found.tenant),
    }])
}

/// Whether there is room for it again: what it had for itself may be another's by now.
fn reopen(jobs: &Jobs, found: &Job) -> Result<(), Rejection> {
    let (tenant, kind) = (&found.tenant, found.kind());
    if let Some(job) = jobs.of_kind(tenant, kind) {
        let tenant = tenant.clone();
        return Err(Rejection::Exists { kind, tenant, job });
    }
    for block in found.payload.blocks() {
        if let Some(job) = jobs.of_block(tenant, *block) {
            return Err(Rejection::BlockBusy { block: *block, job });
        }
    }
    if jobs.open() >= MAX_OPEN {
        return Err(Rejection::TooMany);
    }
    if jobs.share(tenant).open >= MAX_OPEN_PER_TENANT {
        let tenant = tenant.clone();
        return Err(Rejection::TooManyOfTenant { tenant });
    }
    Ok(())
}

fn trim(jobs: &Jobs, ids: &[JobId]) -> Result<Vec<Event>, Rejection> {
    if ids.is_empty() || ids.len() > MAX_BATCH {
        return Err(Rejection::BatchSize(ids.len()));
    }
    let different: BTreeSet<JobId> = ids.iter().copied().collect();
    different
        .into_iter()
        .filter_map(|id| {
            let found = jobs.get(id)?;
            Some(if found.finished() {
                Ok(Event::Trimmed { job: id })
            } else {
                Err(Rejection::Open(id))
            })
        })
        .collect()
}

/// One more is finished; the oldest is forgotten if they are too many.
fn finish(jobs: &Jobs, event: Event) -> Vec<Event> {
    let mut events = vec![event];
    if jobs.finished_len() >= MAX_FINISHED
        && let Some((_, oldest)) = jobs.finished().next()
    {
        events.push(Event::Trimmed { job: oldest });
    }
    events
}
