//! Turns the subscription to the control plane into a published view.

use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use prometheus_client::registry::Registry;
use takt_kit::{Clock, Tasks};
use takt_model::{Limits, Revision, UnixNano};
use takt_wire::takt::control::v1 as wire;
use takt_wire::takt::control::v1::control_service_client::ControlServiceClient;
use takt_wire::takt::control::v1::subscribe_request::Said;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tonic::body::Body;
use tonic::client::GrpcService;

use crate::disk::{self, DiskError, Found};
use crate::held::{Held, UpdateError};
use crate::keeper::{Keeper, Wanted};
use crate::leases::{Beats, LeaseHandle};
use crate::metrics::Metrics;
use crate::{UnknownTenants, ViewHandle};

/// The control plane says something every two seconds; who is silent for this long is gone.
const SILENCE_MAX: Duration = Duration::from_secs(6);
/// How long a replica may take to begin.
const BEGIN_WITHIN: Duration = Duration::from_secs(3);
const BEAT_EVERY: Duration = Duration::from_secs(2);
const BACKOFF_MIN: Duration = Duration::from_millis(50);
/// Short, so that a decision arrives within a second after the control plane came back.
const BACKOFF_MAX: Duration = Duration::from_millis(400);
/// Up to this much is added to each wait, so that nodes do not come all at once.
const BACKOFF_SPREAD_MILLIS: u64 = 200;
/// What a replica that hears from no leader says is old; others may know better.
const LEADERLESS_MAX: Duration = Duration::from_secs(10);
const UPDATE_BYTES_MAX: usize = 64 << 20;
/// While the control plane is away, the log says so about this often.
const SAY_AWAY_EVERY: Duration = Duration::from_secs(60);

/// How the data plane follows.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the last view is kept.
    pub dir: PathBuf,
    /// Where the defaults layer starts: what the process was configured with.
    pub base: Limits,
    pub unknown: UnknownTenants,
    /// What this node says of itself.
    pub heartbeat: wire::Heartbeat,
}

/// How the control plane is reached: a channel to another process, or its service itself in this one.
pub trait Source:
    GrpcService<
        Body,
        ResponseBody: http_body::Body<Data = Bytes, Error: Into<Failure> + Send> + Send + 'static,
        Future: Send,
        Error: Into<Failure>,
    > + Clone
    + Send
    + Sync
    + 'static
{
}

impl<T> Source for T where
    T: GrpcService<
            Body,
            ResponseBody: http_body::Body<Data = Bytes, Error: Into<Failure> + Send>
                              + Send
                              + 'static,
            Future: Send,
            Error: Into<Failure>,
        > + Clone
        + Send
        + Sync
        + 'static
{
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// How fresh the view is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    pub connected: bool,
    pub revision: Revision,
    /// When the control plane last confirmed the view; `None` if it never did and there was none on disk.
    pub confirmed_at: Option<UnixNano>,
}

impl Status {
    /// How long ago the control plane confirmed the view.
    #[must_use]
    pub fn age(&self, now: UnixNano) -> Option<Duration> {
        Some(now.since(self.confirmed_at?))
    }
}

/// What [`follow`] hands back. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Following {
    view: ViewHandle,
    leases: LeaseHandle,
    heartbeat: watch::Sender<wire::Heartbeat>,
    status: watch::Receiver<Status>,
}

impl Following {
    #[must_use]
    pub fn view(&self) -> &ViewHandle {
        &self.view
    }

    /// What this node may act on.
    #[must_use]
    pub fn leases(&self) -> &LeaseHandle {
        &self.leases
    }

    /// Changes what this node says of itself, and says it at once.
    pub fn say(&self, change: impl FnOnce(&mut wire::Heartbeat)) {
        self.heartbeat.send_modify(change);
    }

    #[must_use]
    pub fn status(&self) -> Status {
        *self.status.borrow()
    }

