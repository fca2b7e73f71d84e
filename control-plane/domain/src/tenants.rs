//! Who may use this installation: created, changed, suspended, resumed, deleted, purged.
//!
//! A deletion is a saga: from `Deleted` on the tenant may do nothing, workers purge its blocks and
//! report how far they are, and after `Purged` a tombstone stays, so that the id cannot come to mean
//! somebody else.

mod fold;
mod rules;

use std::collections::{BTreeMap, BTreeSet};

use takt_model::{Revision, TenantId, UnixNano};

use crate::{Kind, Resource, Subject};

pub(crate) use fold::evolve;
pub(crate) use rules::{decide, matches, present};

pub const MAX_DISPLAY_NAME_BYTES: usize = 256;
pub const MAX_REASON_BYTES: usize = 1024;
pub const MAX_LABELS: usize = 32;
pub const MAX_LABEL_KEY_BYTES: usize = 63;
pub const MAX_LABEL_VALUE_BYTES: usize = 256;
pub const MAX_CELL_BYTES: usize = 63;

/// One tenant as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    pub display_name: String,
    pub standing: Standing,
    pub labels: BTreeMap<String, String>,
    pub block_format: BlockFormat,
    /// Which cell of the installation serves it; empty is any.
    pub cell: String,
    pub created_at: UnixNano,
    /// The revision after its last change.
    pub version: Revision,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    Active,
    Suspended {
        reason: String,
    },
    /// It may do nothing; its blocks are being purged.
    Deleting(Purge),
    /// Nothing of it is left but its id.
    Deleted,
}

/// How far a deletion has come.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Purge {
    pub deleted_at: UnixNano,
    pub blocks: u64,
    pub bytes: u64,
    /// What went wrong the last time; empty if nothing did since.
    pub last_failure: String,
}

/// How the new blocks of a tenant are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BlockFormat {
    #[default]
    Native,
    VParquet4,
    VParquet5,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    Create {
        tenant: TenantId,
        profile: Profile,
    },
    /// Changes what is named.
    Update {
        tenant: TenantId,
        change: Profile,
        clear_labels: BTreeSet<String>,
        if_match: Option<Revision>,
    },
    Suspend {
        tenant: TenantId,
        reason: String,
        if_match: Option<Revision>,
    },
    Resume {
        tenant: TenantId,
        if_match: Option<Revision>,
    },
    Delete {
        tenant: TenantId,
        if_match: Option<Revision>,
    },
    /// Takes a deletion back, as long as nothing was purged.
    Undelete {
        tenant: TenantId,
        if_match: Option<Revision>,
    },
    /// A worker says how far the purge has come.
    RecordPurge {
        tenant: TenantId,
        step: PurgeStep,
    },
}

impl Command {
    /// Lets a tenant in, without saying more about it.
    #[must_use]
    pub fn create(tenant: TenantId) -> Self {
        Self::Create {
            tenant,
            profile: Profile::default(),
        }
    }
}

/// What can be said of a tenant; `None` leaves it as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Profile {
    pub display_name: Option<String>,
    /// These are set, others stay.
    pub labels: BTreeMap<String, String>,
    pub block_format: Option<BlockFormat>,
    pub cell: Option<String>,
    /// Whether it may not write. One that is suspended already keeps its reason.
    pub suspended: Option<bool>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PurgeStep {
    /// So many more blocks and bytes are gone.
    Progressed {
        blocks: u64,
        bytes: u64,
    },
    Failed {
        reason: String,
    },
    /// Nothing is left.
    Finished,
}

/// Facts about tenants. The first five were released first and stand in the stored event itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    Created {
        tenant: TenantId,
        display_name: String,
    },
    Renamed {
        tenant: TenantId,
        display_name: String,
    },
    Suspended {
        tenant: TenantId,
        reason: String,
    },
    Resumed {
        tenant: TenantId,
    },
    Deleted {
        tenant: TenantId,
    },
    LabelSet {
        tenant: TenantId,
        key: String,
        value: String,
    },
    LabelCleared {
        tenant: TenantId,
        key: String,
    },
    BlockFormatChosen {
        tenant: TenantId,
        block_format: BlockFormat,
    },
    CellAssigned {
        tenant: TenantId,
        cell: String,
    },
    Undeleted {
        tenant: TenantId,
    },
    PurgeProgressed {
        tenant: TenantId,
        blocks: u64,
        bytes: u64,
    },
    PurgeFailed {
        tenant: TenantId,
        reason: String,
    },
    Purged {
        tenant: TenantId,
    },
}

