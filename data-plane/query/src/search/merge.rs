//! The newest traces found so far; fragments of one trace become one.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use takt_engine::SpanHit;
use takt_engine::one_filter::TraceHit;
use takt_model::{SpanId, TraceId, UnixNano};

use super::plan::Plan;

/// Keeps the `limit` newest traces, by start.
#[derive(Debug)]
pub(crate) struct Newest {
    limit: usize,
    spans_per_set: usize,
    traces: BTreeMap<TraceId, TraceHit>,
    cut: bool,
}

impl Newest {
    pub(crate) fn new(plan: &Plan) -> Self {
        Self {
            limit: plan.limit,
            spans_per_set: plan.spans_per_set,
            traces: BTreeMap::new(),
            cut: false,
        }
    }

    pub(crate) fn take(&mut self, hits: Vec<TraceHit>) {
        for hit in hits {
            match self.traces.entry(hit.trace) {
                Entry::Vacant(place) => {
                    place.insert(hit);
                }
                Entry::Occupied(mut known) => join(known.get_mut(), hit, self.spans_per_set),
            }
        }
        // A trace may yet turn out to start earlier, so a few more than asked for are kept on the way.
        if self.traces.len() > self.limit.saturating_mul(2) {
            self.cut_to(self.limit);
        }
    }

    /// Whether no source that ends at `end` can change which traces are the newest.
    pub(crate) fn is_settled_before(&self, end: UnixNano) -> bool {
        if self.traces.len() < self.limit {
            return false;
        }
        let mut starts: Vec<u64> = self.traces.values().map(|hit| hit.start).collect();
        let at = starts.len() - self.limit;
        let (_, oldest_wanted, _) = starts.select_nth_unstable(at);
        *oldest_wanted > end.0
    }

    /// Whether matching traces were dropped, or will be.
    pub(crate) fn is_cut(&self) -> bool {
        self.cut || self.traces.len() > self.limit
    }

    /// Newest first, at most `limit`.
    pub(crate) fn into_hits(mut self) -> Vec<TraceHit> {
        self.cut_to(self.limit);
        let mut hits: Vec<TraceHit> = self.traces.into_values().collect();
        hits.sort_by(|a, b| b.start.cmp(&a.start).then(a.trace.cmp(&b.trace)));
        hits
    }

    fn cut_to(&mut self, limit: usize) {
        if self.traces.len() <= limit {
            return;
        }
        self.cut = true;
        let mut order: Vec<(u64, TraceId)> = self
            .traces
            .values()
            .map(|hit| (hit.start, hit.trace))
            .collect();
        order.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        for (_, trace) in &order[limit..] {
            self.traces.remove(trace);
        }
    }
}

/// Two fragments of one trace. A span that is in both (a client's retry) is counted once, as far as
/// the spans shown can tell.
fn join(known: &mut TraceHit, other: TraceHit, spans_per_set: usize) {
    known.start = known.start.min(other.start);
    known.end = known.end.max(other.end);
    known.matched += other.matched;
    let shown: BTreeSet<_> = known.spans.iter().map(identity).collect();
    let (again, new): (Vec<SpanHit>, Vec<SpanHit>) = other
        .spans
        .into_iter()
        .partition(|span| shown.contains(&identity(span)));
    known.matched = known
        .matched
        .saturating_sub(u32::try_from(again.len()).unwrap_or(u32::MAX));
    known.spans.extend(new);
    if spans_per_set > 0 {
        known.spans.truncate(spans_per_set);
    }
}

/// Client and server may share an id, but not also their times.
fn identity(span: &SpanHit) -> (SpanId, u64, u64) {
    (span.span_id, span.start, span.duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn newest(limit: usize) -> Newest {
        Newest {
            limit,
            spans_per_set: 2,
            traces: BTreeMap::new(),
            cut: false,
        }
    }

    fn span(id: u8, start: u64) -> SpanHit {
        SpanHit {
            span_id: SpanId([id; 8]),
            start,
            duration: 1,
            name: None,
            attributes: Vec::new(),
        }
    }

    fn hit(trace: u8, start: u64, spans: &[u8]) -> TraceHit {
        TraceHit {
            trace: TraceId([trace; 16]),
            start,
            end: start + 10,
            matched: u32::try_from(spans.len()).unwrap(),
            spans: spans.iter().map(|id| span(*id, start)).collect(),
        }
    }

    #[test]
    fn the_newest_stay_and_the_cut_is_known() {
        let mut newest = newest(2);
        newest.take(vec![hit(1, 10, &[1]), hit(2, 20, &[1])]);
        assert!(!newest.is_cut());
        newest.take(vec![hit(3, 15, &[1]), hit(4, 5, &[1]), hit(5, 1, &[1])]);
        assert!(newest.is_cut());
        let starts: Vec<u64> = newest.into_hits().iter().map(|hit| hit.start).collect();
        assert_eq!(starts, [20, 15]);
    }

    #[test]
    fn reading_ends_when_no_newer_trace_can_come() {
        let mut newest = newest(2);
        newest.take(vec![hit(1, 10, &[1])]);
        assert!(!newest.is_settled_before(UnixNano(1)), "one more is wanted");
        newest.take(vec![hit(2, 20, &[1])]);
        assert!(newest.is_settled_before(UnixNano(9)));
        assert!(
            !newest.is_settled_before(UnixNano(10)),
            "a trace may start when the block ends"
        );
    }

    #[test]
    fn fragments_join_and_a_retried_span_counts_once() {
        let mut newest = newest(5);
        newest.take(vec![hit(1, 10, &[1, 2])]);
        newest.take(vec![hit(1, 10, &[2, 3])]);
        let hits = newest.into_hits();
        assert_eq!(
            (hits.len(), hits[0].matched, hits[0].spans.len()),
            (1, 3, 2),
            "three distinct spans, two may be shown"
        );
    }
}
