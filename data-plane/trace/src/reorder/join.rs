//! Fragments of traces put together, so that a trace that lies in several places can be asked as one.

use crate::attrs::{AttrTable, KeyColumn, Sparse};
use crate::columns::{EventColumns, LinkColumns, NO_ROW, ResourceTable, ScopeTable, SpanColumns};
use crate::dict::Dict;

/// All spans of all fragments, one fragment after the other; a trace that is in several of them is one
/// trace in the result. Parents are left unresolved: the parent of a span may come from any fragment.
///
/// Columns that are empty in one fragment with spans (because its reader did not load them) are empty in
/// the result. A span that two fragments have is there twice: who joins knows what makes spans the same.
#[must_use]
pub fn join(fragments: &[SpanColumns]) -> SpanColumns {
    let mut all = SpanColumns::default();
    for fragment in fragments.iter().filter(|fragment| !fragment.is_empty()) {
        append(&mut all, fragment);
    }
    all
}

fn append(to: &mut SpanColumns, from: &SpanColumns) {
    let base = row(to.len());
    traces(to, from, base);
    let mut dense = Dense {
        had: base as usize,
        adds: from.len(),
    };
    dense.extend(&mut to.span_id, &from.span_id);
    dense.extend(&mut to.parent_id, &from.parent_id);
    dense.extend(&mut to.start, &from.start);
    dense.extend(&mut to.duration, &from.duration);
    dense.codes(&mut to.name, &mut to.names, &from.name, &from.names);
    dense.extend(&mut to.kind, &from.kind);
    dense.extend(&mut to.status, &from.status);
    texts(
        (&mut to.status_message, &mut to.messages),
        (&from.status_message, &from.messages),
        base,
    );
    texts(
        (&mut to.trace_state, &mut to.trace_states),
        (&from.trace_state, &from.trace_states),
        base,
    );
    sparse(&mut to.flags, &from.flags, base);
    sparse(&mut to.dropped_attributes, &from.dropped_attributes, base);
    sparse(&mut to.dropped_events, &from.dropped_events, base);
    sparse(&mut to.dropped_links, &from.dropped_links, base);
    attrs(&mut to.attrs, &from.attrs, base);
    dense.references(&mut to.resource, &from.resource, to.resources.service.len());
    resources(&mut to.resources, &from.resources);
    dense.references(&mut to.scope, &from.scope, to.scopes.name.len());
    scopes(&mut to.scopes, &from.scopes);
    events(&mut to.events, &from.events, base);
    links(&mut to.links, &from.links, base);
}

/// Columns with a value for every row, of which `had` rows are there and `adds` come.
struct Dense {
    had: usize,
    adds: usize,
}

impl Dense {
    /// Whether the column is complete on both sides; if not, it is emptied.
    fn complete<T, U>(&self, to: &mut Vec<T>, from: &[U]) -> bool {
        let complete = to.len() == self.had && from.len() == self.adds;
        if !complete {
            to.clear();
        }
        complete
    }

    fn extend<T: Copy>(&mut self, to: &mut Vec<T>, from: &[T]) {
        if self.complete(to, from) {
            to.extend_from_slice(from);
        }
    }

    fn codes(&mut self, to: &mut Vec<u32>, dict: &mut Dict, from: &[u32], others: &Dict) {
        if self.complete(to, from) {
            let renamed = merged(dict, others);
            to.extend(from.iter().map(|code| renamed[*code as usize]));
        }
    }

    /// Indexes into a table that has `known` rows and gets those of the other behind them.
    fn references(&mut self, to: &mut Vec<u32>, from: &[u32], known: usize) {
        if self.complete(to, from) {
            let known = row(known);
            to.extend(from.iter().map(|reference| reference + known));
        }
    }
}

/// Enters `others` into `dict`; the new code of each of their codes.
fn merged(dict: &mut Dict, others: &Dict) -> Vec<u32> {
    others.iter().map(|value| dict.intern(value)).collect()
}

fn row(n: usize) -> u32 {
    u32::try_from(n).expect("rows are u32 by construction")
}

fn sparse<T: Copy>(to: &mut Sparse<T>, from: &Sparse<T>, base: u32) {
    for (row, value) in from.iter() {
        to.push(base + row, value);
    }
}

fn texts(to: (&mut Sparse<u32>, &mut Dict), from: (&Sparse<u32>, &Dict), base: u32) {
    let renamed = merged(to.1, from.1);
    for (row, code) in from.0.iter() {
        to.0.push(base + row, renamed[code as usize]);
    }
}

