//! OTLP over gRPC with requests that are encoded already, so that sending costs next to nothing.

use std::time::Duration;

use anyhow::Context as _;
use bytes::{Buf as _, BufMut as _, Bytes};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message as _;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::MetadataValue;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// A connection to an OTLP gRPC port. Clones share it.
#[derive(Debug, Clone)]
pub struct Sender {
    grpc: tonic::client::Grpc<Channel>,
    tenant: Option<String>,
}

/// What the server said to a request it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledged {
    pub rejected_spans: i64,
    pub reason: String,
}

impl Sender {
    /// # Errors
    /// When nothing accepts the connection.
    pub async fn connect(url: &str) -> anyhow::Result<Self> {
        let channel = Endpoint::from_shared(url.to_owned())?
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(30))
            .initial_connection_window_size(8 << 20)
            .initial_stream_window_size(4 << 20)
            .connect()
            .await
            .with_context(|| format!("connecting to {url}"))?;
        Ok(Self {
            grpc: tonic::client::Grpc::new(channel),
            tenant: None,
        })
    }

    /// The same, sending for a tenant.
    #[must_use]
    pub fn tenant(mut self, tenant: &str) -> Self {
        self.tenant = Some(tenant.to_owned());
        self
    }

    /// Sends an encoded `ExportTraceServiceRequest` and waits for the answer.
    ///
    /// # Errors
    /// The status of the server, or of a connection that broke.
    pub async fn send(&mut self, request: Bytes) -> Result<Acknowledged, Status> {
        let mut request = Request::new(request);
        if let Some(tenant) = &self.tenant {
            let value = MetadataValue::try_from(tenant)
                .map_err(|error| Status::invalid_argument(error.to_string()))?;
            request.metadata_mut().insert("x-scope-orgid", value);
        }
        self.grpc
            .ready()
            .await
            .map_err(|error| Status::unavailable(error.to_string()))?;
        let path = http::uri::PathAndQuery::from_static(EXPORT);
        let answer = self.grpc.unary(request, path, Raw).await?.into_inner();
        let answer = ExportTraceServiceResponse::decode(answer)
            .map_err(|error| Status::internal(format!("the answer is not OTLP: {error}")))?;
        let partial = answer.partial_success.unwrap_or_default();
        Ok(Acknowledged {
            rejected_spans: partial.rejected_spans,
            reason: partial.error_message,
        })
    }
}

/// Bytes as they are.
#[derive(Debug, Clone, Copy)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        out.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, input: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(input.copy_to_bytes(input.remaining())))
    }
}
