//! The values of one field as small numbers, one for each row.

use std::hash::BuildHasher as _;

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use takt_trace::{KeyColumn, SpanColumns, Value};
use takt_traceql::{Field, Intrinsic, Scope, What, format_duration};

use super::accumulate::Run;
use super::partial::order_of_values;
use crate::Stopped;
use crate::leaf::indexes;
use crate::row::{of_scope, of_trace};
use crate::value::{self, Val};

/// What a row without a value has.
const NONE: u32 = 0;

pub(super) struct Codes<'a> {
    of: Of<'a>,
    /// Codes are below this.
    count: u32,
    values: Box<dyn Fn(u32) -> Option<Value> + 'a>,
}

enum Of<'a> {
    Nowhere,
    /// The code is one more than the number the row holds itself.
    Direct(&'a [u32]),
    /// The row points into a table, and that tells the code.
    Table {
        refs: &'a [u32],
        codes: Vec<u32>,
    },
    Bytes(&'a [u8]),
    Rows(Vec<u32>),
}

impl<'a> Codes<'a> {
    /// The codes of `field` for all rows that match.
    pub(super) fn new(field: &Field, run: &Run<'a>) -> Result<Self, Stopped> {
        run.may_hold(run.search.columns.len() * size_of::<u32>())?;
        if field.parent {
            return Self::by_reading(field, run);
        }
        let columns = run.search.columns;
        match &field.what {
            What::Attribute(Scope::Span, key) => Ok(match columns.attrs.column(key) {
                Some(column) => Self::of_column(column, columns.len()),
                None => Self::nowhere(),
            }),
            What::Attribute(Scope::Resource, key) => {
                let column = columns.resources.attrs.column(key);
                let count = columns.resources.service.len();
                Ok(Self::of_table(&columns.resource, column, count))
            }
            What::Attribute(Scope::Instrumentation, key) => {
                let column = columns.scopes.attrs.column(key);
                Ok(Self::of_table(
                    &columns.scope,
                    column,
                    columns.scopes.name.len(),
                ))
            }
            What::Attribute(Scope::Any, key) => Ok(Self::nearest(columns, key)),
            What::Intrinsic(Intrinsic::Name) => Ok(Self {
                of: Of::Direct(&columns.name),
                count: count_of(columns.names.len()),
                values: Box::new(|code| Some(text(columns.names.text(code - 1)))),
            }),
            What::Intrinsic(Intrinsic::Kind) => Ok(Self {
                of: Of::Bytes(&columns.kind),
                count: 257,
                values: Box::new(|code| Some(text(value::kind(byte(code)).name()))),
            }),
            What::Intrinsic(Intrinsic::Status) => Ok(Self {
                of: Of::Bytes(&columns.status),
                count: 257,
                values: Box::new(|code| Some(text(value::status(byte(code)).name()))),
            }),
            What::Intrinsic(
                intrinsic @ (Intrinsic::TraceRootName
                | Intrinsic::TraceRootService
                | Intrinsic::TraceDuration
                | Intrinsic::TraceId),
            ) => Ok(Self::of_entries(
                &columns.trace,
                columns.traces.len(),
                |trace, add| {
                    of_trace(columns, *intrinsic, trace, &mut |value| add(shown(value)));
                },
            )),
            What::Intrinsic(
                intrinsic @ (Intrinsic::InstrumentationName | Intrinsic::InstrumentationVersion),
            ) => Ok(Self::of_entries(
                &columns.scope,
                columns.scopes.name.len(),
                |scope, add| {
                    add(shown(of_scope(columns, *intrinsic, scope)));
                },
            )),
            What::Attribute(Scope::Event | Scope::Link, _) | What::Intrinsic(_) => {
                Self::by_reading(field, run)
            }
        }
    }

    /// How many codes there are at most.
    pub(super) fn count(&self) -> u32 {
        self.count
    }

    pub(super) fn value(&self, code: u32) -> Option<Value> {
        (code != NONE).then(|| (self.values)(code))?
    }

    /// Bytes held for the sake of speed.
    pub(super) fn memory(&self) -> usize {
        match &self.of {
            Of::Nowhere | Of::Direct(_) | Of::Bytes(_) => 0,
            Of::Table { codes, .. } | Of::Rows(codes) => codes.capacity() * size_of::<u32>(),
        }
    }

    /// The codes of `rows`, into `codes` of the same length.
    pub(super) fn read(&self, rows: &[u32], codes: &mut [u32]) {
        let rows = rows.iter().map(|row| *row as usize);
        let codes = codes.iter_mut().zip(rows);
        match &self.of {
            Of::Nowhere => codes.for_each(|(code, _)| *code = NONE),
            Of::Direct(refs) => codes.for_each(|(code, row)| *code = refs[row] + 1),
            Of::Table { refs, codes: table } => {
                codes.for_each(|(code, row)| *code = table[refs[row] as usize]);
            }
            Of::Bytes(bytes) => codes.for_each(|(code, row)| *code = u32::from(bytes[row]) + 1),
            Of::Rows(table) => codes.for_each(|(code, row)| *code = table[row]),
        }
    }

    /// No row has a value.
    fn nowhere() -> Self {
        Self {
            of: Of::Nowhere,
            count: 1,
            values: Box::new(|_| None),
        }
    }

    /// A span attribute: texts have their code in the dictionary, and other values come after those.
    fn of_column(column: &'a KeyColumn, rows: usize) -> Self {
        let mut codes = vec![NONE; rows];
        for (row, code) in column.string.iter() {
            codes[row as usize] = code + 1;
        }
        let texts = count_of(column.strings.len());
        let mut others = Interner::default();
        each_but_texts(column, |row, value| {
            codes[row as usize] = texts - 1 + others.code(value);
        });
        Self {
            of: Of::Rows(codes),
            count: texts + count_of(others.values.len()) - 1,
            values: Box::new(move |code| {
                Some(if code < texts {
                    text(column.strings.text(code - 1))
                } else {
                    others.values[(code - texts) as usize].clone()
                })
            }),
        }
    }

    /// An attribute of what the rows point at.
    fn of_table(refs: &'a [u32], column: Option<&KeyColumn>, entries: usize) -> Self {
        let Some(column) = column else {
            return Self::nowhere();
        };
        Self::of_entries(refs, entries, |entry, add| {
            if let Some(value) = column.get(entry) {
                add(value.to_owned());
            }
        })
    }

    /// What `value` adds for the entries of a table that the rows point at.
    fn of_entries(
        refs: &'a [u32],
        entries: usize,
        value: impl Fn(u32, &mut dyn FnMut(Value)),
    ) -> Self {
        let mut interner = Interner::default();
        let codes = indexes(entries)
            .map(|entry| {
                let mut code = NONE;
                value(entry, &mut |value| code = interner.code(value));
                code
            })
            .collect();
        Self {
            count: count_of(interner.values.len()),
            of: Of::Table { refs, codes },
            values: interner.lookup(),
        }
    }

    /// An attribute without a scope groups by that of the span, or else of the resource.
    fn nearest(columns: &'a SpanColumns, key: &str) -> Self {
        let mut interner = Interner::default();
        let mut codes = match columns.resources.attrs.column(key) {
            None => vec![NONE; columns.len()],
            Some(column) => {
                let of_resource: Vec<u32> = indexes(columns.resources.service.len())
                    .map(|resource| match column.get(resource) {
                        Some(value) => interner.code(value.to_owned()),
                        None => NONE,
                    })
                    .collect();
                let resources = columns.resource.iter();
                resources.map(|at| of_resource[*at as usize]).collect()
            }
        };
        if let Some(column) = columns.attrs.column(key) {
            let texts = column.strings.iter();
            let texts: Vec<u32> = texts
                .map(|bytes| interner.code(text(std::str::from_utf8(bytes).unwrap_or_default())))
                .collect();
            for (row, code) in column.string.iter() {
                codes[row as usize] = texts[code as usize];
            }
            each_but_texts(column, |row, value| {
                codes[row as usize] = interner.code(value);
            });
        }
        Self {
            of: Of::Rows(codes),
            count: count_of(interner.values.len()),
            values: interner.lookup(),
        }
    }

    /// The first value of each row, read one by one.
    fn by_reading(field: &Field, run: &Run<'a>) -> Result<Self, Stopped> {
        let search = run.search;
        let mut interner = Interner::default();
        let mut codes = vec![NONE; search.columns.len()];
        search.guard.each(run.rows.iter(), |row| {
            run.first.value(search, field, row, &mut |value| {
                codes[row as usize] = interner.code(shown(value));
            });
        })?;
        Ok(Self {
            of: Of::Rows(codes),
            count: count_of(interner.values.len()),
            values: interner.lookup(),
        })
    }
}

fn each_but_texts(column: &KeyColumn, mut visit: impl FnMut(u32, Value)) {
    for (row, number) in column.int.iter() {
        visit(row, Value::Int(number));
    }
    for (row, number) in column.float.iter() {
        visit(row, Value::Float(number));
    }
    for (row, flag) in column.bool.iter() {
        visit(row, Value::Bool(flag));
    }
    for (row, code) in column.other.iter() {
        visit(row, Value::Other(column.others.get(code).to_vec()));
    }
}

/// Distinct values, numbered from 1.
#[derive(Default)]
struct Interner {
    table: HashTable<u32>,
    values: Vec<Value>,
}

impl Interner {
    fn code(&mut self, value: Value) -> u32 {
        let same = |code: &u32| {
            order_of_values(Some(&self.values[*code as usize - 1]), Some(&value)).is_eq()
        };
        if let Some(code) = self.table.find(hash(&value), same) {
            return *code;
        }
        let hash_of_value = hash(&value);
        self.values.push(value);
        let code = count_of(self.values.len()) - 1;
        let values = &self.values;
        self.table.insert_unique(hash_of_value, code, |code| {
            hash(&values[*code as usize - 1])
        });
        code
    }

    fn lookup<'a>(self) -> Box<dyn Fn(u32) -> Option<Value> + 'a> {
        Box::new(move |code| self.values.get(code as usize - 1).cloned())
    }
}

fn hash(value: &Value) -> u64 {
    const STATE: FixedState = FixedState::with_seed(0x7461_6b74);
    match value {
        Value::String(text) => STATE.hash_one(text),
        Value::Int(number) => STATE.hash_one(number),
        Value::Float(number) => STATE.hash_one(number.to_bits()),
        Value::Bool(flag) => STATE.hash_one(flag),
        Value::Other(bytes) => STATE.hash_one(bytes),
    }
}

/// A value as a label has it.
pub(super) fn shown(value: Val<'_>) -> Value {
    match value {
        Val::Int(number) => Value::Int(number),
        Val::Float(number) => Value::Float(number),
        Val::Str(text) => Value::String(text.to_owned()),
        Val::Bool(flag) => Value::Bool(flag),
        Val::Duration(nanos) => Value::String(format_duration(nanos)),
        Val::Status(status) => text(status.name()),
        Val::Kind(kind) => text(kind.name()),
        Val::Other(encoded) => Value::Other(encoded.to_vec()),
    }
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

/// One more than the number of values: 0 is for none.
fn count_of(values: usize) -> u32 {
    u32::try_from(values + 1).expect("there are fewer values than rows, and rows are u32")
}

fn byte(code: u32) -> u8 {
    u8::try_from(code - 1).expect("codes of bytes are at most 256")
}
