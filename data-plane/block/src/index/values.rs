//! Distinct values with counts by row group: tag-value queries and pruning read nothing else.
//!
//! A key with more values than fit the bounds is flagged instead; its column has to be read.

use takt_trace::{Dict, SpanColumns, Sparse, Value, ValueRef};

use super::catalogue::{Catalogue, Scope, Type};
use crate::Error;
use crate::codec::{In, Out};

/// Most distinct values of one type of one key.
const MOST_VALUES: usize = 2_048;
/// Most bytes of distinct strings of one key.
const MOST_BYTES: usize = 64 << 10;

/// A field every span (or event) has, besides its attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Intrinsic {
    Name,
    StatusMessage,
    /// OTLP's numbers as integers.
    Kind,
    Status,
    EventName,
    ScopeName,
    ScopeVersion,
}

impl Intrinsic {
    const ALL: [Self; 7] = [
        Self::Name,
        Self::StatusMessage,
        Self::Kind,
        Self::Status,
        Self::EventName,
        Self::ScopeName,
        Self::ScopeVersion,
    ];

    const fn kind(self) -> Type {
        match self {
            Self::Kind | Self::Status => Type::Int,
            _ => Type::String,
        }
    }
}

/// One distinct value and how many spans (events, links) of each row group have it.
#[derive(Debug, Clone, PartialEq)]
pub struct Counted {
    pub value: Value,
    pub groups: Vec<u32>,
}

impl Counted {
    #[must_use]
    pub fn total(&self) -> u64 {
        self.groups.iter().map(|count| u64::from(*count)).sum()
    }
}

/// Where the rows of a table fall: in a row group each, or shared by spans of several.
pub(crate) enum Rows {
    /// The first row past each group.
    Ends(Vec<u32>),
    /// How many spans of each group refer to each row.
    Shared(Vec<Vec<u32>>),
}

impl Rows {
    fn groups(&self) -> usize {
        match self {
            Self::Ends(ends) => ends.len(),
            Self::Shared(groups) => groups.len(),
        }
    }

    fn visit(&self, row: u32, mut seen: impl FnMut(usize, u32)) {
        match self {
            Self::Ends(ends) => seen(ends.partition_point(|end| *end <= row), 1),
            Self::Shared(groups) => {
                for (group, counts) in groups.iter().enumerate() {
                    match counts[row as usize] {
                        0 => {}
                        count => seen(group, count),
                    }
                }
            }
        }
    }

    pub(crate) fn weight(&self, row: u32) -> u64 {
        let mut weight = 0;
        self.visit(row, |_, count| weight += u64::from(count));
        weight
    }
}

/// The rows of each scope's table, by [`Scope`].
pub(crate) fn rows(columns: &SpanColumns, ends: &[u32]) -> [Rows; 5] {
    let shared = |refs: &[u32], length: usize| {
        let mut start = 0;
        let group = |end: &u32| {
            let mut counts = vec![0; length];
            for row in &refs[start..*end as usize] {
                counts[*row as usize] += 1;
            }
            start = *end as usize;
            counts
        };
        Rows::Shared(ends.iter().map(group).collect())
    };
    let children = |spans: &[u32]| {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "child rows are u32 by construction"
        )]
        let end = |end: &u32| spans.partition_point(|span| span < end) as u32;
        Rows::Ends(ends.iter().map(end).collect())
    };
    [
        Rows::Ends(ends.to_vec()),
        shared(&columns.resource, columns.resources.service.len()),
        shared(&columns.scope, columns.scopes.name.len()),
        children(&columns.events.span),
        children(&columns.links.span),
    ]
}

pub(crate) fn put(columns: &SpanColumns, catalogue: &Catalogue, rows: &[Rows; 5]) -> Vec<u8> {
    let mut out = Out::default();
    for intrinsic in Intrinsic::ALL {
        put_intrinsic(&mut out, columns, intrinsic, rows);
    }
    let tables = [
        &columns.attrs,
        &columns.resources.attrs,
        &columns.scopes.attrs,
        &columns.events.attrs,
        &columns.links.attrs,
    ];
    for ((keys, table), rows) in catalogue.keys.iter().zip(tables).zip(rows) {
        for (key, column) in keys.iter().zip(&table.columns) {
            for typed in &key.types {
                match typed.kind {
                    Type::String => {
                        put_strings(&mut out, &column.strings, column.string.iter(), rows);
                    }
                    Type::Int => put_numbers(&mut out, &column.int, rows, i64::to_le_bytes),
                    Type::Float => put_numbers(&mut out, &column.float, rows, f64::to_le_bytes),
                    Type::Bool => put_numbers(&mut out, &column.bool, rows, |v| [u8::from(v)]),
                    Type::Other => out.byte(0),
                }
            }
        }
    }
    out.0
}

fn put_intrinsic(
    out: &mut Out,
    columns: &SpanColumns,
    intrinsic: Intrinsic,
    [spans, _, scopes, events, _]: &[Rows; 5],
) {
    let (events_, scopes_) = (&columns.events, &columns.scopes);
    let dense = |codes: &[u32]| (0_u32..).zip(codes.to_vec());
    let numbers = |numbers: &[u8]| Sparse {
        rows: (0_u32..).zip(numbers).map(|(row, _)| row).collect(),
        values: numbers.iter().map(|number| i64::from(*number)).collect(),
    };
    match intrinsic {
        Intrinsic::Name => put_strings(out, &columns.names, dense(&columns.name), spans),
        Intrinsic::StatusMessage => {
            put_strings(out, &columns.messages, columns.status_message.iter(), spans);
        }
        Intrinsic::Kind => put_numbers(out, &numbers(&columns.kind), spans, i64::to_le_bytes),
        Intrinsic::Status => put_numbers(out, &numbers(&columns.status), spans, i64::to_le_bytes),
        Intrinsic::EventName => put_strings(out, &events_.names, dense(&events_.name), events),
        Intrinsic::ScopeName => put_strings(out, &scopes_.names, dense(&scopes_.name), scopes),
        Intrinsic::ScopeVersion => {
            put_strings(out, &scopes_.versions, dense(&scopes_.version), scopes);
        }
    }
}

