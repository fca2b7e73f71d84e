//! The trace table: every trace of the block with its place and what a search result shows of it.
//!
//! Traces are numbered in the order of their rows, so a trace's first row is the sum of the spans before it.

use hashbrown::HashTable;
use takt_model::TraceId;
use takt_trace::{Dict, NO_ROW, SpanColumns, Status, TraceSummary};

use super::tables::{put_dict, take_dict};
use crate::Error;
use crate::codec::{In, Out};

#[derive(Debug)]
pub(crate) struct Traces {
    pub(crate) id: Vec<TraceId>,
    /// The first row of each trace, counted from the start of the block; one more at the end.
    pub(crate) first: Vec<u32>,
    pub(crate) start: Vec<u64>,
    pub(crate) end: Vec<u64>,
    /// The root's place within its trace, or [`NO_ROW`].
    pub(crate) root: Vec<u32>,
    pub(crate) bytes: Vec<u64>,
    root_start: Vec<u64>,
    root_service: Vec<u32>,
    root_name: Vec<u32>,
    names: Dict,
    services: Dict,
    /// Where the counts of each trace begin in `counts`; one more at the end.
    counts_at: Vec<u32>,
    /// (service, spans, errors).
    counts: Vec<(u32, u32, u32)>,
    by_id: HashTable<u32>,
}

/// `columns` are clustered, so that trace `t` has the rows after those of trace `t - 1`.
pub(crate) fn put(columns: &SpanColumns) -> Vec<u8> {
    let traces = &columns.traces;
    let mut out = Out::default();
    out.size(traces.len());
    for id in &traces.id {
        out.raw(&id.0);
    }
    put_all(&mut out, &traces.spans);
    let firsts: Vec<u32> = traces
        .spans
        .iter()
        .scan(0, |next, spans| {
            let first = *next;
            *next += spans;
            Some(first)
        })
        .collect();
    let mut before = 0_u64;
    for start in &traces.start {
        out.signed(start.wrapping_sub(before).cast_signed());
        before = *start;
    }
    for (start, end) in traces.start.iter().zip(&traces.end) {
        out.number(end.wrapping_sub(*start));
    }
    for (root, first) in traces.root.iter().zip(&firsts) {
        out.number(match *root {
            NO_ROW => 0,
            root => u64::from(root - first) + 1,
        });
    }
    for bytes in &traces.bytes {
        out.number(*bytes);
    }
    put_roots(&mut out, columns);
    put_counts(&mut out, columns, &firsts);
    out.0
}

fn put_all(out: &mut Out, numbers: &[u32]) {
    for number in numbers {
        out.number(u64::from(*number));
    }
}

fn known_roots(columns: &SpanColumns) -> impl Iterator<Item = (usize, usize)> + '_ {
    let known = |(trace, root): (usize, &u32)| (*root != NO_ROW).then_some((trace, *root as usize));
    columns.traces.root.iter().enumerate().filter_map(known)
}

/// Start, service and name of the root, for the traces that have one.
fn put_roots(out: &mut Out, columns: &SpanColumns) {
    let mut names = Dict::default();
    let codes: Vec<u32> = known_roots(columns)
        .map(|(_, root)| names.intern(columns.names.get(columns.name[root])))
        .collect();
    put_dict(out, &names);
    put_all(out, &codes);
    put_dict(out, &columns.resources.services);
    for (_, root) in known_roots(columns) {
        let resource = columns.resource[root] as usize;
        out.number(u64::from(columns.resources.service[resource]));
    }
    for (trace, root) in known_roots(columns) {
        out.number(columns.start[root].wrapping_sub(columns.traces.start[trace]));
    }
}

fn put_counts(out: &mut Out, columns: &SpanColumns, firsts: &[u32]) {
    let mut sizes = Vec::with_capacity(firsts.len());
    let mut all: Vec<(u32, u32, u32)> = Vec::new();
    for (first, spans) in firsts.iter().zip(&columns.traces.spans) {
        let begin = all.len();
        for row in *first..first + spans {
            let at = row as usize;
            let service = columns.resources.service[columns.resource[at] as usize];
            let error = u32::from(columns.status[at] == Status::ERROR.0);
            match all[begin..].iter_mut().find(|count| count.0 == service) {
                Some(count) => {
                    count.1 += 1;
                    count.2 += error;
                }
                None => all.push((service, 1, error)),
            }
        }
        all[begin..].sort_unstable();
        sizes.push(all.len() - begin);
    }
    for size in sizes {
        out.size(size);
    }
    for part in [0, 1, 2] {
        for count in &all {
            out.number(u64::from([count.0, count.1, count.2][part]));
        }
    }
}

