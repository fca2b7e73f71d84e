//! OTLP over HTTP: `POST /v1/traces`, protobuf or JSON, answered in the form it was asked in.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body::Body;
use http_body_util::{BodyExt as _, Full};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use prost::Message as _;
use serde_json::json;
use takt_ingest::Accepted;
use takt_kit::Reject;

use crate::connection::Answer;
use crate::encoding::{self, Encoding};
use crate::receiver::{Arrived, Form, Receiver, Transport};
use crate::refusal::Refusal;
use crate::tenant::tenant;

const TRACES: &str = "/v1/traces";

/// Answers one request.
pub(crate) async fn answer(
    receiver: &Receiver,
    request: Request<impl Body<Data = Bytes>>,
) -> Response<Answer> {
    let form = form(request.headers());
    match export(receiver, request, form).await {
        Ok(accepted) => accepted_answer(accepted, form),
        Err(refusal) => {
            let reason = refusal.reject().reason;
            receiver.metrics().refused_request(Transport::Http, reason);
            tracing::debug!(reason, %refusal, "export refused");
            refused_answer(&refusal, form)
        }
    }
}

async fn export(
    receiver: &Receiver,
    request: Request<impl Body<Data = Bytes>>,
    form: Option<Form>,
) -> Result<Accepted, Refusal> {
    let (head, body) = request.into_parts();
    if head.uri.path() != TRACES {
        return Err(Refusal::Path(head.uri.path().to_owned()));
    }
    if head.method != Method::POST {
        return Err(Refusal::Method(head.method));
    }
    let form = form.ok_or_else(|| Refusal::ContentType {
        given: String::from_utf8_lossy(content_type(&head.headers)).into_owned(),
        supported: "`application/x-protobuf` or `application/json`",
    })?;
    let tenant = tenant(&head.headers, receiver.settings().multitenancy)?;
    let encoding = named_encoding(&head.headers)?;
    let (packed, held) = receiver.read(body, 0).await?;
    receiver
        .accept(Arrived {
            transport: Transport::Http,
            tenant,
            encoding,
            form,
            packed,
            held,
        })
        .await
}

fn content_type(headers: &HeaderMap) -> &[u8] {
    headers
        .get(header::CONTENT_TYPE)
        .map(HeaderValue::as_bytes)
        .unwrap_or_default()
}

/// The form that the content type names; parameters such as a charset change nothing.
fn form(headers: &HeaderMap) -> Option<Form> {
    let essence = content_type(headers).split(|byte| *byte == b';').next()?;
    match essence.trim_ascii().to_ascii_lowercase().as_slice() {
        b"application/x-protobuf" | b"application/protobuf" => Some(Form::Protobuf),
        b"application/json" => Some(Form::Json),
        _ => None,
    }
}

fn named_encoding(headers: &HeaderMap) -> Result<Encoding, Refusal> {
    let mut named = headers.get_all(header::CONTENT_ENCODING).iter();
    let encoding = named.next().map_or(Ok(Encoding::Identity), |name| {
        Encoding::parse(name.as_bytes())
    })?;
    match named.next() {
        None => Ok(encoding),
        Some(_) => Err(Refusal::Encoding("several at once".to_owned())),
    }
}

/// The message of an answer to a request that was accepted, in part or whole.
pub(crate) fn success(accepted: Accepted) -> ExportTraceServiceResponse {
    ExportTraceServiceResponse {
        partial_success: accepted.reason.map(|reason| ExportTracePartialSuccess {
            rejected_spans: i64::try_from(accepted.rejected_spans).unwrap_or(i64::MAX),
            error_message: reason,
        }),
    }
}

fn accepted_answer(accepted: Accepted, form: Option<Form>) -> Response<Answer> {
    let body = match form {
        Some(Form::Json) => match accepted.reason {
            None => json!({ "partialSuccess": {} }),
            Some(reason) => json!({ "partialSuccess": {
                // 64-bit numbers are strings in the JSON of protobuf.
                "rejectedSpans": accepted.rejected_spans.to_string(),
                "errorMessage": reason,
            } }),
        }
        .to_string()
        .into(),
        Some(Form::Protobuf) | None => success(accepted).encode_to_vec().into(),
    };
    respond(StatusCode::OK, form, body)
}

/// A `google.rpc.Status` in the form of the request; plain text where the request had none of ours.
fn refused_answer(refusal: &Refusal, form: Option<Form>) -> Response<Answer> {
    let reject = refusal.reject();
    let body = match form {
        Some(Form::Json) => status_json(&reject).into(),
        Some(Form::Protobuf) => Bytes::copy_from_slice(reject.status().details()),
        None => refusal.to_string().into(),
    };
    let mut response = respond(refusal.http(), form, body);
    let headers = response.headers_mut();
    if let Some(wait) = reject.retry_after {
        headers.insert(header::RETRY_AFTER, wait.as_secs().max(1).into());
    }
    match refusal {
        Refusal::Method(_) => {
            headers.insert(header::ALLOW, HeaderValue::from_static("POST"));
        }
        Refusal::Encoding(_) => {
            let supported = HeaderValue::from_static(encoding::SUPPORTED);
            headers.insert(header::ACCEPT_ENCODING, supported);
        }
        _ => {}
    }
    response
}

fn status_json(reject: &Reject) -> String {
    let mut details = vec![json!({
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reject.reason,
        "domain": "takt",
    })];
    if let Some(wait) = reject.retry_after {
        details.push(json!({
            "@type": "type.googleapis.com/google.rpc.RetryInfo",
            "retryDelay": format!("{}s", wait.as_secs_f64()),
        }));
    }
    json!({ "code": reject.code.grpc() as i32, "message": reject.message, "details": details })
        .to_string()
}

fn respond(status: StatusCode, form: Option<Form>, body: Bytes) -> Response<Answer> {
    let content_type = match form {
        Some(Form::Protobuf) => "application/x-protobuf",
        Some(Form::Json) => "application/json",
        None => "text/plain; charset=utf-8",
    };
    let mut response = Response::new(Full::new(body).boxed());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
