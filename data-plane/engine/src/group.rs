//! `by(…)`: spansets split by the value of an expression, on codes.

use std::borrow::Cow;
use std::collections::HashMap;

use takt_trace::{KeyColumn, Value};
use takt_traceql::{Expr, Field, Intrinsic, Scope, Static, What};

use crate::bitmap::Bitmap;
use crate::find::Search;
use crate::guard::Stopped;
use crate::leaf::indexes;
use crate::spansets::{Attribute, Spansets, Values};
use crate::value::{self, Val, shown};

/// One spanset for every value that `expr` has in a spanset; no value is a value too.
pub(crate) fn by<'a>(
    search: &Search<'a>,
    expr: &Expr,
    sets: &Spansets<'a>,
) -> Result<Spansets<'a>, Stopped> {
    let coded = coded(search, expr, sets)?;
    let rows = in_order_of_sets(search, sets)?;
    let guard = &search.guard;
    guard.hold_many::<u32>(search.columns.len())?;
    guard.hold_many::<(u32, u32)>(coded.values.len())?;
    let mut set_of = vec![0; search.columns.len()];
    // For each code, the last spanset it was met in and the new spanset it stands for there.
    let mut met = vec![(u32::MAX, 0); coded.values.len()];
    let (mut parents, mut codes) = (Vec::new(), Vec::new());
    let visit = |row: u32| {
        let (parent, code) = (sets.set_of[row as usize], coded.codes[row as usize]);
        let met = &mut met[code as usize];
        if met.0 != parent {
            let new = u32::try_from(parents.len()).expect("rows are u32 by construction");
            *met = (parent, new);
            parents.push(parent);
            codes.push(code);
        }
        set_of[row as usize] = met.1;
    };
    match rows {
        None => guard.each(sets.rows.iter(), visit)?,
        Some(rows) => guard.each(rows.into_iter(), visit)?,
    }
    guard.hold_many::<[u32; 2]>(parents.len())?;
    let inherited = sets
        .attributes
        .iter()
        .map(|attribute| attribute.inherited(&parents));
    let mut split = Spansets {
        rows: sets.rows.clone(),
        set_of: Cow::Owned(set_of),
        count: parents.len(),
        split: true,
        same: sets.same.clone(),
        attributes: inherited.collect::<Vec<Attribute>>(),
    };
    let values = coded.values;
    split.note(&format!("by({expr})"), Values::Coded { codes, values });
    Ok(split)
}

/// The rows spanset by spanset; none if they stand so already.
fn in_order_of_sets(search: &Search<'_>, sets: &Spansets<'_>) -> Result<Option<Vec<u32>>, Stopped> {
    if search.columns.clustered && !sets.split {
        return Ok(None);
    }
    let guard = &search.guard;
    guard.hold_many::<u32>(sets.rows.count() + sets.count)?;
    // Where the next row of each spanset goes.
    let mut next = vec![0_u32; sets.count + 1];
    guard.each(sets.rows.iter(), |row| {
        next[sets.set_of[row as usize] as usize + 1] += 1;
    })?;
    for set in 1..next.len() {
        next[set] += next[set - 1];
    }
    let mut rows = vec![0; sets.rows.count()];
    guard.each(sets.rows.iter(), |row| {
        let next = &mut next[sets.set_of[row as usize] as usize];
        rows[*next as usize] = row;
        *next += 1;
    })?;
    Ok(Some(rows))
}

/// A code for each row that is asked for, and a value for each code.
struct Coded<'a> {
    codes: Cow<'a, [u32]>,
    values: Vec<Value>,
}

fn coded<'a>(search: &Search<'a>, expr: &Expr, sets: &Spansets<'a>) -> Result<Coded<'a>, Stopped> {
    let (columns, rows) = (search.columns, &sets.rows);
    match expr {
        Expr::Field(Field {
            parent: false,
            what,
        }) => match what {
            What::Intrinsic(Intrinsic::Name) => {
                let names = indexes(columns.names.len()).map(|code| columns.names.text(code));
                Ok(Coded {
                    codes: Cow::Borrowed(&columns.name),
                    values: names.map(|name| Value::String(name.to_owned())).collect(),
                })
            }
            What::Intrinsic(Intrinsic::Status) => small(search, &columns.status, rows, |code| {
                Val::Status(value::status(code))
            }),
            What::Intrinsic(Intrinsic::Kind) => small(search, &columns.kind, rows, |code| {
                Val::Kind(value::kind(code))
            }),
            What::Attribute(Scope::Resource, key) => {
                let column = columns.resources.attrs.column(key);
                let entries = columns.resources.service.len();
                referred(search, column, (&columns.resource, entries), rows)
            }
            What::Attribute(Scope::Instrumentation, key) => {
                let column = columns.scopes.attrs.column(key);
                let entries = columns.scopes.name.len();
                referred(search, column, (&columns.scope, entries), rows)
            }
            _ => by_row(search, expr, sets),
        },
        expr => by_row(search, expr, sets),
    }
}

