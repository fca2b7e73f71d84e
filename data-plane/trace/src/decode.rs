//! OTLP bytes straight into columns: one walk, strings interned as they pass, nothing built in between.

mod value;

use takt_model::{SpanId, TraceId};

use crate::attrs::{AttrTable, ValueRef};
use crate::check::{self, RESOURCE, SCOPE};
use crate::columns::{LinkColumns, NO_ROW, SpanColumns};
use crate::dict::Dict;
pub use crate::wire::Malformed;
use crate::wire::{Fields, header};

use value::{Texts, attribute};

/// What is enforced while decoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeLimits {
    /// Longer keys and string values are cut at a character boundary; 0 keeps all.
    pub max_attribute_bytes: usize,
}

/// What was appended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Appended {
    pub spans: usize,
    pub truncated_attributes: usize,
    /// Second and later values of a key within one span, resource, scope, event or link; the first stands.
    pub duplicate_attributes: usize,
    /// Strings that were not UTF-8; their bad bytes became U+FFFD.
    pub invalid_strings: usize,
}

/// Remembers which resources and scopes it has put into the columns. It belongs to one [`SpanColumns`]
/// from its first span on; those may hold spans already, such as the ones carried over a cut.
#[derive(Debug, Default)]
pub struct Decoder {
    /// The row of each encoded resource (with its schema URL), and the same for scopes.
    resources: Rows,
    scopes: Rows,
    key: Vec<u8>,
    texts: Texts,
}

/// Encoded messages and the table rows they stand in.
#[derive(Debug, Default)]
struct Rows {
    keys: Dict,
    /// By code of `keys`. Not the code itself: the table may have had rows before this decoder came.
    rows: Vec<u32>,
}

impl Rows {
    fn find(&self, key: &[u8]) -> Option<u32> {
        self.keys.find(key).map(|code| self.rows[code as usize])
    }

    /// Enters a key that is not there yet with the next row of a table.
    fn enter(&mut self, key: &[u8], table_len: usize) -> Result<u32, Malformed> {
        let row = u32::try_from(table_len).map_err(|_| Malformed::Truncated)?;
        self.keys.intern(key);
        self.rows.push(row);
        Ok(row)
    }
}

impl Decoder {
    /// Appends the spans of an encoded `ExportTraceServiceRequest`. Spans without a usable trace id
    /// are the distributor's to refuse; here they are kept as they are.
    ///
    /// # Errors
    /// When the bytes are malformed. The spans before the bad one have been appended; of the bad one nothing was.
    pub fn append(
        &mut self,
        columns: &mut SpanColumns,
        request: &[u8],
        limits: &DecodeLimits,
    ) -> Result<Appended, Malformed> {
        let before = columns.len();
        self.texts.begin(limits.max_attribute_bytes);
        let mut fields = Fields::new(request);
        while let Some((number, value)) = fields.next()? {
            if number == 1 {
                self.resource_spans(columns, value.bytes(number)?)?;
            }
        }
        Ok(Appended {
            spans: columns.len() - before,
            ..self.texts.counts
        })
    }

    fn resource_spans(
        &mut self,
        columns: &mut SpanColumns,
        message: &[u8],
    ) -> Result<(), Malformed> {
        let resource = header(message)?;
        let mut row = None;
        let mut fields = Fields::new(message);
        while let Some((number, value)) = fields.next()? {
            if number == 2 {
                self.scope_spans(columns, resource, &mut row, value.bytes(number)?)?;
            }
        }
        Ok(())
    }

    /// Resource and scope are entered with their first span: one without spans is neither stored nor checked.
    fn scope_spans(
        &mut self,
        columns: &mut SpanColumns,
        (resource, resource_url): (&[u8], &[u8]),
        resource_row: &mut Option<u32>,
        message: &[u8],
    ) -> Result<(), Malformed> {
        let (scope, scope_url) = header(message)?;
        let mut scope_row = None;
        let mut fields = Fields::new(message);
        while let Some((number, value)) = fields.next()? {
            if number != 2 {
                continue;
            }
            let span = value.bytes(number)?;
            let resource = match *resource_row {
                Some(row) => row,
                None => *resource_row.insert(self.resource_row(columns, resource, resource_url)?),
            };
            let scope = match scope_row {
                Some(row) => row,
                None => *scope_row.insert(self.scope_row(columns, scope, scope_url)?),
            };
            let row = u32::try_from(columns.len()).map_err(|_| Malformed::Truncated)?;
            if let Err(error) = self.span(columns, row, resource, scope, span) {
                forget_row(columns, row);
                return Err(error);
            }
        }
        Ok(())
    }

