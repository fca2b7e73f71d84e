//! Endpoints that keep what they get and answer as they are told.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use parking_lot::Mutex;
use prost::Message as _;
use takt_kit::{Code, Reject, Tasks};
use tokio::net::TcpListener;

/// What to say to one request.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    Accept,
    AcceptBut { rejected: i64 },
    Refuse(Reject),
}

#[derive(Debug, Clone, Default)]
pub(super) struct Endpoint(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// Used up from the front; afterwards everything is accepted.
    answers: Mutex<VecDeque<Answer>>,
    accepted: Mutex<Vec<ExportTraceServiceRequest>>,
    headers: Mutex<Vec<HeaderMap>>,
    tasks: Tasks,
}

impl Endpoint {
    pub(super) fn with(answers: impl IntoIterator<Item = Answer>) -> Self {
        let endpoint = Self::default();
        endpoint.0.answers.lock().extend(answers);
        endpoint
    }

    /// What was accepted, in order of arrival.
    pub(super) fn requests(&self) -> Vec<ExportTraceServiceRequest> {
        self.0.accepted.lock().clone()
    }

    pub(super) fn headers(&self) -> Vec<HeaderMap> {
        self.0.headers.lock().clone()
    }

    pub(super) async fn http(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = axum::Router::new()
            .route("/v1/traces", post(export))
            .with_state(self.clone());
        let server = axum::serve(listener, router).into_future();
        self.0.tasks.spawn("endpoint", server);
        format!("http://{address}")
    }

    pub(super) async fn grpc(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
        let server = tonic::transport::Server::builder()
            .add_service(TraceServiceServer::new(self.clone()))
            .serve_with_incoming(incoming);
        self.0.tasks.spawn("endpoint", server);
        format!("grpc://{address}")
    }

    fn take(
        &self,
        headers: HeaderMap,
        request: ExportTraceServiceRequest,
    ) -> Result<ExportTraceServiceResponse, Reject> {
        self.0.headers.lock().push(headers);
        let answer = self.0.answers.lock().pop_front().unwrap_or(Answer::Accept);
        let partial_success = match answer {
            Answer::Accept => None,
            Answer::AcceptBut { rejected } => Some(ExportTracePartialSuccess {
                rejected_spans: rejected,
                error_message: "some were bad".to_owned(),
            }),
            Answer::Refuse(reject) => return Err(reject),
        };
        self.0.accepted.lock().push(request);
        Ok(ExportTraceServiceResponse { partial_success })
    }
}

async fn export(
    State(endpoint): State<Endpoint>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, HeaderMap, Vec<u8>) {
    assert_eq!(headers["content-type"], "application/x-protobuf");
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    let mut answer = HeaderMap::new();
    match endpoint.take(headers, request) {
        Ok(response) => (StatusCode::OK, answer, response.encode_to_vec()),
        Err(reject) => {
            if let Some(wait) = reject.retry_after {
                answer.insert("retry-after", wait.as_secs().into());
            }
            let body = reject.status().details().to_vec();
            (reject.code.http(), answer, body)
        }
    }
}

#[tonic::async_trait]
impl TraceService for Endpoint {
    async fn export(
        &self,
        request: tonic::Request<ExportTraceServiceRequest>,
    ) -> Result<tonic::Response<ExportTraceServiceResponse>, tonic::Status> {
        let (metadata, _, request) = request.into_parts();
        self.take(metadata.into_headers(), request)
            .map(tonic::Response::new)
            .map_err(|reject| reject.status())
    }
}

pub(super) fn refuse(code: Code) -> Reject {
    Reject::new(code, "BECAUSE", "because")
}
