//! Where queries compute: a bounded number of worker threads shared fairly by the tenants, a bounded
//! amount of memory, and an end for what nobody waits for any more.

mod memory;
mod turns;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::vec::IntoIter;

use futures::future::BoxFuture;
use futures::stream::{self, Buffered, Iter, StreamExt as _};
use parking_lot::Mutex;
use takt_model::TenantId;

use crate::failure::Failure;
use crate::metrics::{Metrics, TenantLabel};
pub(crate) use memory::{Lease, Memory};
use turns::Turns;

/// Worker threads, shared by all queries; tenants that wait get them in turn.
#[derive(Debug, Clone)]
pub(crate) struct Workers(Turns);

impl Workers {
    pub(crate) fn new(count: usize) -> Self {
        Self(Turns::new(count.max(1)))
    }

    /// Runs `work` on a worker thread when it is this query's turn. `work` should look at `asked` and give up early.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        asked: &Asked,
        work: impl FnOnce(&Asked) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let turn = self.0.take(&asked.0.tenant).await;
        let asked = asked.clone();
        let done = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            if asked.still() {
                work(&asked)
            } else {
                Err(Failure::Cancelled)
            }
        });
        done.await
            .map_err(|error| Failure::Internal(format!("a worker died: {error}")))?
    }
}

/// Results of `jobs` in their order, a few of them under way at once.
pub(crate) fn in_order<T>(
    jobs: Vec<Job<'_, T>>,
    at_once: usize,
) -> Buffered<Iter<IntoIter<Job<'_, T>>>> {
    stream::iter(jobs).buffered(at_once.max(1))
}

/// One piece of a query. Boxed, so that a list of them has no closure in its type.
pub(crate) type Job<'a, T> = BoxFuture<'a, Result<T, Failure>>;

/// A query under way, as its pieces see it: for whom, with how much memory, and whether somebody still
/// waits for the answer.
#[derive(Debug, Clone)]
pub(crate) struct Asked(Arc<Query>);

#[derive(Debug)]
struct Query {
    tenant: TenantId,
    memory: Memory,
    waits: AtomicBool,
}

impl Asked {
    pub(crate) fn still(&self) -> bool {
        self.0.waits.load(Ordering::Relaxed)
    }

    /// Memory for one piece of the query.
    pub(crate) fn lease(&self) -> Lease {
        self.0.memory.lease()
    }
}

/// Lives as long as the query: dropped with its future when the client goes away.
#[derive(Debug)]
pub(crate) struct Asking(Asked);

impl Asking {
    pub(crate) fn new(tenant: TenantId, memory: Memory) -> Self {
        Self(Asked(Arc::new(Query {
            tenant,
            memory,
            waits: AtomicBool::new(true),
        })))
    }

    pub(crate) fn asked(&self) -> &Asked {
        &self.0
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.0.0.waits.store(false, Ordering::Relaxed);
    }
}

/// How many queries each tenant has under way.
#[derive(Debug, Clone)]
pub(crate) struct Admission {
    most: usize,
    under_way: Arc<Mutex<BTreeMap<TenantId, usize>>>,
    metrics: Metrics,
}

/// One query that may go on; ends with this value.
#[derive(Debug)]
pub(crate) struct Admitted {
    tenant: TenantId,
    admission: Admission,
}

impl Admission {
    pub(crate) fn new(most: usize, metrics: Metrics) -> Self {
        Self {
            most,
            under_way: Arc::default(),
            metrics,
        }
    }

    pub(crate) fn enter(&self, tenant: &TenantId) -> Result<Admitted, Failure> {
        let label = TenantLabel {
            tenant: tenant.to_string(),
        };
        let mut under_way = self.under_way.lock();
        let count = under_way.entry(tenant.clone()).or_default();
        if *count >= self.most {
            self.metrics.discarded.get_or_create(&label).inc();
            return Err(Failure::QueueFull);
        }
        *count += 1;
        self.metrics.queue_length.get_or_create(&label).inc();
        Ok(Admitted {
            tenant: tenant.clone(),
            admission: self.clone(),
        })
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let label = TenantLabel {
            tenant: self.tenant.to_string(),
        };
        self.admission
            .metrics
            .queue_length
            .get_or_create(&label)
            .dec();
        let mut under_way = self.admission.under_way.lock();
        if let Some(count) = under_way.get_mut(&self.tenant) {
            *count -= 1;
            if *count == 0 {
                under_way.remove(&self.tenant);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::registry::Registry;
    use takt_kit::Budget;

    use super::*;

    #[test]
    fn one_tenant_too_many_is_refused_and_others_are_not() {
        let admission = Admission::new(2, Metrics::register(&mut Registry::default()));
        let (a, b) = (TenantId::new("a").unwrap(), TenantId::new("b").unwrap());
        let first = admission.enter(&a).unwrap();
        let _second = admission.enter(&a).unwrap();
        let full = admission.enter(&a).unwrap_err();
        assert_eq!(
            (full.status().as_u16(), full.to_string()),
            (429, "job queue full".into())
        );
        assert!(admission.enter(&b).is_ok());
        drop(first);
        assert!(admission.enter(&a).is_ok());
    }

    #[tokio::test]
    async fn work_nobody_waits_for_is_not_begun() {
        let workers = Workers::new(1);
        let asking = Asking::new(TenantId::single(), Memory::new(Budget::new(1), 1));
        let asked = asking.asked().clone();
        assert!(
            workers
                .run(&asked, |asked| Ok(asked.still()))
                .await
                .unwrap()
        );
        drop(asking);
        assert!(matches!(
            workers.run(&asked, |_| Ok(())).await,
            Err(Failure::Cancelled)
        ));
    }
}
