//! Keeps state and list up to date, and lets others follow them.

use std::collections::BTreeSet;
use std::sync::Arc;

use parking_lot::RwLock;
use prometheus_client::registry::Registry;
use takt_domain::{State, Subject};
use takt_kit::{Code, Reject, Tasks};
use takt_log::{Handle, History, ReadError};
use takt_model::Revision;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::metrics::Metrics;
use crate::recent::Recent;
use crate::{Delta, Filter, Moment};

/// How many batches are read from the log at once.
const READ_MAX: usize = 1024;

/// What bounds the views.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How many changed things are remembered; about 100 bytes each.
    pub changes_kept: usize,
    /// How many may follow at once.
    pub subscribers: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            changes_kept: 100_000,
            subscribers: 10_000,
        }
    }
}

/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct Views {
    shared: Arc<Shared>,
    revision: watch::Receiver<Revision>,
}

#[derive(Debug)]
struct Shared {
    head: RwLock<Head>,
    settings: Settings,
    metrics: Metrics,
}

/// Published together: the list ends where the state stands.
#[derive(Debug)]
struct Head {
    state: Arc<State>,
    recent: Recent,
    at: Instant,
}

/// What a subscriber hears.
#[derive(Debug, Clone)]
pub enum Heard {
    /// These rows may differ from those it has; they stand in the state. One that is not there is gone.
    Changed {
        state: Arc<State>,
        subjects: BTreeSet<Subject>,
    },
    /// It forgets what it had and begins with the whole state.
    Reset(Arc<State>),
}

impl Heard {
    #[must_use]
    pub fn state(&self) -> &Arc<State> {
        match self {
            Self::Changed { state, .. } | Self::Reset(state) => state,
        }
    }
}

/// One subscriber.
#[derive(Debug)]
pub struct Watch {
    shared: Arc<Shared>,
    revision: watch::Receiver<Revision>,
    filter: Filter,
    after: Moment,
    /// Whether anything was handed out yet.
    begun: bool,
}

impl Views {
    /// Begins with the state as it is applied now, so that no subscriber sees less than there was, and
    /// follows the log until the group `tasks` stops.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn start(
        log: Handle,
        settings: Settings,
        tasks: &Tasks,
        registry: &mut Registry,
    ) -> Result<Self, ReadError> {
        let state = log.state();
        let recent = remembered(&log, &state, settings.changes_kept).await?;
        let (publish, revision) = watch::channel(state.revision);
        let shared = Arc::new(Shared {
            head: RwLock::new(Head {
                state,
                recent,
                at: Instant::now(),
            }),
            settings,
            metrics: Metrics::register(registry),
        });
        let feed = run(log, Arc::clone(&shared), publish, tasks.clone());
        tasks.spawn("control_views", feed);
        Ok(Self { shared, revision })
    }

    /// The state that subscribers are told of.
    #[must_use]
    pub fn state(&self) -> Arc<State> {
        Arc::clone(&self.shared.head.read().state)
    }

    /// Waits until subscribers are told of a revision; the state then. `None` when the control plane stops first.
    pub async fn reached(&self, revision: Revision) -> Option<Arc<State>> {
        let mut known = self.revision.clone();
        known.wait_for(|known| *known >= revision).await.ok()?;
        Some(self.state())
    }

    /// The end of the decision that led to a revision, as far back as it is remembered.
    #[must_use]
    pub fn moment(&self, revision: Revision) -> Option<Moment> {
        self.shared.head.read().recent.moment(revision)
    }

    /// Follows from a moment. Something is heard at once, even if it says nothing.
    ///
    /// # Errors
    /// When there are as many subscribers as may be.
    pub fn watch(&self, after: Moment, filter: Filter) -> Result<Watch, Reject> {
        let metrics = &self.shared.metrics;
        let most = self.shared.settings.subscribers;
        let before = metrics.subscribers.inc();
        if usize::try_from(before).is_ok_and(|before| before >= most) {
            metrics.subscribers.dec();
            metrics.refusals.inc();
            let text = format!("{most} subscribers follow this replica already; ask another");
            return Err(Reject::new(Code::Exhausted, "CONTROL_SUBSCRIBERS", text));
        }
        Ok(Watch {
            shared: Arc::clone(&self.shared),
            revision: self.revision.clone(),
            filter,
            after,
            begun: false,
        })
    }
}

