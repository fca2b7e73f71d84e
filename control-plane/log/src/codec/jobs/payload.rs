//! What a job has to know, and what came of it. The API shows both as they are stored.

use takt_domain::jobs::{Outcome, Payload, Traces};
use takt_model::{BlockId, TraceId, UnixNano};
use takt_wire::takt::control::log::v1 as stored;
use takt_wire::takt::control::log::v1::job_payload::Kind;
use uuid::Uuid;

use super::DecodeError;

/// A payload as it is stored, for the API.
#[must_use]
pub fn job_payload_to_wire(payload: &Payload) -> stored::JobPayload {
    to(payload)
}

/// A payload that came by the API.
///
/// # Errors
/// Says what is wrong with it.
pub fn job_payload_from_wire(payload: Option<stored::JobPayload>) -> Result<Payload, String> {
    from(payload).map_err(|error| error.to_string())
}

/// A result as it is stored, for the API.
#[must_use]
pub fn job_result_to_wire(outcome: &Outcome) -> stored::JobResult {
    outcome_to(outcome)
}

/// A result that came by the API.
///
/// # Errors
/// Says what is wrong with it.
pub fn job_result_from_wire(result: Option<stored::JobResult>) -> Result<Outcome, String> {
    outcome_from(result.unwrap_or_default()).map_err(|error| error.to_string())
}

pub(super) fn to(payload: &Payload) -> stored::JobPayload {
    let kind = match payload {
        Payload::Compaction { blocks } => Kind::Compaction(stored::CompactionJob {
            blocks: blocks_to(blocks),
        }),
        Payload::Retention => Kind::Retention(stored::RetentionJob {}),
        Payload::Redaction {
            block,
            traces,
            dry_run,
            window,
        } => {
            let (trace_ids, query) = match traces {
                Traces::Ids(ids) => (ids.iter().map(|id| id.0.to_vec()).collect(), String::new()),
                Traces::Query(query) => (Vec::new(), query.clone()),
            };
            let (start, end) = window.unwrap_or_default();
            Kind::Redaction(stored::RedactionJob {
                block: block.0.as_bytes().to_vec(),
                trace_ids,
                query,
                dry_run: *dry_run,
                start: start.0,
                end: end.0,
            })
        }
        Payload::TenantPurge => Kind::TenantPurge(stored::TenantPurgeJob {}),
        Payload::Conversion { blocks, format } => Kind::Conversion(stored::ConversionJob {
            blocks: blocks_to(blocks),
            format: format.clone(),
        }),
        Payload::Index => Kind::Index(stored::IndexJob {}),
        Payload::DecisionRetention => Kind::DecisionRetention(stored::DecisionRetentionJob {}),
    };
    stored::JobPayload { kind: Some(kind) }
}

pub(super) fn from(payload: Option<stored::JobPayload>) -> Result<Payload, DecodeError> {
    let payload = payload.ok_or(DecodeError::Missing("payload"))?;
    Ok(match payload.kind.ok_or(DecodeError::UnknownKind)? {
        Kind::Compaction(job) => Payload::Compaction {
            blocks: blocks_from(&job.blocks)?,
        },
        Kind::Retention(stored::RetentionJob {}) => Payload::Retention,
        Kind::Redaction(job) => redaction_from(job)?,
        Kind::TenantPurge(stored::TenantPurgeJob {}) => Payload::TenantPurge,
        Kind::Conversion(job) => Payload::Conversion {
            blocks: blocks_from(&job.blocks)?,
            format: job.format,
        },
        Kind::Index(stored::IndexJob {}) => Payload::Index,
        Kind::DecisionRetention(stored::DecisionRetentionJob {}) => Payload::DecisionRetention,
    })
}

fn redaction_from(job: stored::RedactionJob) -> Result<Payload, DecodeError> {
    let traces = match (job.trace_ids.is_empty(), job.query.is_empty()) {
        (_, true) => Traces::Ids(
            job.trace_ids
                .iter()
                .map(|id| id.as_slice().try_into().map(TraceId))
                .collect::<Result<_, _>>()
                .map_err(|_| DecodeError::Illegal("trace_ids"))?,
        ),
        (true, false) => Traces::Query(job.query),
        (false, false) => return Err(DecodeError::Illegal("query")),
    };
    let window = (job.start != 0 || job.end != 0).then_some((job.start, job.end));
    Ok(Payload::Redaction {
        block: block_from(&job.block)?,
        traces,
        dry_run: job.dry_run,
        window: window.map(|(start, end)| (UnixNano(start), UnixNano(end))),
    })
}

pub(super) fn outcome_to(outcome: &Outcome) -> stored::JobResult {
    stored::JobResult {
        blocks: blocks_to(&outcome.blocks),
        traces: outcome.traces,
        bytes_read: outcome.bytes_read,
        bytes_written: outcome.bytes_written,
        objects_deleted: outcome.objects_deleted,
    }
}

pub(super) fn outcome_from(result: stored::JobResult) -> Result<Outcome, DecodeError> {
    Ok(Outcome {
        blocks: blocks_from(&result.blocks)?,
        traces: result.traces,
        bytes_read: result.bytes_read,
        bytes_written: result.bytes_written,
        objects_deleted: result.objects_deleted,
    })
}

fn blocks_to(blocks: &[BlockId]) -> Vec<Vec<u8>> {
    blocks
        .iter()
        .map(|block| block.0.as_bytes().to_vec())
        .collect()
}

fn blocks_from(blocks: &[Vec<u8>]) -> Result<Vec<BlockId>, DecodeError> {
    blocks.iter().map(|block| block_from(block)).collect()
}

fn block_from(block: &[u8]) -> Result<BlockId, DecodeError> {
    Uuid::from_slice(block)
        .map(BlockId)
        .map_err(|_| DecodeError::Illegal("block"))
}
