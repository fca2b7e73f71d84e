//! The live spans of one tenant: one open segment, any number of sealed ones.

use std::collections::BTreeSet;
use std::time::Duration;

use parking_lot::RwLock;
use takt_journal::Offset;
use takt_kit::{Budget, Reservation};
use takt_model::{BlockId, TraceId, UnixNano};
use takt_trace::decode::{Appended, DecodeLimits, Decoder, Malformed};
use takt_trace::{SpanColumns, reorder};

use crate::covered::Covered;
use crate::segment::Segment;

/// What one cut takes along and what it leaves live.
#[derive(Debug, Clone, Copy)]
pub struct CutPolicy {
    pub now: UnixNano,
    /// Traces that got a span within this time stay behind, if there are not too many.
    pub trace_idle: Duration,
    /// Traces whose first span came longer ago than this go in any case.
    pub max_age: Duration,
    /// A segment of more spans than this is cut whole: sorting out its active traces would keep
    /// the consumer from the journal for too long.
    pub max_spans_to_split: usize,
}

/// A closed segment on its way into a block.
#[derive(Debug, Clone)]
pub struct Cut {
    pub block: BlockId,
    pub segment: Segment,
    /// The journal records, first included and last not, whose spans of this tenant are in here,
    /// together with what earlier cuts carried and without what this one carries.
    pub from: Offset,
    pub to: Offset,
    pub carried: BTreeSet<TraceId>,
    pub spans: usize,
}

/// The size of a segment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shape {
    pub spans: usize,
    pub traces: usize,
    pub memory_bytes: usize,
    /// When the first and the last of its spans arrived.
    pub first_arrival: UnixNano,
    pub last_arrival: UnixNano,
}

#[derive(Debug)]
pub(crate) struct TenantLive {
    state: RwLock<State>,
    covered: Covered,
    oversized: RwLock<BTreeSet<TraceId>>,
}

#[derive(Debug)]
struct State {
    open: Segment,
    sealed: Vec<Sealed>,
    decoder: Decoder,
    arrivals: Arrivals,
    reservation: Reservation,
    /// Where the last cut ended.
    cut_to: Offset,
    /// One past the last record that was appended.
    appended_to: Offset,
}

#[derive(Debug)]
struct Sealed {
    segment: Segment,
    first_offset: Offset,
    spans: usize,
    traces: usize,
    reservation: Reservation,
}

/// When and with which record the spans of each trace of the open segment arrived, by trace ordinal.
#[derive(Debug, Default)]
struct Arrivals {
    first_offset: Vec<Offset>,
    first: Vec<UnixNano>,
    last: Vec<UnixNano>,
}

impl Arrivals {
    fn note(&mut self, trace: usize, offset: Offset, at: UnixNano) {
        if trace == self.last.len() {
            self.first_offset.push(offset);
            self.first.push(at);
            self.last.push(at);
        } else {
            self.last[trace] = at;
        }
    }

    fn keep(&self, traces: &[u32]) -> Self {
        let pick = |trace: &u32| *trace as usize;
        Self {
            first_offset: traces
                .iter()
                .map(|trace| self.first_offset[pick(trace)])
                .collect(),
            first: traces.iter().map(|trace| self.first[pick(trace)]).collect(),
            last: traces.iter().map(|trace| self.last[pick(trace)]).collect(),
        }
    }
}

/// One journal record as it is appended.
pub(crate) struct Arrival<'a> {
    pub(crate) offset: Offset,
    pub(crate) at: UnixNano,
    pub(crate) body: &'a [u8],
    pub(crate) limits: DecodeLimits,
    pub(crate) max_bytes_per_trace: u64,
}

impl TenantLive {
    pub(crate) fn new(budget: &Budget, covered: Covered) -> Self {
        let cut_to = covered.end();
        let state = State {
            open: Segment::open(),
            sealed: Vec::new(),
            decoder: Decoder::default(),
            arrivals: Arrivals::default(),
            reservation: empty(budget),
            cut_to,
            appended_to: cut_to,
        };
        Self {
            state: RwLock::new(state),
            covered,
            oversized: RwLock::default(),
        }
    }

    pub(crate) fn covered(&self) -> &Covered {
        &self.covered
    }

    /// Decodes a record into the open segment.
    pub(crate) fn append(&self, arrival: &Arrival<'_>) -> Result<Appended, Malformed> {
        let mut state = self.state.write();
        let State {
            open,
            decoder,
            arrivals,
            ..
        } = &mut *state;
        let appended = open.write(|columns| {
            let before = columns.len();
            // Of a malformed record the spans before the bad place were appended all the same.
            let appended = decoder.append(columns, arrival.body, &arrival.limits);
            for trace in &columns.trace[before..] {
                let trace = *trace as usize;
                arrivals.note(trace, arrival.offset, arrival.at);
                if arrival.max_bytes_per_trace > 0
                    && columns.traces.bytes[trace] > arrival.max_bytes_per_trace
                {
                    self.oversized.write().insert(columns.traces.id[trace]);
                }
            }
            appended
        });
        // A replay begins before the last cut, at the first span that cut left live.
        state.appended_to = state.appended_to.max(Offset(arrival.offset.0 + 1));
        appended
    }

