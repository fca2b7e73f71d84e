//! Span columns back to OTLP: protobuf, and the JSON that Tempo's API writes. And OTLP/JSON, as clients
//! send it, to protobuf.

mod attributes;
mod json;
mod otlp_json;

use crate::columns::SpanColumns;
use crate::wire::{put_bytes, put_fixed32, put_fixed64, put_message, put_number};

use attributes::{Attributes, Cell};
pub use json::trace_json;
pub use otlp_json::{JsonError, from_otlp_json};

/// Encodes rows as OTLP `TracesData` (the same bytes as an `ExportTraceServiceRequest`), grouped by
/// resource and then scope in the order of first use. `resource`, `scope` and `status` are always
/// present, empty where nothing was said, as Tempo writes them.
#[must_use]
pub fn trace_proto(columns: &SpanColumns, rows: &[u32]) -> Vec<u8> {
    let mut groups = Vec::new();
    for (resource, rows) in grouped(rows, |row| columns.resource[row as usize]) {
        groups.push((resource, grouped(&rows, |row| columns.scope[row as usize])));
    }
    let mut out = Vec::with_capacity(rows.len() * 400);
    let mut writer = Writer::new(columns, &groups);
    for (resource, scopes) in &groups {
        put_message(&mut out, 1, |out| {
            writer.put_resource_spans(out, *resource, scopes)
        });
    }
    out
}

type Group<T> = (u32, Vec<T>);

/// Rows by key, keys in the order of their first row.
fn grouped(rows: &[u32], key: impl Fn(u32) -> u32) -> Vec<Group<u32>> {
    let mut place = hashbrown::HashMap::<u32, usize, foldhash::fast::FixedState>::with_hasher(
        foldhash::fast::FixedState::with_seed(4),
    );
    let mut groups: Vec<Group<u32>> = Vec::new();
    for row in rows {
        let key = key(*row);
        let at = *place.entry(key).or_insert_with(|| {
            groups.push((key, Vec::new()));
            groups.len() - 1
        });
        groups[at].1.push(*row);
    }
    groups
}

/// Writes rows in the order in which they were laid out; what they hold is looked up in that order.
struct Writer<'a> {
    columns: &'a SpanColumns,
    resources: Attributes<'a>,
    scopes: Attributes<'a>,
    spans: Attributes<'a>,
    events: Attributes<'a>,
    links: Attributes<'a>,
    /// How many of each have been written.
    written: Written,
}

#[derive(Default)]
struct Written {
    resources: usize,
    scopes: usize,
    spans: usize,
    events: usize,
    links: usize,
}

/// One further, and where it was.
fn next(count: &mut usize) -> usize {
    *count += 1;
    *count - 1
}

impl<'a> Writer<'a> {
    fn new(columns: &'a SpanColumns, groups: &[Group<Group<u32>>]) -> Self {
        let resources = groups.iter().map(|(resource, _)| *resource).collect();
        let scopes = || groups.iter().flat_map(|(_, scopes)| scopes);
        let rows: Vec<u32> = scopes().flat_map(|(_, rows)| rows).copied().collect();
        let events = rows
            .iter()
            .flat_map(|row| columns.events_of(*row))
            .collect();
        let links = rows.iter().flat_map(|row| columns.links_of(*row)).collect();
        let scopes = scopes().map(|(scope, _)| *scope).collect();
        Self {
            columns,
            resources: Attributes::new(&columns.resources.attrs, resources),
            scopes: Attributes::new(&columns.scopes.attrs, scopes),
            spans: Attributes::new(&columns.attrs, rows),
            events: Attributes::new(&columns.events.attrs, events),
            links: Attributes::new(&columns.links.attrs, links),
            written: Written::default(),
        }
    }

    fn put_resource_spans(&mut self, out: &mut Vec<u8>, resource: u32, scopes: &[Group<u32>]) {
        let table = &self.columns.resources;
        let attributes = self.resources.of(next(&mut self.written.resources));
        put_message(out, 1, |out| {
            put_attributes(out, 1, attributes);
            put_some(out, 2, table.dropped_attributes.get(resource));
        });
        for (scope, rows) in scopes {
            put_message(out, 2, |out| self.put_scope_spans(out, *scope, rows));
        }
        if let Some(url) = table.schema_url.get(resource) {
            put_bytes(out, 3, table.schema_urls.get(url));
        }
    }

