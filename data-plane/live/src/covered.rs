//! Which spans of the journal already are in blocks, so that a restart does not store them twice.

use std::collections::BTreeSet;

use takt_journal::Offset;
use takt_model::TraceId;

/// One finished cut of a tenant: the records from `from` up to, not including, `to` went into a
/// block, but for the spans of the `carried` traces, which stayed live for the next cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CutRange {
    pub from: Offset,
    pub to: Offset,
    pub carried: BTreeSet<TraceId>,
}

/// The finished cuts of a tenant, in order; each begins where the one before ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Covered(Vec<CutRange>);

impl Covered {
    #[must_use]
    pub fn new(mut cuts: Vec<CutRange>) -> Self {
        cuts.sort_by_key(|cut| cut.from);
        Self(cuts)
    }

    /// Where the last finished cut ended.
    #[must_use]
    pub fn end(&self) -> Offset {
        self.0.last().map_or(Offset(0), |cut| cut.to)
    }

    /// Whether the record at `offset` needs a look at all.
    #[must_use]
    pub fn reaches(&self, offset: Offset) -> bool {
        offset < self.end()
    }

    /// Whether a span of `trace` that came with the record at `offset` is in a block.
    ///
    /// A carried trace moves on to the next cut, and from there again; only a trace that the last
    /// cut carried is still live.
    #[must_use]
    pub fn contains(&self, offset: Offset, trace: TraceId) -> bool {
        let first = self.0.partition_point(|cut| cut.to <= offset);
        let met = self.0.get(first).is_some_and(|cut| cut.from <= offset);
        met && self.0[first..]
            .iter()
            .any(|cut| !cut.carried.contains(&trace))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(n: u8) -> TraceId {
        TraceId([n; 16])
    }

    fn cut(from: u64, to: u64, carried: &[u8]) -> CutRange {
        CutRange {
            from: Offset(from),
            to: Offset(to),
            carried: carried.iter().map(|n| trace(*n)).collect(),
        }
    }

    #[test]
    fn a_trace_that_stayed_behind_is_covered_by_the_cut_that_took_it() {
        let covered = Covered::new(vec![cut(0, 10, &[1, 2]), cut(10, 20, &[2])]);
        assert!(
            covered.contains(Offset(3), trace(9)),
            "went with the first cut"
        );
        assert!(
            covered.contains(Offset(3), trace(1)),
            "carried once, went with the second"
        );
        assert!(
            !covered.contains(Offset(3), trace(2)),
            "carried twice, still live"
        );
        assert!(!covered.contains(Offset(20), trace(9)), "came after both");
        assert!(
            !Covered::new(vec![cut(10, 20, &[])]).contains(Offset(3), trace(9)),
            "before every cut"
        );
        assert!(covered.reaches(Offset(19)) && !covered.reaches(Offset(20)));
    }
}
