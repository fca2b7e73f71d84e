//! Why a query has no answer, and the status and text a client of Tempo expects then.

use http::StatusCode;
use takt_kit::Reject;
use takt_kit::budget::Exhausted;
use takt_traceql::ParseError;

use crate::params::Invalid;
use crate::trace_by_id::DiffRefusal;

/// Everything that can become of a query instead of an answer.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error(transparent)]
    Invalid(#[from] Invalid),
    #[error("invalid TraceQL query: {0}")]
    Query(ParseError),
    #[error(
        "metrics queries are not supported yet: this server answers search, trace and tag queries"
    )]
    MetricsUnsupported,
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
    #[error("unable to process request in the configured timeout")]
    TimedOut,
    /// The client went away, or the server is stopping.
    #[error("context canceled")]
    Cancelled,
    #[error("a block cannot be read: {0}")]
    Store(#[from] takt_store::Error),
    #[error("a block is damaged: {0}")]
    Block(#[from] takt_block::Error),
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
            Self::Invalid(_) | Self::Query(_) | Self::MetricsUnsupported => StatusCode::BAD_REQUEST,
            Self::NoTenant => StatusCode::UNAUTHORIZED,
            Self::Refused(reject) => reject.code.http(),
            Self::TraceNotFound => StatusCode::NOT_FOUND,
            Self::TraceTooLarge(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Diff(DiffRefusal::NotFound) => StatusCode::NOT_FOUND,
            Self::Diff(DiffRefusal::Partial { .. } | DiffRefusal::TooDeep) => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Self::Diff(DiffRefusal::TooLarge { .. }) | Self::QueueFull | Self::Memory(_) => {
                StatusCode::TOO_MANY_REQUESTS
            }
            Self::TimedOut => StatusCode::SERVICE_UNAVAILABLE,
            Self::Cancelled => {
                StatusCode::from_u16(499).expect("499 is in the range of status codes")
            }
            Self::Store(_) | Self::Block(_) | Self::Internal(_) => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        }
    }

    /// A seconds hint for refusals that pass by themselves.
    #[must_use]
    pub fn retry_after_seconds(&self) -> Option<u64> {
        match self {
            Self::QueueFull | Self::Memory(_) => Some(1),
            Self::Refused(reject) => reject.retry_after.map(|wait| wait.as_secs().max(1)),
            _ => None,
        }
    }
}
