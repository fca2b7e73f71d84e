//! Span columns to Arrow arrays: one row group at a time, every leaf of the layout.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, BooleanBufferBuilder, DictionaryArray,
    FixedSizeBinaryArray, Float64Array, Int32Array, Int64Array, ListArray, RecordBatch,
    StringArray, StructArray, UInt8Array, UInt32Array, UInt64Array,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, SchemaRef};
use parquet::errors::ParquetError;
use takt_trace::{Dict, NO_ROW, SpanColumns, Sparse};

use super::overflow::Texts;
use crate::Error;
use crate::index::catalogue::{Scope, Type};
use crate::layout::{Child, Fixed, Layout, Leaf, What};

/// Which rows of a table become array elements.
enum Take<'a> {
    Range(Range<u32>),
    /// One element a reference, into a table of this length.
    Refs(&'a [u32], usize),
}

pub(crate) struct Source<'a> {
    pub(crate) columns: &'a SpanColumns,
    pub(crate) layout: &'a Layout,
    pub(crate) schema: SchemaRef,
    /// By leaf: values that are stored as JSON text.
    pub(crate) texts: &'a [Option<Texts>],
}

impl Source<'_> {
    /// The rows of one row group as a batch.
    pub(crate) fn batch(&self, rows: Range<u32>) -> Result<RecordBatch, Error> {
        let mut arrays = Vec::new();
        let mut nested: [Vec<ArrayRef>; 2] = Default::default();
        for (at, leaf) in self.layout.leaves.iter().enumerate() {
            let array = self.array(at, leaf, &rows)?;
            match leaf.list() {
                None => arrays.push(array),
                Some(list) => nested[usize::from(list == "links")].push(array),
            }
        }
        let [events, links] = nested;
        arrays.push(self.list("events", &self.columns.events.span, &rows, events)?);
        arrays.push(self.list("links", &self.columns.links.span, &rows, links)?);
        RecordBatch::try_new(Arc::clone(&self.schema), arrays)
            .map_err(|error| Error::Encode(error.into()))
    }

    fn list(
        &self,
        name: &str,
        spans: &[u32],
        rows: &Range<u32>,
        children: Vec<ArrayRef>,
    ) -> Result<ArrayRef, Error> {
        let encode = |error| Error::Encode(ParquetError::from(error));
        let field = self.schema.field_with_name(name).map_err(encode)?;
        let DataType::List(element) = field.data_type() else {
            return Err(Error::Layout("a list column is none"));
        };
        let DataType::Struct(fields) = element.data_type() else {
            return Err(Error::Layout("a list column has no fields"));
        };
        let mut lengths = vec![0_usize; (rows.end - rows.start) as usize];
        for child in children_of(spans, rows) {
            lengths[(spans[child as usize] - rows.start) as usize] += 1;
        }
        let elements = StructArray::try_new(fields.clone(), children, None).map_err(encode)?;
        let list = ListArray::try_new(
            Arc::clone(element),
            OffsetBuffer::from_lengths(lengths),
            Arc::new(elements),
            None,
        );
        Ok(Arc::new(list.map_err(encode)?))
    }

    fn array(&self, at: usize, leaf: &Leaf, rows: &Range<u32>) -> Result<ArrayRef, Error> {
        let name = &leaf.name;
        match leaf.what {
            What::Fixed(fixed) => self.fixed(fixed, name, rows),
            What::Child(scope, child) => self.child(scope, child, name, rows),
            What::Overflow(scope) | What::Attr(scope, _, Type::Other) => {
                let texts = self.texts[at].as_ref();
                let texts = texts.ok_or(Error::Layout("a JSON column was not prepared"))?;
                text(name, &texts.dict, &texts.codes, &self.take(scope, rows))
            }
            What::Attr(scope, key, kind) => self.attr(scope, key, kind, name, rows),
        }
    }

    fn take(&self, scope: Scope, rows: &Range<u32>) -> Take<'_> {
        let columns = self.columns;
        let span = rows.start as usize..rows.end as usize;
        match scope {
            Scope::Span => Take::Range(rows.clone()),
            Scope::Resource => Take::Refs(&columns.resource[span], columns.resources.service.len()),
            Scope::Instrumentation => Take::Refs(&columns.scope[span], columns.scopes.name.len()),
            Scope::Event => Take::Range(children_of(&columns.events.span, rows)),
            Scope::Link => Take::Range(children_of(&columns.links.span, rows)),
        }
    }

    fn attr(
        &self,
        scope: Scope,
        key: usize,
        kind: Type,
        name: &str,
        rows: &Range<u32>,
    ) -> Result<ArrayRef, Error> {
        let column = &table(self.columns, scope).columns[key];
        let take = self.take(scope, rows);
        Ok(match kind {
            Type::String => return text(name, &column.strings, &column.string, &take),
            Type::Int => {
                let (values, nulls) = spread(&column.int, &take);
                Arc::new(Int64Array::new(values.into(), nulls))
            }
            Type::Float => {
                let (values, nulls) = spread(&column.float, &take);
                Arc::new(Float64Array::new(values.into(), nulls))
            }
            Type::Bool => {
                let (values, nulls) = spread(&column.bool, &take);
                Arc::new(BooleanArray::new(values.into(), nulls))
            }
            Type::Other => text(name, &column.others, &column.other, &take)?,
        })
    }

    fn fixed(&self, fixed: Fixed, name: &str, rows: &Range<u32>) -> Result<ArrayRef, Error> {
        let columns = self.columns;
        let all = Take::Range(rows.clone());
        let span = rows.start as usize..rows.end as usize;
        Ok(match fixed {
            Fixed::TraceId => {
                let ids = columns.trace[span].iter();
                ids_of::<16>(ids.map(|trace| columns.traces.id[*trace as usize].0))
            }
            Fixed::SpanId => ids_of::<8>(columns.span_id[span].iter().map(|id| id.0)),
            Fixed::ParentSpanId => parent_ids(&columns.parent_id[span]),
            Fixed::ParentRow => parent_rows(columns, rows),
            Fixed::Start => Arc::new(UInt64Array::from(columns.start[span].to_vec())),
            Fixed::Duration => Arc::new(UInt64Array::from(columns.duration[span].to_vec())),
            Fixed::Name => dense(name, &columns.names, &columns.name[span])?,
            Fixed::Kind => Arc::new(UInt8Array::from(columns.kind[span].to_vec())),
            Fixed::StatusCode => Arc::new(UInt8Array::from(columns.status[span].to_vec())),
            Fixed::StatusMessage => text(name, &columns.messages, &columns.status_message, &all)?,
            Fixed::TraceState => text(name, &columns.trace_states, &columns.trace_state, &all)?,
            Fixed::Flags => numbers(&columns.flags, &all),
            Fixed::DroppedAttributes => numbers(&columns.dropped_attributes, &all),
            Fixed::DroppedEvents => numbers(&columns.dropped_events, &all),
            Fixed::DroppedLinks => numbers(&columns.dropped_links, &all),
            Fixed::ResourceRow => Arc::new(UInt32Array::from(columns.resource[span].to_vec())),
            Fixed::ScopeRow => Arc::new(UInt32Array::from(columns.scope[span].to_vec())),
            Fixed::ScopeName => {
                let scopes = columns.scope[span].iter();
                let codes: Vec<u32> = scopes
                    .map(|row| columns.scopes.name[*row as usize])
                    .collect();
                dense(name, &columns.scopes.names, &codes)?
            }
            Fixed::ScopeVersion => {
                let scopes = columns.scope[span].iter();
                let codes: Vec<u32> = scopes
                    .map(|row| columns.scopes.version[*row as usize])
                    .collect();
                dense(name, &columns.scopes.versions, &codes)?
            }
        })
    }

    fn child(
        &self,
        scope: Scope,
        child: Child,
        name: &str,
        rows: &Range<u32>,
    ) -> Result<ArrayRef, Error> {
        let (events, links) = (&self.columns.events, &self.columns.links);
        let take = self.take(scope, rows);
        let range = match &take {
            Take::Range(range) => range.start as usize..range.end as usize,
            Take::Refs(..) => return Err(Error::Layout("resources have no children")),
        };
        Ok(match (scope, child) {
            (Scope::Event, Child::Name) => dense(name, &events.names, &events.name[range])?,
            (Scope::Event, Child::DroppedAttributes) => numbers(&events.dropped_attributes, &take),
            (_, Child::Time | Child::Name) => {
                Arc::new(UInt64Array::from(events.time[range].to_vec()))
            }
            (_, Child::TraceId) => ids_of::<16>(links.trace_id[range].iter().map(|id| id.0)),
            (_, Child::SpanId) => ids_of::<8>(links.span_id[range].iter().map(|id| id.0)),
            (_, Child::TraceState) => text(name, &links.trace_states, &links.trace_state, &take)?,
            (_, Child::Flags) => numbers(&links.flags, &take),
            (_, Child::DroppedAttributes) => numbers(&links.dropped_attributes, &take),
        })
    }
}

