//! The order in which the process stops, with one budget for all of it.

use std::time::Duration;

use anyhow::{Result, bail};
use takt_kit::Tasks;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::Instant;

/// What asks the process to stop. Heard from the start, so that a signal that comes early drains too.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(super) fn hear() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }
}

/// Groups of tasks, in the order in which they stop: take no more in, store what came in, stop
/// reading the journal, answer no more, forget the control plane.
#[derive(Debug, Default)]
pub(super) struct Stages {
    pub(super) receive: Tasks,
    pub(super) build: Tasks,
    pub(super) live: Tasks,
    pub(super) api: Tasks,
    pub(super) control: Tasks,
}

impl Stages {
    fn in_order(&self) -> [(&'static str, &Tasks); 5] {
        [
            ("receivers", &self.receive),
            ("block_builder", &self.build),
            ("live_store", &self.live),
            ("api", &self.api),
            ("control", &self.control),
        ]
    }

    /// Waits for a signal, or for a stage that stopped by itself: that is a failure.
    pub(super) async fn until_asked_to_stop(&self, signals: &mut Signals) -> Result<()> {
        let Signals {
            terminate,
            interrupt,
        } = signals;
        let failed = tokio::select! {
            _ = terminate.recv() => None,
            _ = interrupt.recv() => None,
            () = self.receive.stopped() => Some("receivers"),
            () = self.build.stopped() => Some("block_builder"),
            () = self.live.stopped() => Some("live_store"),
            () = self.api.stopped() => Some("api"),
            () = self.control.stopped() => Some("control"),
        };
        match failed {
            None => Ok(()),
            Some(stage) => bail!("the {stage} cannot go on; the log says why"),
        }
    }

    /// Stops one stage after the other. What is not done within the budget is named and left.
    pub(super) async fn drain(&self, budget: Duration) {
        let deadline = Instant::now() + budget;
        for (name, tasks) in self.in_order() {
            tracing::info!(stage = name, "stopping");
            tasks.stop();
            let late = tasks
                .drain(deadline.saturating_duration_since(Instant::now()))
                .await;
            if !late.is_empty() {
                tracing::warn!(stage = name, busy = ?late, "the drain budget is used up; what is not stored stays in the journal");
            }
        }
    }

    /// One line a stage: its name and state.
    pub(super) fn states(&self) -> Vec<(&'static str, Tasks)> {
        self.in_order()
            .map(|(name, tasks)| (name, tasks.clone()))
            .into()
    }
}
