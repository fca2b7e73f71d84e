//! Arrow arrays of a row group back to span columns.

use std::ops::Range;

use arrow::array::{
    Array, ArrayRef, AsArray, FixedSizeBinaryArray, ListArray, PrimitiveArray, RecordBatch,
    StructArray,
};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Float64Type, Int32Type, Int64Type, UInt8Type, UInt32Type,
    UInt64Type,
};
use serde_json::{Map, Value as Json};
use takt_model::{SpanId, TraceId};
use takt_trace::{
    AttrTable, Column, Dict, NO_ROW, Projection, SpanColumns, Sparse, TraceTable, Value,
};

use crate::index::catalogue::{Catalogue, Place, Scope, Type};
use crate::index::traces::Traces;
use crate::layout::{Child, Fixed, Layout, Leaf, What};
use crate::{Error, text};

/// What needs no column: the trace table, and the trace and previous row of each row.
pub(crate) fn skeleton(traces: &Traces, wanted: Range<u32>) -> SpanColumns {
    let mut out = SpanColumns {
        clustered: true,
        ..SpanColumns::default()
    };
    let base = traces.first[wanted.start as usize];
    let rows = (traces.first[wanted.end as usize] - base) as usize;
    out.trace.reserve_exact(rows);
    out.previous.reserve_exact(rows);
    for at in wanted.start as usize..wanted.end as usize {
        let (first, end) = (traces.first[at] - base, traces.first[at + 1] - base);
        let trace = enter(&mut out.traces, traces, at, first, end);
        out.trace.resize(end as usize, trace);
        if first < end {
            out.previous.push(NO_ROW);
            out.previous.extend(first..end - 1);
        }
    }
    out
}

fn enter(table: &mut TraceTable, traces: &Traces, from: usize, first: u32, end: u32) -> u32 {
    let trace = table.find_or_insert(traces.id[from]);
    let at = trace as usize;
    table.start[at] = traces.start[from];
    table.end[at] = traces.end[from];
    table.last_row[at] = if first == end { NO_ROW } else { end - 1 };
    table.spans[at] = end - first;
    table.root[at] = match traces.root[from] {
        NO_ROW => NO_ROW,
        root => first + root,
    };
    table.bytes[at] = traces.bytes[from];
    trace
}

/// Where a batch goes to.
pub(crate) struct Target<'a> {
    pub(crate) out: &'a mut SpanColumns,
    pub(crate) group: usize,
    pub(crate) catalogue: &'a Catalogue,
    pub(crate) projection: &'a Projection,
}