    /// Waits until the view has this revision; `false` if following stops first.
    pub async fn reached(&self, revision: Revision) -> bool {
        let mut status = self.status.clone();
        let reached = status.wait_for(|status| status.revision >= revision);
        reached.await.is_ok()
    }

    /// Waits until the control plane confirmed the view since this process began, at most this long.
    /// Says whether it did; if not, the view on disk (or the defaults) stands.
    pub async fn confirmed_within(&self, at_most: Duration) -> bool {
        let mut status = self.status.clone();
        let confirmed = status.wait_for(|status| status.connected);
        matches!(timeout(at_most, confirmed).await, Ok(Ok(_)))
    }
}

/// Begins with the view on disk and follows the control plane from there until the group `tasks` stops. When
/// one of the `sources` does not answer, the next one is asked. A damaged view on disk is put aside and fetched anew.
///
/// # Errors
/// When the disk cannot be read.
pub fn follow<S: Source>(
    settings: Settings,
    sources: Vec<S>,
    clock: Arc<dyn Clock>,
    tasks: &Tasks,
    registry: &mut Registry,
) -> Result<Following, DiskError> {
    let metrics = Metrics::register(registry, Arc::clone(&clock));
    let empty = Held::new(settings.base, settings.unknown);
    let (held, confirmed_at) = match disk::load(&settings.dir, empty.clone())? {
        Found::View(held, confirmed_at) => (held, Some(confirmed_at)),
        Found::Nothing => (empty, None),
        Found::Damaged { aside, why } => {
            metrics.damaged.inc();
            tracing::error!(
                error = &why as &dyn std::error::Error,
                aside = %aside.display(),
                "the view on disk is damaged and was put aside; nothing is known until the control plane answers"
            );
            (empty, None)
        }
    };
    let view = ViewHandle::new(held.view.clone());
    let (status, observed) = watch::channel(Status {
        connected: false,
        revision: held.view.revision,
        confirmed_at,
    });
    let (heartbeat, said) = watch::channel(settings.heartbeat);
    let leases = LeaseHandle::default();
    let clients = sources
        .into_iter()
        .map(|source| ControlServiceClient::new(source).max_decoding_message_size(UPDATE_BYTES_MAX))
        .collect();
    let follower = Follower {
        clients,
        clock,
        metrics,
        view: view.clone(),
        status,
        keeper: Keeper::new(settings.dir, held.view.revision, confirmed_at),
        held,
        staged: None,
        said,
        beats: Beats::new(leases.clone()),
    };
    follower.measure();
    tasks.spawn("control_follower", follower.run(tasks.clone()));
    Ok(Following {
        view,
        leases,
        heartbeat,
        status: observed,
    })
}

struct Follower<S> {
    /// One for each address, in the order they are tried.
    clients: Vec<ControlServiceClient<S>>,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
    view: ViewHandle,
    status: watch::Sender<Status>,
    held: Held,
    /// What is held with the parts of an update that came so far.
    staged: Option<Held>,
    keeper: Keeper,
    said: watch::Receiver<wire::Heartbeat>,
    beats: Beats,
}

