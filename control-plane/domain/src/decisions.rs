//! Where decisions about traces are found: segments of the decision index.
//!
//! Decisions themselves do not pass through here. A sampler writes an object for a range of the journal and
//! registers it; every offset of a partition is in at most one segment of a tenant, so no decision counts
//! twice. Compaction puts one segment in the place of several; what is out of use waits, retired, until a
//! worker has deleted its object.
//!
//! What is kept of a segment is what is needed to find it, and a tenant has a bound of them: compaction and not
//! the control log makes room for more.

mod fold;
mod index;
mod rules;
mod segment;

use std::ops::Bound;

use imbl::OrdSet;
use takt_model::{Revision, TenantId, TimeRange, UnixNano};

use crate::{Kind, Map, Resource, Subject};

pub(crate) use fold::evolve;
pub use index::{Index, Row};
pub use rules::due;
pub(crate) use rules::{decide, farewell};
pub use segment::{
    Counts, Filter, Flaw, MAX_PATH_BYTES, MAX_POLICIES, MAX_RANGES, OffsetRange, PolicyCount,
    Segment, SegmentId,
};

/// Segments in use, of one tenant.
pub const MAX_LIVE: usize = 2048;
/// Segments in use and retired, of one tenant.
pub const MAX_SEGMENTS: usize = 8192;
/// Segments that one command is about.
pub const MAX_AT_ONCE: usize = 1024;

/// The part of the state that is this aggregate's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decisions {
    tenants: Map<TenantId, Index>,
    /// What is in use, by when it may go; follows from the tenants.
    expiring: OrdSet<(UnixNano, TenantId, SegmentId)>,
    /// What is out of use, by since when; follows from the tenants.
    retired: OrdSet<(UnixNano, TenantId, SegmentId)>,
}

/// Why a segment went out of use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetireReason {
    Expired,
    Superseded,
    Asked,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Segments whose objects are written, all or none.
    Register { segments: Vec<(TenantId, Segment)> },
    /// One segment in the place of several.
    Supersede {
        tenant: TenantId,
        replaced: Vec<SegmentId>,
        by: Box<Segment>,
    },
    /// Before its time.
    Retire {
        tenant: TenantId,
        segment: SegmentId,
        if_match: Option<Revision>,
    },
    /// Retires what is over by the leader's clock.
    Expire { tenant: TenantId },
    /// The objects of these are deleted.
    Forget {
        tenant: TenantId,
        segments: Vec<SegmentId>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    Registered {
        tenant: TenantId,
        segment: Box<Segment>,
    },
    Superseded {
        tenant: TenantId,
        replaced: Vec<SegmentId>,
        by: Box<Segment>,
    },
    Retired {
        tenant: TenantId,
        segment: SegmentId,
        reason: RetireReason,
    },
    Forgotten {
        tenant: TenantId,
        segment: SegmentId,
    },
    /// The tenant goes, and its objects with everything else of it.
    Cleared { tenant: TenantId },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    #[error("tenant `{tenant}` has no segment `{segment}`")]
    SegmentUnknown {
        tenant: TenantId,
        segment: SegmentId,
    },
    #[error("segment `{0}` is registered with other content; a new segment needs a new id")]
    SegmentDiffers(SegmentId),
    #[error(
        "offsets {from} to {to} of partition {partition} are in segment `{by}` already, \
         so its decisions would count twice",
        from = range.from, to = range.to, partition = range.partition
    )]
    Overlaps { range: OffsetRange, by: SegmentId },
    #[error("segment `{segment}` makes no sense: {flaw}")]
    Invalid { segment: SegmentId, flaw: Flaw },
    #[error("segment `{0}` is over already, so nobody would ask it")]
    Expired(SegmentId),
    #[error("tenant `{0}` has {MAX_LIVE} segments in use or {MAX_SEGMENTS} in all; compact them")]
    Full(TenantId),
    #[error("{0} segments at once, at most {MAX_AT_ONCE} are allowed; ask several times")]
    TooMany(usize),
    #[error("segment `{0}` is named twice")]
    NamedTwice(SegmentId),
    #[error("segment `{0}` is to stand for no other")]
    ReplacesNothing(SegmentId),
    #[error("segment `{0}` is out of use already")]
    Retired(SegmentId),
    #[error("segment `{0}` is in use; retire it before its object is deleted")]
    Live(SegmentId),
    #[error("segment `{by}` does not stand for what it replaces: {what} differ")]
    NotTheSame { by: SegmentId, what: &'static str },
}

impl Event {
    /// What it is about.
    #[must_use]
    pub fn subject(&self) -> Subject {
        let about = |tenant: &TenantId, segment: SegmentId| Subject {
            resource: Resource::Segment,
            tenant: Some(tenant.clone()),
            name: segment.to_string(),
        };
        match self {
            Self::Registered { tenant, segment } => about(tenant, segment.id),
            Self::Superseded { tenant, by, .. } => about(tenant, by.id),
            Self::Retired {
                tenant, segment, ..
            }
            | Self::Forgotten { tenant, segment } => about(tenant, *segment),
            Self::Cleared { tenant } => Subject::of_tenant(Resource::Segment, tenant),
        }
    }

