//! Where a job runs: answered from what was found before, or run here or by another querier; run again
//! when it failed for a reason that may pass, and a second time beside itself when it takes long.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::{Either, select};
use moka::future::Cache;
use takt_model::BlockId;

use super::job::{Done, Job};
use crate::failure::Failure;
use crate::frontend::Frontend;
use crate::metrics::Metrics;
use crate::question::Question;
use crate::remote::Querier;
use crate::settings::Settings;
use crate::work::Asked;

/// Runs jobs on stored spans.
#[derive(Debug)]
pub(crate) struct Dispatch {
    queriers: Vec<Querier>,
    next: AtomicUsize,
    found: Cache<Key, Arc<Done>>,
    metrics: Metrics,
}

/// What a job's answer depends on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    question: String,
    block: BlockId,
    groups: (usize, usize),
    skip: Arc<Vec<takt_model::TraceId>>,
}

impl Dispatch {
    pub(crate) fn new(settings: &Settings, queriers: Vec<Querier>, metrics: Metrics) -> Self {
        let found = Cache::builder()
            .max_capacity(settings.job_cache_bytes as u64)
            .weigher(|key: &Key, done: &Arc<Done>| {
                let key = key.question.len() + 16 * key.skip.len() + 128;
                u32::try_from(key + done.found.memory()).unwrap_or(u32::MAX)
            })
            .build();
        Self {
            queriers,
            next: AtomicUsize::new(0),
            found,
            metrics,
        }
    }

    /// What `job` finds.
    ///
    /// # Errors
    /// When no attempt succeeded.
    pub(crate) async fn run(
        &self,
        frontend: &Frontend,
        job: Job,
        asked: &Asked,
    ) -> Result<Done, Failure> {
        let key = key(&job);
        if let Some(key) = &key
            && let Some(known) = self.found.get(key).await
        {
            self.metrics.job_cache_hits.inc();
            // What was read once is not read again.
            return Ok(Done {
                found: known.found.clone(),
                cost: crate::frontend::Cost {
                    jobs: known.cost.jobs,
                    ..crate::frontend::Cost::default()
                },
            });
        }
        let done = self.tried(frontend, &job, asked).await?;
        if let Some(key) = key {
            self.metrics.job_cache_misses.inc();
            self.found.insert(key, Arc::new(done.clone())).await;
        }
        Ok(done)
    }

    /// Tries again what may pass.
    async fn tried(&self, frontend: &Frontend, job: &Job, asked: &Asked) -> Result<Done, Failure> {
        let mut left = frontend.settings().max_retries.max(1);
        loop {
            left -= 1;
            match self.hedged(frontend, job, asked).await {
                Err(failure) if left > 0 && failure.may_pass() && asked.still() => {
                    self.metrics.job_retries.inc();
                    tracing::debug!(block = %job.meta.block, error = &failure as &dyn std::error::Error, "job is tried again");
                }
                result => return result,
            }
        }
    }

    /// Begins a second attempt when the first takes long; the first answer counts.
    async fn hedged(&self, frontend: &Frontend, job: &Job, asked: &Asked) -> Result<Done, Failure> {
        let after = frontend.settings().hedge_jobs_at;
        let first = Box::pin(self.once(frontend, job.clone(), asked));
        if after.is_zero() {
            return first.await;
        }
        let first = match select(first, Box::pin(tokio::time::sleep(after))).await {
            Either::Left((done, _)) => return done,
            Either::Right(((), first)) => first,
        };
        self.metrics.job_hedges.inc();
        let second = Box::pin(self.once(frontend, job.clone(), asked));
        match select(first, second).await {
            Either::Left((Ok(done), _)) | Either::Right((Ok(done), _)) => Ok(done),
            Either::Left((Err(_), other)) => other.await,
            Either::Right((Err(_), other)) => other.await,
        }
    }

    async fn once(&self, frontend: &Frontend, job: Job, asked: &Asked) -> Result<Done, Failure> {
        if self.queriers.is_empty() {
            return job.run(frontend, asked).await;
        }
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        self.queriers[turn % self.queriers.len()].run(job).await
    }
}

/// Under what a job's answer is kept: only that of a block that lies within the window whole does not
/// depend on the window.
fn key(job: &Job) -> Option<Key> {
    let question = match &*job.question {
        Question::Search(search) => {
            let window = search.window;
            let inside = window.start <= job.meta.start && job.meta.end <= window.end;
            inside.then(|| format!("{:?} {}", search.options, search.text))
        }
        Question::Tags(_) => None,
        Question::Metrics(metrics) => Some(format!(
            "{:?} {:?} {}",
            metrics.interval, metrics.options, metrics.text
        )),
    }?;
    Some(Key {
        question,
        block: job.meta.block,
        groups: (job.groups.start, job.groups.end),
        skip: Arc::clone(&job.skip),
    })
}