    /// Accounts for the memory of the open segment.
    pub(crate) fn weigh(&self) {
        let mut state = self.state.write();
        let bytes = state.open.read(SpanColumns::memory);
        state.reservation.set(bytes);
    }

    pub(crate) fn segments(&self) -> Vec<Segment> {
        let state = self.state.read();
        std::iter::once(&state.open)
            .chain(state.sealed.iter().map(|sealed| &sealed.segment))
            .cloned()
            .collect()
    }

    pub(crate) fn is_oversized(&self, trace: TraceId) -> bool {
        self.oversized.read().contains(&trace)
    }

    pub(crate) fn has_oversized(&self) -> bool {
        !self.oversized.read().is_empty()
    }

    pub(crate) fn traces(&self) -> usize {
        self.state.read().arrivals.last.len()
    }

    pub(crate) fn shape(&self) -> Option<Shape> {
        let state = self.state.read();
        let arrivals = &state.arrivals;
        let (first, last) = (arrivals.first.iter().min()?, arrivals.last.iter().max()?);
        Some(Shape {
            spans: state.open.read(SpanColumns::len),
            traces: arrivals.last.len(),
            memory_bytes: state.reservation.bytes(),
            first_arrival: *first,
            last_arrival: *last,
        })
    }

    /// Spans, traces and memory of open and sealed together. Asked with every batch, so it does not
    /// look at each trace; the arrivals stay unset.
    pub(crate) fn total(&self) -> Shape {
        let state = self.state.read();
        let mut total = Shape {
            spans: state.open.read(SpanColumns::len),
            traces: state.arrivals.last.len(),
            memory_bytes: state.reservation.bytes(),
            ..Shape::default()
        };
        for sealed in &state.sealed {
            total.spans += sealed.spans;
            total.traces += sealed.traces;
            total.memory_bytes += sealed.reservation.bytes();
        }
        total
    }

    pub(crate) fn first_offset(&self) -> Option<Offset> {
        let state = self.state.read();
        let open = state.arrivals.first_offset.iter().min().copied();
        state
            .sealed
            .iter()
            .map(|sealed| sealed.first_offset)
            .chain(open)
            .min()
    }

    pub(crate) fn cut(&self, block: BlockId, policy: CutPolicy, budget: &Budget) -> Option<Cut> {
        let mut state = self.state.write();
        let first_offset = state.arrivals.first_offset.iter().min().copied()?;
        let (gone, stay) = split(&state.arrivals, state.open.read(SpanColumns::len), policy);
        if gone.is_empty() {
            return None;
        }
        let open = std::mem::replace(&mut state.open, Segment::open());
        let arrivals = std::mem::take(&mut state.arrivals);
        state.decoder = Decoder::default();
        let mut carried = BTreeSet::new();
        let segment = if stay.is_empty() {
            open
        } else {
            carried = open.read(|columns| {
                stay.iter()
                    .map(|trace| columns.traces.id[*trace as usize])
                    .collect()
            });
            state.open = Segment::holding(open.read(|columns| reorder::select(columns, &stay)));
            state.arrivals = arrivals.keep(&stay);
            Segment::holding(open.read(|columns| reorder::select(columns, &gone)))
        };
        segment.write(SpanColumns::shrink);
        let segment = segment.sealed_as(block);
        let (spans, memory) = segment.read(|columns| {
            self.oversized
                .write()
                .retain(|trace| columns.traces.find(*trace).is_none());
            (columns.len(), columns.memory())
        });
        let mut reservation = empty(budget);
        reservation.set(memory);
        let left = state.open.read(SpanColumns::memory);
        state.reservation.set(left);
        state.sealed.push(Sealed {
            segment: segment.clone(),
            first_offset,
            spans,
            traces: gone.len(),
            reservation,
        });
        let (from, to) = (state.cut_to, state.appended_to);
        state.cut_to = to;
        Some(Cut {
            block,
            segment,
            from,
            to,
            carried,
            spans,
        })
    }

    pub(crate) fn release(&self, block: BlockId) {
        self.state
            .write()
            .sealed
            .retain(|sealed| sealed.segment.block() != Some(block));
    }
}

/// The traces that go and those that stay.
fn split(arrivals: &Arrivals, spans: usize, policy: CutPolicy) -> (Vec<u32>, Vec<u32>) {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "trace ordinals are u32 by construction"
    )]
    let all = 0..arrivals.last.len() as u32;
    if spans > policy.max_spans_to_split {
        return (all.collect(), Vec::new());
    }
    all.partition(|trace| {
        let at = *trace as usize;
        let idle = policy.now.since(arrivals.last[at]) >= policy.trace_idle;
        idle || policy.now.since(arrivals.first[at]) >= policy.max_age
    })
}

fn empty(budget: &Budget) -> Reservation {
    budget.reserve(0).expect("nothing is always left")
}
