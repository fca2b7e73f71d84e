//! Runs the plan where the leader is, and hands on what is heard elsewhere.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::registry::Registry;
use takt_domain::CommandId;
use takt_kit::{Clock, Tasks};
use takt_log::{DialError, Handle, Leader, Proposal, ProposeError, ReadError};
use takt_model::UnixNano;
use takt_wire::takt::control::v1 as wire;
use takt_wire::takt::control::v1::presence_service_client::PresenceServiceClient;
use tokio::sync::watch;
use uuid::Uuid;

use crate::metrics::Metrics;
use crate::{Presence, Waits, plan};

/// How the name of a command of ours begins; the rest is the revision it was planned on and its place in the
/// plan. So a plan that is carried out twice is carried out once.
const COMMANDS: u64 = 0x7265_636f_6e63_8000;
/// How many heartbeats are handed on in one call.
const RELAY_MAX: usize = 1000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// How often it looks; it looks at once when a node says something new.
    pub period: Duration,
    /// How long the leader may take to answer what is handed on.
    pub relay_timeout: Duration,
    pub waits: Waits,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            period: Duration::from_secs(1),
            relay_timeout: Duration::from_secs(2),
            waits: Waits::default(),
        }
    }
}

impl Settings {
    /// How long a node may act on what it was told: it stops before anybody calls it lost.
    #[must_use]
    pub fn ttl(&self) -> Duration {
        self.waits.lost_after * 2 / 3
    }
}

/// What the reconciler is at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Status {
    /// Whether the plan is carried out here, and since when.
    pub leading_since: Option<UnixNano>,
    pub last_run: UnixNano,
    /// How many commands the last plan had.
    pub planned: usize,
    /// How many of them were carried out.
    pub done: usize,
    /// What went wrong in the last run.
    pub trouble: Option<String>,
}

/// One on every replica.
#[derive(Debug)]
pub struct Reconciler {
    log: Handle,
    clock: Arc<dyn Clock>,
    presence: Presence,
    settings: Settings,
    status: watch::Sender<Status>,
    metrics: Metrics,
}

/// Why a run came to nothing.
#[derive(Debug, thiserror::Error)]
enum RunError {
    #[error("the state cannot be read")]
    Read(#[from] ReadError),
    #[error("a command was not carried out")]
    Propose(#[from] ProposeError),
    #[error("the leader cannot be called")]
    Dial(#[from] DialError),
    #[error("the leader did not take the heartbeats: {}", .0.message())]
    Relay(Box<tonic::Status>),
    #[error("the leader did not answer in time")]
    Late,
    #[error("nobody leads the control plane")]
    NoLeader,
}

impl Reconciler {
    /// The reconciler, where nodes are heard, and what it is at.
    #[must_use]
    pub fn new(
        settings: Settings,
        log: Handle,
        clock: Arc<dyn Clock>,
        registry: &mut Registry,
    ) -> (Self, Presence, watch::Receiver<Status>) {
        let presence = Presence::new(Arc::clone(&clock), settings.ttl());
        let (status, seen) = watch::channel(Status::default());
        let reconciler = Self {
            log,
            clock,
            presence: presence.clone(),
            settings,
            status,
            metrics: Metrics::register(registry),
        };
        (reconciler, presence, seen)
    }

    /// Until the tasks are stopped.
    ///
    /// # Errors
    /// Never: what goes wrong in a run is in the status, and the next run tries again.
    pub async fn run(self, tasks: Tasks) -> Result<(), Infallible> {
        let stopped = tasks.stopped();
        tokio::pin!(stopped);
        let mut ticks = tokio::time::interval(self.settings.period);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = &mut stopped => return Ok(()),
                _ = ticks.tick() => {}
                () = self.presence.news() => {}
            }
            tokio::select! {
                biased;
                () = &mut stopped => return Ok(()),
                () = self.once() => {}
            }
        }
    }

    async fn once(&self) {
        let now = self.clock.now();
        let before = self.status.borrow().clone();
        let mut status = Status {
            last_run: now,
            ..Status::default()
        };
        let outcome = match self.log.leader() {
            Leader::Here => {
                let since = before.leading_since.unwrap_or(now);
                status.leading_since = Some(since);
                self.lead(since, now, &mut status).await
            }
            Leader::At { address, .. } => self.relay(&address).await,
            Leader::Unknown => Err(RunError::NoLeader),
        };
        self.metrics.runs.inc();
        self.metrics
            .leading
            .set(i64::from(status.leading_since.is_some()));
        self.metrics
            .heard
            .set(i64::try_from(self.presence.len()).unwrap_or(i64::MAX));
        if let Err(error) = outcome {
            self.metrics.failed_runs.inc();
            status.trouble = Some(error.to_string());
            if before.trouble != status.trouble {
                tracing::info!(
                    error = &error as &dyn std::error::Error,
                    "the reconciler waits"
                );
            }
        }
        self.presence.forget(self.settings.waits.lost_after * 4);
        self.status.send_replace(status);
    }

    /// Looks what should be done and does it, one command after the other: each is decided on what the ones
    /// before it left, and one that no longer fits is refused.
    async fn lead(
        &self,
        since: UnixNano,
        now: UnixNano,
        status: &mut Status,
    ) -> Result<(), RunError> {
        let state = self.log.read().await?;
        let observed = self.presence.observed(since);
        let commands = plan(&state, &observed, &self.settings.waits, now);
        status.planned = commands.len();
        for (place, command) in (0_u64..).zip(commands) {
            let proposal = Proposal {
                id: CommandId(Uuid::from_u64_pair(COMMANDS | place, state.revision.0)),
                actor: "reconcile".to_owned(),
                command,
                dry_run: false,
            };
            match self.log.propose(proposal).await {
                Ok(_) => {
                    status.done += 1;
                    self.metrics.command("done");
                }
                Err(ProposeError::Rejected(rejection)) => {
                    self.metrics.command("refused");
                    tracing::debug!(%rejection, "a planned command no longer fits");
                }
                Err(error) => {
                    self.metrics.command("failed");
                    return Err(error.into());
                }
            }
        }
        let state = if status.done == 0 {
            state
        } else {
            self.log.read().await?
        };
        self.presence.answer_all(&state);
        Ok(())
    }

    async fn relay(&self, address: &str) -> Result<(), RunError> {
        let heartbeats = self.presence.unanswered();
        if heartbeats.is_empty() {
            return Ok(());
        }
        let mut leader = PresenceServiceClient::new(self.log.line(address)?);
        for heartbeats in heartbeats.chunks(RELAY_MAX) {
            let heartbeats = heartbeats.to_vec();
            let count = u64::try_from(heartbeats.len()).unwrap_or(u64::MAX);
            let call = leader.report_presence(wire::ReportPresenceRequest { heartbeats });
            let answer = tokio::time::timeout(self.settings.relay_timeout, call)
                .await
                .map_err(|_elapsed| RunError::Late)?
                .map_err(|status| RunError::Relay(Box::new(status)))?;
            self.metrics.relayed.inc_by(count);
            self.presence.answered(answer.into_inner().leases);
        }
        Ok(())
    }
}
