//! Values that are stored as JSON text: the rare keys of a scope, and values that are neither text nor number.

use serde_json::{Map, Value as Json};
use takt_trace::{AttrTable, Dict, KeyColumn, SpanColumns, Sparse, ValueRef};

use super::arrays::table;
use crate::index::catalogue::{Catalogue, Key, Place, Type};
use crate::layout::{Layout, What};
use crate::text;

/// A text column in the making.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    pub(crate) codes: Sparse<u32>,
    pub(crate) dict: Dict,
}

/// The texts of every leaf that needs some, by leaf.
pub(crate) fn texts(
    columns: &SpanColumns,
    catalogue: &Catalogue,
    layout: &Layout,
) -> Vec<Option<Texts>> {
    let of = |what| match what {
        What::Attr(scope, key, Type::Other) => Some(messages(&table(columns, scope).columns[key])),
        What::Overflow(scope) => Some(objects(table(columns, scope), catalogue.of(scope))),
        What::Fixed(_) | What::Child(..) | What::Attr(..) => None,
    };
    layout.leaves.iter().map(|leaf| of(leaf.what)).collect()
}

fn messages(column: &KeyColumn) -> Texts {
    let mut dict = Dict::default();
    let codes: Vec<u32> = column
        .others
        .iter()
        .map(|message| dict.intern(text::from_message(message).as_bytes()))
        .collect();
    let values = column.other.values.iter();
    Texts {
        codes: Sparse {
            rows: column.other.rows.clone(),
            values: values.map(|code| codes[*code as usize]).collect(),
        },
        dict,
    }
}

/// One object for each row that has a rare key.
fn objects(table: &AttrTable, keys: &[Key]) -> Texts {
    let mut cells: Vec<(u32, usize, Type)> = Vec::new();
    for (at, key) in keys.iter().enumerate() {
        for typed in &key.types {
            if typed.place == Place::Overflow {
                let rows = typed.kind.rows(&table.columns[at]);
                cells.extend(rows.iter().map(|row| (*row, at, typed.kind)));
            }
        }
    }
    cells.sort_unstable();
    let mut texts = Texts::default();
    for row in cells.chunk_by(|a, b| a.0 == b.0) {
        let mut object = Map::new();
        for (row, key, kind) in row {
            if let Some(value) = value(&table.columns[*key], *row, *kind) {
                object.insert(keys[*key].name.clone(), text::value_to_json(value));
            }
        }
        let code = texts
            .dict
            .intern(Json::Object(object).to_string().as_bytes());
        texts.codes.push(row[0].0, code);
    }
    texts
}

fn value(column: &KeyColumn, row: u32, kind: Type) -> Option<ValueRef<'_>> {
    match kind {
        Type::String => {
            let code = column.string.get(row)?;
            Some(ValueRef::String(column.strings.text(code)))
        }
        Type::Int => column.int.get(row).map(ValueRef::Int),
        Type::Float => column.float.get(row).map(ValueRef::Float),
        Type::Bool => column.bool.get(row).map(ValueRef::Bool),
        Type::Other => {
            let code = column.other.get(row)?;
            Some(ValueRef::Other(column.others.get(code)))
        }
    }
}
