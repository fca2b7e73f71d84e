//! Why a query has no answer, and the status and text a client of Tempo expects then.

use http::StatusCode;
use takt_kit::Reject;
use takt_kit::budget::Exhausted;

use crate::params::Invalid;
use crate::trace_by_id::DiffRefusal;

/// Everything that can become of a query instead of an answer.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// With the line, a caret and what was meant, if that can be told.
    #[error("invalid TraceQL query: {0}")]
    Query(String),
    #[error("no org id")]
    NoTenant,
    #[error(transparent)]
    Refused(#[from] Reject),
    /// No source has the trace; answered with an empty body.
    #[error("")]
    TraceNotFound,
    #[error("trace exceeds max size (max bytes: {0})")]
    TraceTooLarge(u64),
    #[error(transparent)]
    Diff(#[from] DiffRefusal),
    #[error("job queue full")]
    QueueFull,
    #[error("the query needs more memory than is left: {0}")]
    Memory(#[from] Exhausted),
    #[error(
        "the query needs more than the {0} bytes of memory that one query may take: ask for a shorter time, fewer groups or fewer attributes"
    )]
    QueryTooLarge(usize),
    #[error("unable to process request in the configured timeout")]
    TimedOut,
    /// The client went away, or the server is stopping.
    #[error("context canceled")]
    Cancelled,
    #[error("a block cannot be read: {0}")]
    Store(#[from] takt_store::Error),
    #[error("a block is damaged: {0}")]
    Block(#[from] takt_block::Error),
    /// A querier had no room.
    #[error("{0}")]
    Busy(String),
    #[error("a querier cannot be asked: {0}")]
    Querier(String),
    /// A defect of ours: stored spans that cannot be encoded, a worker that died.
    #[error("{0}")]
    Internal(String),
}

/// The engine stops only because it was told to.
impl From<takt_engine::Stopped> for Failure {
    fn from(_: takt_engine::Stopped) -> Self {
        Self::Cancelled
    }
}

impl Failure {
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Invalid(_) | Self::Query(_) => StatusCode::BAD_REQUEST,
            Self::NoTenant => StatusCode::UNAUTHORIZED,
            Self::Refused(reject) => reject.code.http(),
            Self::TraceNotFound => StatusCode::NOT_FOUND,
            Self::TraceTooLarge(_) | Self::QueryTooLarge(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Diff(DiffRefusal::NotFound) => StatusCode::NOT_FOUND,
            Self::Diff(DiffRefusal::Partial { .. } | DiffRefusal::TooDeep) => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Self::Diff(DiffRefusal::TooLarge { .. })
            | Self::QueueFull
            | Self::Memory(_)
            | Self::Busy(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::TimedOut => StatusCode::SERVICE_UNAVAILABLE,
            Self::Cancelled => {
                StatusCode::from_u16(499).expect("499 is in the range of status codes")
            }
            Self::Store(_) | Self::Block(_) | Self::Querier(_) | Self::Internal(_) => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        }
    }

    /// Whether the same may succeed when it is tried again at once.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(self, Self::Store(_) | Self::Internal(_) | Self::Querier(_))
    }

    /// A seconds hint for refusals that pass by themselves.
    #[must_use]
    pub fn retry_after_seconds(&self) -> Option<u64> {
        match self {
            Self::QueueFull | Self::Memory(_) | Self::Busy(_) => Some(1),
            Self::Refused(reject) => reject.retry_after.map(|wait| wait.as_secs().max(1)),
            _ => None,
        }
    }
}

/// A failure as gRPC clients of Tempo expect it.
pub(crate) fn status(failure: &Failure) -> tonic::Status {
    let code = match failure.status().as_u16() {
        400 | 422 => tonic::Code::InvalidArgument,
        401 => tonic::Code::Unauthenticated,
        403 => tonic::Code::PermissionDenied,
        404 => tonic::Code::NotFound,
        429 => tonic::Code::ResourceExhausted,
        499 => tonic::Code::Cancelled,
        503 => tonic::Code::DeadlineExceeded,
        _ => tonic::Code::Internal,
    };
    tonic::Status::new(code, failure.to_string())
}