/// Why a subscription ended.
#[derive(Debug, thiserror::Error)]
enum Lost {
    #[error("the call failed: {0}")]
    Call(#[source] Box<tonic::Status>),
    #[error("the control plane ended it")]
    Ended,
    #[error("nothing was heard in time")]
    Silence,
    #[error("the replica has heard of no leader for {LEADERLESS_MAX:?}")]
    Leaderless,
    #[error("an update makes no sense")]
    Update(#[from] UpdateError),
    #[error("an update could not be taken in")]
    Panicked(#[from] tokio::task::JoinError),
}

/// A subscription under way.
struct Stream {
    updates: tonic::Streaming<wire::SubscribeResponse>,
    say: mpsc::Sender<wire::SubscribeRequest>,
    beat_at: Instant,
    silent_at: Instant,
    led_at: Instant,
}

/// What there is to do next.
enum Next {
    Stop,
    Heard(wire::SubscribeResponse),
    Beat,
    Keep(Wanted),
}

impl<S: Source> Follower<S> {
    async fn run(mut self, tasks: Tasks) -> Result<(), DiskError> {
        let mut stopped = pin!(tasks.stopped());
        let mut away = Away::default();
        for turn in (0..self.clients.len()).cycle() {
            let before = self.status.borrow().confirmed_at;
            let Err(lost) = self.subscribe(turn, stopped.as_mut()).await else {
                break;
            };
            self.status.send_modify(|status| status.connected = false);
            if self.status.borrow().confirmed_at != before {
                away = Away::default();
            }
            self.measure();
            self.metrics.reconnects.inc();
            self.say_away(&lost, &mut away);
            let all_were_asked = turn + 1 == self.clients.len();
            let wait = away.wait(all_were_asked, self.clock.now());
            tokio::select! {
                biased;
                () = &mut stopped => break,
                () = tokio::time::sleep(wait) => {}
            }
        }
        let confirmed_at = self.status.borrow().confirmed_at;
        self.keeper.finish(&self.held, confirmed_at).await
    }

    /// One subscription, until it is lost. It is left in good order only when we stop.
    async fn subscribe(
        &mut self,
        turn: usize,
        mut stopped: impl Future<Output = ()> + Unpin,
    ) -> Result<(), Lost> {
        self.staged = None;
        let mut stream = tokio::select! {
            biased;
            () = &mut stopped => return Ok(()),
            opened = self.open(turn) => opened?,
        };
        loop {
            let next = tokio::select! {
                biased;
                () = &mut stopped => Next::Stop,
                heard = stream.updates.message() => Next::Heard(update(heard)?),
                () = sleep_until(stream.silent_at) => return Err(Lost::Silence),
                () = sleep_until(stream.beat_at) => Next::Beat,
                Ok(()) = self.said.changed() => Next::Beat,
                wanted = self.keeper.next() => Next::Keep(wanted),
            };
            match next {
                Next::Stop => return Ok(()),
                Next::Heard(update) => self.take(update, &mut stream).await?,
                Next::Beat => self.beat(&mut stream),
                Next::Keep(Wanted::Nothing) => {}
                Next::Keep(Wanted::View) => {
                    let confirmed_at = self.status.borrow().confirmed_at;
                    self.keeper.keep(&self.held, confirmed_at);
                }
                Next::Keep(Wanted::Attention(error)) => tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the view is served but cannot be kept for the next start"
                ),
            }
        }
    }

    async fn open(&mut self, turn: usize) -> Result<Stream, Lost> {
        let (say, said) = mpsc::channel(4);
        let begin = wire::Begin {
            node: self.said.borrow().node.clone(),
            after: Some(self.held.position()),
            ..wire::Begin::default()
        };
        let said = futures::stream::unfold(said, |mut said| async {
            let message = said.recv().await?;
            Some((message, said))
        });
        let begin = request(Said::Begin(begin));
        let said = futures::stream::StreamExt::chain(futures::stream::iter([begin]), said);
        let Some(client) = self.clients.get_mut(turn) else {
            return Err(Lost::Ended);
        };
        let now = Instant::now();
        let updates = match timeout(BEGIN_WITHIN, client.subscribe(said)).await {
            Ok(Ok(response)) => response.into_inner(),
            Ok(Err(status)) => return Err(Lost::Call(Box::new(status))),
            Err(_elapsed) => return Err(Lost::Silence),
        };
        Ok(Stream {
            updates,
            say,
            beat_at: now,
            silent_at: now + BEGIN_WITHIN,
            led_at: now,
        })
    }

    /// When the last one was not even taken yet, the control plane will notice by itself.
    fn beat(&mut self, stream: &mut Stream) {
        stream.beat_at = Instant::now() + BEAT_EVERY;
        let mut heartbeat = self.said.borrow_and_update().clone();
        heartbeat.revision = self.held.view.revision.0;
        if let Ok(place) = stream.say.try_reserve() {
            place.send(request(Said::Heartbeat(self.beats.send(heartbeat))));
        }
    }

    /// Takes a part in, and publishes when it was the last.
    async fn take(
        &mut self,
        mut update: wire::SubscribeResponse,
        stream: &mut Stream,
    ) -> Result<(), Lost> {
        let now = Instant::now();
        stream.silent_at = now + SILENCE_MAX;
        if update.led {
            stream.led_at = now;
        } else if now >= stream.led_at + LEADERLESS_MAX && self.clients.len() > 1 {
            return Err(Lost::Leaderless);
        }
        if let Some(leases) = update.leases.take() {
            self.beats.hear(leases);
        }
        let (led, more) = (update.led, update.more);
        let quiet = update.changes.is_empty() && !update.reset && self.staged.is_none();
        let held = if quiet && update.position == Some(self.held.position()) {
            None
        } else {
            Some(self.staged_with(update).await?)
        };
        match held {
            Some(held) if more => {
                self.staged = Some(held);
                return Ok(());
            }
            Some(held) => {
                self.held = held;
                self.view.publish(self.held.view.clone());
                self.keeper.changed();
            }
            None => {}
        }
        self.confirm(led);
        Ok(())
    }

    /// Much may be in it, so it is not for this thread.
    async fn staged_with(&mut self, update: wire::SubscribeResponse) -> Result<Held, Lost> {
        let mut held = self.staged.take().unwrap_or_else(|| self.held.clone());
        let taken = tokio::task::spawn_blocking(move || held.apply(update).map(|()| held));
        Ok(taken.await??)
    }

    fn confirm(&self, led: bool) {
        let before = *self.status.borrow();
        self.status.send_replace(Status {
            connected: true,
            revision: self.held.view.revision,
            // Who hears from no leader cannot say that nothing else was decided.
            confirmed_at: if led {
                Some(self.clock.now())
            } else {
                before.confirmed_at
            },
        });
        if !before.connected {
            let revision = self.held.view.revision.0;
            tracing::info!(revision, "following the control plane");
        }
        self.measure();
    }

    fn say_away(&self, lost: &Lost, away: &mut Away) {
        let now = Instant::now();
        if away
            .said_at
            .is_some_and(|said_at| now < said_at + SAY_AWAY_EVERY)
        {
            tracing::debug!(error = lost as &dyn std::error::Error, "still away");
            return;
        }
        away.said_at = Some(now);
        let age = self.status.borrow().age(self.clock.now());
        tracing::warn!(
            error = lost as &dyn std::error::Error,
            revision = self.held.view.revision.0,
            view_age_seconds = age.map(|age| age.as_secs()),
            "control plane is away; serving on the last view"
        );
    }

    fn measure(&self) {
        self.metrics.show(*self.status.borrow());
    }
}

/// How the search for somebody who answers is going.
#[derive(Debug)]
struct Away {
    backoff: Duration,
    said_at: Option<Instant>,
}

impl Default for Away {
    fn default() -> Self {
        let (backoff, said_at) = (BACKOFF_MIN, None);
        Self { backoff, said_at }
    }
}

impl Away {
    /// How long to wait for the next try: longer and longer each time all were asked.
    fn wait(&mut self, all_were_asked: bool, now: UnixNano) -> Duration {
        let spread = Duration::from_millis(now.0 / 1000 % BACKOFF_SPREAD_MILLIS);
        if !all_were_asked {
            return BACKOFF_MIN;
        }
        let wait = self.backoff + spread;
        self.backoff = (self.backoff * 2).min(BACKOFF_MAX);
        wait
    }
}

fn request(said: Said) -> wire::SubscribeRequest {
    wire::SubscribeRequest { said: Some(said) }
}

fn update(
    heard: Result<Option<wire::SubscribeResponse>, tonic::Status>,
) -> Result<wire::SubscribeResponse, Lost> {
    match heard {
        Ok(Some(update)) => Ok(update),
        Ok(None) => Err(Lost::Ended),
        Err(status) => Err(Lost::Call(Box::new(status))),
    }
}

#[cfg(test)]
mod tests;
