//! Every "no" of the receivers, and what it is called in HTTP and in gRPC.

use http::StatusCode;
use takt_kit::{Code, Reject};
use takt_model::IdError;

/// Why a request was not taken in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("no org id")]
    NoTenant,
    #[error("spans can be written to one tenant at a time")]
    ManyTenants,
    #[error("tenant id contains characters that are not ASCII")]
    TenantNotAscii,
    #[error("{0}")]
    Tenant(IdError),
    #[error("`{0}` is not served here")]
    Path(String),
    #[error("method `{0}` is not supported, use `POST`")]
    Method(http::Method),
    #[error("content type `{given}` is not supported, use {supported}")]
    ContentType {
        given: String,
        supported: &'static str,
    },
    #[error(
        "content encoding `{0}` is not supported, use gzip, zstd, snappy, deflate, zlib or none"
    )]
    Encoding(String),
    #[error("request is larger than {limit} bytes")]
    TooLarge { limit: usize },
    #[error("request is larger than {limit} bytes once unpacked")]
    UnpackedTooLarge { limit: usize },
    #[error("request did not arrive within {seconds} s")]
    Slow { seconds: u64 },
    #[error("connection broke while the request was read")]
    Broken,
    #[error("request cannot be unpacked as {encoding}: {error}")]
    Corrupt {
        encoding: &'static str,
        error: std::io::Error,
    },
    #[error("request is not OTLP JSON: {0}")]
    Json(String),
    #[error("request is not one gRPC message: {0}")]
    Framing(&'static str),
    #[error("too many bytes of requests are in flight")]
    Busy,
    #[error("{0}")]
    Rejected(Reject),
}

impl Refusal {
    pub(crate) fn http(&self) -> StatusCode {
        match self {
            Self::Path(_) => StatusCode::NOT_FOUND,
            Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::ContentType { .. } | Self::Encoding(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge { .. } | Self::UnpackedTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Slow { .. } => StatusCode::REQUEST_TIMEOUT,
            Self::NoTenant
            | Self::ManyTenants
            | Self::TenantNotAscii
            | Self::Tenant(_)
            | Self::Broken
            | Self::Corrupt { .. }
            | Self::Json(_)
            | Self::Framing(_)
            | Self::Busy
            | Self::Rejected(_) => self.reject().code.http(),
        }
    }

    pub(crate) fn grpc(&self) -> tonic::Status {
        match self {
            Self::Path(_) | Self::Encoding(_) => tonic::Status::unimplemented(self.to_string()),
            Self::Slow { .. } => tonic::Status::deadline_exceeded(self.to_string()),
            Self::Method(_)
            | Self::ContentType { .. }
            | Self::TooLarge { .. }
            | Self::UnpackedTooLarge { .. }
            | Self::NoTenant
            | Self::ManyTenants
            | Self::TenantNotAscii
            | Self::Tenant(_)
            | Self::Broken
            | Self::Corrupt { .. }
            | Self::Json(_)
            | Self::Framing(_)
            | Self::Busy
            | Self::Rejected(_) => self.reject().status(),
        }
    }

    /// The refusal in the words of the whole system.
    pub(crate) fn reject(&self) -> Reject {
        let (code, reason) = match self {
            Self::Rejected(reject) => return reject.clone(),
            Self::Busy => {
                return Reject::new(Code::Exhausted, "RECEIVER_BUSY", self.to_string())
                    .retry_after(takt_ingest::RETRY_AFTER);
            }
            Self::NoTenant => (Code::Unauthenticated, "TENANT_MISSING"),
            Self::ManyTenants | Self::TenantNotAscii | Self::Tenant(_) => {
                (Code::Invalid, "TENANT_INVALID")
            }
            Self::Path(_) => (Code::NotFound, "PATH_UNKNOWN"),
            Self::Method(_) => (Code::Invalid, "METHOD_UNSUPPORTED"),
            Self::ContentType { .. } => (Code::Invalid, "CONTENT_TYPE_UNSUPPORTED"),
            Self::Encoding(_) => (Code::Invalid, "ENCODING_UNSUPPORTED"),
            // As gRPC has it for messages over the limit. There is no retry hint, for a retry cannot help.
            Self::TooLarge { .. } | Self::UnpackedTooLarge { .. } => {
                (Code::Exhausted, "REQUEST_TOO_LARGE")
            }
            Self::Slow { .. } => (Code::Unavailable, "REQUEST_SLOW"),
            Self::Broken => (Code::Unavailable, "CONNECTION_BROKEN"),
            Self::Corrupt { .. } | Self::Json(_) | Self::Framing(_) => {
                (Code::Invalid, "REQUEST_MALFORMED")
            }
        };
        Reject::new(code, reason, self.to_string())
    }
}