    /// With a segment those it stands for.
    pub(crate) fn changes(&self) -> Vec<Subject> {
        let subject = self.subject();
        let Self::Superseded { replaced, .. } = self else {
            return vec![subject];
        };
        let of = |segment: &SegmentId| Subject {
            name: segment.to_string(),
            ..subject.clone()
        };
        replaced.iter().map(of).chain([subject.clone()]).collect()
    }

    /// Whose segment it is.
    #[must_use]
    pub fn tenant(&self) -> &TenantId {
        match self {
            Self::Registered { tenant, .. }
            | Self::Superseded { tenant, .. }
            | Self::Retired { tenant, .. }
            | Self::Forgotten { tenant, .. }
            | Self::Cleared { tenant } => tenant,
        }
    }
}

impl Rejection {
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::SegmentUnknown { .. } => "SEGMENT_UNKNOWN",
            Self::SegmentDiffers(_) => "SEGMENT_DIFFERS",
            Self::Overlaps { .. } => "SEGMENT_OVERLAPS",
            Self::Invalid { .. } => "SEGMENT_INVALID",
            Self::Expired(_) => "SEGMENT_EXPIRED",
            Self::Full(_) => "SEGMENTS_FULL",
            Self::TooMany(_) => "SEGMENTS_TOO_MANY",
            Self::NamedTwice(_) => "SEGMENT_NAMED_TWICE",
            Self::ReplacesNothing(_) => "SEGMENT_REPLACES_NOTHING",
            Self::Retired(_) => "SEGMENT_RETIRED",
            Self::Live(_) => "SEGMENT_LIVE",
            Self::NotTheSame { .. } => "SEGMENT_NOT_THE_SAME",
        }
    }

    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::SegmentUnknown { .. } => Kind::NotFound,
            Self::SegmentDiffers(_)
            | Self::Overlaps { .. }
            | Self::Full(_)
            | Self::Retired(_)
            | Self::Live(_) => Kind::Conflict,
            Self::Invalid { .. }
            | Self::Expired(_)
            | Self::TooMany(_)
            | Self::NamedTwice(_)
            | Self::ReplacesNothing(_)
            | Self::NotTheSame { .. } => Kind::Invalid,
        }
    }

    /// The field of the request that is at fault, if it is one.
    #[must_use]
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::Invalid { flaw, .. } => Some(flaw.field()),
            Self::Expired(_) => Some("segment.expires_at"),
            Self::SegmentUnknown { .. } | Self::Retired(_) | Self::Live(_) => Some("segment"),
            Self::ReplacesNothing(_) => Some("replaced"),
            Self::NotTheSame { .. } => Some("by"),
            Self::TooMany(_) | Self::NamedTwice(_) => Some("segments"),
            Self::SegmentDiffers(_) | Self::Overlaps { .. } | Self::Full(_) => None,
        }
    }
}

impl Decisions {
    /// The segments of a tenant; nothing if there never was one.
    #[must_use]
    pub fn of(&self, tenant: &TenantId) -> Option<&Index> {
        self.tenants.get(tenant)
    }

    /// All of them, by tenant.
    pub fn tenants(&self) -> impl Iterator<Item = (&TenantId, &Index)> {
        self.tenants.iter()
    }

    /// All of them, by tenant, from this one on.
    pub fn tenants_from(
        &self,
        tenant: Option<&TenantId>,
    ) -> impl Iterator<Item = (&TenantId, &Index)> {
        let from = tenant.cloned().map_or(Bound::Unbounded, Bound::Included);
        self.tenants.range((from, Bound::Unbounded))
    }

    /// The segments that may know a trace of that time, the newest first.
    #[must_use]
    pub fn find(&self, tenant: &TenantId, time: &TimeRange) -> Vec<&Row> {
        self.of(tenant)
            .map(|index| index.find(time))
            .unwrap_or_default()
    }

    /// What is out of use since then or longer, the longest first.
    pub fn retired_by(&self, time: UnixNano) -> impl Iterator<Item = (&TenantId, &Row)> {
        let waiting = self.retired.iter();
        waiting
            .take_while(move |(since, _, _)| *since <= time)
            .filter_map(|(_, tenant, id)| Some((tenant, self.of(tenant)?.get(*id)?)))
    }

    /// From segments that were stored.
    #[must_use]
    pub fn from_indexes(tenants: impl IntoIterator<Item = (TenantId, Index)>) -> Self {
        let mut decisions = Self::default();
        for (tenant, index) in tenants {
            for row in index.rows() {
                decisions.follow(&tenant, row);
            }
            decisions.tenants.insert(tenant, index);
        }
        decisions
    }

    /// What follows from a row being there.
    fn follow(&mut self, tenant: &TenantId, row: &Row) {
        let id = row.segment.id;
        match row.retired {
            None => self
                .expiring
                .insert((row.segment.expires_at, tenant.clone(), id)),
            Some((_, since)) => self.retired.insert((since, tenant.clone(), id)),
        };
    }

    fn unfollow(&mut self, tenant: &TenantId, row: &Row) {
        let id = row.segment.id;
        match row.retired {
            None => self
                .expiring
                .remove(&(row.segment.expires_at, tenant.clone(), id)),
            Some((_, since)) => self.retired.remove(&(since, tenant.clone(), id)),
        };
    }
}