impl Traces {
    pub(crate) fn take(bytes: &[u8]) -> Result<Self, Error> {
        let mut input = In::new("traces", bytes);
        let count = input.count(16)?;
        let id: Vec<TraceId> = (0..count)
            .map(|_| Ok(TraceId(input.array()?)))
            .collect::<Result<_, Error>>()?;
        let first = sums(&mut input, count)?;
        let mut start = Vec::with_capacity(count);
        let mut before = 0_u64;
        for _ in 0..count {
            before = before.wrapping_add(input.signed()?.cast_unsigned());
            start.push(before);
        }
        let mut end = Vec::with_capacity(count);
        for start in &start {
            end.push(start.wrapping_add(input.number()?));
        }
        let root = take_roots(&mut input, &first)?;
        let bytes = (0..count)
            .map(|_| input.number())
            .collect::<Result<_, _>>()?;
        let mut this = Self {
            by_id: by_id(&id),
            id,
            first,
            start,
            end,
            root,
            bytes,
            root_start: Vec::new(),
            root_service: Vec::new(),
            root_name: Vec::new(),
            names: Dict::default(),
            services: Dict::default(),
            counts_at: Vec::new(),
            counts: Vec::new(),
        };
        this.take_summaries(&mut input)?;
        input.end()?;
        Ok(this)
    }

    fn take_summaries(&mut self, input: &mut In<'_>) -> Result<(), Error> {
        let roots = self.root.iter().filter(|root| **root != NO_ROW).count();
        self.names = take_dict(input)?;
        let names = input.codes(roots, self.names.len())?;
        self.services = take_dict(input)?;
        let services = input.codes(roots, self.services.len())?;
        let mut each = names.into_iter().zip(services);
        for (root, start) in self.root.iter().zip(&self.start) {
            let (name, service, start) = match *root {
                NO_ROW => (0, 0, 0),
                _ => {
                    let (name, service) = each.next().unwrap_or_default();
                    (name, service, start.wrapping_add(input.number()?))
                }
            };
            self.root_name.push(name);
            self.root_service.push(service);
            self.root_start.push(start);
        }
        self.counts_at = sums(input, self.id.len())?;
        let total = self.counts_at.last().copied().unwrap_or(0) as usize;
        let service = input.codes(total, self.services.len())?;
        let spans = input.numbers32(total)?;
        let errors = input.numbers32(total)?;
        self.counts = service
            .into_iter()
            .zip(spans.into_iter().zip(errors))
            .map(|(service, (spans, errors))| (service, spans, errors))
            .collect();
        Ok(())
    }

    pub(crate) fn len(&self) -> usize {
        self.id.len()
    }

    pub(crate) fn rows(&self) -> u32 {
        self.first.last().copied().unwrap_or(0)
    }

    pub(crate) fn find(&self, id: TraceId) -> Option<u32> {
        self.by_id
            .find(id.spread(), |trace| self.id[*trace as usize] == id)
            .copied()
    }

    pub(crate) fn summary(&self, trace: u32) -> TraceSummary {
        let at = trace as usize;
        let known = self.root[at] != NO_ROW;
        let text = |dict: &Dict, code: u32| match known {
            true => dict.text(code).to_owned(),
            false => String::new(),
        };
        let counts = self.counts_at[at] as usize..self.counts_at[at + 1] as usize;
        let mut services: Vec<(String, u32, u32)> = self.counts[counts]
            .iter()
            .map(|(code, spans, errors)| (self.services.text(*code).to_owned(), *spans, *errors))
            .collect();
        services.sort_unstable();
        TraceSummary {
            id: self.id[at],
            start: self.start[at],
            end: self.end[at],
            root_service: text(&self.services, self.root_service[at]),
            root_name: text(&self.names, self.root_name[at]),
            root_start: known.then(|| self.root_start[at]),
            services,
        }
    }

    pub(crate) fn memory(&self) -> usize {
        self.id.len() * (16 + 4 + 8 + 8 + 4 + 8 + 8 + 4 + 4 + 4 + 5)
            + 12 * self.counts.len()
            + self.names.memory()
            + self.services.memory()
    }
}

/// `count` numbers as running sums from 0, with the total at the end.
fn sums(input: &mut In<'_>, count: usize) -> Result<Vec<u32>, Error> {
    let mut sums = Vec::with_capacity(count + 1);
    let mut sum = 0_u32;
    sums.push(sum);
    for _ in 0..count {
        sum = sum
            .checked_add(input.number32()?)
            .filter(|sum| *sum < NO_ROW)
            .ok_or_else(|| input.damaged("the rows exceed 32 bits"))?;
        sums.push(sum);
    }
    Ok(sums)
}

fn take_roots(input: &mut In<'_>, first: &[u32]) -> Result<Vec<u32>, Error> {
    first
        .windows(2)
        .map(|rows| match input.number32()? {
            0 => Ok(NO_ROW),
            root if root <= rows[1] - rows[0] => Ok(root - 1),
            _ => Err(input.damaged("a root is outside its trace")),
        })
        .collect()
}

fn by_id(ids: &[TraceId]) -> HashTable<u32> {
    let mut table = HashTable::with_capacity(ids.len());
    for (trace, id) in (0_u32..).zip(ids) {
        table.insert_unique(id.spread(), trace, |trace| ids[*trace as usize].spread());
    }
    table
}