impl Target<'_> {
    pub(crate) fn fill(
        mut self,
        layout: &Layout,
        leaves: &[usize],
        batch: &RecordBatch,
    ) -> Result<(), Error> {
        let events = list(batch, "events").map(child_rows);
        let links = list(batch, "links").map(child_rows);
        if let Some(rows) = events {
            self.out.events.span = rows;
        }
        if let Some(rows) = links {
            self.out.links.span = rows;
        }
        for at in leaves {
            let leaf = &layout.leaves[*at];
            let array = match leaf.list() {
                None => batch.column_by_name(&leaf.name),
                Some(name) => list(batch, name)
                    .and_then(|list| list.values().as_struct_opt())
                    .and_then(|children: &StructArray| children.column_by_name(&leaf.name)),
            };
            let Some(array) = array else {
                return Err(self.damaged(leaf, "it was not decoded"));
            };
            self.leaf(leaf, array)?;
        }
        Ok(())
    }

    fn damaged(&self, leaf: &Leaf, why: &'static str) -> Error {
        Error::Data {
            column: leaf.name.clone(),
            group: self.group,
            why,
        }
    }

    fn leaf(&mut self, leaf: &Leaf, array: &ArrayRef) -> Result<(), Error> {
        match leaf.what {
            What::Fixed(fixed) => self.fixed(leaf, fixed, array),
            What::Child(Scope::Event, child) => self.event(leaf, child, array),
            What::Child(_, child) => self.link(leaf, child, array),
            What::Attr(scope, key, kind) => self.attr(leaf, scope, key, kind, array),
            What::Overflow(scope) => self.overflow(leaf, scope, array),
        }
    }

    fn fixed(&mut self, leaf: &Leaf, fixed: Fixed, array: &ArrayRef) -> Result<(), Error> {
        match fixed {
            Fixed::SpanId => self.out.span_id = ids(array).map(SpanId).collect(),
            Fixed::ParentSpanId => self.out.parent_id = ids(array).map(SpanId).collect(),
            Fixed::ParentRow => self.parents(leaf, array)?,
            Fixed::Start => self.out.start = array.as_primitive::<UInt64Type>().values().to_vec(),
            Fixed::Duration => {
                self.out.duration = array.as_primitive::<UInt64Type>().values().to_vec();
            }
            Fixed::Name => (self.out.name, self.out.names) = self.names(leaf, array)?,
            Fixed::Kind => self.out.kind = array.as_primitive::<UInt8Type>().values().to_vec(),
            Fixed::StatusCode => {
                self.out.status = array.as_primitive::<UInt8Type>().values().to_vec();
            }
            Fixed::StatusMessage => {
                (self.out.status_message, self.out.messages) = texts(array);
            }
            Fixed::TraceState => (self.out.trace_state, self.out.trace_states) = texts(array),
            Fixed::Flags => self.out.flags = sparse::<UInt32Type>(array),
            Fixed::DroppedAttributes => {
                self.out.dropped_attributes = sparse::<UInt32Type>(array);
            }
            Fixed::DroppedEvents => self.out.dropped_events = sparse::<UInt32Type>(array),
            Fixed::DroppedLinks => self.out.dropped_links = sparse::<UInt32Type>(array),
            Fixed::ResourceRow => {
                let length = self.out.resources.service.len();
                self.out.resource = self.references(leaf, array, length)?;
            }
            Fixed::ScopeRow => {
                let length = self.out.scopes.name.len();
                self.out.scope = self.references(leaf, array, length)?;
            }
            // The index says these.
            Fixed::TraceId | Fixed::ScopeName | Fixed::ScopeVersion => {}
        }
        Ok(())
    }

    /// In-trace places to rows.
    fn parents(&mut self, leaf: &Leaf, array: &ArrayRef) -> Result<(), Error> {
        let places = array.as_primitive::<UInt32Type>();
        let traces = &self.out.traces;
        let mut parent = Vec::with_capacity(places.len());
        for (place, trace) in places.iter().zip(&self.out.trace) {
            let at = *trace as usize;
            match place {
                None => parent.push(NO_ROW),
                Some(place) if place < traces.spans[at] => {
                    parent.push(traces.last_row[at] + 1 - traces.spans[at] + place);
                }
                Some(_) => return Err(self.damaged(leaf, "a parent is outside its trace")),
            }
        }
        self.out.parent = parent;
        Ok(())
    }

    fn references(&self, leaf: &Leaf, array: &ArrayRef, length: usize) -> Result<Vec<u32>, Error> {
        let rows = array.as_primitive::<UInt32Type>().values();
        match rows.iter().all(|row| (*row as usize) < length) {
            true => Ok(rows.to_vec()),
            false => Err(self.damaged(leaf, "a reference is outside its table")),
        }
    }

    fn names(&self, leaf: &Leaf, array: &ArrayRef) -> Result<(Vec<u32>, Dict), Error> {
        let (codes, dict) = texts(array);
        match codes.len() == array.len() {
            true => Ok((codes.values, dict)),
            false => Err(self.damaged(leaf, "a name is missing")),
        }
    }

    fn event(&mut self, leaf: &Leaf, child: Child, array: &ArrayRef) -> Result<(), Error> {
        match child {
            Child::Time => {
                self.out.events.time = array.as_primitive::<UInt64Type>().values().to_vec();
            }
            Child::Name => {
                (self.out.events.name, self.out.events.names) = self.names(leaf, array)?;
            }
            Child::DroppedAttributes => {
                self.out.events.dropped_attributes = sparse::<UInt32Type>(array);
            }
            Child::TraceId | Child::SpanId | Child::TraceState | Child::Flags => {
                return Err(self.damaged(leaf, "an event has no such column"));
            }
        }
        Ok(())
    }

    fn link(&mut self, leaf: &Leaf, child: Child, array: &ArrayRef) -> Result<(), Error> {
        let links = &mut self.out.links;
        match child {
            Child::TraceId => links.trace_id = ids(array).map(TraceId).collect(),
            Child::SpanId => links.span_id = ids(array).map(SpanId).collect(),
            Child::TraceState => (links.trace_state, links.trace_states) = texts(array),
            Child::Flags => links.flags = sparse::<UInt32Type>(array),
            Child::DroppedAttributes => links.dropped_attributes = sparse::<UInt32Type>(array),
            Child::Time | Child::Name => {
                return Err(self.damaged(leaf, "a link has no such column"));
            }
        }
        Ok(())
    }

    fn table(&mut self, scope: Scope) -> Option<&mut AttrTable> {
        match scope {
            Scope::Span => Some(&mut self.out.attrs),
            Scope::Event => Some(&mut self.out.events.attrs),
            Scope::Link => Some(&mut self.out.links.attrs),
            Scope::Resource | Scope::Instrumentation => None,
        }
    }

    fn attr(
        &mut self,
        leaf: &Leaf,
        scope: Scope,
        key: usize,
        kind: Type,
        array: &ArrayRef,
    ) -> Result<(), Error> {
        let catalogue = self.catalogue;
        let name = &catalogue.of(scope)[key].name;
        let messages = match kind {
            Type::Other => match messages(array) {
                Some(messages) => messages,
                None => return Err(self.damaged(leaf, "a value is not OTLP/JSON")),
            },
            _ => Default::default(),
        };
        if array.null_count() == array.len() {
            return Ok(());
        }
        let Some(table) = self.table(scope) else {
            return Ok(());
        };
        let column = table.column_mut(name);
        match kind {
            Type::String => (column.string, column.strings) = texts(array),
            Type::Int => column.int = sparse::<Int64Type>(array),
            Type::Float => column.float = sparse::<Float64Type>(array),
            Type::Bool => column.bool = flags(array),
            Type::Other => (column.other, column.others) = messages,
        }
        Ok(())
    }

    /// Rare keys: one object a row, of which only the named keys are taken.
    fn overflow(&mut self, leaf: &Leaf, scope: Scope, array: &ArrayRef) -> Result<(), Error> {
        let (codes, dict) = texts(array);
        let objects: Option<Vec<Map<String, Json>>> = dict
            .iter()
            .map(|text| serde_json::from_slice(text).ok())
            .collect();
        let Some(objects) = objects else {
            return Err(self.damaged(leaf, "a row is not a JSON object"));
        };
        let catalogue = self.catalogue;
        for key in catalogue.of(scope) {
            let rare = key.types.iter().any(|typed| typed.place == Place::Overflow);
            if !rare || !self.projection.has(&column_of(scope, &key.name)) {
                continue;
            }
            for (row, code) in codes.iter() {
                let Some(json) = objects[code as usize].get(&key.name) else {
                    continue;
                };
                let Some(value) = text::json_to_value(json) else {
                    return Err(self.damaged(leaf, "a value has no known form"));
                };
                if let Some(table) = self.table(scope) {
                    push(table.column_mut(&key.name), row, value);
                }
            }
        }
        Ok(())
    }
}

