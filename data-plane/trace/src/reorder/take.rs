//! Gathers rows, in any order, into new columns.

use crate::attrs::{AttrTable, KeyColumn, Sparse};
use crate::columns::{EventColumns, LinkColumns, NO_ROW, ResourceTable, ScopeTable, SpanColumns};
use crate::dict::Dict;

/// `rows` of `from`, in that order. `parent` is left empty.
pub(super) fn take(from: &SpanColumns, rows: &[u32]) -> SpanColumns {
    let mut to = SpanColumns::default();
    let spans = Moves::new(rows, from.len());
    traces(&mut to, from, rows);
    to.span_id = gather(&from.span_id, rows);
    to.parent_id = gather(&from.parent_id, rows);
    to.start = gather(&from.start, rows);
    to.duration = gather(&from.duration, rows);
    (to.name, to.names) = codes(&from.name, &from.names, rows);
    to.kind = gather(&from.kind, rows);
    to.status = gather(&from.status, rows);
    (to.status_message, to.messages) = spans.texts(&from.status_message, &from.messages);
    (to.trace_state, to.trace_states) = spans.texts(&from.trace_state, &from.trace_states);
    to.flags = spans.sparse(&from.flags);
    to.dropped_attributes = spans.sparse(&from.dropped_attributes);
    to.dropped_events = spans.sparse(&from.dropped_events);
    to.dropped_links = spans.sparse(&from.dropped_links);
    to.attrs = spans.attrs(&from.attrs);

    let used = used(&from.resource, rows, from.resources.service.len());
    to.resources = resources(&from.resources, &used);
    to.resource = renumbered(&from.resource, rows, &used);
    let used = self::used(&from.scope, rows, from.scopes.name.len());
    to.scopes = scopes(&from.scopes, &used);
    to.scope = renumbered(&from.scope, rows, &used);

    to.events = events(&from.events, &spans);
    to.links = links(&from.links, &spans);
    to
}

/// Where each old row goes.
struct Moves {
    new_of_old: Vec<u32>,
    len: usize,
}

impl Moves {
    fn new(rows: &[u32], old_len: usize) -> Self {
        let mut new_of_old = vec![NO_ROW; old_len];
        for (new, old) in (0..).zip(rows) {
            new_of_old[*old as usize] = new;
        }
        Self {
            new_of_old,
            len: rows.len(),
        }
    }

    fn of(&self, old: u32) -> Option<u32> {
        Some(self.new_of_old[old as usize]).filter(|new| *new != NO_ROW)
    }

    /// A sparse column in the new order: by sorting when few rows have a value, else by one pass over slots.
    fn sparse<T: Copy>(&self, from: &Sparse<T>) -> Sparse<T> {
        if from.len() * 16 < self.len {
            let mut pairs: Vec<(u32, T)> = from
                .iter()
                .filter_map(|(row, value)| Some((self.of(row)?, value)))
                .collect();
            pairs.sort_unstable_by_key(|(row, _)| *row);
            let (rows, values) = pairs.into_iter().unzip();
            return Sparse { rows, values };
        }
        let mut slots = vec![NO_ROW; self.len];
        for (at, row) in (0..).zip(&from.rows) {
            if let Some(new) = self.of(*row) {
                slots[new as usize] = at;
            }
        }
        let mut to = Sparse {
            rows: Vec::with_capacity(from.len().min(self.len)),
            values: Vec::with_capacity(from.len().min(self.len)),
        };
        for (row, at) in (0..).zip(slots).filter(|(_, at)| *at != NO_ROW) {
            to.push(row, from.values[at as usize]);
        }
        to
    }

    /// A sparse column of codes, with a dictionary of what is left.
    fn texts(&self, from: &Sparse<u32>, dict: &Dict) -> (Sparse<u32>, Dict) {
        let mut to = self.sparse(from);
        let dict = recode(&mut to.values, dict);
        (to, dict)
    }

    fn attrs(&self, from: &AttrTable) -> AttrTable {
        let mut to = AttrTable::default();
        for (key, column) in from.iter() {
            let taken = self.key(column);
            if !taken.is_empty() {
                *to.column_mut(key) = taken;
            }
        }
        to
    }

    fn key(&self, from: &KeyColumn) -> KeyColumn {
        let (string, strings) = self.texts(&from.string, &from.strings);
        let (other, others) = self.texts(&from.other, &from.others);
        KeyColumn {
            string,
            strings,
            int: self.sparse(&from.int),
            float: self.sparse(&from.float),
            bool: self.sparse(&from.bool),
            other,
            others,
        }
    }
}

/// A column that was not loaded stays empty.
fn gather<T: Copy>(from: &[T], rows: &[u32]) -> Vec<T> {
    if from.is_empty() {
        return Vec::new();
    }
    rows.iter().map(|row| from[*row as usize]).collect()
}

fn codes(from: &[u32], dict: &Dict, rows: &[u32]) -> (Vec<u32>, Dict) {
    let mut codes = gather(from, rows);
    let dict = recode(&mut codes, dict);
    (codes, dict)
}