/// Whether a leaf has a value in some of the rows.
pub(crate) fn any(batch: &RecordBatch, leaf: &Leaf, rows: Range<usize>) -> bool {
    let has = |array: &ArrayRef, rows: Range<usize>| {
        array.slice(rows.start, rows.len()).null_count() < rows.len()
    };
    match leaf.list() {
        None => batch
            .column_by_name(&leaf.name)
            .is_some_and(|array| has(array, rows)),
        Some(name) => {
            let list = batch
                .column_by_name(name)
                .and_then(|array| array.as_list_opt::<i32>());
            list.is_some_and(|list| {
                let end = |row: usize| usize::try_from(list.value_offsets()[row]).unwrap_or(0);
                let children = end(rows.start)..end(rows.end);
                let array = list.values().as_struct().column_by_name(&leaf.name);
                array.is_some_and(|array| has(array, children))
            })
        }
    }
}

/// The attributes of a scope.
pub(crate) fn table(columns: &SpanColumns, scope: Scope) -> &takt_trace::AttrTable {
    match scope {
        Scope::Span => &columns.attrs,
        Scope::Resource => &columns.resources.attrs,
        Scope::Instrumentation => &columns.scopes.attrs,
        Scope::Event => &columns.events.attrs,
        Scope::Link => &columns.links.attrs,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "child rows are u32 by construction"
)]
fn children_of(spans: &[u32], rows: &Range<u32>) -> Range<u32> {
    let point = |row| spans.partition_point(|span| *span < row) as u32;
    point(rows.start)..point(rows.end)
}