    /// The row of a resource in the table, entered if it is new.
    fn resource_row(
        &mut self,
        columns: &mut SpanColumns,
        resource: &[u8],
        schema_url: &[u8],
    ) -> Result<u32, Malformed> {
        joined(&mut self.key, resource, schema_url);
        if let Some(row) = self.resources.find(&self.key) {
            return Ok(row);
        }
        check::message(resource, &RESOURCE)?;
        let row = self
            .resources
            .enter(&self.key, columns.resources.service.len())?;
        let table = &mut columns.resources;
        let mut fields = Fields::new(resource);
        while let Some((number, value)) = fields.next()? {
            match number {
                1 => attribute(&mut table.attrs, row, value.bytes(number)?, &mut self.texts)?,
                2 => put_nonzero(&mut table.dropped_attributes, row, value.varint(number)?),
                _ => {}
            }
        }
        if !schema_url.is_empty() {
            let text = self.texts.whole(schema_url);
            let code = table.schema_urls.intern(text.as_bytes());
            table.schema_url.push(row, code);
        }
        let service = match table.attrs.get(row, "service.name") {
            Some(ValueRef::String(text)) => table.services.intern(text.as_bytes()),
            _ => table.services.intern(b""),
        };
        table.service.push(service);
        Ok(row)
    }

    /// The row of a scope in the table, entered if it is new.
    fn scope_row(
        &mut self,
        columns: &mut SpanColumns,
        scope: &[u8],
        schema_url: &[u8],
    ) -> Result<u32, Malformed> {
        joined(&mut self.key, scope, schema_url);
        if let Some(row) = self.scopes.find(&self.key) {
            return Ok(row);
        }
        check::message(scope, &SCOPE)?;
        let row = self.scopes.enter(&self.key, columns.scopes.name.len())?;
        let table = &mut columns.scopes;
        let (mut name, mut version): (&[u8], &[u8]) = (&[], &[]);
        let mut fields = Fields::new(scope);
        while let Some((number, value)) = fields.next()? {
            match number {
                1 => name = value.bytes(number)?,
                2 => version = value.bytes(number)?,
                3 => attribute(&mut table.attrs, row, value.bytes(number)?, &mut self.texts)?,
                4 => put_nonzero(&mut table.dropped_attributes, row, value.varint(number)?),
                _ => {}
            }
        }
        table
            .name
            .push(table.names.intern(self.texts.whole(name).as_bytes()));
        table
            .version
            .push(table.versions.intern(self.texts.whole(version).as_bytes()));
        if !schema_url.is_empty() {
            let code = table
                .schema_urls
                .intern(self.texts.whole(schema_url).as_bytes());
            table.schema_url.push(row, code);
        }
        Ok(row)
    }

    fn span(
        &mut self,
        columns: &mut SpanColumns,
        row: u32,
        resource: u32,
        scope: u32,
        message: &[u8],
    ) -> Result<(), Malformed> {
        let mut head = Head::default();
        let mut fields = Fields::new(message);
        while let Some((number, value)) = fields.next()? {
            match number {
                1 => head.trace_id = value.bytes(number)?,
                2 => head.span_id = value.bytes(number)?,
                3 => head.trace_state = value.bytes(number)?,
                4 => head.parent_id = value.bytes(number)?,
                5 => head.name = value.bytes(number)?,
                6 => head.kind = u8::try_from(value.varint(number)?).unwrap_or(0),
                7 => head.start = value.fixed64(number)?,
                8 => head.end = value.fixed64(number)?,
                9 => attribute(
                    &mut columns.attrs,
                    row,
                    value.bytes(number)?,
                    &mut self.texts,
                )?,
                10 => put_nonzero(&mut columns.dropped_attributes, row, value.varint(number)?),
                11 => self.event(columns, row, value.bytes(number)?)?,
                12 => put_nonzero(&mut columns.dropped_events, row, value.varint(number)?),
                13 => self.link(columns, row, value.bytes(number)?)?,
                14 => put_nonzero(&mut columns.dropped_links, row, value.varint(number)?),
                15 => head.status(value.bytes(number)?)?,
                16 => put_nonzero(&mut columns.flags, row, u64::from(value.fixed32(number)?)),
                _ => {}
            }
        }
        self.push(columns, row, resource, scope, &head, message.len());
        Ok(())
    }

