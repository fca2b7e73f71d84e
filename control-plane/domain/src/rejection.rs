//! The ways to be told no.

use takt_model::{LimitError, Revision, TenantId};

use crate::tenants::{MAX_DISPLAY_NAME_BYTES, MAX_SUSPEND_REASON_BYTES};

/// A rule said no. The text is for people, [`Rejection::reason`] for programs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    #[error("tenant `{0}` is unknown; create it with `takt ctl tenant create {0}`")]
    TenantUnknown(TenantId),
    #[error("tenant `{0}` exists already")]
    TenantExists(TenantId),
    #[error("tenant `{0}` is deleted; its id is not given out again")]
    TenantDeleted(TenantId),
    #[error(
        "the display name is {0} bytes long, at most {max} are allowed",
        max = MAX_DISPLAY_NAME_BYTES
    )]
    DisplayNameTooLong(usize),
    #[error(
        "the reason is {0} bytes long, at most {max} are allowed",
        max = MAX_SUSPEND_REASON_BYTES
    )]
    SuspendReasonTooLong(usize),
    #[error("version `{asked}` was asked for, but it is at `{current}`; read it again and retry")]
    VersionMismatch { asked: Revision, current: Revision },
    #[error(transparent)]
    OverrideUnknown(LimitError),
    #[error(transparent)]
    OverrideInvalid(LimitError),
    #[error("override `{0}` is to be set and cleared at once")]
    OverrideAmbiguous(String),
}

/// What kind of no: what a caller can do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The command can never succeed as it stands.
    Invalid,
    NotFound,
    /// It does not fit what is there now.
    Conflict,
}

impl Rejection {
    /// Stable; part of the API.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::TenantUnknown(_) => "TENANT_UNKNOWN",
            Self::TenantExists(_) => "TENANT_EXISTS",
            Self::TenantDeleted(_) => "TENANT_DELETED",
            Self::DisplayNameTooLong(_) => "DISPLAY_NAME_TOO_LONG",
            Self::SuspendReasonTooLong(_) => "SUSPEND_REASON_TOO_LONG",
            Self::VersionMismatch { .. } => "VERSION_MISMATCH",
            Self::OverrideUnknown(_) => "OVERRIDE_UNKNOWN",
            Self::OverrideInvalid(_) => "OVERRIDE_INVALID",
            Self::OverrideAmbiguous(_) => "OVERRIDE_AMBIGUOUS",
        }
    }

    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::TenantUnknown(_) => Kind::NotFound,
            Self::TenantExists(_) | Self::TenantDeleted(_) | Self::VersionMismatch { .. } => {
                Kind::Conflict
            }
            Self::DisplayNameTooLong(_)
            | Self::SuspendReasonTooLong(_)
            | Self::OverrideUnknown(_)
            | Self::OverrideInvalid(_)
            | Self::OverrideAmbiguous(_) => Kind::Invalid,
        }
    }
}