/// Not `KeyColumn::push`: the other types of the key are in columns of their own and filled already.
fn push(column: &mut takt_trace::KeyColumn, row: u32, value: Value) {
    match value {
        Value::String(text) => {
            let code = column.strings.intern(text.as_bytes());
            column.string.push(row, code);
        }
        Value::Int(number) => column.int.push(row, number),
        Value::Float(number) => column.float.push(row, number),
        Value::Bool(flag) => column.bool.push(row, flag),
        Value::Other(message) => {
            let code = column.others.intern(&message);
            column.other.push(row, code);
        }
    }
}

/// How a projection names an attribute.
fn column_of(scope: Scope, key: &str) -> Column {
    match scope {
        Scope::Event => Column::EventAttr(key.to_owned()),
        Scope::Link => Column::LinkAttr(key.to_owned()),
        Scope::Span | Scope::Resource | Scope::Instrumentation => Column::Attr(key.to_owned()),
    }
}

fn list<'a>(batch: &'a RecordBatch, name: &str) -> Option<&'a ListArray> {
    batch.column_by_name(name)?.as_list_opt()
}

/// The row of each child.
fn child_rows(list: &ListArray) -> Vec<u32> {
    let mut rows = Vec::with_capacity(list.values().len());
    for (row, ends) in (0_u32..).zip(list.value_offsets().windows(2)) {
        let count = usize::try_from(ends[1] - ends[0]).unwrap_or(0);
        rows.extend(std::iter::repeat_n(row, count));
    }
    rows
}

