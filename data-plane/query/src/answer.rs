//! Answers on the wire: JSON or protobuf by `Accept`, plain text for failures, and what is missing said in a header.

use std::fmt::Write as _;

use axum::body::Body;
use axum::response::Response;
use http::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, StatusCode};
use prost::Message;
use serde::Serialize;
use takt_wire::tempopb::{
    PartialStatus, SearchTagValuesV2Response, TraceByIdMetrics, TraceByIdResponse,
};

use crate::failure::Failure;
use crate::trace_view::{self, llm};

/// Says what an answer lacks, where its message has no place for that.
pub const PARTIAL_HEADER: &str = "x-takt-partial";
/// Says what the author of a query may not know about it.
pub const WARNING_HEADER: &str = "x-takt-warning";
/// Brings the value of `page` that asks for what comes after this answer.
pub const NEXT_PAGE_HEADER: &str = "x-takt-next-page";

/// The forms of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Json,
    Protobuf,
    /// JSON for language models; of messages that have no such form, plain JSON.
    Llm,
}

impl Form {
    /// Which of the three the header mentions, looked for in the order protobuf, JSON, JSON for
    /// language models; JSON if none.
    pub(crate) fn accepted(headers: &HeaderMap) -> Self {
        let accepts = |wanted: &str| {
            headers
                .get_all(ACCEPT)
                .iter()
                .any(|value| value.to_str().is_ok_and(|text| text.contains(wanted)))
        };
        if accepts("application/protobuf") {
            Self::Protobuf
        } else if !accepts("application/json") && accepts("application/vnd.grafana.llm") {
            Self::Llm
        } else {
            Self::Json
        }
    }

    fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Json => "application/json",
            Self::Protobuf => "application/protobuf",
            Self::Llm => "application/vnd.grafana.llm+json",
        })
    }
}

/// An answer and the reasons why it is not all there is.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer<T> {
    pub message: T,
    pub missing: Vec<String>,
    /// What its author may not know about the query.
    pub warnings: Vec<String>,
    /// What to ask for to get more, where there is more.
    pub next_page: Option<String>,
}

impl<T> Answer<T> {
    pub(crate) fn new(message: T, missing: Vec<String>) -> Self {
        Self {
            message,
            missing,
            warnings: Vec::new(),
            next_page: None,
        }
    }
}

pub(crate) fn message<T: Message + Serialize>(form: Form, answer: &Answer<T>) -> Response {
    let response = match form {
        Form::Protobuf => typed(form, answer.message.encode_to_vec()),
        Form::Json | Form::Llm => written(Form::Json, &answer.message),
    };
    let mut response = with_missing(response, &answer.missing);
    let headers = response.headers_mut();
    if !answer.warnings.is_empty()
        && let Ok(value) = HeaderValue::try_from(printable(&answer.warnings.join("; ")))
    {
        headers.insert(WARNING_HEADER, value);
    }
    if let Some(page) = &answer.next_page
        && let Ok(value) = HeaderValue::try_from(page)
    {
        headers.insert(NEXT_PAGE_HEADER, value);
    }
    response
}

/// Text as a header may hold it: what is beyond ASCII becomes a question mark.
fn printable(text: &str) -> String {
    let printable = |c: char| {
        if c == ' ' || c.is_ascii_graphic() {
            c
        } else {
            '?'
        }
    };
    text.chars().map(printable).collect()
}

/// Tag values of version 2, which have a form of their own for language models.
pub(crate) fn tag_values(form: Form, answer: &Answer<SearchTagValuesV2Response>) -> Response {
    match form {
        Form::Llm => with_missing(
            written(form, &llm::tag_values(&answer.message)),
            &answer.missing,
        ),
        Form::Json | Form::Protobuf => message(form, answer),
    }
}

/// A document that is JSON already.
pub(crate) fn json(document: Vec<u8>) -> Response {
    typed(Form::Json, document)
}

fn written(form: Form, message: &impl Serialize) -> Response {
    match serde_json::to_vec(message) {
        Ok(body) => typed(form, body),
        Err(error) => failure(&Failure::Internal(format!(
            "the answer cannot be written as JSON: {error}"
        ))),
    }
}

/// A trace as found: OTLP bytes (`TracesData`), how it was found, and what is missing from it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FoundTrace {
    pub proto: Vec<u8>,
    pub metrics: TraceByIdMetrics,
    pub missing: Vec<String>,
}

/// Version 1: the bare trace, with the key `batches` that Tempo's version 1 has.
pub(crate) fn trace_v1(form: Form, found: FoundTrace) -> Response {
    let body = match form {
        Form::Protobuf => found.proto,
        // Language models get plain JSON under their own content type, as from Tempo.
        Form::Json | Form::Llm => match takt_trace::encode::trace_json(&found.proto) {
            Ok(json) => json
                .replacen("\"resourceSpans\":", "\"batches\":", 1)
                .into_bytes(),
            Err(error) => return failure(&Failure::Internal(error.to_string())),
        },
    };
    with_missing(typed(form, body), &found.missing)
}

/// Version 2: the trace with metrics and status around it.
pub(crate) fn trace_v2(form: Form, found: &FoundTrace) -> Response {
    let status = if found.missing.is_empty() {
        PartialStatus::Complete
    } else {
        PartialStatus::Partial
    };
    let around = TraceByIdResponse {
        trace: None,
        metrics: Some(found.metrics.clone()),
        status: status.into(),
        message: found.missing.join("; "),
    };
    let response = match form {
        Form::Protobuf => {
            // Field 1, length-delimited, then the other fields: the trace need not be decoded for that.
            let mut body = vec![0x0a];
            prost::encoding::encode_varint(found.proto.len() as u64, &mut body);
            body.extend_from_slice(&found.proto);
            body.extend(around.encode_to_vec());
            typed(form, body)
        }
        Form::Json => match trace_v2_json(found, &around) {
            Ok(body) => typed(form, body.into_bytes()),
            Err(reason) => return failure(&Failure::Internal(reason)),
        },
        Form::Llm => match trace_view::decoded(&found.proto) {
            Ok(trace) => match llm::found(&trace, &found.metrics, &around.message) {
                Some(found) => written(form, &found),
                None => typed(form, b"{}".to_vec()),
            },
            Err(error) => return failure(&error),
        },
    };
    with_missing(response, &found.missing)
}

fn trace_v2_json(found: &FoundTrace, around: &TraceByIdResponse) -> Result<String, String> {
    let trace = takt_trace::encode::trace_json(&found.proto).map_err(|error| error.to_string())?;
    let metrics = serde_json::to_string(&found.metrics).map_err(|error| error.to_string())?;
    let mut out = format!(r#"{{"trace":{trace},"metrics":{metrics}"#);
    if !found.missing.is_empty() {
        let message = serde_json::to_string(&around.message).map_err(|error| error.to_string())?;
        let _ = write!(out, r#","status":"PARTIAL","message":{message}"#);
    }
    out.push('}');
    Ok(out)
}

/// Plain text, as Tempo's errors and status pages are.
pub(crate) fn text(status: StatusCode, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    response
}

pub(crate) fn failure(failure: &Failure) -> Response {
    let mut response = text(failure.status(), failure.to_string());
    if let Some(seconds) = failure.retry_after_seconds() {
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn typed(form: Form, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, form.content_type());
    response
}

fn with_missing(mut response: Response, missing: &[String]) -> Response {
    if !missing.is_empty()
        && let Ok(value) = HeaderValue::from_str(&missing.join("; "))
    {
        response.headers_mut().insert(PARTIAL_HEADER, value);
    }
    response
}
