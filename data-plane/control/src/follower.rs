//! Turns the watch of the control plane into a published view.

use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use prometheus_client::registry::Registry;
use takt_kit::{Clock, Tasks};
use takt_model::{Limits, Revision, UnixNano};
use takt_wire::takt::control::v1 as wire;
use takt_wire::takt::control::v1::view_service_client::ViewServiceClient;
use tokio::sync::watch;
use tonic::body::Body;
use tonic::client::GrpcService;

use crate::disk::{self, DiskError};
use crate::held::{Held, UpdateError};
use crate::metrics::Metrics;
use crate::{UnknownTenants, ViewHandle};

/// The control plane says something every two seconds; who is silent for this long is gone.
const SILENCE_MAX: Duration = Duration::from_secs(10);
const BACKOFF_MIN: Duration = Duration::from_millis(100);
const BACKOFF_MAX: Duration = Duration::from_secs(5);
/// How often the moment of the last confirmation is brought to disk while nothing changes.
const SAVE_EVERY: Duration = Duration::from_secs(60);
/// The first update may be all tenants at once.
const UPDATE_BYTES_MAX: usize = 256 << 20;

/// How the data plane follows.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the last view is kept.
    pub dir: PathBuf,
    /// Where the defaults layer starts: what the process was configured with.
    pub base: Limits,
    pub unknown: UnknownTenants,
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

/// What [`follow`] hands back. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Following {
    view: ViewHandle,
    status: watch::Receiver<Status>,
}

impl Following {
    #[must_use]
    pub fn view(&self) -> &ViewHandle {
        &self.view
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
        matches!(tokio::time::timeout(at_most, confirmed).await, Ok(Ok(_)))
    }
}

/// Begins with the view on disk and follows the control plane from there until the group `tasks` stops.
///
/// # Errors
/// When there is a view on disk that cannot be read.
pub fn follow<S: Source>(
    settings: Settings,
    source: S,
    clock: Arc<dyn Clock>,
    tasks: &Tasks,
    registry: &mut Registry,
) -> Result<Following, DiskError> {
    let (held, confirmed_at) = match disk::load(&settings.dir)? {
        Some((held, confirmed_at)) => (held, Some(confirmed_at)),
        None => (Held::default(), None),
    };
    let view = ViewHandle::new(held.view(&settings.base, settings.unknown));
    let (status, observed) = watch::channel(Status {
        connected: false,
        revision: held.revision,
        confirmed_at,
    });
    let follower = Follower {
        settings,
        client: ViewServiceClient::new(source).max_decoding_message_size(UPDATE_BYTES_MAX),
        clock,
        metrics: Metrics::register(registry),
        view: view.clone(),
        status,
        held,
        saved_at: confirmed_at,
    };
    follower.measure();
    tasks.spawn("control_follower", follower.run(tasks.clone()));
    Ok(Following {
        view,
        status: observed,
    })
}

struct Follower<S> {
    settings: Settings,
    client: ViewServiceClient<S>,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
    view: ViewHandle,
    status: watch::Sender<Status>,
    held: Held,
    /// When what is held was brought to disk; `None` when it has to be.
    saved_at: Option<UnixNano>,
}