    /// Appends what every span has; from here on nothing can fail.
    fn push(
        &mut self,
        columns: &mut SpanColumns,
        row: u32,
        resource: u32,
        scope: u32,
        head: &Head<'_>,
        bytes: usize,
    ) {
        let trace_id = TraceId(padded(head.trace_id));
        let parent_id = SpanId(padded(head.parent_id));
        let trace = columns.traces.find_or_insert(trace_id);
        let at = trace as usize;
        let traces = &mut columns.traces;
        columns.trace.push(trace);
        columns.previous.push(traces.last_row[at]);
        traces.last_row[at] = row;
        traces.spans[at] += 1;
        traces.start[at] = traces.start[at].min(head.start);
        traces.end[at] = traces.end[at].max(head.end);
        traces.bytes[at] += bytes as u64;
        let root = traces.root[at];
        let earliest = root == NO_ROW || head.start < columns.start[root as usize];
        if parent_id.is_zero() && earliest && !has_parent_by_link(&columns.links, row, trace_id) {
            traces.root[at] = row;
        }
        columns.span_id.push(SpanId(padded(head.span_id)));
        columns.parent_id.push(parent_id);
        columns.start.push(head.start);
        columns.duration.push(head.end.wrapping_sub(head.start));
        columns
            .name
            .push(columns.names.intern(self.texts.whole(head.name).as_bytes()));
        columns.kind.push(head.kind);
        columns.status.push(head.status);
        if !head.message.is_empty() {
            let code = columns
                .messages
                .intern(self.texts.whole(head.message).as_bytes());
            columns.status_message.push(row, code);
        }
        if !head.trace_state.is_empty() {
            let code = columns
                .trace_states
                .intern(self.texts.whole(head.trace_state).as_bytes());
            columns.trace_state.push(row, code);
        }
        columns.resource.push(resource);
        columns.scope.push(scope);
    }

    fn event(
        &mut self,
        columns: &mut SpanColumns,
        span: u32,
        message: &[u8],
    ) -> Result<(), Malformed> {
        let events = &mut columns.events;
        let row = u32::try_from(events.span.len()).map_err(|_| Malformed::Truncated)?;
        let (mut time, mut name): (u64, &[u8]) = (0, &[]);
        let mut fields = Fields::new(message);
        while let Some((number, value)) = fields.next()? {
            match number {
                1 => time = value.fixed64(number)?,
                2 => name = value.bytes(number)?,
                3 => attribute(
                    &mut events.attrs,
                    row,
                    value.bytes(number)?,
                    &mut self.texts,
                )?,
                4 => put_nonzero(&mut events.dropped_attributes, row, value.varint(number)?),
                _ => {}
            }
        }
        events.span.push(span);
        events.time.push(time);
        events
            .name
            .push(events.names.intern(self.texts.whole(name).as_bytes()));
        Ok(())
    }

