//! The jobs, and the orders they are looked for in.
//!
//! Everything but the rows and the two counters follows from the rows: [`Jobs::put`] and [`Jobs::remove`] keep
//! it so, and a snapshot stores the rows alone.

use std::cmp::Reverse;
use std::sync::Arc;

use imbl::OrdSet;
use takt_model::{BlockId, TenantId, UnixNano};

use super::{Job, JobId, JobKind, Standing};
use crate::{Fence, Map};

/// The part of the state that is this aggregate's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Jobs {
    rows: Map<JobId, Arc<Job>>,
    /// The highest token given out.
    pub fence: Fence,
    /// The turn of the job leased last.
    pub turn: u64,
    /// Highest priority first, then by turn.
    waiting: OrdSet<(Reverse<u8>, u64, JobId)>,
    /// By the end of their leases.
    leased: OrdSet<(UnixNano, JobId)>,
    /// By when they finished.
    finished: OrdSet<(UnixNano, JobId)>,
    /// The job that takes a block for itself.
    blocks: Map<(TenantId, BlockId), JobId>,
    /// The one job of its kind that a tenant has.
    single: Map<(TenantId, JobKind), JobId>,
    shares: Map<TenantId, Share>,
}

/// A tenant's part of what is not finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Share {
    pub open: u32,
    pub leased: u32,
}

impl Jobs {
    #[must_use]
    pub fn get(&self, id: JobId) -> Option<&Arc<Job>> {
        self.rows.get(&id)
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How many are not finished.
    #[must_use]
    pub fn open(&self) -> usize {
        self.waiting.len() + self.leased.len()
    }

    /// By id; after `after`, if one is given.
    pub fn iter_after(&self, after: Option<JobId>) -> impl Iterator<Item = (JobId, &Arc<Job>)> {
        use std::ops::Bound::{Excluded, Unbounded};
        let from = after.map_or(Unbounded, Excluded);
        self.rows
            .range((from, Unbounded))
            .map(|(id, job)| (*id, job))
    }

    /// In the order they will be leased, those that may not be yet among them.
    pub fn waiting(&self) -> impl Iterator<Item = (JobId, &Arc<Job>)> {
        self.waiting
            .iter()
            .filter_map(|(_, _, id)| Some((*id, self.rows.get(id)?)))
    }

    /// By the end of their leases, earliest first.
    pub fn leased(&self) -> impl Iterator<Item = (UnixNano, JobId)> {
        self.leased.iter().copied()
    }

    /// By when they finished, earliest first.
    pub fn finished(&self) -> impl DoubleEndedIterator<Item = (UnixNano, JobId)> {
        self.finished.iter().copied()
    }

    pub(super) fn finished_len(&self) -> usize {
        self.finished.len()
    }

    /// The job that has this block for itself.
    #[must_use]
    pub fn of_block(&self, tenant: &TenantId, block: BlockId) -> Option<JobId> {
        self.blocks.get(&(tenant.clone(), block)).copied()
    }

    /// The job of this kind that a tenant has, of the kinds that it has one of.
    #[must_use]
    pub fn of_kind(&self, tenant: &TenantId, kind: JobKind) -> Option<JobId> {
        self.single.get(&(tenant.clone(), kind)).copied()
    }

    #[must_use]
    pub fn share(&self, tenant: &TenantId) -> Share {
        self.shares.get(tenant).copied().unwrap_or_default()
    }

    /// The turn of the next job of a tenant. Turns are handed out so that tenants take turns: each new job of
    /// a tenant stands one behind its last one, and nobody's first stands behind everybody's last.
    pub(super) fn next_turn(&self, tenant: &TenantId) -> u64 {
        self.turn + 1 + u64::from(self.share(tenant).open)
    }

    /// Puts a job in place of what stood under its id.
    pub fn put(&mut self, id: JobId, job: Arc<Job>) {
        self.remove(id);
        self.index(id, &job);
        self.rows.insert(id, job);
    }

    pub(super) fn remove(&mut self, id: JobId) -> Option<Arc<Job>> {
        let job = self.rows.remove(&id)?;
        self.unindex(id, &job);
        Some(job)
    }

    fn index(&mut self, id: JobId, job: &Job) {
        match &job.standing {
            Standing::Waiting => {
                self.waiting.insert((Reverse(job.priority), job.turn, id));
            }
            Standing::Leased(lease) => {
                self.leased.insert((lease.expires_at, id));
            }
            Standing::Done(_) | Standing::Poisoned | Standing::Cancelled => {
                self.finished.insert((job.since, id));
                return;
            }
        }
        let share = self.shares.entry(job.tenant.clone()).or_default();
        share.open += 1;
        share.leased += u32::from(matches!(job.standing, Standing::Leased(_)));
        for block in job.payload.blocks() {
            self.blocks.insert((job.tenant.clone(), *block), id);
        }
        if job.kind().single() {
            self.single.insert((job.tenant.clone(), job.kind()), id);
        }
    }

    fn unindex(&mut self, id: JobId, job: &Job) {
        match &job.standing {
            Standing::Waiting => {
                self.waiting.remove(&(Reverse(job.priority), job.turn, id));
            }
            Standing::Leased(lease) => {
                self.leased.remove(&(lease.expires_at, id));
            }
            Standing::Done(_) | Standing::Poisoned | Standing::Cancelled => {
                self.finished.remove(&(job.since, id));
                return;
            }
        }
        if let Some(share) = self.shares.get_mut(&job.tenant) {
            share.open -= 1;
            share.leased -= u32::from(matches!(job.standing, Standing::Leased(_)));
            if share.open == 0 {
                self.shares.remove(&job.tenant);
            }
        }
        for block in job.payload.blocks() {
            self.blocks.remove(&(job.tenant.clone(), *block));
        }
        if job.kind().single() {
            self.single.remove(&(job.tenant.clone(), job.kind()));
        }
    }
}
