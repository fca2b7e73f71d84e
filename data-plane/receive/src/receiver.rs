//! The way every request takes, whichever transport it came by.

use std::sync::Arc;

use bytes::Bytes;
use http_body::Body;
use prometheus_client::registry::Registry;
use takt_ingest::{Accepted, Distributor};
use takt_kit::{Budget, Reservation};
use takt_model::TenantId;
use tokio_rustls::TlsAcceptor;

use crate::body;
use crate::encoding::Encoding;
use crate::metrics::Metrics;
use crate::refusal::Refusal;
use crate::settings::Settings;
use crate::tls::{self, TlsError};

/// What both receivers share: bounds, counters and the distributor. Clones are the same receiver.
#[derive(Debug, Clone)]
pub struct Receiver(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: Settings,
    distributor: Arc<Distributor>,
    in_flight: Budget,
    metrics: Metrics,
    tls: [Option<Acceptor>; 2],
}

struct Acceptor(TlsAcceptor);

/// How a request travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Grpc,
    Http,
}

impl Transport {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Grpc => "grpc",
            Self::Http => "http",
        }
    }
}

/// How an export request is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Protobuf,
    Json,
}

/// A request that has arrived, still packed, with the bytes it holds of what may be in flight.
#[derive(Debug)]
pub(crate) struct Arrived {
    pub(crate) transport: Transport,
    pub(crate) tenant: TenantId,
    pub(crate) encoding: Encoding,
    pub(crate) form: Form,
    pub(crate) packed: Bytes,
    pub(crate) held: Reservation,
}

impl Receiver {
    /// # Errors
    /// When the certificates or the key cannot be used.
    pub fn new(
        settings: Settings,
        distributor: Arc<Distributor>,
        registry: &mut Registry,
    ) -> Result<Self, TlsError> {
        let in_flight = Budget::new(settings.max_in_flight_bytes);
        let acceptor = |protocols: &[&[u8]]| {
            settings
                .tls
                .as_ref()
                .map(|tls| tls::acceptor(tls, protocols).map(Acceptor))
                .transpose()
        };
        Ok(Self(Arc::new(Inner {
            metrics: Metrics::register(registry, in_flight.clone()),
            tls: [acceptor(&[b"h2"])?, acceptor(&[b"h2", b"http/1.1"])?],
            settings,
            distributor,
            in_flight,
        })))
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    pub(crate) fn tls(&self, transport: Transport) -> Option<&TlsAcceptor> {
        self.0.tls[transport as usize]
            .as_ref()
            .map(|acceptor| &acceptor.0)
    }

    /// Reads a body of at most `max_request_bytes` and `framing` bytes more.
    pub(crate) async fn read(
        &self,
        body: impl Body<Data = Bytes>,
        framing: usize,
    ) -> Result<(Bytes, Reservation), Refusal> {
        let settings = self.settings();
        let mut held = self.0.in_flight.reserve(0).map_err(|_| Refusal::Busy)?;
        let limit = settings.max_request_bytes.saturating_add(framing);
        let bytes = body::read(body, limit, settings.read_timeout, &mut held).await?;
        Ok((bytes, held))
    }

    /// Unpacks a request and pushes it; when it returns `Ok`, the accepted spans are durable.
    pub(crate) async fn accept(&self, arrived: Arrived) -> Result<Accepted, Refusal> {
        let (transport, tenant) = (arrived.transport, arrived.tenant.clone());
        let limit = self.settings().max_decompressed_bytes;
        let (request, _held) = unpack(arrived, limit).await?;
        let spans = |tenant| self.metrics().spans(transport, tenant);
        match self.0.distributor.push(&tenant, request).await {
            Ok(accepted) => {
                let spans = spans(&tenant);
                spans.accepted.inc_by(accepted.accepted_spans);
                spans.refused.inc_by(accepted.rejected_spans);
                Ok(accepted)
            }
            Err(refused) => {
                spans(&tenant).refused.inc_by(refused.spans);
                Err(Refusal::Rejected(refused.reject))
            }
        }
    }
}

/// The request as protobuf. Work that takes long leaves the thread that serves connections.
async fn unpack(arrived: Arrived, limit: usize) -> Result<(Bytes, Reservation), Refusal> {
    let Arrived {
        encoding,
        form,
        packed,
        mut held,
        ..
    } = arrived;
    if encoding == Encoding::Identity && form == Form::Protobuf {
        return Ok((packed, held));
    }
    let work = move || {
        let plain = encoding.unpack(packed, limit, &mut held)?;
        let request = match form {
            Form::Protobuf => plain,
            Form::Json => from_json(&plain, &mut held)?,
        };
        Ok((request, held))
    };
    // The task can only be lost when the runtime is going away.
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or(Err(Refusal::Broken))
}

fn from_json(json: &[u8], held: &mut Reservation) -> Result<Bytes, Refusal> {
    let request = takt_trace::encode::from_otlp_json(json)
        .map_err(|error| Refusal::Json(error.to_string()))?;
    held.grow(request.len()).map_err(|_| Refusal::Busy)?;
    Ok(Bytes::from(request))
}

impl std::fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Acceptor")
    }
}
