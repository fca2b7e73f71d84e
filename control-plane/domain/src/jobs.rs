//! Work for workers: planned, leased, done.
//!
//! A job waits for its turn, is leased to a worker with a fencing token, and ends done, cancelled or
//! poisoned; an attempt that fails, or whose worker falls silent, is followed by another after a while, until
//! there were too many. A report with another token than the job's present one is refused. A block is
//! in at most one job that is not finished.

mod fold;
mod payload;
mod queue;
mod rules;

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use takt_model::{BlockId, Revision, TenantId, UnixNano};
use uuid::Uuid;

use crate::nodes::NodeName;
use crate::{Fence, Kind as RejectionKind, Resource, Subject};

pub(crate) use fold::evolve;
pub use payload::{JobKind, Payload, Traces};
pub use queue::{Jobs, Share};
pub(crate) use rules::decide;

/// How many jobs one command plans or trims at most.
pub const MAX_BATCH: usize = 1000;
pub const MAX_OPEN_PER_TENANT: u32 = 2000;
pub const MAX_OPEN: usize = 100_000;
/// How many finished jobs are remembered; the oldest go first.
pub const MAX_FINISHED: usize = 10_000;
pub const MAX_LEASED_AT_ONCE: u32 = 64;
pub const MAX_BLOCKS: usize = 256;
pub const MAX_TRACES: usize = 10_000;
pub const MAX_TEXT_BYTES: usize = 4096;
pub const MAX_BATCH_NAME_BYTES: usize = 128;
pub const MAX_PRIORITY: u8 = 9;
pub const MAX_ATTEMPTS: u32 = 100;
pub const MIN_TTL: Duration = Duration::from_secs(1);
pub const MAX_TTL: Duration = Duration::from_secs(3600);
/// The wait before the second attempt; it doubles with each, up to [`MAX_BACKOFF`].
pub const MIN_BACKOFF: Duration = Duration::from_secs(10);
pub const MAX_BACKOFF: Duration = Duration::from_secs(3600);

/// Names a job for ever.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub Uuid);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.hyphenated())
    }
}

impl fmt::Debug for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JobId({self})")
    }
}

/// A text is not the id of a job.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a job id (a UUID)")]
pub struct JobIdError(String);

impl FromStr for JobId {
    type Err = JobIdError;
    fn from_str(text: &str) -> Result<Self, JobIdError> {
        Uuid::parse_str(text)
            .map(Self)
            .map_err(|_| JobIdError(text.chars().take(64).collect()))
    }
}

/// One job as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    pub tenant: TenantId,
    pub payload: Payload,
    /// Jobs that belong together; may be empty.
    pub batch: String,
    /// Higher goes first.
    pub priority: u8,
    /// Its place among jobs of one priority.
    pub turn: u64,
    /// Not leased before.
    pub not_before: UnixNano,
    pub attempts: u32,
    pub max_attempts: u32,
    pub planned_at: UnixNano,
    pub standing: Standing,
    /// When it came to stand so.
    pub since: UnixNano,
    /// What the last attempt that did not work said.
    pub error: String,
    /// The revision after its last change.
    pub version: Revision,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// For its turn, or after an attempt that failed for the time of the next.
    Waiting,
    Leased(Lease),
    Done(Outcome),
    Poisoned,
    Cancelled,
}

impl Job {
    /// Nothing more will come of it by itself.
    #[must_use]
    pub fn finished(&self) -> bool {
        match self.standing {
            Standing::Waiting | Standing::Leased(_) => false,
            Standing::Done(_) | Standing::Poisoned | Standing::Cancelled => true,
        }
    }

    #[must_use]
    pub fn kind(&self) -> JobKind {
        self.payload.kind()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    pub worker: NodeName,
    pub fence: Fence,
    /// Unless the worker reports by then, somebody else may have it.
    pub expires_at: UnixNano,
    pub progress: Progress,
}

/// Units of work, whatever they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    pub done: u64,
    pub total: u64,
}

/// What came of a job.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// Blocks that were written.
    pub blocks: Vec<BlockId>,
    pub traces: u64,
    pub bytes_read: u64,
    pub bytes_written: u64,
    pub objects_deleted: u64,
}