fn attrs(to: &mut AttrTable, from: &AttrTable, base: u32) {
    for (key, column) in from.iter() {
        key_column(to.column_mut(key), column, base);
    }
}

fn key_column(to: &mut KeyColumn, from: &KeyColumn, base: u32) {
    texts(
        (&mut to.string, &mut to.strings),
        (&from.string, &from.strings),
        base,
    );
    sparse(&mut to.int, &from.int, base);
    sparse(&mut to.float, &from.float, base);
    sparse(&mut to.bool, &from.bool, base);
    texts(
        (&mut to.other, &mut to.others),
        (&from.other, &from.others),
        base,
    );
}

fn resources(to: &mut ResourceTable, from: &ResourceTable) {
    let base = row(to.service.len());
    let renamed = merged(&mut to.services, &from.services);
    to.service
        .extend(from.service.iter().map(|code| renamed[*code as usize]));
    attrs(&mut to.attrs, &from.attrs, base);
    sparse(&mut to.dropped_attributes, &from.dropped_attributes, base);
    texts(
        (&mut to.schema_url, &mut to.schema_urls),
        (&from.schema_url, &from.schema_urls),
        base,
    );
}

fn scopes(to: &mut ScopeTable, from: &ScopeTable) {
    let base = row(to.name.len());
    let renamed = merged(&mut to.names, &from.names);
    to.name
        .extend(from.name.iter().map(|code| renamed[*code as usize]));
    let renamed = merged(&mut to.versions, &from.versions);
    to.version
        .extend(from.version.iter().map(|code| renamed[*code as usize]));
    attrs(&mut to.attrs, &from.attrs, base);
    sparse(&mut to.dropped_attributes, &from.dropped_attributes, base);
    texts(
        (&mut to.schema_url, &mut to.schema_urls),
        (&from.schema_url, &from.schema_urls),
        base,
    );
}

fn events(to: &mut EventColumns, from: &EventColumns, spans: u32) {
    let mut dense = Dense {
        had: to.span.len(),
        adds: from.span.len(),
    };
    let base = row(to.span.len());
    to.span.extend(from.span.iter().map(|span| spans + span));
    dense.extend(&mut to.time, &from.time);
    dense.codes(&mut to.name, &mut to.names, &from.name, &from.names);
    attrs(&mut to.attrs, &from.attrs, base);
    sparse(&mut to.dropped_attributes, &from.dropped_attributes, base);
}

fn links(to: &mut LinkColumns, from: &LinkColumns, spans: u32) {
    let mut dense = Dense {
        had: to.span.len(),
        adds: from.span.len(),
    };
    let base = row(to.span.len());
    to.span.extend(from.span.iter().map(|span| spans + span));
    dense.extend(&mut to.trace_id, &from.trace_id);
    dense.extend(&mut to.span_id, &from.span_id);
    texts(
        (&mut to.trace_state, &mut to.trace_states),
        (&from.trace_state, &from.trace_states),
        base,
    );
    sparse(&mut to.flags, &from.flags, base);
    attrs(&mut to.attrs, &from.attrs, base);
    sparse(&mut to.dropped_attributes, &from.dropped_attributes, base);
}

/// Times widen, bytes and spans add up, and of two roots the earlier one stands.
fn traces(to: &mut SpanColumns, from: &SpanColumns, base: u32) {
    let renumbered: Vec<u32> = (0..from.traces.len())
        .map(|old| {
            let trace = to.traces.find_or_insert(from.traces.id[old]);
            let (table, at) = (&mut to.traces, trace as usize);
            table.start[at] = table.start[at].min(from.traces.start[old]);
            table.end[at] = table.end[at].max(from.traces.end[old]);
            table.bytes[at] += from.traces.bytes[old];
            let theirs = from.traces.root[old];
            if theirs != NO_ROW {
                let mine = table.root[at];
                let earlier =
                    mine == NO_ROW || from.start.get(theirs as usize) < to.start.get(mine as usize);
                if earlier {
                    table.root[at] = base + theirs;
                }
            }
            trace
        })
        .collect();
    for (old, trace) in (0..).zip(&from.trace) {
        let trace = renumbered[*trace as usize];
        let at = trace as usize;
        to.trace.push(trace);
        to.previous.push(to.traces.last_row[at]);
        to.traces.last_row[at] = base + old;
        to.traces.spans[at] += 1;
    }
}
