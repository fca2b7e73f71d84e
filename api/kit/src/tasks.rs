//! The only spawner: named tasks that stop together.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tokio_util::task::TaskTracker;
use tracing::{Instrument as _, error_span};

/// A group of running tasks. Clones are the same group; [`Tasks::child`] makes a group inside it.
///
/// A task that fails is logged once and stops its group.
#[derive(Debug, Clone)]
pub struct Tasks {
    tracker: TaskTracker,
    token: CancellationToken,
    running: Arc<Mutex<BTreeMap<&'static str, usize>>>,
}

impl Default for Tasks {
    fn default() -> Self {
        Self {
            tracker: TaskTracker::new(),
            token: CancellationToken::new(),
            running: Arc::default(),
        }
    }
}

impl Tasks {
    /// A group that stops when this one does, and can be stopped alone. Both drain together.
    #[must_use]
    pub fn child(&self) -> Self {
        Self {
            tracker: self.tracker.clone(),
            token: self.token.child_token(),
            running: Arc::clone(&self.running),
        }
    }

    /// Runs a task in this group. It must end soon after [`Tasks::stopped`].
    pub fn spawn<E: Display>(
        &self,
        name: &'static str,
        task: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        let token = self.token.clone();
        let guard = Running::enter(name, Arc::clone(&self.running));
        let work = async move {
            let _guard = guard;
            if let Err(error) = task.await {
                tracing::error!(%error, "task failed; its group stops");
                token.cancel();
            }
        };
        self.tracker
            .spawn(work.instrument(error_span!("task", name)));
    }

    /// Asks every task of this group to end.
    pub fn stop(&self) {
        self.token.cancel();
    }

    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Completes when the group was asked to end.
    pub fn stopped(&self) -> WaitForCancellationFutureOwned {
        self.token.clone().cancelled_owned()
    }

    /// Waits until every task of the whole tree has ended, at most `budget`; says every two seconds who is still busy.
    /// Returns the names of those that did not make it.
    pub async fn drain(&self, budget: Duration) -> Vec<&'static str> {
        self.tracker.close();
        let wait = async {
            loop {
                match tokio::time::timeout(Duration::from_secs(2), self.tracker.wait()).await {
                    Ok(()) => return,
                    Err(_) => tracing::info!(busy = ?self.busy(), "draining"),
                }
            }
        };
        match tokio::time::timeout(budget, wait).await {
            Ok(()) => Vec::new(),
            Err(_) => self.busy(),
        }
    }

    /// The names of the tasks that are running.
    #[must_use]
    pub fn busy(&self) -> Vec<&'static str> {
        self.running.lock().keys().copied().collect()
    }
}

struct Running {
    name: &'static str,
    running: Arc<Mutex<BTreeMap<&'static str, usize>>>,
}

impl Running {
    fn enter(name: &'static str, running: Arc<Mutex<BTreeMap<&'static str, usize>>>) -> Self {
        *running.lock().entry(name).or_default() += 1;
        Self { name, running }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut running = self.running.lock();
        if let Some(count) = running.get_mut(self.name) {
            *count -= 1;
            if *count == 0 {
                running.remove(self.name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_failed_task_stops_its_group_and_not_the_parent() {
        let tasks = Tasks::default();
        let child = tasks.child();
        child.spawn("fails", async { Err("no") });
        child.stopped().await;
        assert!(!tasks.is_stopped());
    }

    #[tokio::test]
    async fn draining_names_who_is_late() {
        let tasks = Tasks::default();
        let stopped = tasks.stopped();
        tasks.spawn("polite", async move {
            stopped.await;
            Ok::<(), &str>(())
        });
        tasks.spawn("stubborn", std::future::pending::<Result<(), &str>>());
        tasks.stop();
        assert_eq!(tasks.drain(Duration::from_millis(50)).await, ["stubborn"]);
    }
}
