//! The span columns: what the live store holds, the engine reads and a block stores.

pub(crate) mod memory;

use hashbrown::HashTable;
use takt_model::{SpanId, TraceId};

use crate::attrs::{AttrTable, Sparse};
use crate::dict::Dict;
use memory::Held;

/// "No row" in links between rows.
pub const NO_ROW: u32 = u32::MAX;

/// OTLP's `SpanKind`, by its number on the wire. Unknown numbers are kept as they came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind(pub u8);

impl Kind {
    /// TraceQL's names, by number.
    pub const NAMES: [&'static str; 6] = [
        "unspecified",
        "internal",
        "server",
        "client",
        "producer",
        "consumer",
    ];
    pub const SERVER: Self = Self(2);
    pub const CLIENT: Self = Self(3);
}

/// OTLP's status code, by its number on the wire (0 unset, 1 ok, 2 error).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status(pub u8);

impl Status {
    /// TraceQL's names, by number on the wire.
    pub const NAMES: [&'static str; 3] = ["unset", "ok", "error"];
    pub const ERROR: Self = Self(2);
}

/// Spans as columns: index `row` in every vector of length [`SpanColumns::len`] is one span.
///
/// A reader that loads a block may leave columns empty that its query did not name; what is filled
/// then is stated by the block's projection.
#[derive(Debug, Clone, Default)]
pub struct SpanColumns {
    pub traces: TraceTable,
    /// Trace ordinal of each row, an index into `traces`.
    pub trace: Vec<u32>,
    /// The previous row of the same trace, or [`NO_ROW`]; together with `traces.last_row` the list of a trace's rows.
    pub previous: Vec<u32>,
    pub span_id: Vec<SpanId>,
    /// All zero when the span names no parent.
    pub parent_id: Vec<SpanId>,
    /// The row of the parent, or [`NO_ROW`] for a root and where the parent is not in these columns.
    /// Empty until resolved (in live columns parents may still come); blocks store it.
    pub parent: Vec<u32>,
    /// Nanoseconds since the Unix epoch.
    pub start: Vec<u64>,
    /// End minus start in nanoseconds, wrapping when a span ends before it starts (so that the end comes back exactly).
    pub duration: Vec<u64>,
    pub name: Vec<u32>,
    pub names: Dict,
    pub kind: Vec<u8>,
    pub status: Vec<u8>,
    /// Codes of `messages`; spans without a message have no entry.
    pub status_message: Sparse<u32>,
    pub messages: Dict,
    pub trace_state: Sparse<u32>,
    pub trace_states: Dict,
    /// OTLP `flags`, where not zero.
    pub flags: Sparse<u32>,
    pub dropped_attributes: Sparse<u32>,
    pub dropped_events: Sparse<u32>,
    pub dropped_links: Sparse<u32>,
    /// Index into `resources`.
    pub resource: Vec<u32>,
    /// Index into `scopes`.
    pub scope: Vec<u32>,
    pub attrs: AttrTable,
    pub resources: ResourceTable,
    pub scopes: ScopeTable,
    pub events: EventColumns,
    pub links: LinkColumns,
    /// Whether the rows of each trace are contiguous and in the order of [`TraceTable::last_row`] backwards.
    pub clustered: bool,
}

/// The distinct resources.
#[derive(Debug, Clone, Default)]
pub struct ResourceTable {
    /// Code of `service.name` in `services` ("" where absent or not a string).
    pub service: Vec<u32>,
    pub services: Dict,
    pub attrs: AttrTable,
    pub dropped_attributes: Sparse<u32>,
    /// Codes of `schema_urls`.
    pub schema_url: Sparse<u32>,
    pub schema_urls: Dict,
}

/// The distinct instrumentation scopes.
#[derive(Debug, Clone, Default)]
pub struct ScopeTable {
    pub name: Vec<u32>,
    pub names: Dict,
    pub version: Vec<u32>,
    pub versions: Dict,
    pub attrs: AttrTable,
    pub dropped_attributes: Sparse<u32>,
    pub schema_url: Sparse<u32>,
    pub schema_urls: Dict,
}

/// Events, one row each, ordered by the span they belong to (and within a span as they came).
#[derive(Debug, Clone, Default)]
pub struct EventColumns {
    /// The span's row, ascending.
    pub span: Vec<u32>,
    /// Nanoseconds since the Unix epoch.
    pub time: Vec<u64>,
    pub name: Vec<u32>,
    pub names: Dict,
    pub attrs: AttrTable,
    pub dropped_attributes: Sparse<u32>,
}

/// Links, one row each, ordered by the span they belong to.
#[derive(Debug, Clone, Default)]
pub struct LinkColumns {
    /// The span's row, ascending.
    pub span: Vec<u32>,
    pub trace_id: Vec<TraceId>,
    pub span_id: Vec<SpanId>,
    pub trace_state: Sparse<u32>,
    pub trace_states: Dict,
    pub flags: Sparse<u32>,
    pub attrs: AttrTable,
    pub dropped_attributes: Sparse<u32>,
}

/// What is known of each trace as a whole, as far as its spans are in these columns.
#[derive(Debug, Clone, Default)]
pub struct TraceTable {
    pub id: Vec<TraceId>,
    /// Earliest start and latest end in nanoseconds since the Unix epoch.
    pub start: Vec<u64>,
    pub end: Vec<u64>,
    /// The row that came last; follow [`SpanColumns::previous`] for the others.
    pub last_row: Vec<u32>,
    pub spans: Vec<u32>,
    /// The row of the root span (the earliest one without a parent), or [`NO_ROW`].
    pub root: Vec<u32>,
    /// Bytes of OTLP the trace's spans took on the wire, as counted against `max_bytes_per_trace`.
    pub bytes: Vec<u64>,
    by_id: HashTable<u32>,
}

/// The head of a trace, as a search result shows it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TraceSummary {
    pub id: TraceId,
    pub start: u64,
    pub end: u64,
    /// Empty when no root span is known.
    pub root_service: String,
    pub root_name: String,
    /// When the root span starts; tells which of two roots is the earlier when fragments meet.
    pub root_start: Option<u64>,
    /// (service, spans, spans with status error), ordered by service.
    pub services: Vec<(String, u32, u32)>,
}