/// A job to be planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    pub tenant: TenantId,
    pub payload: Payload,
    pub batch: String,
    pub priority: u8,
    /// Zero: at once.
    pub not_before: UnixNano,
    pub max_attempts: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// All of them or none.
    Plan { jobs: Vec<Draft> },
    /// Takes what is next.
    Lease {
        worker: NodeName,
        /// Empty: all.
        kinds: BTreeSet<JobKind>,
        count: u32,
        ttl: Duration,
    },
    /// Says how far it is, and keeps the lease.
    Report {
        job: JobId,
        fence: Fence,
        progress: Progress,
        ttl: Duration,
    },
    Complete {
        job: JobId,
        fence: Fence,
        outcome: Outcome,
    },
    Fail {
        job: JobId,
        fence: Fence,
        error: String,
        /// Another attempt cannot help.
        permanent: bool,
    },
    /// Its worker fell silent.
    Expire { job: JobId, fence: Fence },
    Cancel {
        job: JobId,
        if_match: Option<Revision>,
    },
    /// From the start: after it was poisoned, or while it waits for another attempt.
    Retry {
        job: JobId,
        if_match: Option<Revision>,
    },
    /// Forgets finished jobs.
    Trim { jobs: Vec<JobId> },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    Planned {
        job: JobId,
        draft: Draft,
        turn: u64,
    },
    Leased {
        job: JobId,
        worker: NodeName,
        fence: Fence,
        expires_at: UnixNano,
        /// 1 is the first.
        attempt: u32,
    },
    Progressed {
        job: JobId,
        fence: Fence,
        progress: Progress,
        expires_at: UnixNano,
    },
    Completed {
        job: JobId,
        fence: Fence,
        worker: NodeName,
        outcome: Outcome,
    },
    /// An attempt did not work; there will be another.
    Failed {
        job: JobId,
        fence: Fence,
        worker: NodeName,
        error: String,
        retry_at: UnixNano,
    },
    /// The worker fell silent; there will be another attempt.
    Expired {
        job: JobId,
        fence: Fence,
        worker: NodeName,
        retry_at: UnixNano,
    },
    /// Given up.
    Poisoned {
        job: JobId,
        fence: Fence,
        worker: NodeName,
        error: String,
    },
    Cancelled {
        job: JobId,
    },
    Retried {
        job: JobId,
        turn: u64,
    },
    Trimmed {
        job: JobId,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    #[error("job `{0}` is unknown, or finished so long ago that it is forgotten")]
    Unknown(JobId),
    #[error("{0} jobs at once, from 1 to {max} are allowed", max = MAX_BATCH)]
    BatchSize(usize),
    #[error("job `{0}` exists already")]
    IdTaken(JobId),
    #[error("tenant `{tenant}` has {max} jobs that are not finished", max = MAX_OPEN_PER_TENANT)]
    TooManyOfTenant { tenant: TenantId },
    #[error("there are {max} jobs that are not finished", max = MAX_OPEN)]
    TooMany,
    #[error("a {kind} job of tenant `{tenant}` is not finished yet: `{job}`")]
    Exists {
        kind: JobKind,
        tenant: TenantId,
        job: JobId,
    },
    #[error("block `{block}` is in job `{job}`, which is not finished")]
    BlockBusy { block: BlockId, job: JobId },
    #[error("a {kind} job takes from {min} to {max} different blocks, not {count}")]
    Blocks {
        kind: JobKind,
        count: usize,
        min: usize,
        max: usize,
    },
    #[error("say either which traces, at most {max}, or a query", max = MAX_TRACES)]
    Traces,
    #[error("the time has to end after it starts")]
    Window,
    #[error("`{field}` is {bytes} bytes long, at most {max} are allowed")]
    TextTooLong {
        field: &'static str,
        bytes: usize,
        max: usize,
    },
    #[error("priority {0} is more than {max}", max = MAX_PRIORITY)]
    Priority(u8),
    #[error("{0} attempts; from 1 to {max} are allowed", max = MAX_ATTEMPTS)]
    Attempts(u32),
    #[error("{0} jobs at once; from 1 to {max} are leased", max = MAX_LEASED_AT_ONCE)]
    LeaseCount(u32),
    #[error("a lease lasts from a second to an hour")]
    Ttl,
    #[error("job `{0}` is leased to nobody")]
    NotLeased(JobId),
    #[error("the token `{asked}` of job `{job}` is fenced off, it is at `{current}`")]
    Fenced {
        job: JobId,
        asked: Fence,
        current: Fence,
    },
    #[error("the lease of job `{0}` has not ended")]
    NotExpired(JobId),
    #[error("job `{0}` is finished")]
    Finished(JobId),
    #[error("job `{0}` is not finished")]
    Open(JobId),
    #[error("job `{0}` can be retried when it is poisoned or waits for another attempt")]
    NotRetryable(JobId),
}