/// Why a watch ended.
#[derive(Debug, thiserror::Error)]
enum Lost {
    #[error("the call failed: {0}")]
    Call(#[source] Box<tonic::Status>),
    #[error("the control plane ended it")]
    Ended,
    #[error("nothing was heard for {SILENCE_MAX:?}")]
    Silence,
    #[error("an update makes no sense")]
    Update(#[from] UpdateError),
}

type Updates = tonic::Streaming<wire::WatchResponse>;

impl<S: Source> Follower<S> {
    async fn run(mut self, tasks: Tasks) -> Result<(), DiskError> {
        let mut stopped = pin!(tasks.stopped());
        let mut backoff = BACKOFF_MIN;
        while !tasks.is_stopped() {
            let before = self.status.borrow().confirmed_at;
            let Err(lost) = self.watch(stopped.as_mut()).await else {
                break;
            };
            self.status.send_modify(|status| status.connected = false);
            self.measure();
            if self.status.borrow().confirmed_at != before {
                backoff = BACKOFF_MIN;
            }
            tracing::warn!(
                error = &lost as &dyn std::error::Error,
                revision = self.held.revision.0,
                "control plane is away; serving on the last view"
            );
            tokio::select! {
                biased;
                () = &mut stopped => break,
                () = tokio::time::sleep(backoff) => {}
            }
            backoff = (backoff * 2).min(BACKOFF_MAX);
            self.metrics.reconnects.inc();
        }
        let confirmed_at = self.status.borrow().confirmed_at;
        match confirmed_at {
            Some(confirmed_at) => self.save(confirmed_at).await,
            None => Ok(()),
        }
    }

    /// One watch, until it is lost. It is left in good order only when we stop.
    async fn watch(&mut self, mut stopped: impl Future<Output = ()> + Unpin) -> Result<(), Lost> {
        let mut updates = tokio::select! {
            biased;
            () = &mut stopped => return Ok(()),
            opened = self.open() => opened?,
        };
        loop {
            let update = tokio::select! {
                biased;
                () = &mut stopped => return Ok(()),
                heard = tokio::time::timeout(SILENCE_MAX, updates.message()) => match heard {
                    Ok(Ok(Some(update))) => update,
                    Ok(Ok(None)) => return Err(Lost::Ended),
                    Ok(Err(status)) => return Err(Lost::Call(Box::new(status))),
                    Err(_elapsed) => return Err(Lost::Silence),
                },
            };
            self.take(update).await?;
        }
    }

    async fn open(&mut self) -> Result<Updates, Lost> {
        let request = wire::WatchRequest {
            after_revision: self.held.revision.0,
        };
        match tokio::time::timeout(SILENCE_MAX, self.client.watch(request)).await {
            Ok(Ok(response)) => Ok(response.into_inner()),
            Ok(Err(status)) => Err(Lost::Call(Box::new(status))),
            Err(_elapsed) => Err(Lost::Silence),
        }
    }

    /// Publishes an update and keeps it. A decision holds even while the disk is full: it is tried
    /// again with every later update.
    async fn take(&mut self, update: wire::WatchResponse) -> Result<(), UpdateError> {
        let before = self.held.clone();
        self.held.apply(update)?;
        let now = self.clock.now();
        if self.held != before {
            self.saved_at = None;
            let view = self.held.view(&self.settings.base, self.settings.unknown);
            self.view.publish(view);
        }
        self.status.send_replace(Status {
            connected: true,
            revision: self.held.revision,
            confirmed_at: Some(now),
        });
        self.measure();
        let due = self
            .saved_at
            .is_none_or(|saved_at| now.since(saved_at) >= SAVE_EVERY);
        if due {
            match self.save(now).await {
                Ok(()) => self.saved_at = Some(now),
                Err(error) => tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the view is served but cannot be kept for the next start"
                ),
            }
        }
        Ok(())
    }

    async fn save(&self, confirmed_at: UnixNano) -> Result<(), DiskError> {
        let (dir, held) = (self.settings.dir.clone(), self.held.clone());
        let saving = tokio::task::spawn_blocking(move || disk::save(&dir, &held, confirmed_at));
        saving.await.unwrap_or_else(|panic| {
            Err(DiskError::Io {
                path: self.settings.dir.clone(),
                source: std::io::Error::other(panic),
            })
        })
    }

    fn measure(&self) {
        let status = *self.status.borrow();
        let confirmed = status.confirmed_at.unwrap_or_default().as_secs();
        self.metrics
            .revision
            .set(i64::try_from(status.revision.0).unwrap_or(i64::MAX));
        self.metrics
            .confirmed
            .set(i64::try_from(confirmed).unwrap_or(i64::MAX));
        self.metrics.connected.set(i64::from(status.connected));
    }
}

#[cfg(test)]
mod tests;