fn ids_of<const N: usize>(ids: impl ExactSizeIterator<Item = [u8; N]>) -> ArrayRef {
    let mut bytes = Vec::with_capacity(N * ids.len());
    for id in ids {
        bytes.extend_from_slice(&id);
    }
    Arc::new(FixedSizeBinaryArray::new(
        length_of::<N>(),
        bytes.into(),
        None,
    ))
}

fn parent_ids(ids: &[takt_model::SpanId]) -> ArrayRef {
    let bytes: Vec<u8> = ids.iter().flat_map(|id| id.0).collect();
    let nulls: NullBuffer = ids.iter().map(|id| !id.is_zero()).collect();
    Arc::new(FixedSizeBinaryArray::new(8, bytes.into(), Some(nulls)))
}

fn length_of<const N: usize>() -> i32 {
    i32::try_from(N).expect("ids are short")
}

/// The parent's place within its trace.
fn parent_rows(columns: &SpanColumns, rows: &Range<u32>) -> ArrayRef {
    let mut first = rows.start;
    let parents = rows.clone().map(|row| {
        let at = row as usize;
        if row > rows.start && columns.trace[at] != columns.trace[at - 1] {
            first = row;
        }
        match columns.parent[at] {
            NO_ROW => None,
            parent => Some(parent - first),
        }
    });
    Arc::new(parents.collect::<UInt32Array>())
}

fn numbers(sparse: &Sparse<u32>, take: &Take<'_>) -> ArrayRef {
    let (values, nulls) = spread(sparse, take);
    Arc::new(UInt32Array::new(values.into(), nulls))
}

fn dense(name: &str, dict: &Dict, codes: &[u32]) -> Result<ArrayRef, Error> {
    let keys = codes.iter().map(|code| code.cast_signed()).collect();
    dictionary(name, dict, Int32Array::new(keys, None))
}

fn text(name: &str, dict: &Dict, codes: &Sparse<u32>, take: &Take<'_>) -> Result<ArrayRef, Error> {
    let (codes, nulls) = spread(codes, take);
    let keys = codes.into_iter().map(u32::cast_signed).collect();
    dictionary(name, dict, Int32Array::new(keys, nulls))
}

fn dictionary(name: &str, dict: &Dict, keys: Int32Array) -> Result<ArrayRef, Error> {
    let mut offsets = Vec::with_capacity(dict.len() + 1);
    let mut bytes: Vec<u8> = Vec::new();
    offsets.push(0_i32);
    for value in dict.iter() {
        bytes.extend_from_slice(value);
        let end = i32::try_from(bytes.len());
        offsets.push(end.map_err(|_| Error::TooLarge("the texts of a column exceed 2 GiB"))?);
    }
    let values = StringArray::try_new(OffsetBuffer::new(offsets.into()), bytes.into(), None)
        .map_err(|_| Error::NotText(name.to_owned()))?;
    let array = DictionaryArray::try_new(keys, Arc::new(values))
        .map_err(|error| Error::Encode(error.into()))?;
    Ok(Arc::new(array))
}

/// Values at their places, with nulls between.
fn spread<T: Copy + Default>(sparse: &Sparse<T>, take: &Take<'_>) -> (Vec<T>, Option<NullBuffer>) {
    match take {
        Take::Range(rows) => spread_range(sparse, rows),
        Take::Refs(refs, length) => {
            let mut table = vec![None; *length];
            for (row, value) in sparse.iter() {
                table[row as usize] = Some(value);
            }
            let values = refs
                .iter()
                .map(|row| table[*row as usize].unwrap_or_default())
                .collect();
            let nulls = refs
                .iter()
                .map(|row| table[*row as usize].is_some())
                .collect();
            (values, Some(nulls))
        }
    }
}

fn spread_range<T: Copy + Default>(
    sparse: &Sparse<T>,
    rows: &Range<u32>,
) -> (Vec<T>, Option<NullBuffer>) {
    let point = |row| sparse.rows.partition_point(|at| *at < row);
    let (from, to) = (point(rows.start), point(rows.end));
    let length = (rows.end - rows.start) as usize;
    if to - from == length {
        return (sparse.values[from..to].to_vec(), None);
    }
    let mut values = vec![T::default(); length];
    let mut present = BooleanBufferBuilder::new(length);
    present.append_n(length, false);
    for at in from..to {
        let place = (sparse.rows[at] - rows.start) as usize;
        values[place] = sparse.values[at];
        present.set_bit(place, true);
    }
    (values, Some(NullBuffer::new(present.finish())))
}
