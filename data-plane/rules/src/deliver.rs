//! Bounded queues with one courier each: what is in a queue is delivered, or counted as lost.

pub(crate) mod alertmanager;
pub(crate) mod remote_write;

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use reqwest::{Client, Url};
use takt_kit::Tasks;
use takt_model::TenantId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{Instant, timeout_at};

use crate::metrics::{Queue as QueueLabel, QueueMetrics};
use crate::settings::Endpoint;

const BACKOFF_MIN: Duration = Duration::from_millis(100);
const BACKOFF_MAX: Duration = Duration::from_secs(5);
/// Most things in one request.
const REQUEST_ITEMS_MAX: usize = 500;

/// The way to an endpoint: what is said there, and how.
pub(crate) struct Route<T> {
    pub(crate) name: &'static str,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) encode: Encode<T>,
}

type Encode<T> = Box<dyn Fn(&[T]) -> Vec<u8> + Send + Sync>;

/// Where deliveries are handed in.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    name: &'static str,
    room: Arc<Semaphore>,
    parcels: mpsc::Sender<Parcel<T>>,
    lost: Counter,
    waiting: Gauge,
}

/// There is no room now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full(pub(crate) &'static str);

#[derive(Debug)]
pub(crate) struct Parcel<T> {
    pub(crate) tenant: TenantId,
    pub(crate) items: Vec<T>,
    /// The room it takes, until it is delivered or lost.
    _room: OwnedSemaphorePermit,
}

/// How patient a courier is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    pub(crate) request_timeout: Duration,
    pub(crate) retry_for: Duration,
    pub(crate) queue_capacity: usize,
}

