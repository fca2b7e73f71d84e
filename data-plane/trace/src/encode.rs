//! Span columns back to OTLP: protobuf, and the JSON that Tempo's API writes. And OTLP/JSON, as clients
//! send it, to protobuf.

mod json;
mod otlp_json;

use crate::attrs::{AttrTable, ValueRef};
use crate::columns::SpanColumns;
use crate::wire::{put_bytes, put_fixed32, put_fixed64, put_message, put_number};

pub use json::trace_json;
pub use otlp_json::{JsonError, from_otlp_json};

/// Encodes rows as OTLP `TracesData` (the same bytes as an `ExportTraceServiceRequest`), grouped by
/// resource and then scope in the order of first use. `resource`, `scope` and `status` are always
/// present, empty where nothing was said, as Tempo writes them.
#[must_use]
pub fn trace_proto(columns: &SpanColumns, rows: &[u32]) -> Vec<u8> {
    let mut out = Vec::with_capacity(rows.len() * 400);
    for (resource, rows) in grouped(rows, |row| columns.resource[row as usize]) {
        put_message(&mut out, 1, |out| {
            put_message(out, 1, |out| put_resource(out, columns, resource));
            for (scope, rows) in grouped(&rows, |row| columns.scope[row as usize]) {
                put_message(out, 2, |out| put_scope_spans(out, columns, scope, &rows));
            }
            let table = &columns.resources;
            if let Some(url) = table.schema_url.get(resource) {
                put_bytes(out, 3, table.schema_urls.get(url));
            }
        });
    }
    out
}

/// Rows by key, keys in the order of their first row.
fn grouped(rows: &[u32], key: impl Fn(u32) -> u32) -> Vec<(u32, Vec<u32>)> {
    let mut place = hashbrown::HashMap::<u32, usize, foldhash::fast::FixedState>::with_hasher(
        foldhash::fast::FixedState::with_seed(4),
    );
    let mut groups: Vec<(u32, Vec<u32>)> = Vec::new();
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

fn put_resource(out: &mut Vec<u8>, columns: &SpanColumns, resource: u32) {
    let table = &columns.resources;
    put_attributes(out, 1, &table.attrs, resource);
    put_some(out, 2, table.dropped_attributes.get(resource));
}

fn put_scope_spans(out: &mut Vec<u8>, columns: &SpanColumns, scope: u32, rows: &[u32]) {
    let table = &columns.scopes;
    put_message(out, 1, |out| {
        put_text(out, 1, table.names.get(table.name[scope as usize]));
        put_text(out, 2, table.versions.get(table.version[scope as usize]));
        put_attributes(out, 3, &table.attrs, scope);
        put_some(out, 4, table.dropped_attributes.get(scope));
    });
    for row in rows {
        put_message(out, 2, |out| put_span(out, columns, *row));
    }
    if let Some(url) = table.schema_url.get(scope) {
        put_bytes(out, 3, table.schema_urls.get(url));
    }
}

fn put_span(out: &mut Vec<u8>, columns: &SpanColumns, row: u32) {
    let at = row as usize;
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
    put_attributes(out, 9, &columns.attrs, row);
    put_some(out, 10, columns.dropped_attributes.get(row));
    for event in columns.events_of(row) {
        put_message(out, 11, |out| put_event(out, columns, event));
    }
    put_some(out, 12, columns.dropped_events.get(row));
    for link in columns.links_of(row) {
        put_message(out, 13, |out| put_link(out, columns, link));
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

fn put_event(out: &mut Vec<u8>, columns: &SpanColumns, event: u32) {
    let events = &columns.events;
    put_time(out, 1, events.time[event as usize]);
    put_text(out, 2, events.names.get(events.name[event as usize]));
    put_attributes(out, 3, &events.attrs, event);
    put_some(out, 4, events.dropped_attributes.get(event));
}

fn put_link(out: &mut Vec<u8>, columns: &SpanColumns, link: u32) {
    let links = &columns.links;
    put_bytes(out, 1, &links.trace_id[link as usize].0);
    put_bytes(out, 2, &links.span_id[link as usize].0);
    if let Some(state) = links.trace_state.get(link) {
        put_bytes(out, 3, links.trace_states.get(state));
    }
    put_attributes(out, 4, &links.attrs, link);
    put_some(out, 5, links.dropped_attributes.get(link));
    if let Some(flags) = links.flags.get(link) {
        put_fixed32(out, 6, flags);
    }
}

fn put_attributes(out: &mut Vec<u8>, field: u32, attrs: &AttrTable, row: u32) {
    for (key, value) in attrs.of_row(row) {
        put_message(out, field, |out| {
            put_text(out, 1, key.as_bytes());
            put_message(out, 2, |out| put_value(out, value));
        });
    }
}

/// The fields of an `AnyValue`. One that is set is written even when it is zero: that is its type.
fn put_value(out: &mut Vec<u8>, value: ValueRef<'_>) {
    match value {
        ValueRef::String(text) => put_bytes(out, 1, text.as_bytes()),
        ValueRef::Bool(flag) => put_number(out, 2, u64::from(flag)),
        ValueRef::Int(number) => put_number(out, 3, number.cast_unsigned()),
        ValueRef::Float(number) => put_fixed64(out, 4, number.to_bits()),
        ValueRef::Other(encoded) => out.extend_from_slice(encoded),
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
