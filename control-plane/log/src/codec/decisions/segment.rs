//! A segment, in the words of the log and of the API.

use takt_domain::decisions::{Counts, Filter, OffsetRange, PolicyCount, Segment, SegmentId};
use takt_domain::policies::PolicyId;
use takt_model::{NodeId, Revision, TimeRange, UnixNano};
use takt_wire::takt::control::log::v1 as stored;
use takt_wire::takt::control::log::v1::id_filter::Filter as Stored;
use uuid::Uuid;

use crate::codec::DecodeError;

/// Why a message is not a segment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is missing, too large, or of a kind that this version does not know")]
pub struct MalformedSegment(pub &'static str);

impl From<MalformedSegment> for DecodeError {
    fn from(MalformedSegment(field): MalformedSegment) -> Self {
        Self::Illegal(field)
    }
}

/// A segment in the words of the log and of the API.
#[must_use]
pub fn segment_to_wire(segment: &Segment) -> stored::SegmentSpec {
    let ranges = segment.ranges.iter().map(|range| stored::OffsetRange {
        partition: range.partition,
        from: range.from,
        to: range.to,
    });
    let policies = segment.policies.iter().map(|count| stored::PolicyCount {
        policy: count.policy.0,
        matched: count.matched,
        decided: count.decided,
    });
    stored::SegmentSpec {
        id: segment.id.0.as_bytes().to_vec(),
        node: segment.node.0,
        epoch: segment.epoch,
        ranges: ranges.collect(),
        traces_from: segment.traces.start.0,
        traces_to: segment.traces.end.0,
        decided_from: segment.decided.start.0,
        decided_to: segment.decided.end.0,
        policies_from: segment.policy_versions.0.0,
        policies_to: segment.policy_versions.1.0,
        kept: segment.counts.kept,
        dropped: segment.counts.dropped,
        discarded: segment.counts.discarded,
        policies: policies.collect(),
        path: segment.path.to_string(),
        bytes: segment.bytes,
        format: segment.format,
        kept_filter: Some(filter_to(segment.kept)),
        dropped_filter: Some(filter_to(segment.dropped)),
        expires_at: segment.expires_at.0,
    }
}

/// # Errors
/// When something that must be there is not. Whether the segment makes sense is for the domain to say.
pub fn segment_from_wire(
    segment: Option<stored::SegmentSpec>,
) -> Result<Segment, MalformedSegment> {
    let segment = segment.ok_or(MalformedSegment("segment"))?;
    let ranges = segment.ranges.iter().map(|range| OffsetRange {
        partition: range.partition,
        from: range.from,
        to: range.to,
    });
    let policies = segment.policies.iter().map(|count| PolicyCount {
        policy: PolicyId(count.policy),
        matched: count.matched,
        decided: count.decided,
    });
    let times = |start, end| TimeRange {
        start: UnixNano(start),
        end: UnixNano(end),
    };
    Ok(Segment {
        id: id_from(&segment.id)?,
        node: NodeId(segment.node),
        epoch: segment.epoch,
        ranges: ranges.collect(),
        traces: times(segment.traces_from, segment.traces_to),
        decided: times(segment.decided_from, segment.decided_to),
        policy_versions: (
            Revision(segment.policies_from),
            Revision(segment.policies_to),
        ),
        counts: Counts {
            kept: segment.kept,
            dropped: segment.dropped,
            discarded: segment.discarded,
        },
        policies: policies.collect(),
        path: segment.path.into(),
        bytes: segment.bytes,
        format: segment.format,
        kept: filter_from("kept_filter", segment.kept_filter)?,
        dropped: filter_from("dropped_filter", segment.dropped_filter)?,
        expires_at: UnixNano(segment.expires_at),
    })
}

pub(super) fn id_from(bytes: &[u8]) -> Result<SegmentId, MalformedSegment> {
    let id = Uuid::from_slice(bytes).map_err(|_| MalformedSegment("segment id"))?;
    Ok(SegmentId(id))
}

fn filter_to(filter: Filter) -> stored::IdFilter {
    let filter = match filter {
        Filter::None => Stored::None(stored::NoIds {}),
        Filter::Exact => Stored::Exact(stored::ExactIds {}),
        Filter::Hashed { hash_bits, seed } => Stored::Hashed(stored::HashedIds {
            hash_bits: hash_bits.into(),
            seed,
        }),
        Filter::Xor {
            fingerprint_bits,
            seed,
        } => Stored::Xor(stored::XorFilter {
            fingerprint_bits: fingerprint_bits.into(),
            seed,
        }),
        Filter::BinaryFuse {
            fingerprint_bits,
            seed,
        } => Stored::BinaryFuse(stored::BinaryFuseFilter {
            fingerprint_bits: fingerprint_bits.into(),
            seed,
        }),
        Filter::Bloom { bits, hashes, seed } => Stored::Bloom(stored::BloomFilter {
            bits,
            hashes: hashes.into(),
            seed,
        }),
        Filter::Cuckoo {
            fingerprint_bits,
            bucket,
            seed,
        } => Stored::Cuckoo(stored::CuckooFilter {
            fingerprint_bits: fingerprint_bits.into(),
            bucket: bucket.into(),
            seed,
        }),
        Filter::Derived => Stored::Derived(stored::DerivedIds {}),
    };
    stored::IdFilter {
        filter: Some(filter),
    }
}

fn filter_from(
    field: &'static str,
    filter: Option<stored::IdFilter>,
) -> Result<Filter, MalformedSegment> {
    let filter = filter.and_then(|filter| filter.filter);
    let small = |number| u8::try_from(number).map_err(|_| MalformedSegment(field));
    Ok(match filter.ok_or(MalformedSegment(field))? {
        Stored::None(_) => Filter::None,
        Stored::Exact(_) => Filter::Exact,
        Stored::Hashed(filter) => Filter::Hashed {
            hash_bits: small(filter.hash_bits)?,
            seed: filter.seed,
        },
        Stored::Xor(filter) => Filter::Xor {
            fingerprint_bits: small(filter.fingerprint_bits)?,
            seed: filter.seed,
        },
        Stored::BinaryFuse(filter) => Filter::BinaryFuse {
            fingerprint_bits: small(filter.fingerprint_bits)?,
            seed: filter.seed,
        },
        Stored::Bloom(filter) => Filter::Bloom {
            bits: filter.bits,
            hashes: small(filter.hashes)?,
            seed: filter.seed,
        },
        Stored::Cuckoo(filter) => Filter::Cuckoo {
            fingerprint_bits: small(filter.fingerprint_bits)?,
            bucket: small(filter.bucket)?,
            seed: filter.seed,
        },
        Stored::Derived(_) => Filter::Derived,
    })
}