impl Event {
    #[must_use]
    pub fn job(&self) -> JobId {
        match self {
            Self::Planned { job, .. }
            | Self::Leased { job, .. }
            | Self::Progressed { job, .. }
            | Self::Completed { job, .. }
            | Self::Failed { job, .. }
            | Self::Expired { job, .. }
            | Self::Poisoned { job, .. }
            | Self::Cancelled { job }
            | Self::Retried { job, .. }
            | Self::Trimmed { job } => *job,
        }
    }

    /// What it is about. Its tenant stands in the job, not in each event of it.
    #[must_use]
    pub fn subject(&self) -> Subject {
        Subject::named(Resource::Job, self.job().to_string())
    }
}

impl Rejection {
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "JOB_UNKNOWN",
            Self::BatchSize(_) => "JOB_BATCH_SIZE",
            Self::IdTaken(_) => "JOB_ID_TAKEN",
            Self::TooManyOfTenant { .. } => "JOB_TOO_MANY_OF_TENANT",
            Self::TooMany => "JOB_TOO_MANY",
            Self::Exists { .. } => "JOB_EXISTS",
            Self::BlockBusy { .. } => "JOB_BLOCK_BUSY",
            Self::Blocks { .. } => "JOB_BLOCKS",
            Self::Traces => "JOB_TRACES",
            Self::Window => "JOB_WINDOW",
            Self::TextTooLong { .. } => "JOB_TEXT_TOO_LONG",
            Self::Priority(_) => "JOB_PRIORITY",
            Self::Attempts(_) => "JOB_ATTEMPTS",
            Self::LeaseCount(_) => "JOB_LEASE_COUNT",
            Self::Ttl => "JOB_TTL",
            Self::NotLeased(_) => "JOB_NOT_LEASED",
            Self::Fenced { .. } => "JOB_FENCED",
            Self::NotExpired(_) => "JOB_NOT_EXPIRED",
            Self::Finished(_) => "JOB_FINISHED",
            Self::Open(_) => "JOB_OPEN",
            Self::NotRetryable(_) => "JOB_NOT_RETRYABLE",
        }
    }

    #[must_use]
    pub fn kind(&self) -> RejectionKind {
        match self {
            Self::Unknown(_) => RejectionKind::NotFound,
            Self::BatchSize(_)
            | Self::Blocks { .. }
            | Self::Traces
            | Self::Window
            | Self::TextTooLong { .. }
            | Self::Priority(_)
            | Self::Attempts(_)
            | Self::LeaseCount(_)
            | Self::Ttl => RejectionKind::Invalid,
            Self::IdTaken(_)
            | Self::TooManyOfTenant { .. }
            | Self::TooMany
            | Self::Exists { .. }
            | Self::BlockBusy { .. }
            | Self::NotLeased(_)
            | Self::Fenced { .. }
            | Self::NotExpired(_)
            | Self::Finished(_)
            | Self::Open(_)
            | Self::NotRetryable(_) => RejectionKind::Conflict,
        }
    }

    /// The field of the request that is at fault, if it is one.
    #[must_use]
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::Unknown(_)
            | Self::NotLeased(_)
            | Self::NotExpired(_)
            | Self::Finished(_)
            | Self::Open(_)
            | Self::NotRetryable(_) => Some("job"),
            Self::BatchSize(_) => Some("jobs"),
            Self::TooManyOfTenant { .. } => Some("jobs.tenant"),
            Self::BlockBusy { .. } | Self::Blocks { .. } | Self::Traces | Self::Window => {
                Some("jobs.payload")
            }
            Self::TextTooLong { field, .. } => Some(field),
            Self::Priority(_) => Some("jobs.priority"),
            Self::Attempts(_) => Some("jobs.max_attempts"),
            Self::LeaseCount(_) => Some("count"),
            Self::Ttl => Some("ttl_milliseconds"),
            Self::Fenced { .. } => Some("fence"),
            Self::IdTaken(_) => Some("change.command_id"),
            Self::TooMany | Self::Exists { .. } => None,
        }
    }
}
