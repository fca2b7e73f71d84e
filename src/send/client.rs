//! Sends one request until it is answered for good.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context as _;
use bytes::{Buf as _, BufMut as _, Bytes};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message as _;
use tokio::time::Instant;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, Endpoint};
use tonic_types::StatusExt as _;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long one attempt may take.
const PATIENCE: Duration = Duration::from_secs(30);
const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// A way to the endpoint. Clones share its connections.
#[derive(Debug, Clone)]
pub(super) struct Client {
    way: Way,
    retry_for: Duration,
}

#[derive(Debug, Clone)]
enum Way {
    Http {
        client: reqwest::Client,
        url: String,
    },
    Grpc {
        channel: Channel,
        metadata: MetadataMap,
    },
}

/// What became of a request.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// Spans that were not taken in, and why.
    pub(super) refused: u64,
    pub(super) reason: Option<String>,
    /// How often it was sent again.
    pub(super) retries: u64,
}

/// One attempt that brought no success.
#[derive(Debug)]
struct Failure {
    message: String,
    retry: Retry,
}

#[derive(Debug, Clone, Copy)]
enum Retry {
    Never,
    /// The other side said how long to wait, or left it to us.
    After(Option<Duration>),
}

impl Client {
    /// # Errors
    /// When the endpoint or a header makes no sense. Nothing is connected yet.
    pub(super) fn new(
        endpoint: &str,
        headers: &BTreeMap<String, String>,
        retry_for: Duration,
    ) -> anyhow::Result<Self> {
        let headers = header_map(headers)?;
        let way = match endpoint.split_once("://") {
            Some(("grpc", rest)) => grpc(&format!("http://{rest}"), headers)?,
            Some(("grpcs", rest)) => grpc(&format!("https://{rest}"), headers)?,
            Some(("http" | "https", _)) => http(endpoint, headers)?,
            _ => anyhow::bail!(
                "endpoint `{endpoint}` starts with neither http://, https://, grpc:// nor grpcs://"
            ),
        };
        Ok(Self { way, retry_for })
    }

    /// Sends a request of `spans` spans, again and again while that can help.
    pub(super) async fn send(&self, request: Bytes, spans: u64) -> Outcome {
        let deadline = Instant::now() + self.retry_for;
        let mut retries = 0;
        let mut pause = FIRST_PAUSE;
        loop {
            let failure = match self.attempt(request.clone()).await {
                Ok(answer) => return accepted(answer, retries),
                Err(failure) => failure,
            };
            let wait = match failure.retry {
                Retry::Never => None,
                Retry::After(hint) => Some(hint.unwrap_or(pause)),
            };
            match wait {
                Some(wait) if Instant::now() + wait <= deadline => {
                    tokio::time::sleep(wait).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    retries += 1;
                }
                _ => {
                    return Outcome {
                        refused: spans,
                        reason: Some(failure.message),
                        retries,
                    };
                }
            }
        }
    }

    async fn attempt(&self, request: Bytes) -> Result<ExportTraceServiceResponse, Failure> {
        match &self.way {
            Way::Http { client, url } => attempt_http(client, url, request).await,
            Way::Grpc { channel, metadata } => {
                attempt_grpc(channel.clone(), metadata.clone(), request).await
            }
        }
    }
}

fn accepted(answer: ExportTraceServiceResponse, retries: u64) -> Outcome {
    let partial = answer.partial_success.unwrap_or_default();
    Outcome {
        refused: u64::try_from(partial.rejected_spans).unwrap_or_default(),
        reason: (!partial.error_message.is_empty()).then_some(partial.error_message),
        retries,
    }
}

fn header_map(headers: &BTreeMap<String, String>) -> anyhow::Result<HeaderMap> {
    headers
        .iter()
        .map(|(name, value)| {
            let name: HeaderName = name.parse().with_context(|| format!("header `{name}`"))?;
            let value: HeaderValue = value.parse().with_context(|| format!("header `{name}`"))?;
            Ok((name, value))
        })
        .collect()
}

fn http(endpoint: &str, mut headers: HeaderMap) -> anyhow::Result<Way> {
    let endpoint = endpoint.trim_end_matches('/');
    let url = match endpoint.strip_suffix("/v1/traces") {
        Some(_) => endpoint.to_owned(),
        None => format!("{endpoint}/v1/traces"),
    };
    let protobuf = HeaderValue::from_static("application/x-protobuf");
    headers.insert(http::header::CONTENT_TYPE, protobuf);
    let client = reqwest::Client::builder()
        .default_headers(headers)
        .timeout(PATIENCE)
        .build()?;
    Ok(Way::Http { client, url })
}

