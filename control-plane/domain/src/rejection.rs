//! The ways to be told no.

use takt_model::{LimitError, Revision, TenantId};

use crate::{access, cluster, decisions, jobs, ledger, licences, nodes, policies, ring, tenants};

/// A rule said no. The text is for people, [`Rejection::reason`] for programs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    #[error(transparent)]
    Tenant(#[from] tenants::Rejection),
    #[error("tenant `{0}` is unknown; create it with `takt ctl tenant create {0}`")]
    TenantUnknown(TenantId),
    #[error("tenant `{0}` is deleted; its id is not given out again")]
    TenantDeleted(TenantId),
    #[error("version `{asked}` was asked for, but it is at `{current}`; read it again and retry")]
    VersionMismatch { asked: Revision, current: Revision },
    #[error(transparent)]
    OverrideUnknown(LimitError),
    #[error(transparent)]
    OverrideInvalid(LimitError),
    #[error("override `{0}` is to be set and cleared at once")]
    OverrideAmbiguous(String),
    #[error("override `{0}` is the operator's: a tenant cannot set it for itself")]
    OverrideNotTheirs(String),
    #[error(transparent)]
    Ring(#[from] ring::Rejection),
    #[error(transparent)]
    Policy(#[from] policies::Rejection),
    #[error(transparent)]
    Decision(#[from] decisions::Rejection),
    #[error(transparent)]
    Access(#[from] access::Rejection),
    #[error(transparent)]
    Licence(#[from] licences::Rejection),
    #[error(transparent)]
    Ledger(#[from] ledger::Rejection),
    #[error(transparent)]
    Job(#[from] jobs::Rejection),
    #[error(transparent)]
    Node(#[from] nodes::Rejection),
    #[error(transparent)]
    Cluster(#[from] cluster::Rejection),
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
            Self::TenantDeleted(_) => "TENANT_DELETED",
            Self::VersionMismatch { .. } => "VERSION_MISMATCH",
            Self::OverrideUnknown(_) => "OVERRIDE_UNKNOWN",
            Self::OverrideInvalid(_) => "OVERRIDE_INVALID",
            Self::OverrideAmbiguous(_) => "OVERRIDE_AMBIGUOUS",
            Self::OverrideNotTheirs(_) => "OVERRIDE_NOT_USER_CONFIGURABLE",
            Self::Tenant(rejection) => rejection.reason(),
            Self::Ring(rejection) => rejection.reason(),
            Self::Policy(rejection) => rejection.reason(),
            Self::Decision(rejection) => rejection.reason(),
            Self::Access(rejection) => rejection.reason(),
            Self::Licence(rejection) => rejection.reason(),
            Self::Ledger(rejection) => rejection.reason(),
            Self::Job(rejection) => rejection.reason(),
            Self::Node(rejection) => rejection.reason(),
            Self::Cluster(rejection) => rejection.reason(),
        }
    }

    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::TenantUnknown(_) => Kind::NotFound,
            Self::TenantDeleted(_) | Self::VersionMismatch { .. } => Kind::Conflict,
            Self::OverrideUnknown(_)
            | Self::OverrideInvalid(_)
            | Self::OverrideAmbiguous(_)
            | Self::OverrideNotTheirs(_) => Kind::Invalid,
            Self::Tenant(rejection) => rejection.kind(),
            Self::Ring(rejection) => rejection.kind(),
            Self::Policy(rejection) => rejection.kind(),
            Self::Decision(rejection) => rejection.kind(),
            Self::Access(rejection) => rejection.kind(),
            Self::Licence(rejection) => rejection.kind(),
            Self::Ledger(rejection) => rejection.kind(),
            Self::Job(rejection) => rejection.kind(),
            Self::Node(rejection) => rejection.kind(),
            Self::Cluster(rejection) => rejection.kind(),
        }
    }

    /// The field of the request that is at fault, if it is one.
    #[must_use]
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::TenantUnknown(_) | Self::TenantDeleted(_) => Some("tenant"),
            Self::VersionMismatch { .. } => Some("change.if_match"),
            Self::OverrideUnknown(_) | Self::OverrideInvalid(_) | Self::OverrideNotTheirs(_) => {
                Some("set")
            }
            Self::OverrideAmbiguous(_) => Some("clear"),
            Self::Tenant(rejection) => rejection.field(),
            Self::Ring(rejection) => rejection.field(),
            Self::Policy(rejection) => rejection.field(),
            Self::Decision(rejection) => rejection.field(),
            Self::Access(rejection) => rejection.field(),
            Self::Licence(rejection) => rejection.field(),
            Self::Ledger(rejection) => rejection.field(),
            Self::Job(rejection) => rejection.field(),
            Self::Node(rejection) => rejection.field(),
            Self::Cluster(rejection) => rejection.field(),
        }
    }
}
