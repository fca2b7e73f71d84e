//! The segments of one tenant, by id and by what of the journal they are about.

use std::sync::Arc;

use takt_model::{Revision, TimeRange, UnixNano};

use super::{Counts, OffsetRange, PolicyCount, RetireReason, Segment, SegmentId};
use crate::Map;

/// A segment as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub segment: Segment,
    pub registered_at: UnixNano,
    /// Why and since when it is out of use, if it is.
    pub retired: Option<(RetireReason, UnixNano)>,
    /// The revision after its last change.
    pub version: Revision,
}

/// The segments of one tenant. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Index {
    rows: Map<SegmentId, Arc<Row>>,
    /// The end, and whose it is, by partition and begin: of those in use, which never overlap.
    covered: Map<(u32, u64), (u64, SegmentId)>,
    live: usize,
    /// The revision after the last change of any of them.
    pub version: Revision,
}

impl Row {
    pub(super) fn new(segment: Segment, registered_at: UnixNano, version: Revision) -> Self {
        Self {
            segment,
            registered_at,
            retired: None,
            version,
        }
    }

    pub(super) fn retire(&self, reason: RetireReason, at: UnixNano, version: Revision) -> Self {
        Self {
            retired: Some((reason, at)),
            version,
            ..self.clone()
        }
    }
}

impl Index {
    /// From rows that were stored.
    #[must_use]
    pub fn from_rows(rows: impl IntoIterator<Item = Row>, version: Revision) -> Self {
        let mut index = Self {
            version,
            ..Self::default()
        };
        for row in rows {
            index.insert(row);
        }
        index
    }

    #[must_use]
    pub fn get(&self, segment: SegmentId) -> Option<&Row> {
        self.rows.get(&segment).map(AsRef::as_ref)
    }

    /// By id.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.values().map(AsRef::as_ref)
    }

    /// By id, from the one after this.
    pub fn rows_after(&self, after: Option<SegmentId>) -> impl Iterator<Item = &Row> {
        use std::ops::Bound;
        let begin = after.map_or(Bound::Unbounded, Bound::Excluded);
        let rest = self.rows.range((begin, Bound::Unbounded));
        rest.map(|(_, row)| row.as_ref())
    }

    /// How many are in use.
    #[must_use]
    pub fn live(&self) -> usize {
        self.live
    }

    /// How many are in use or retired.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Those in use that may know a trace of that time, the newest first.
    #[must_use]
    pub fn find(&self, time: &TimeRange) -> Vec<&Row> {
        let knows = |row: &&Row| row.retired.is_none() && row.segment.may_know(time);
        let mut found: Vec<&Row> = self.rows().filter(knows).collect();
        found.sort_by_key(|row| std::cmp::Reverse((row.segment.traces.end, row.segment.id)));
        found
    }

    /// Whose offsets these are, as far as they are anybody's.
    pub(super) fn overlapping(&self, range: &OffsetRange) -> impl Iterator<Item = SegmentId> {
        let OffsetRange {
            partition,
            from,
            to,
        } = *range;
        // They do not overlap each other, so only the last of those that begin before can reach in.
        let before = self.covered.range(..(partition, from)).next_back();
        let reaches_in = before.filter(|((at, _), (end, _))| *at == partition && *end > from);
        let inside = self.covered.range((partition, from)..(partition, to));
        reaches_in.into_iter().chain(inside).map(|(_, (_, by))| *by)
    }

    pub(super) fn insert(&mut self, row: Row) {
        let id = row.segment.id;
        if row.retired.is_none() {
            self.live += 1;
            for range in &row.segment.ranges {
                let begin = (range.partition, range.from);
                self.covered.insert(begin, (range.to, id));
            }
        }
        self.rows.insert(id, Arc::new(row));
    }

    pub(super) fn remove(&mut self, segment: SegmentId) -> Option<Arc<Row>> {
        let row = self.rows.remove(&segment)?;
        if row.retired.is_none() {
            self.live -= 1;
            for range in &row.segment.ranges {
                self.covered.remove(&(range.partition, range.from));
            }
        }
        Some(row)
    }
}

/// What of a segment is not as in those it is to stand for.
pub(super) fn difference(rows: &[&Row], by: &Segment) -> Option<&'static str> {
    let parts = || rows.iter().map(|row| &row.segment);
    let mut ranges: Vec<OffsetRange> = parts().flat_map(|part| part.ranges.to_vec()).collect();
    ranges.sort_unstable();
    if joined(&ranges) != joined(&by.ranges) {
        return Some("the offsets");
    }
    let mut counts = Some(Counts::default());
    for part in parts() {
        counts = counts.and_then(|counts| counts.plus(&part.counts));
    }
    if counts != Some(by.counts) {
        return Some("the counts of traces");
    }
    if summed(parts()) != by.policies.to_vec() {
        return Some("the counts by policy");
    }
    let covers = |part: &Segment| {
        let holds = |outer: &TimeRange, inner: &TimeRange| {
            outer.start <= inner.start && inner.end <= outer.end
        };
        let (first, last) = part.policy_versions;
        holds(&by.traces, &part.traces)
            && holds(&by.decided, &part.decided)
            && by.policy_versions.0 <= first
            && last <= by.policy_versions.1
    };
    if !parts().all(covers) {
        return Some("the times or the versions of policies");
    }
    if !parts().all(|part| part.expires_at <= by.expires_at) {
        return Some("the times until when they are kept");
    }
    None
}

/// Ranges that touch are one.
fn joined(ranges: &[OffsetRange]) -> Vec<OffsetRange> {
    let mut joined: Vec<OffsetRange> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if last.partition == range.partition && last.to == range.from => {
                last.to = range.to;
            }
            _ => joined.push(*range),
        }
    }
    joined
}

fn summed<'a>(parts: impl Iterator<Item = &'a Segment>) -> Vec<PolicyCount> {
    let mut sums: Map<_, PolicyCount> = Map::new();
    for count in parts.flat_map(|part| &part.policies) {
        let sum = sums.entry(count.policy).or_insert(PolicyCount {
            matched: 0,
            decided: 0,
            ..*count
        });
        sum.matched = sum.matched.saturating_add(count.matched);
        sum.decided = sum.decided.saturating_add(count.decided);
    }
    sums.into_iter().map(|(_, sum)| sum).collect()
}
