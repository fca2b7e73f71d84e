//! From our ways of saying no to the one closed set of codes.

use std::time::Duration;

use takt_domain::{Kind, Rejection};
use takt_kit::{Code, Reject};
use takt_log::{PastError, ProposeError, ReadError};
use tonic::Status;

/// The node at work does not lead, or no longer.
pub(crate) const NOT_LEADER: &str = "CONTROL_NOT_LEADER";

pub(crate) fn proposing(error: &ProposeError) -> Status {
    propose_reject(error).status()
}

pub(crate) fn reading(error: &ReadError) -> Status {
    match error {
        ReadError::Unconfirmed(error) => proposing(error),
        ReadError::Storage(source) => {
            tracing::error!(error = source as &dyn std::error::Error, "{error}");
            Reject::new(Code::Internal, "CONTROL_STORAGE", error.to_string()).status()
        }
    }
}

pub(crate) fn rejected(rejection: &Rejection) -> Status {
    rejection_reject(rejection).status()
}

pub(crate) fn invalid(reason: &'static str, message: impl Into<String>) -> Status {
    Reject::new(Code::Invalid, reason, message).status()
}

/// A state of the past that cannot be brought back.
pub(crate) fn past(error: &PastError) -> Status {
    let text = error.to_string();
    let reject = match error {
        PastError::Future { .. } => Reject::new(Code::Invalid, "REVISION_IN_FUTURE", text),
        PastError::Forgotten { .. } => Reject::new(Code::NotFound, "REVISION_FORGOTTEN", text),
        PastError::Storage(source) => {
            tracing::error!(error = source as &dyn std::error::Error, "{error}");
            Reject::new(Code::Internal, "CONTROL_STORAGE", text)
        }
    };
    reject.status()
}

fn rejection_reject(rejection: &Rejection) -> Reject {
    let code = match rejection.kind() {
        Kind::Invalid => Code::Invalid,
        Kind::NotFound => Code::NotFound,
        Kind::Conflict => Code::Conflict,
    };
    let reject = Reject::new(code, rejection.reason(), rejection.to_string());
    match rejection.field() {
        Some(field) => reject.at_field(field),
        None => reject,
    }
}

fn propose_reject(error: &ProposeError) -> Reject {
    let text = error.to_string();
    let soon = Duration::from_millis(100);
    match error {
        ProposeError::Rejected(rejection) => rejection_reject(rejection),
        ProposeError::Conflict => {
            Reject::new(Code::Conflict, "CONTROL_CONFLICT", text).retry_after(soon)
        }
        ProposeError::Busy => Reject::new(Code::Exhausted, "CONTROL_BUSY", text).retry_after(soon),
        ProposeError::NotLeader { leader } => {
            let text = match leader {
                Some(leader) => format!("{text}; node `{leader}` does"),
                None => text,
            };
            Reject::new(Code::Unavailable, NOT_LEADER, text).retry_after(soon)
        }
        ProposeError::NoCluster => Reject::new(Code::Unavailable, "CONTROL_NO_CLUSTER", text)
            .retry_after(Duration::from_secs(1)),
        ProposeError::Level { .. } => Reject::new(Code::Unavailable, "CONTROL_LEVEL", text)
            .retry_after(Duration::from_secs(1)),
        ProposeError::Timeout => {
            Reject::new(Code::Unavailable, "CONTROL_TIMEOUT", text).retry_after(soon)
        }
        ProposeError::Stopped => Reject::new(Code::Unavailable, "CONTROL_STOPPED", text)
            .retry_after(Duration::from_secs(1)),
    }
}
