//! The kinds of jobs and what each has to know.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use takt_model::{BlockId, TraceId, UnixNano};

use super::{MAX_BLOCKS, MAX_TEXT_BYTES, MAX_TRACES, Rejection};

/// What is to be done. A new kind of job is a new variant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload {
    /// Merge blocks into one.
    Compaction { blocks: Vec<BlockId> },
    /// Delete what is older than the tenant keeps.
    Retention,
    /// Take traces out of a block.
    Redaction {
        block: BlockId,
        traces: Traces,
        /// Count and change nothing.
        dry_run: bool,
        /// Only traces that overlap it.
        window: Option<(UnixNano, UnixNano)>,
    },
    /// Delete everything of a deleted tenant.
    TenantPurge,
    /// Write blocks anew in another format.
    Conversion {
        blocks: Vec<BlockId>,
        format: String,
    },
    /// Write the index of a tenant's blocks.
    Index,
    /// Delete decision segments older than the tenant keeps.
    DecisionRetention,
}

/// Which traces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Traces {
    Ids(Vec<TraceId>),
    Query(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JobKind {
    Compaction,
    Retention,
    Redaction,
    TenantPurge,
    Conversion,
    Index,
    DecisionRetention,
}

impl JobKind {
    pub const ALL: [Self; 7] = [
        Self::Compaction,
        Self::Retention,
        Self::Redaction,
        Self::TenantPurge,
        Self::Conversion,
        Self::Index,
        Self::DecisionRetention,
    ];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Compaction => "compaction",
            Self::Retention => "retention",
            Self::Redaction => "redaction",
            Self::TenantPurge => "tenant_purge",
            Self::Conversion => "conversion",
            Self::Index => "index",
            Self::DecisionRetention => "decision_retention",
        }
    }

    /// Whether a tenant has at most one of them that is not finished: another would do the same.
    #[must_use]
    pub fn single(self) -> bool {
        match self {
            Self::Retention | Self::TenantPurge | Self::Index | Self::DecisionRetention => true,
            Self::Compaction | Self::Redaction | Self::Conversion => false,
        }
    }
}

impl fmt::Display for JobKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text is not a kind of job.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a kind of job; there are {kinds}", kinds = JobKind::ALL.map(JobKind::as_str).join(", "))]
pub struct JobKindError(String);

impl FromStr for JobKind {
    type Err = JobKindError;
    fn from_str(text: &str) -> Result<Self, JobKindError> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| JobKindError(text.chars().take(64).collect()))
    }
}

impl Payload {
    #[must_use]
    pub fn kind(&self) -> JobKind {
        match self {
            Self::Compaction { .. } => JobKind::Compaction,
            Self::Retention => JobKind::Retention,
            Self::Redaction { .. } => JobKind::Redaction,
            Self::TenantPurge => JobKind::TenantPurge,
            Self::Conversion { .. } => JobKind::Conversion,
            Self::Index => JobKind::Index,
            Self::DecisionRetention => JobKind::DecisionRetention,
        }
    }

    /// The blocks it takes for itself while it is not finished.
    #[must_use]
    pub fn blocks(&self) -> &[BlockId] {
        match self {
            Self::Compaction { blocks } | Self::Conversion { blocks, .. } => blocks,
            Self::Redaction { block, dry_run, .. } if !dry_run => std::slice::from_ref(block),
            Self::Redaction { .. }
            | Self::Retention
            | Self::TenantPurge
            | Self::Index
            | Self::DecisionRetention => &[],
        }
    }

    pub(super) fn check(&self) -> Result<(), Rejection> {
        match self {
            Self::Compaction { blocks } => check_blocks(self.kind(), blocks, 2),
            Self::Conversion { blocks, format } => {
                check_blocks(self.kind(), blocks, 1)?;
                check_text("jobs.payload", format, 64)
            }
            Self::Redaction { traces, window, .. } => {
                if window.is_some_and(|(start, end)| end <= start) {
                    return Err(Rejection::Window);
                }
                match traces {
                    Traces::Ids(ids) if ids.is_empty() || ids.len() > MAX_TRACES => {
                        Err(Rejection::Traces)
                    }
                    Traces::Query(query) if query.is_empty() => Err(Rejection::Traces),
                    Traces::Ids(_) => Ok(()),
                    Traces::Query(query) => check_text("jobs.payload", query, MAX_TEXT_BYTES),
                }
            }
            Self::Retention | Self::TenantPurge | Self::Index | Self::DecisionRetention => Ok(()),
        }
    }
}

fn check_blocks(kind: JobKind, blocks: &[BlockId], min: usize) -> Result<(), Rejection> {
    let different: BTreeSet<&BlockId> = blocks.iter().collect();
    let count = blocks.len();
    if different.len() == count && (min..=MAX_BLOCKS).contains(&count) {
        return Ok(());
    }
    Err(Rejection::Blocks {
        kind,
        count: different.len(),
        min,
        max: MAX_BLOCKS,
    })
}

pub(super) fn check_text(field: &'static str, text: &str, max: usize) -> Result<(), Rejection> {
    if text.len() > max {
        let bytes = text.len();
        return Err(Rejection::TextTooLong { field, bytes, max });
    }
    Ok(())
}