    fn put_scope_spans(&mut self, out: &mut Vec<u8>, scope: u32, rows: &[u32]) {
        let table = &self.columns.scopes;
        let attributes = self.scopes.of(next(&mut self.written.scopes));
        put_message(out, 1, |out| {
            put_text(out, 1, table.names.get(table.name[scope as usize]));
            put_text(out, 2, table.versions.get(table.version[scope as usize]));
            put_attributes(out, 3, attributes);
            put_some(out, 4, table.dropped_attributes.get(scope));
        });
        for row in rows {
            put_message(out, 2, |out| self.put_span(out, *row));
        }
        if let Some(url) = table.schema_url.get(scope) {
            put_bytes(out, 3, table.schema_urls.get(url));
        }
    }

    fn put_span(&mut self, out: &mut Vec<u8>, row: u32) {
        let (columns, at) = (self.columns, row as usize);
        put_bytes(out, 1, &columns.traces.id[columns.trace[at] as usize].0);
        put_bytes(out, 2, &columns.span_id[at].0);
        if let Some(state) = columns.trace_state.get(row) {
            put_bytes(out, 3, columns.trace_states.get(state));
        }
        if !columns.parent_id[at].is_zero() {
            put_bytes(out, 4, &columns.parent_id[at].0);
        }
        put_text(out, 5, columns.names.get(columns.name[at]));
        put_some(out, 6, Some(u32::from(columns.kind[at])));
        put_time(out, 7, columns.start[at]);
        put_time(out, 8, columns.end(row));
        put_attributes(out, 9, self.spans.of(next(&mut self.written.spans)));
        put_some(out, 10, columns.dropped_attributes.get(row));
        for event in columns.events_of(row) {
            put_message(out, 11, |out| self.put_event(out, event));
        }
        put_some(out, 12, columns.dropped_events.get(row));
        for link in columns.links_of(row) {
            put_message(out, 13, |out| self.put_link(out, link));
        }
        put_some(out, 14, columns.dropped_links.get(row));
        put_message(out, 15, |out| {
            if let Some(message) = columns.status_message.get(row) {
                put_bytes(out, 2, columns.messages.get(message));
            }
            put_some(out, 3, Some(u32::from(columns.status[at])));
        });
        if let Some(flags) = columns.flags.get(row) {
            put_fixed32(out, 16, flags);
        }
    }

    fn put_event(&mut self, out: &mut Vec<u8>, event: u32) {
        let events = &self.columns.events;
        put_time(out, 1, events.time[event as usize]);
        put_text(out, 2, events.names.get(events.name[event as usize]));
        put_attributes(out, 3, self.events.of(next(&mut self.written.events)));
        put_some(out, 4, events.dropped_attributes.get(event));
    }

    fn put_link(&mut self, out: &mut Vec<u8>, link: u32) {
        let links = &self.columns.links;
        put_bytes(out, 1, &links.trace_id[link as usize].0);
        put_bytes(out, 2, &links.span_id[link as usize].0);
        if let Some(state) = links.trace_state.get(link) {
            put_bytes(out, 3, links.trace_states.get(state));
        }
        put_attributes(out, 4, self.links.of(next(&mut self.written.links)));
        put_some(out, 5, links.dropped_attributes.get(link));
        if let Some(flags) = links.flags.get(link) {
            put_fixed32(out, 6, flags);
        }
    }
}

fn put_attributes(out: &mut Vec<u8>, field: u32, attributes: &[(&[u8], Cell<'_>)]) {
    for (key, value) in attributes {
        put_message(out, field, |out| {
            put_text(out, 1, key);
            put_message(out, 2, |out| put_value(out, *value));
        });
    }
}

/// The fields of an `AnyValue`. One that is set is written even when it is zero: that is its type.
fn put_value(out: &mut Vec<u8>, value: Cell<'_>) {
    match value {
        Cell::String(text) => put_bytes(out, 1, text),
        Cell::Bool(flag) => put_number(out, 2, u64::from(flag)),
        Cell::Int(number) => put_number(out, 3, number.cast_unsigned()),
        Cell::Float(number) => put_fixed64(out, 4, number.to_bits()),
        Cell::Other(encoded) => out.extend_from_slice(encoded),
    }
}

fn put_text(out: &mut Vec<u8>, field: u32, text: &[u8]) {
    if !text.is_empty() {
        put_bytes(out, field, text);
    }
}

fn put_some(out: &mut Vec<u8>, field: u32, number: Option<u32>) {
    if let Some(number) = number.filter(|number| *number != 0) {
        put_number(out, field, u64::from(number));
    }
}

fn put_time(out: &mut Vec<u8>, field: u32, nanos: u64) {
    if nanos != 0 {
        put_fixed64(out, field, nanos);
    }
}

#[cfg(test)]
mod tests;