impl<T: Send + Sync + fmt::Debug + 'static> Queue<T> {
    /// Opens a queue whose courier runs in `tasks`. When they stop, it tries once more to deliver what waits.
    ///
    /// # Errors
    /// When this machine has no roots to trust, so that there is no TLS.
    pub(crate) fn open(
        mut route: Route<T>,
        endpoint: &Endpoint,
        patience: Patience,
        metrics: &QueueMetrics,
        tasks: &Tasks,
    ) -> Result<Self, reqwest::Error> {
        if let Some(authorization) = &endpoint.authorization {
            route.headers.insert(AUTHORIZATION, authorization.clone());
        }
        let client = Client::builder()
            .timeout(patience.request_timeout)
            .user_agent(concat!("takt/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        let (queue, parcels) = Self::pair(route.name, patience.queue_capacity, metrics);
        let label = QueueLabel { queue: route.name };
        let courier = Courier {
            route,
            client,
            retry_for: patience.retry_for,
            waiting: queue.waiting.clone(),
            delivered: metrics.delivered.get_or_create_owned(&label),
            lost: queue.lost.clone(),
            retries: metrics.retries.get_or_create_owned(&label),
        };
        tasks.spawn("rules_courier", courier.run(parcels, tasks.clone()));
        Ok(queue)
    }
}

impl<T> Queue<T> {
    /// A queue and its other end.
    pub(crate) fn pair(
        name: &'static str,
        capacity: usize,
        metrics: &QueueMetrics,
    ) -> (Self, mpsc::Receiver<Parcel<T>>) {
        let label = QueueLabel { queue: name };
        let (sender, parcels) = mpsc::channel(capacity);
        let queue = Self {
            name,
            room: Arc::new(Semaphore::new(capacity)),
            parcels: sender,
            lost: metrics.lost.get_or_create_owned(&label),
            waiting: metrics.waiting.get_or_create_owned(&label),
        };
        (queue, parcels)
    }

    /// Hands in, all or nothing.
    ///
    /// # Errors
    /// When there is no room.
    pub(crate) fn offer(&self, tenant: &TenantId, items: Vec<T>) -> Result<(), Full> {
        let count = items.len();
        if count == 0 {
            return Ok(());
        }
        let wanted = u32::try_from(count).unwrap_or(u32::MAX);
        let taken = Arc::clone(&self.room).try_acquire_many_owned(wanted).ok();
        let handed = taken.and_then(|room| {
            let parcel = Parcel {
                tenant: tenant.clone(),
                items,
                _room: room,
            };
            self.parcels.try_send(parcel).ok()
        });
        if handed.is_none() {
            return Err(Full(self.name));
        }
        self.waiting.inc_by(i64::from(wanted));
        Ok(())
    }

    /// Counts what could not be handed in and will not be again.
    pub(crate) fn lose(&self, count: usize) {
        self.lost.inc_by(count as u64);
    }
}

struct Courier<T> {
    route: Route<T>,
    client: Client,
    retry_for: Duration,
    waiting: Gauge,
    delivered: Counter,
    lost: Counter,
    retries: Counter,
}

/// Why one request came to nothing.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("no answer")]
    Silence(#[source] reqwest::Error),
    #[error("{status}: {body}")]
    Status {
        status: StatusCode,
        body: String,
        retry_after: Option<Duration>,
    },
}

impl<T: Send + Sync + 'static> Courier<T> {
    async fn run(
        self,
        mut parcels: mpsc::Receiver<Parcel<T>>,
        tasks: Tasks,
    ) -> Result<(), Infallible> {
        loop {
            let parcel = tokio::select! {
                biased;
                parcel = parcels.recv() => parcel,
                () = tasks.stopped() => parcels.try_recv().ok(),
            };
            let Some(parcel) = parcel else { break };
            let items = parcel.items.len() as u64;
            for part in parcel.items.chunks(REQUEST_ITEMS_MAX) {
                self.deliver(&parcel.tenant, part, &tasks).await;
            }
            self.waiting
                .dec_by(i64::try_from(items).unwrap_or(i64::MAX));
        }
        Ok(())
    }

    /// Sends, again and again where that can help, until the deadline; once only when the process stops.
    async fn deliver(&self, tenant: &TenantId, items: &[T], tasks: &Tasks) {
        let count = items.len() as u64;
        let body = Bytes::from((self.route.encode)(items));
        let deadline = Instant::now() + self.retry_for;
        let mut backoff = BACKOFF_MIN;
        loop {
            let Err(refusal) = self.send(tenant, body.clone()).await else {
                self.delivered.inc_by(count);
                return;
            };
            let wait = refusal.retry_after(backoff);
            let next = wait.map(|wait| Instant::now() + wait);
            let Some(next) = next.filter(|next| *next < deadline && !tasks.is_stopped()) else {
                self.lost.inc_by(count);
                tracing::warn!(
                    error = &refusal as &dyn std::error::Error,
                    queue = self.route.name,
                    %tenant,
                    count,
                    "not delivered"
                );
                return;
            };
            // Woken early when the process stops: one more attempt, then it is given up.
            let _stopped_or_waited = timeout_at(next, tasks.stopped()).await;
            self.retries.inc();
            backoff = (backoff * 2).min(BACKOFF_MAX);
        }
    }

    async fn send(&self, tenant: &TenantId, body: Bytes) -> Result<(), Refusal> {
        let request = self
            .client
            .post(self.route.url.clone())
            .headers(self.route.headers.clone())
            .header("X-Scope-OrgID", tenant.as_str())
            .body(body);
        let answer = request.send().await.map_err(Refusal::Silence)?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let seconds = answer.headers().get(RETRY_AFTER);
        let seconds = seconds.and_then(|value| value.to_str().ok()?.parse().ok());
        let body = answer.text().await.unwrap_or_default();
        Err(Refusal::Status {
            status,
            body: body.chars().take(200).collect(),
            retry_after: seconds.map(Duration::from_secs),
        })
    }
}

impl Refusal {
    /// How long to wait before the same can be tried again; `None` if that cannot help.
    fn retry_after(&self, backoff: Duration) -> Option<Duration> {
        match self {
            Self::Silence(_) => Some(backoff),
            Self::Status {
                status,
                retry_after,
                ..
            } => {
                let passes = status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS;
                passes.then(|| retry_after.unwrap_or(backoff).max(backoff))
            }
        }
    }
}

#[cfg(test)]
mod tests;