async fn attempt_http(
    client: &reqwest::Client,
    url: &str,
    request: Bytes,
) -> Result<ExportTraceServiceResponse, Failure> {
    let lost = |error: reqwest::Error| Failure {
        message: format!("{:#}", anyhow::Error::from(error)),
        retry: Retry::After(None),
    };
    let answer = client.post(url).body(request).send().await.map_err(lost)?;
    let (status, hint) = (answer.status(), retry_after(answer.headers()));
    let body = answer.bytes().await.map_err(lost)?;
    if status.is_success() {
        return ExportTraceServiceResponse::decode(body).map_err(|error| Failure {
            message: format!("the answer is no ExportTraceServiceResponse: {error}"),
            retry: Retry::Never,
        });
    }
    Err(Failure {
        message: format!("{status}: {}", explanation(&body)),
        retry: match status {
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => Retry::After(hint),
            _ => Retry::Never,
        },
    })
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?;
    seconds.parse().ok().map(Duration::from_secs)
}

/// The message of a `google.rpc.Status`, or the text that came instead.
fn explanation(body: &[u8]) -> String {
    match tonic_types::pb::Status::decode(body) {
        Ok(status) if !status.message.is_empty() => status.message,
        _ => String::from_utf8_lossy(body).into_owned(),
    }
}

fn grpc(url: &str, headers: HeaderMap) -> anyhow::Result<Way> {
    let mut endpoint = Endpoint::from_shared(url.to_owned())
        .with_context(|| format!("endpoint `{url}`"))?
        .connect_timeout(PATIENCE)
        .timeout(PATIENCE);
    if url.starts_with("https") {
        let roots = tonic::transport::ClientTlsConfig::new().with_native_roots();
        endpoint = endpoint.tls_config(roots)?;
    }
    Ok(Way::Grpc {
        channel: endpoint.connect_lazy(),
        metadata: MetadataMap::from_headers(headers),
    })
}

async fn attempt_grpc(
    channel: Channel,
    metadata: MetadataMap,
    request: Bytes,
) -> Result<ExportTraceServiceResponse, Failure> {
    let mut client = Grpc::new(channel);
    client.ready().await.map_err(|error| Failure {
        message: format!("{:#}", anyhow::Error::from(error)),
        retry: Retry::After(None),
    })?;
    let request = tonic::Request::from_parts(metadata, tonic::Extensions::default(), request);
    client
        .unary(request, PathAndQuery::from_static(EXPORT), Encoded)
        .await
        .map(tonic::Response::into_inner)
        .map_err(|status| failure(&status))
}

/// Which statuses can be tried again is what the OTLP specification says.
fn failure(status: &tonic::Status) -> Failure {
    use tonic::Code::{
        Aborted, Cancelled, DataLoss, DeadlineExceeded, OutOfRange, ResourceExhausted, Unavailable,
    };
    let hint = status
        .get_details_retry_info()
        .and_then(|info| info.retry_delay);
    Failure {
        message: format!("{:?}: {}", status.code(), status.message()),
        retry: match status.code() {
            ResourceExhausted if hint.is_none() => Retry::Never,
            ResourceExhausted | Aborted | Cancelled | DataLoss | DeadlineExceeded | OutOfRange
            | Unavailable => Retry::After(hint),
            _ => Retry::Never,
        },
    }
}

/// Sends requests that are encoded already.
#[derive(Debug, Clone, Copy)]
struct Encoded;

impl Codec for Encoded {
    type Encode = Bytes;
    type Decode = ExportTraceServiceResponse;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Encoded {
    type Item = Bytes;
    type Error = tonic::Status;

    fn encode(&mut self, request: Bytes, out: &mut EncodeBuf<'_>) -> Result<(), tonic::Status> {
        out.put(request);
        Ok(())
    }
}

impl Decoder for Encoded {
    type Item = ExportTraceServiceResponse;
    type Error = tonic::Status;

    fn decode(&mut self, answer: &mut DecodeBuf<'_>) -> Result<Option<Self::Item>, tonic::Status> {
        let bytes = answer.copy_to_bytes(answer.remaining());
        ExportTraceServiceResponse::decode(bytes)
            .map(Some)
            .map_err(|error| tonic::Status::internal(error.to_string()))
    }
}
