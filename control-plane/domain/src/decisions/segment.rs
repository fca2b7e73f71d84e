//! A segment of the decision index: what is known of an object without opening it.

use std::fmt;
use std::sync::Arc;

use takt_model::{NodeId, Revision, TimeRange, UnixNano};
use uuid::Uuid;

use crate::policies::PolicyId;

pub const MAX_RANGES: usize = 1024;
pub const MAX_POLICIES: usize = 512;
pub const MAX_PATH_BYTES: usize = 512;

/// Names a segment for ever.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentId(pub Uuid);

impl fmt::Display for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.hyphenated())
    }
}

impl fmt::Debug for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SegmentId({self})")
    }
}

/// A segment as who wrote it describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    pub id: SegmentId,
    pub node: NodeId,
    /// How often that node had been given the partition.
    pub epoch: u64,
    /// What of the journal it is about, in order.
    pub ranges: Box<[OffsetRange]>,
    /// From the first start to the last end of the traces in it, both included.
    pub traces: TimeRange,
    /// When its decisions were made, both ends included.
    pub decided: TimeRange,
    /// The versions of the policy set that were in effect, both included.
    pub policy_versions: (Revision, Revision),
    pub counts: Counts,
    /// By number of policy, in order.
    pub policies: Box<[PolicyCount]>,
    /// Where the object is.
    pub path: Arc<str>,
    /// How large the object is.
    pub bytes: u64,
    /// The layout of the object.
    pub format: u32,
    pub kept: Filter,
    pub dropped: Filter,
    /// When it may go.
    pub expires_at: UnixNano,
}

/// Offsets of a partition of the journal, the end not included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct OffsetRange {
    pub partition: u32,
    pub from: u64,
    pub to: u64,
}

/// Traces by what became of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    pub kept: u64,
    pub dropped: u64,
    /// Refused because of a limit, or invalid.
    pub discarded: u64,
}

/// Traces by policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PolicyCount {
    pub policy: PolicyId,
    pub matched: u64,
    pub decided: u64,
}

/// How a set of trace ids is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// No id at all.
    None,
    /// All ids, sorted: no false positives.
    Exact,
    /// Hashes of ids, sorted and compressed.
    Hashed {
        hash_bits: u8,
        seed: u64,
    },
    Xor {
        fingerprint_bits: u8,
        seed: u64,
    },
    BinaryFuse {
        fingerprint_bits: u8,
        seed: u64,
    },
    Bloom {
        bits: u64,
        hashes: u8,
        seed: u64,
    },
    Cuckoo {
        fingerprint_bits: u8,
        bucket: u8,
        seed: u64,
    },
    /// Nothing is written: the policies and the randomness in the id tell.
    Derived,
}

/// What is wrong with a segment by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    #[error("it is about no offsets")]
    NoRanges,
    #[error("it has more than {MAX_RANGES} ranges of offsets")]
    TooManyRanges,
    #[error("its ranges of offsets are empty, overlap or are not in order")]
    Ranges,
    #[error("a time range ends before it starts")]
    Times,
    #[error("the first version of its policies is after the last")]
    PolicyVersions,
    #[error("it has more than {MAX_POLICIES} policies")]
    TooManyPolicies,
    #[error("its policies are not in order, or one is there twice")]
    Policies,
    #[error("a policy decided more traces than it matched, or than there are")]
    PolicyCounts,
    #[error("its counts are more than 64 bits hold")]
    Counts,
    #[error("its path is empty, longer than {MAX_PATH_BYTES} bytes, or leads out of the store")]
    Path,
    #[error("its layout has no number")]
    Format,
    #[error("the parameters of a filter make no sense")]
    Filter,
    #[error("there are traces that its filters leave out")]
    FilterMissing,
    #[error("it may go before its newest decision was made")]
    Expiry,
}