    fn link(
        &mut self,
        columns: &mut SpanColumns,
        span: u32,
        message: &[u8],
    ) -> Result<(), Malformed> {
        let links = &mut columns.links;
        let row = u32::try_from(links.span.len()).map_err(|_| Malformed::Truncated)?;
        let (mut trace_id, mut span_id, mut trace_state): (&[u8], &[u8], &[u8]) = (&[], &[], &[]);
        let mut fields = Fields::new(message);
        while let Some((number, value)) = fields.next()? {
            match number {
                1 => trace_id = value.bytes(number)?,
                2 => span_id = value.bytes(number)?,
                3 => trace_state = value.bytes(number)?,
                4 => attribute(&mut links.attrs, row, value.bytes(number)?, &mut self.texts)?,
                5 => put_nonzero(&mut links.dropped_attributes, row, value.varint(number)?),
                6 => put_nonzero(&mut links.flags, row, u64::from(value.fixed32(number)?)),
                _ => {}
            }
        }
        links.span.push(span);
        links.trace_id.push(TraceId(padded(trace_id)));
        links.span_id.push(SpanId(padded(span_id)));
        if !trace_state.is_empty() {
            let code = links
                .trace_states
                .intern(self.texts.whole(trace_state).as_bytes());
            links.trace_state.push(row, code);
        }
        Ok(())
    }
}

/// What every span has, while its fields come in any order.
#[derive(Default)]
struct Head<'a> {
    trace_id: &'a [u8],
    span_id: &'a [u8],
    parent_id: &'a [u8],
    trace_state: &'a [u8],
    name: &'a [u8],
    message: &'a [u8],
    kind: u8,
    status: u8,
    start: u64,
    end: u64,
}

impl<'a> Head<'a> {
    fn status(&mut self, message: &'a [u8]) -> Result<(), Malformed> {
        let mut fields = Fields::new(message);
        while let Some((number, value)) = fields.next()? {
            match number {
                2 => self.message = value.bytes(number)?,
                3 => self.status = u8::try_from(value.varint(number)?).unwrap_or(0),
                _ => {}
            }
        }
        Ok(())
    }
}

/// One key of two byte strings that no other pair has.
fn joined(key: &mut Vec<u8>, head: &[u8], schema_url: &[u8]) {
    key.clear();
    key.extend_from_slice(&(head.len() as u64).to_le_bytes());
    key.extend_from_slice(head);
    key.extend_from_slice(schema_url);
}

fn put_nonzero(column: &mut crate::Sparse<u32>, row: u32, value: u64) {
    // A field given twice: protobuf lets the last one stand, which the sparse column cannot; the first is kept.
    if value != 0 && column.rows.last() != Some(&row) {
        column.push(row, u32::try_from(value).unwrap_or(u32::MAX));
    }
}

/// An id of the right length; shorter ones are padded on the left, longer ones keep their end.
fn padded<const N: usize>(bytes: &[u8]) -> [u8; N] {
    if let Ok(id) = bytes.try_into() {
        return id;
    }
    let mut id = [0; N];
    let take = bytes.len().min(N);
    id[N - take..].copy_from_slice(&bytes[bytes.len() - take..]);
    id
}

/// Whether a link of the span names its parent, as bridges from OpenTracing write a second one.
fn has_parent_by_link(links: &LinkColumns, span: u32, trace: TraceId) -> bool {
    let of_span = links
        .span
        .iter()
        .rev()
        .take_while(|of| **of == span)
        .count();
    (links.span.len() - of_span..links.span.len()).any(|link| {
        let row = u32::try_from(link).unwrap_or(NO_ROW);
        let reference = || links.attrs.get(row, "opentracing.ref_type");
        links.trace_id[link] == trace && reference() == Some(ValueRef::String("child_of"))
    })
}

/// Takes back what a span that turned out to be malformed has put into the columns, half an event or link included.
fn forget_row(columns: &mut SpanColumns, row: u32) {
    forget_attrs(&mut columns.attrs, row);
    for column in [
        &mut columns.dropped_attributes,
        &mut columns.dropped_events,
        &mut columns.dropped_links,
        &mut columns.flags,
    ] {
        column.truncate_from(row);
    }
    let keep = columns.events.span.partition_point(|span| *span < row);
    columns.events.truncate(keep);
    let keep = columns.links.span.partition_point(|span| *span < row);
    columns.links.truncate(keep);
}

fn forget_attrs(attrs: &mut AttrTable, row: u32) {
    for column in &mut attrs.columns {
        column.truncate_from(row);
    }
}

#[cfg(test)]
mod tests;