impl Event {
    /// What it is about.
    #[must_use]
    pub fn subject(&self) -> Subject {
        Subject::of_tenant(Resource::Tenant, self.tenant())
    }

    /// Whom it is about.
    #[must_use]
    pub fn tenant(&self) -> &TenantId {
        match self {
            Self::Created { tenant, .. }
            | Self::Renamed { tenant, .. }
            | Self::Suspended { tenant, .. }
            | Self::Resumed { tenant }
            | Self::Deleted { tenant }
            | Self::LabelSet { tenant, .. }
            | Self::LabelCleared { tenant, .. }
            | Self::BlockFormatChosen { tenant, .. }
            | Self::CellAssigned { tenant, .. }
            | Self::Undeleted { tenant }
            | Self::PurgeProgressed { tenant, .. }
            | Self::PurgeFailed { tenant, .. }
            | Self::Purged { tenant } => tenant,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    #[error("tenant `{0}` exists already")]
    Exists(TenantId),
    #[error("tenant `{0}` is not being deleted")]
    NotDeleting(TenantId),
    #[error("blocks of tenant `{0}` are purged already; its deletion cannot be taken back")]
    PurgeBegan(TenantId),
    #[error("the display name is {0} bytes long, at most {MAX_DISPLAY_NAME_BYTES} are allowed")]
    DisplayNameTooLong(usize),
    #[error("the reason is {0} bytes long, at most {MAX_REASON_BYTES} are allowed")]
    ReasonTooLong(usize),
    #[error(
        "label `{0}` is not legal: a key has 1 to {MAX_LABEL_KEY_BYTES} of `a-z A-Z 0-9 _ - . /` and begins with a letter"
    )]
    LabelKey(String),
    #[error(
        "the value of label `{key}` is {bytes} bytes long, at most {MAX_LABEL_VALUE_BYTES} are allowed"
    )]
    LabelValue { key: String, bytes: usize },
    #[error("a tenant may have {MAX_LABELS} labels, these would be {0}")]
    TooManyLabels(usize),
    #[error("label `{0}` is to be set and cleared at once")]
    LabelAmbiguous(String),
    #[error("cell `{0}` is not legal: at most {MAX_CELL_BYTES} of `a-z 0-9 -`")]
    Cell(String),
}

impl Rejection {
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Exists(_) => "TENANT_EXISTS",
            Self::NotDeleting(_) => "TENANT_NOT_DELETING",
            Self::PurgeBegan(_) => "TENANT_PURGE_BEGAN",
            Self::DisplayNameTooLong(_) => "DISPLAY_NAME_TOO_LONG",
            Self::ReasonTooLong(_) => "REASON_TOO_LONG",
            Self::LabelKey(_) => "LABEL_KEY_INVALID",
            Self::LabelValue { .. } => "LABEL_VALUE_TOO_LONG",
            Self::TooManyLabels(_) => "TOO_MANY_LABELS",
            Self::LabelAmbiguous(_) => "LABEL_AMBIGUOUS",
            Self::Cell(_) => "CELL_INVALID",
        }
    }

    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Exists(_) | Self::NotDeleting(_) | Self::PurgeBegan(_) => Kind::Conflict,
            Self::DisplayNameTooLong(_)
            | Self::ReasonTooLong(_)
            | Self::LabelKey(_)
            | Self::LabelValue { .. }
            | Self::TooManyLabels(_)
            | Self::LabelAmbiguous(_)
            | Self::Cell(_) => Kind::Invalid,
        }
    }

    /// The field of the request that is at fault, if it is one.
    #[must_use]
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::Exists(_) | Self::NotDeleting(_) | Self::PurgeBegan(_) => Some("tenant"),
            Self::DisplayNameTooLong(_) => Some("display_name"),
            Self::ReasonTooLong(_) => Some("reason"),
            Self::LabelKey(_)
            | Self::LabelValue { .. }
            | Self::TooManyLabels(_)
            | Self::LabelAmbiguous(_) => Some("labels"),
            Self::Cell(_) => Some("cell"),
        }
    }
}
