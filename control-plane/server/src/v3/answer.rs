//! Answers and refusals as HTTP and JSON.

use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::precondition::etag;
use super::route::Route;

/// What became of a request.
#[derive(Debug)]
pub(super) enum Answer {
    /// A thing at a version.
    One {
        json: Vec<u8>,
        version: u64,
    },
    /// What has no version: lists, and what is worked out.
    Many {
        json: Vec<u8>,
    },
    Gone,
}

/// A list in its envelope.
#[derive(Debug, Serialize)]
pub(super) struct List<T> {
    pub(super) items: Vec<T>,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    /// Where the next page begins; only where pages were asked for.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) next_page_token: String,
}

#[derive(Debug, Serialize)]
struct Refusal<'a> {
    status: &'static str,
    error: &'a str,
    reason: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<Field<'a>>,
}

#[derive(Debug, Serialize)]
struct Field<'a> {
    field: &'a str,
    error: &'a str,
}

impl Answer {
    pub(super) fn one(thing: &impl Serialize, version: u64) -> Result<Self, Status> {
        let json = json(thing)?;
        Ok(Self::One { json, version })
    }

    pub(super) fn many(things: &impl Serialize) -> Result<Self, Status> {
        let json = json(things)?;
        Ok(Self::Many { json })
    }

    pub(super) fn show(self) -> Response {
        match self {
            Self::One { json, version } => {
                let tag = [(ETAG, etag(version))];
                (StatusCode::OK, HEAD, tag, json).into_response()
            }
            Self::Many { json } => (StatusCode::OK, HEAD, json).into_response(),
            Self::Gone => StatusCode::NO_CONTENT.into_response(),
        }
    }
}

/// Secrets are among the answers: nothing on the way is to keep them.
const HEAD: [(HeaderName, &str); 2] = [
    (CONTENT_TYPE, "application/json"),
    (CACHE_CONTROL, "no-store"),
];

fn json(thing: &impl Serialize) -> Result<Vec<u8>, Status> {
    serde_json::to_vec(thing).map_err(|error| Status::internal(error.to_string()))
}

pub(super) fn refusal_on(route: Route, status: &Status) -> Response {
    let details = status.get_error_details();
    // Its name stays taken, but there is nothing at it.
    if route.names_one() && reason(&details) == "TENANT_DELETED" {
        return shown(StatusCode::NOT_FOUND, status, &details);
    }
    refusal(status)
}

pub(super) fn refusal(status: &Status) -> Response {
    let details = status.get_error_details();
    shown(code(status, reason(&details)), status, &details)
}

fn shown(code: StatusCode, status: &Status, details: &ErrorDetails) -> Response {
    let fields = details.bad_request();
    let fields = fields.map_or(&[][..], |request| &request.field_violations);
    let body = Refusal {
        status: "error",
        error: status.message(),
        reason: reason(details),
        fields: fields.iter().map(field).collect(),
    };
    let body = serde_json::to_vec(&body).unwrap_or_default();
    let mut response = (code, HEAD, body).into_response();
    let headers = response.headers_mut();
    if code == StatusCode::UNAUTHORIZED {
        let challenge = HeaderValue::from_static("Basic realm=\"takt\", Bearer");
        headers.insert(WWW_AUTHENTICATE, challenge);
    }
    let wait = details.retry_info().and_then(|info| info.retry_delay);
    if let Some(wait) = wait {
        // Whole seconds are what HTTP has.
        headers.insert(RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
    }
    response
}

fn reason(details: &ErrorDetails) -> &str {
    details.error_info().map_or("", |info| &info.reason)
}

/// Fields are named as in the contract; those at fault here are called as in JSON.
fn field(violation: &tonic_types::FieldViolation) -> Field<'_> {
    let field = match violation.field.as_str() {
        "tenant" | "licence" => "name",
        "change.if_match" => "If-Match",
        "envelope" => "token",
        "policy" => "access_policy",
        "expires_at" => "expiration",
        "spec.realms.allow" => "realms.label_policies",
        field => field.strip_prefix("spec.").unwrap_or(field),
    };
    Field {
        field,
        error: &violation.description,
    }
}

fn code(status: &Status, reason: &str) -> StatusCode {
    match (status.code(), reason) {
        (_, "IF_MATCH_MISSING") => StatusCode::PRECONDITION_REQUIRED,
        (_, "VERSION_MISMATCH") => StatusCode::PRECONDITION_FAILED,
        (_, "REQUEST_TOO_LARGE") => StatusCode::PAYLOAD_TOO_LARGE,
        (
            Code::InvalidArgument,
            "REQUEST_MALFORMED" | "REQUEST_BROKEN_OFF" | "IF_MATCH_INVALID" | "QUERY_INVALID"
            | "COMMAND_ID_INVALID",
        ) => StatusCode::BAD_REQUEST,
        (Code::InvalidArgument | Code::OutOfRange, _) => StatusCode::UNPROCESSABLE_ENTITY,
        (Code::Unauthenticated, _) => StatusCode::UNAUTHORIZED,
        (Code::PermissionDenied, _) => StatusCode::FORBIDDEN,
        (Code::NotFound, _) => StatusCode::NOT_FOUND,
        (Code::AlreadyExists | Code::FailedPrecondition | Code::Aborted, _) => StatusCode::CONFLICT,
        (Code::ResourceExhausted, _) => StatusCode::TOO_MANY_REQUESTS,
        (Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled, _) => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        (Code::Ok | Code::Unknown | Code::Unimplemented | Code::Internal | Code::DataLoss, _) => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
    }
}