/// Zeros where there is none.
fn ids<const N: usize>(array: &ArrayRef) -> impl Iterator<Item = [u8; N]> + '_ {
    let array: &FixedSizeBinaryArray = array.as_fixed_size_binary();
    let some = |at: usize| array.value(at).try_into().unwrap_or([0; N]);
    (0..array.len()).map(move |at| if array.is_null(at) { [0; N] } else { some(at) })
}

fn sparse<T: ArrowPrimitiveType>(array: &ArrayRef) -> Sparse<T::Native> {
    let array: &PrimitiveArray<T> = array.as_primitive();
    let rows = present(array);
    let values = match array.null_count() {
        0 => array.values().to_vec(),
        _ => rows.iter().map(|row| array.value(*row as usize)).collect(),
    };
    Sparse { rows, values }
}

fn flags(array: &ArrayRef) -> Sparse<bool> {
    let array = array.as_boolean();
    let rows = present(array);
    let values = rows.iter().map(|row| array.value(*row as usize)).collect();
    Sparse { rows, values }
}

/// The rows that have a value.
fn present(array: &dyn Array) -> Vec<u32> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a row group has fewer than 2^32 rows"
    )]
    match array.nulls() {
        Some(nulls) if nulls.null_count() > 0 => {
            nulls.valid_indices().map(|row| row as u32).collect()
        }
        _ => (0..array.len() as u32).collect(),
    }
}

/// Codes of the values that occur. A dictionary page holds those of the whole row group.
fn texts(array: &ArrayRef) -> (Sparse<u32>, Dict) {
    let rows = present(array);
    let mut dict = Dict::default();
    let values = match array.data_type() {
        DataType::Dictionary(..) => {
            let array = array.as_dictionary::<Int32Type>();
            let (keys, texts) = (array.keys().values(), array.values().as_string::<i32>());
            let mut codes = vec![NO_ROW; texts.len()];
            let code_of = |row: &u32| {
                let key = keys[*row as usize];
                let at = usize::try_from(key).unwrap_or(usize::MAX);
                if codes[at] == NO_ROW {
                    codes[at] = dict.intern(texts.value(at).as_bytes());
                }
                codes[at]
            };
            rows.iter().map(code_of).collect()
        }
        _ => {
            let texts = array.as_string_view();
            rows.iter()
                .map(|row| dict.intern(texts.value(*row as usize).as_bytes()))
                .collect()
        }
    };
    (Sparse { rows, values }, dict)
}

/// OTLP/JSON back to messages.
fn messages(array: &ArrayRef) -> Option<(Sparse<u32>, Dict)> {
    let (codes, jsons) = texts(array);
    let mut others = Dict::default();
    let recoded: Vec<u32> = (0_u32..)
        .zip(jsons.iter())
        .map(|(code, _)| Some(others.intern(&text::to_message(jsons.text(code))?)))
        .collect::<Option<_>>()?;
    let values = codes.values.iter();
    let values = values.map(|code| recoded[*code as usize]).collect();
    Some((
        Sparse {
            rows: codes.rows,
            values,
        },
        others,
    ))
}