fn put_strings(out: &mut Out, dict: &Dict, values: impl Iterator<Item = (u32, u32)>, rows: &Rows) {
    let groups = rows.groups();
    let mut counts = vec![0_u32; dict.len() * groups];
    for (row, code) in values {
        rows.visit(row, |group, count| {
            counts[code as usize * groups + group] += count;
        });
    }
    let used: Vec<(&[u8], &[u32])> = dict
        .iter()
        .zip(counts.chunks_exact(groups))
        .filter(|(_, counts)| counts.iter().any(|count| *count > 0))
        .collect();
    let bytes: usize = used.iter().map(|(value, _)| value.len()).sum();
    if used.len() > MOST_VALUES || bytes > MOST_BYTES {
        return out.byte(0);
    }
    put_counted(out, &used, true);
}

/// Values of a fixed size, in the order they were first seen.
fn put_numbers<T: Copy, const N: usize>(
    out: &mut Out,
    values: &Sparse<T>,
    rows: &Rows,
    bytes: impl Fn(T) -> [u8; N],
) {
    let groups = rows.groups();
    let mut dict = Dict::default();
    let mut counts = Vec::new();
    for (row, value) in values.iter() {
        let code = dict.intern(&bytes(value)) as usize;
        if code == MOST_VALUES {
            return out.byte(0);
        }
        counts.resize(counts.len().max((code + 1) * groups), 0_u32);
        rows.visit(row, |group, count| counts[code * groups + group] += count);
    }
    let used: Vec<(&[u8], &[u32])> = dict.iter().zip(counts.chunks_exact(groups)).collect();
    put_counted(out, &used, false);
}

fn put_counted(out: &mut Out, used: &[(&[u8], &[u32])], prefixed: bool) {
    out.byte(1);
    out.size(used.len());
    for (value, _) in used {
        match prefixed {
            true => out.bytes(value),
            false => out.raw(value),
        }
    }
    for (_, counts) in used {
        for count in *counts {
            out.number(u64::from(*count));
        }
    }
}

/// The values of all keys, as far as the index holds them.
#[derive(Debug)]
pub(crate) struct Values {
    intrinsics: Vec<Option<Vec<Counted>>>,
    /// By scope, key and type as in the catalogue.
    attrs: [Vec<Vec<Option<Vec<Counted>>>>; 5],
}

impl Values {
    pub(crate) fn take(bytes: &[u8], catalogue: &Catalogue, groups: usize) -> Result<Self, Error> {
        let mut input = In::new("values", bytes);
        let intrinsics = Intrinsic::ALL
            .into_iter()
            .map(|intrinsic| take_counted(&mut input, intrinsic.kind(), groups))
            .collect::<Result<_, _>>()?;
        let mut attrs: [Vec<_>; 5] = Default::default();
        for (values, keys) in attrs.iter_mut().zip(&catalogue.keys) {
            for key in keys {
                let types = key
                    .types
                    .iter()
                    .map(|typed| take_counted(&mut input, typed.kind, groups))
                    .collect::<Result<Vec<_>, _>>()?;
                values.push(types);
            }
        }
        input.end()?;
        Ok(Self { intrinsics, attrs })
    }

    pub(crate) fn intrinsic(&self, intrinsic: Intrinsic) -> Option<&[Counted]> {
        self.intrinsics[intrinsic as usize].as_deref()
    }

    /// One list a type of the key; nothing where the values are not held.
    pub(crate) fn attr(&self, scope: Scope, key: usize) -> &[Option<Vec<Counted>>] {
        &self.attrs[scope as usize][key]
    }
}

fn take_counted(
    input: &mut In<'_>,
    kind: Type,
    groups: usize,
) -> Result<Option<Vec<Counted>>, Error> {
    match input.byte()? {
        0 => return Ok(None),
        1 => {}
        _ => return Err(input.damaged("a list of values has an unknown form")),
    }
    let count = input.count(1 + groups)?;
    let values = (0..count)
        .map(|_| take_value(input, kind))
        .collect::<Result<Vec<_>, _>>()?;
    let counted = values
        .into_iter()
        .map(|value| {
            Ok(Counted {
                value,
                groups: input.numbers32(groups)?,
            })
        })
        .collect::<Result<_, Error>>()?;
    Ok(Some(counted))
}

fn take_value(input: &mut In<'_>, kind: Type) -> Result<Value, Error> {
    Ok(match kind {
        Type::String => Value::String(input.text()?.to_owned()),
        Type::Int => Value::Int(i64::from_le_bytes(input.array()?)),
        Type::Float => Value::Float(f64::from_le_bytes(input.array()?)),
        Type::Bool => Value::Bool(input.byte()? != 0),
        Type::Other => Value::Other(input.bytes()?.to_vec()),
    })
}

/// Whether a value of a list is the one asked for.
pub(crate) fn same(value: &Value, wanted: ValueRef<'_>) -> bool {
    match (value, wanted) {
        (Value::String(text), ValueRef::String(wanted)) => text == wanted,
        (Value::Int(number), ValueRef::Int(wanted)) => *number == wanted,
        (Value::Float(number), ValueRef::Float(wanted)) => *number == wanted,
        (Value::Bool(flag), ValueRef::Bool(wanted)) => *flag == wanted,
        (Value::Other(bytes), ValueRef::Other(wanted)) => bytes == wanted,
        _ => false,
    }
}