/// A column of numbers of one byte.
fn small<'a>(
    search: &Search<'a>,
    column: &[u8],
    rows: &Bitmap,
    of: impl Fn(u8) -> Val<'static>,
) -> Result<Coded<'a>, Stopped> {
    let mut interned = Interned::default();
    let mut code_of = Vec::with_capacity(256);
    for number in 0..=u8::MAX {
        code_of.push(interned.code(Some(of(number))));
    }
    codes(search, rows, interned, |row| {
        code_of[usize::from(column[row as usize])]
    })
}

/// An attribute in a table that rows refer to.
fn referred<'a>(
    search: &Search<'a>,
    column: Option<&KeyColumn>,
    (references, entries): (&[u32], usize),
    rows: &Bitmap,
) -> Result<Coded<'a>, Stopped> {
    let mut interned = Interned::default();
    let code_of: Vec<u32> = indexes(entries)
        .map(|entry| interned.code(column.and_then(|c| c.get(entry)).map(Val::from)))
        .collect();
    codes(search, rows, interned, |row| {
        code_of[references[row as usize] as usize]
    })
}

/// Any expression: the first of its values.
fn by_row<'a>(search: &Search<'a>, expr: &Expr, sets: &Spansets<'a>) -> Result<Coded<'a>, Stopped> {
    let rows = &sets.rows;
    search.guard.hold_many::<u32>(rows.len())?;
    let mut interned = Interned::default();
    let mut codes = vec![0; rows.len()];
    search.guard.try_each(rows.iter(), |row| {
        let known = interned.values.len();
        let mut code = None;
        let at = search.in_question(&sets.same, row);
        search.reader.expr(expr, at, &mut |value| {
            if code.is_none() {
                code = Some(interned.code(Some(value)));
            }
        });
        codes[row as usize] = code.unwrap_or_else(|| interned.code(None));
        if interned.values.len() > known {
            search.guard.hold(interned.bytes_of_last())?;
        }
        Ok(())
    })?;
    Ok(Coded {
        codes: Cow::Owned(codes),
        values: interned.values,
    })
}

fn codes<'a>(
    search: &Search<'a>,
    rows: &Bitmap,
    interned: Interned,
    code_of: impl Fn(u32) -> u32,
) -> Result<Coded<'a>, Stopped> {
    search.guard.hold_many::<u32>(rows.len())?;
    let mut codes = vec![0; rows.len()];
    search.guard.each(rows.iter(), |row| {
        codes[row as usize] = code_of(row);
    })?;
    Ok(Coded {
        codes: Cow::Owned(codes),
        values: interned.values,
    })
}

/// Values as answers show them, each once.
#[derive(Default)]
struct Interned {
    known: HashMap<Option<Distinct>, u32>,
    values: Vec<Value>,
}

/// Values of different types are different, even if they would be equal as numbers or be shown alike.
#[derive(PartialEq, Eq, Hash)]
enum Distinct {
    Number(i64),
    Float(u64),
    Text(String),
    Bool(bool),
    Nanos(i64),
    Status(u8),
    Kind(u8),
    Other(Vec<u8>),
}

impl Interned {
    fn code(&mut self, value: Option<Val<'_>>) -> u32 {
        let key = value.map(|value| match value {
            Val::Int(number) => Distinct::Number(number),
            Val::Float(number) => Distinct::Float(number.to_bits()),
            Val::Str(text) => Distinct::Text(text.to_owned()),
            Val::Bool(flag) => Distinct::Bool(flag),
            Val::Duration(nanos) => Distinct::Nanos(nanos),
            Val::Status(status) => Distinct::Status(status as u8),
            Val::Kind(kind) => Distinct::Kind(kind as u8),
            Val::Other(bytes) => Distinct::Other(bytes.to_vec()),
        });
        let next = u32::try_from(self.values.len()).expect("rows are u32 by construction");
        *self.known.entry(key).or_insert_with(|| {
            let nil = || Value::String(Static::Nil.to_string());
            self.values.push(value.map_or_else(nil, shown));
            next
        })
    }

    /// What the newest value takes, in the list and as a key.
    fn bytes_of_last(&self) -> usize {
        let text = match self.values.last() {
            Some(Value::String(text)) => text.len(),
            Some(Value::Other(bytes)) => bytes.len(),
            Some(Value::Int(_) | Value::Float(_) | Value::Bool(_)) | None => 0,
        };
        2 * (text + size_of::<Value>() + size_of::<u32>())
    }
}