impl EventColumns {
    /// Keeps the first `keep` events.
    pub(crate) fn truncate(&mut self, keep: usize) {
        self.span.truncate(keep);
        self.time.truncate(keep);
        self.name.truncate(keep);
        let row = u32::try_from(keep).unwrap_or(NO_ROW);
        self.attrs
            .columns
            .iter_mut()
            .for_each(|column| column.truncate_from(row));
        self.dropped_attributes.truncate_from(row);
    }
}

impl LinkColumns {
    /// Keeps the first `keep` links.
    pub(crate) fn truncate(&mut self, keep: usize) {
        self.span.truncate(keep);
        self.trace_id.truncate(keep);
        self.span_id.truncate(keep);
        let row = u32::try_from(keep).unwrap_or(NO_ROW);
        self.trace_state.truncate_from(row);
        self.flags.truncate_from(row);
        self.attrs
            .columns
            .iter_mut()
            .for_each(|column| column.truncate_from(row));
        self.dropped_attributes.truncate_from(row);
    }
}

impl TraceTable {
    #[must_use]
    pub fn len(&self) -> usize {
        self.id.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.id.is_empty()
    }

    /// The ordinal of a trace.
    #[must_use]
    pub fn find(&self, id: TraceId) -> Option<u32> {
        self.by_id
            .find(id.spread(), |ordinal| self.id[*ordinal as usize] == id)
            .copied()
    }

    /// The ordinal of a trace, entered with no spans if it is new.
    pub fn find_or_insert(&mut self, id: TraceId) -> u32 {
        if let Some(ordinal) = self.find(id) {
            return ordinal;
        }
        let ordinal =
            u32::try_from(self.id.len()).expect("fewer traces than rows, and rows are u32");
        self.id.push(id);
        self.start.push(u64::MAX);
        self.end.push(0);
        self.last_row.push(NO_ROW);
        self.spans.push(0);
        self.root.push(NO_ROW);
        self.bytes.push(0);
        let ids = &self.id;
        self.by_id.insert_unique(id.spread(), ordinal, |ordinal| {
            ids[*ordinal as usize].spread()
        });
        ordinal
    }

    #[must_use]
    pub fn memory(&self) -> usize {
        self.held()
    }
}