impl Watch {
    /// What changed since the last time; `None` when the control plane stops. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Heard> {
        if self.begun {
            let after = self.after.revision;
            self.revision.wait_for(|known| *known > after).await.ok()?;
        }
        self.begun = true;
        Some(self.take())
    }

    /// Where it is: everything up to this moment was handed out.
    #[must_use]
    pub fn after(&self) -> Moment {
        self.after
    }

    fn take(&mut self) -> Heard {
        let head = self.shared.head.read();
        let metrics = &self.shared.metrics;
        let mut decisions = 0_u32;
        let subjects = head.recent.since(self.after).map(|deltas| {
            deltas
                .inspect(|_| decisions += 1)
                .flat_map(|delta| &delta.subjects)
                .filter(|subject| self.filter.admits(subject))
                .cloned()
                .collect()
        });
        let came_from = std::mem::replace(&mut self.after, head.recent.newest());
        let state = Arc::clone(&head.state);
        let at = head.at;
        drop(head);
        match subjects {
            Some(subjects) => {
                if decisions > 0 {
                    metrics.lag.observe(at.elapsed().as_secs_f64());
                    metrics.coalesced.observe(f64::from(decisions));
                }
                Heard::Changed { state, subjects }
            }
            None => {
                if came_from.revision > Revision(0) {
                    metrics.resets.inc();
                }
                Heard::Reset(state)
            }
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.shared.metrics.subscribers.dec();
    }
}

/// The list as it would be, had this process been there before.
async fn remembered(log: &Handle, state: &State, kept: usize) -> Result<Recent, ReadError> {
    let mut recorded = log.before(Revision(u64::MAX), kept).await?;
    recorded.reverse();
    let mut past = recorded
        .iter()
        .filter(|recorded| recorded.revision <= state.revision)
        .peekable();
    let base = match past.peek() {
        None => Moment::of(state),
        Some(first) if first.batch.decided_at == Revision(0) => Moment::default(),
        // What it was decided on is at best a revision, so the list begins after it.
        Some(first) => {
            let base = Moment::after(first);
            past.next();
            base
        }
    };
    let mut recent = Recent::after(base, kept);
    for recorded in past {
        recent.push(Delta::of(recorded));
    }
    if recent.newest() == Moment::of(state) {
        Ok(recent)
    } else {
        Ok(Recent::after(Moment::of(state), kept))
    }
}

async fn run(
    log: Handle,
    shared: Arc<Shared>,
    publish: watch::Sender<Revision>,
    tasks: Tasks,
) -> Result<(), ReadError> {
    let mut applied = log.applied();
    let stopped = tasks.stopped();
    tokio::pin!(stopped);
    loop {
        applied.borrow_and_update();
        catch_up(&log, &shared, &publish).await?;
        tokio::select! {
            biased;
            () = &mut stopped => return Ok(()),
            changed = applied.changed() => if changed.is_err() { return Ok(()) },
        }
    }
}

/// Publishes the state as it is applied, with what led to it. What comes meanwhile is for the next time.
async fn catch_up(
    log: &Handle,
    shared: &Shared,
    publish: &watch::Sender<Revision>,
) -> Result<(), ReadError> {
    let at = Instant::now();
    let state = log.state();
    let mut from = shared.head.read().recent.newest().revision;
    let mut deltas = Vec::new();
    while from < state.revision {
        match log.history(from, READ_MAX).await? {
            History::Batches(batches) => {
                for recorded in &batches {
                    from = recorded.revision;
                    if from <= state.revision {
                        deltas.push(Delta::of(recorded));
                    }
                }
            }
            History::TooOld(_) => {
                tracing::info!(
                    from = from.0,
                    to = state.revision.0,
                    "what led to the state is forgotten; subscribers begin anew"
                );
                let recent = Recent::after(Moment::of(&state), shared.settings.changes_kept);
                *shared.head.write() = Head {
                    state: Arc::clone(&state),
                    recent,
                    at,
                };
                shared.tell(publish, state.revision);
                return Ok(());
            }
        }
    }
    if !deltas.is_empty() {
        let mut head = shared.head.write();
        for delta in deltas {
            head.recent.push(delta);
        }
        (head.state, head.at) = (Arc::clone(&state), at);
        drop(head);
        shared.tell(publish, state.revision);
    }
    Ok(())
}

impl Shared {
    fn tell(&self, publish: &watch::Sender<Revision>, revision: Revision) {
        let shown = i64::try_from(revision.0).unwrap_or(i64::MAX);
        self.metrics.revision.set(shown);
        publish.send_replace(revision);
    }
}
