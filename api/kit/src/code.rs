//! What kind of "no": one closed set, one mapping to gRPC and one to HTTP.

use std::time::Duration;

use tonic_types::{ErrorDetails, StatusExt as _};

/// The kinds of refusal and failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    Invalid,
    Unauthenticated,
    Denied,
    NotFound,
    Conflict,
    /// A rate, a queue or a budget is full; later it may not be.
    Exhausted,
    Unavailable,
    Internal,
}

impl Code {
    #[must_use]
    pub fn grpc(self) -> tonic::Code {
        match self {
            Self::Invalid => tonic::Code::InvalidArgument,
            Self::Unauthenticated => tonic::Code::Unauthenticated,
            Self::Denied => tonic::Code::PermissionDenied,
            Self::NotFound => tonic::Code::NotFound,
            Self::Conflict => tonic::Code::FailedPrecondition,
            Self::Exhausted => tonic::Code::ResourceExhausted,
            Self::Unavailable => tonic::Code::Unavailable,
            Self::Internal => tonic::Code::Internal,
        }
    }

    #[must_use]
    pub fn http(self) -> http::StatusCode {
        match self {
            Self::Invalid => http::StatusCode::BAD_REQUEST,
            Self::Unauthenticated => http::StatusCode::UNAUTHORIZED,
            Self::Denied => http::StatusCode::FORBIDDEN,
            Self::NotFound => http::StatusCode::NOT_FOUND,
            Self::Conflict => http::StatusCode::CONFLICT,
            Self::Exhausted => http::StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable => http::StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => http::StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// A "no" on its way to a caller: what kind, why in words, why as a stable reason, and whether to try again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Reject {
    pub code: Code,
    /// Stable, upper case: `TENANT_UNKNOWN`. Programs match on it.
    pub reason: &'static str,
    pub message: String,
    /// Present when a retry can help, with how long to wait first.
    pub retry_after: Option<Duration>,
    /// The field of the request that is at fault, if it is one.
    pub field: Option<&'static str>,
}

impl Reject {
    #[must_use]
    pub fn new(code: Code, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            reason,
            message: message.into(),
            retry_after: None,
            field: None,
        }
    }

    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    #[must_use]
    pub fn at_field(mut self, field: &'static str) -> Self {
        self.field = Some(field);
        self
    }

    /// As a gRPC status with `ErrorInfo`, with `RetryInfo` when a retry can help, and with `BadRequest` when a
    /// field is at fault.
    #[must_use]
    pub fn status(&self) -> tonic::Status {
        let mut details =
            ErrorDetails::with_error_info(self.reason, "takt", std::collections::HashMap::new());
        if let Some(wait) = self.retry_after {
            details.set_retry_info(Some(wait));
        }
        if let Some(field) = self.field {
            details.add_bad_request_violation(field, self.message.clone());
        }
        tonic::Status::with_error_details(self.code.grpc(), self.message.clone(), details)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rejection_carries_reason_and_retry_to_grpc() {
        let reject = Reject::new(Code::Exhausted, "RATE_LIMITED", "slow down")
            .retry_after(Duration::from_secs(5));
        let status = reject.status();
        assert_eq!(
            (status.code(), status.message()),
            (tonic::Code::ResourceExhausted, "slow down")
        );
        let details = status.get_error_details();
        assert_eq!(
            details.error_info().map(|info| info.reason.as_str()),
            Some("RATE_LIMITED")
        );
        assert_eq!(
            details.retry_info().and_then(|info| info.retry_delay),
            Some(Duration::from_secs(5))
        );
    }
}