impl Flaw {
    /// The field of the segment.
    #[must_use]
    pub fn field(self) -> &'static str {
        match self {
            Self::NoRanges | Self::TooManyRanges | Self::Ranges => "segment.ranges",
            Self::Times => "segment.traces_to",
            Self::PolicyVersions => "segment.policies_to",
            Self::TooManyPolicies | Self::Policies | Self::PolicyCounts => "segment.policies",
            Self::Counts => "segment.kept",
            Self::Path => "segment.path",
            Self::Format => "segment.format",
            Self::Filter | Self::FilterMissing => "segment.dropped_filter",
            Self::Expiry => "segment.expires_at",
        }
    }
}

impl Segment {
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn check(&self) -> Result<(), Flaw> {
        let right = |right: bool, flaw| if right { Ok(()) } else { Err(flaw) };
        right(!self.ranges.is_empty(), Flaw::NoRanges)?;
        right(self.ranges.len() <= MAX_RANGES, Flaw::TooManyRanges)?;
        right(
            self.ranges.iter().all(|range| range.from < range.to),
            Flaw::Ranges,
        )?;
        right(self.ranges.is_sorted_by(follows), Flaw::Ranges)?;
        let ordered = |range: &TimeRange| range.start <= range.end;
        right(ordered(&self.traces) && ordered(&self.decided), Flaw::Times)?;
        let (first, last) = self.policy_versions;
        right(first <= last, Flaw::PolicyVersions)?;
        right(self.policies.len() <= MAX_POLICIES, Flaw::TooManyPolicies)?;
        right(
            self.policies.is_sorted_by(|a, b| a.policy < b.policy),
            Flaw::Policies,
        )?;
        let traces = self.counts.traces().ok_or(Flaw::Counts)?;
        let counted =
            |count: &PolicyCount| count.decided <= count.matched && count.matched <= traces;
        right(self.policies.iter().all(counted), Flaw::PolicyCounts)?;
        right(is_inside(&self.path), Flaw::Path)?;
        right(self.format > 0, Flaw::Format)?;
        right(
            self.kept.makes_sense() && self.dropped.makes_sense(),
            Flaw::Filter,
        )?;
        let told = |count, filter| count == 0 || filter != Filter::None;
        let all_told = told(self.counts.kept, self.kept) && told(self.counts.dropped, self.dropped);
        right(all_told, Flaw::FilterMissing)?;
        right(self.expires_at > self.decided.end, Flaw::Expiry)
    }

    /// Can it know a trace of that time?
    #[must_use]
    pub fn may_know(&self, time: &TimeRange) -> bool {
        self.traces.overlaps(time.start, time.end)
    }
}

impl Counts {
    /// All of them; nothing if that is more than 64 bits hold.
    #[must_use]
    pub fn traces(&self) -> Option<u64> {
        self.kept
            .checked_add(self.dropped)?
            .checked_add(self.discarded)
    }

    pub(super) fn plus(&self, other: &Self) -> Option<Self> {
        Some(Self {
            kept: self.kept.checked_add(other.kept)?,
            dropped: self.dropped.checked_add(other.dropped)?,
            discarded: self.discarded.checked_add(other.discarded)?,
        })
    }
}

impl Filter {
    fn makes_sense(self) -> bool {
        match self {
            Self::None | Self::Exact | Self::Derived => true,
            Self::Hashed { hash_bits, .. } => (16..=64).contains(&hash_bits),
            Self::Xor {
                fingerprint_bits, ..
            }
            | Self::BinaryFuse {
                fingerprint_bits, ..
            } => matches!(fingerprint_bits, 8 | 16),
            Self::Bloom { bits, hashes, .. } => bits > 0 && (1..=32).contains(&hashes),
            Self::Cuckoo {
                fingerprint_bits,
                bucket,
                ..
            } => (4..=32).contains(&fingerprint_bits) && (1..=8).contains(&bucket),
        }
    }
}

fn follows(a: &OffsetRange, b: &OffsetRange) -> bool {
    a.partition < b.partition || (a.partition == b.partition && a.to <= b.from)
}

fn is_inside(path: &str) -> bool {
    let parts = || path.split('/');
    path.len() <= MAX_PATH_BYTES
        && parts().all(|part| !part.is_empty() && part != "." && part != "..")
        && !path
            .chars()
            .any(|letter| letter.is_control() || letter == '\\')
}