/// Renumbers codes in the order of their first use and returns the dictionary that goes with them.
fn recode(codes: &mut [u32], dict: &Dict) -> Dict {
    let mut to = Dict::default();
    let mut renamed = vec![NO_ROW; dict.len()];
    for code in codes {
        let new = &mut renamed[*code as usize];
        if *new == NO_ROW {
            *new = to.intern(dict.get(*code));
        }
        *code = *new;
    }
    to
}

/// The rows of a table that `rows` refer to, in the order of their first use.
fn used(references: &[u32], rows: &[u32], table_len: usize) -> Vec<u32> {
    if references.is_empty() {
        return Vec::new();
    }
    let mut seen = vec![false; table_len];
    rows.iter()
        .map(|row| references[*row as usize])
        .filter(|reference| !std::mem::replace(&mut seen[*reference as usize], true))
        .collect()
}

fn renumbered(references: &[u32], rows: &[u32], used: &[u32]) -> Vec<u32> {
    if references.is_empty() {
        return Vec::new();
    }
    let mut new_of_old = vec![NO_ROW; used.iter().max().map_or(0, |most| *most as usize + 1)];
    for (new, old) in (0..).zip(used) {
        new_of_old[*old as usize] = new;
    }
    rows.iter()
        .map(|row| new_of_old[references[*row as usize] as usize])
        .collect()
}

fn traces(to: &mut SpanColumns, from: &SpanColumns, rows: &[u32]) {
    to.trace.reserve_exact(rows.len());
    to.previous.reserve_exact(rows.len());
    for (new, old) in (0..).zip(rows) {
        let old_trace = from.trace[*old as usize] as usize;
        let trace = to.traces.find_or_insert(from.traces.id[old_trace]);
        let at = trace as usize;
        to.trace.push(trace);
        to.previous.push(to.traces.last_row[at]);
        to.traces.last_row[at] = new;
        to.traces.spans[at] += 1;
        to.traces.start[at] = from.traces.start[old_trace];
        to.traces.end[at] = from.traces.end[old_trace];
        to.traces.bytes[at] = from.traces.bytes[old_trace];
        if from.traces.root[old_trace] == *old {
            to.traces.root[at] = new;
        }
    }
}

fn resources(from: &ResourceTable, used: &[u32]) -> ResourceTable {
    let moves = Moves::new(used, from.service.len());
    let (service, services) = codes(&from.service, &from.services, used);
    let (schema_url, schema_urls) = moves.texts(&from.schema_url, &from.schema_urls);
    ResourceTable {
        service,
        services,
        attrs: moves.attrs(&from.attrs),
        dropped_attributes: moves.sparse(&from.dropped_attributes),
        schema_url,
        schema_urls,
    }
}

fn scopes(from: &ScopeTable, used: &[u32]) -> ScopeTable {
    let moves = Moves::new(used, from.name.len());
    let (name, names) = codes(&from.name, &from.names, used);
    let (version, versions) = codes(&from.version, &from.versions, used);
    let (schema_url, schema_urls) = moves.texts(&from.schema_url, &from.schema_urls);
    let dropped_attributes = moves.sparse(&from.dropped_attributes);
    ScopeTable {
        name,
        names,
        version,
        versions,
        attrs: moves.attrs(&from.attrs),
        dropped_attributes,
        schema_url,
        schema_urls,
    }
}

/// Child rows in the order of their spans' new rows, and those new rows.
fn children(spans: &[u32], moves: &Moves) -> (Vec<u32>, Vec<u32>) {
    let mut kept: Vec<(u32, u32)> = (0..)
        .zip(spans)
        .filter_map(|(child, span)| Some((moves.of(*span)?, child)))
        .collect();
    kept.sort_unstable();
    kept.into_iter().unzip()
}

fn events(from: &EventColumns, moves: &Moves) -> EventColumns {
    let (span, rows) = children(&from.span, moves);
    let moves = Moves::new(&rows, from.span.len());
    let (name, names) = codes(&from.name, &from.names, &rows);
    EventColumns {
        span,
        time: gather(&from.time, &rows),
        name,
        names,
        attrs: moves.attrs(&from.attrs),
        dropped_attributes: moves.sparse(&from.dropped_attributes),
    }
}

fn links(from: &LinkColumns, moves: &Moves) -> LinkColumns {
    let (span, rows) = children(&from.span, moves);
    let moves = Moves::new(&rows, from.span.len());
    let (trace_state, trace_states) = moves.texts(&from.trace_state, &from.trace_states);
    LinkColumns {
        span,
        trace_id: gather(&from.trace_id, &rows),
        span_id: gather(&from.span_id, &rows),
        trace_state,
        trace_states,
        flags: moves.sparse(&from.flags),
        attrs: moves.attrs(&from.attrs),
        dropped_attributes: moves.sparse(&from.dropped_attributes),
    }
}