impl Held for TraceTable {
    fn held(&self) -> usize {
        let Self {
            id,
            start,
            end,
            last_row,
            spans,
            root,
            bytes,
            by_id,
        } = self;
        let times = start.held() + end.held();
        let numbers = last_row.held() + spans.held() + root.held() + bytes.held();
        id.held() + times + numbers + by_id.allocation_size()
    }

    fn trim(&mut self) {
        let Self {
            id,
            start,
            end,
            last_row,
            spans,
            root,
            bytes,
            by_id,
        } = self;
        id.trim();
        for times in [start, end, bytes] {
            times.trim();
        }
        for numbers in [last_row, spans, root] {
            numbers.trim();
        }
        by_id.shrink_to_fit(|ordinal| id[*ordinal as usize].spread());
    }
}

impl SpanColumns {
    /// The number of spans.
    #[must_use]
    pub fn len(&self) -> usize {
        self.trace.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.trace.is_empty()
    }

    /// The rows of a trace, latest first.
    pub fn rows_of(&self, trace: u32) -> impl Iterator<Item = u32> + '_ {
        let next = |row: u32| (row != NO_ROW).then_some(row);
        std::iter::successors(next(self.traces.last_row[trace as usize]), move |row| {
            next(self.previous[*row as usize])
        })
    }

    /// Nanoseconds since the Unix epoch; wraps back to the exact end that came in.
    #[must_use]
    pub fn end(&self, row: u32) -> u64 {
        self.start[row as usize].wrapping_add(self.duration[row as usize])
    }

    #[must_use]
    pub fn service(&self, row: u32) -> &str {
        let resource = self.resource[row as usize] as usize;
        self.resources
            .services
            .text(self.resources.service[resource])
    }

    /// What a search result shows of a trace. Needs `resource`, `status`, `name` and `start`.
    #[must_use]
    pub fn summary(&self, trace: u32) -> TraceSummary {
        let mut services = std::collections::BTreeMap::<&str, (u32, u32)>::new();
        for row in self.rows_of(trace) {
            let counts = services.entry(self.service(row)).or_default();
            counts.0 += 1;
            counts.1 += u32::from(self.status[row as usize] == Status::ERROR.0);
        }
        let at = trace as usize;
        let root = self.traces.root[at];
        let known = root != NO_ROW;
        TraceSummary {
            id: self.traces.id[at],
            start: self.traces.start[at],
            end: self.traces.end[at],
            root_service: if known {
                self.service(root).to_owned()
            } else {
                String::new()
            },
            root_name: if known {
                self.names.text(self.name[root as usize]).to_owned()
            } else {
                String::new()
            },
            root_start: known.then(|| self.start[root as usize]),
            services: services
                .into_iter()
                .map(|(service, (spans, errors))| (service.to_owned(), spans, errors))
                .collect(),
        }
    }

    /// The events of a span as a range of rows in `events`.
    #[must_use]
    pub fn events_of(&self, row: u32) -> std::ops::Range<u32> {
        range_of(&self.events.span, row)
    }

    /// The links of a span as a range of rows in `links`.
    #[must_use]
    pub fn links_of(&self, row: u32) -> std::ops::Range<u32> {
        range_of(&self.links.span, row)
    }
}

impl TraceSummary {
    /// Joins what another fragment of the same trace knows: times widen, counts add, the earlier root stands.
    pub fn merge(&mut self, other: Self) {
        self.start = self.start.min(other.start);
        self.end = self.end.max(other.end);
        let earlier = match (self.root_start, other.root_start) {
            (None, Some(_)) => true,
            (Some(mine), Some(theirs)) => theirs < mine,
            (_, None) => false,
        };
        if earlier {
            self.root_service = other.root_service;
            self.root_name = other.root_name;
            self.root_start = other.root_start;
        }
        for (service, spans, errors) in other.services {
            match self
                .services
                .binary_search_by(|known| known.0.cmp(&service))
            {
                Ok(at) => {
                    self.services[at].1 += spans;
                    self.services[at].2 += errors;
                }
                Err(at) => self.services.insert(at, (service, spans, errors)),
            }
        }
    }
}

fn range_of(spans: &[u32], row: u32) -> std::ops::Range<u32> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "child rows are u32 by construction"
    )]
    let point = |n: usize| n as u32;
    let start = spans.partition_point(|span| *span < row);
    let length = spans[start..]
        .iter()
        .take_while(|span| **span == row)
        .count();
    point(start)..point(start + length)
}
