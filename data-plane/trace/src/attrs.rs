//! Attributes as columns: for each key, one sparse column per type the key was seen with.
//!
//! The same table serves resources, scopes, spans, events and links; `row` then counts those.

use crate::Dict;

/// Values of one type for one key: `rows` ascending and distinct, `values[i]` belongs to `rows[i]`.
#[derive(Debug, Clone)]
pub struct Sparse<T> {
    pub rows: Vec<u32>,
    pub values: Vec<T>,
}

impl<T> Default for Sparse<T> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            values: Vec::new(),
        }
    }
}

impl<T: Copy> Sparse<T> {
    /// The value of `row`, if it has one.
    #[must_use]
    pub fn get(&self, row: u32) -> Option<T> {
        // A column that every row has is common and needs no search.
        if self.rows.get(row as usize) == Some(&row) {
            return self.values.get(row as usize).copied();
        }
        self.rows.binary_search(&row).ok().map(|i| self.values[i])
    }

    pub fn push(&mut self, row: u32, value: T) {
        debug_assert!(
            self.rows.last().is_none_or(|last| *last < row),
            "rows ascend"
        );
        self.rows.push(row);
        self.values.push(value);
    }

    /// Forgets the values of `row` and all rows after it.
    pub(crate) fn truncate_from(&mut self, row: u32) {
        let keep = self.rows.partition_point(|known| *known < row);
        self.rows.truncate(keep);
        self.values.truncate(keep);
    }

    pub fn iter(&self) -> impl Iterator<Item = (u32, T)> + '_ {
        self.rows.iter().copied().zip(self.values.iter().copied())
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

/// All values of one key. A row has a value in at most one of the typed columns.
///
/// `other` holds what is neither string, integer, float nor bool (arrays, key-value lists, bytes,
/// empty values) as codes of `others`: distinct encoded OTLP `AnyValue` messages.
#[derive(Debug, Clone, Default)]
pub struct KeyColumn {
    pub string: Sparse<u32>,
    pub strings: Dict,
    pub int: Sparse<i64>,
    pub float: Sparse<f64>,
    pub bool: Sparse<bool>,
    pub other: Sparse<u32>,
    pub others: Dict,
}

/// A value as it stands in a column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ValueRef<'a> {
    String(&'a str),
    Int(i64),
    Float(f64),
    Bool(bool),
    /// An encoded OTLP `AnyValue` message.
    Other(&'a [u8]),
}

/// A value on its own.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    String(String),
    Int(i64),
    Float(f64),
    Bool(bool),
    /// An encoded OTLP `AnyValue` message.
    Other(Vec<u8>),
}

impl ValueRef<'_> {
    #[must_use]
    pub fn to_owned(self) -> Value {
        match self {
            Self::String(text) => Value::String(text.to_owned()),
            Self::Int(number) => Value::Int(number),
            Self::Float(number) => Value::Float(number),
            Self::Bool(flag) => Value::Bool(flag),
            Self::Other(bytes) => Value::Other(bytes.to_vec()),
        }
    }
}

impl KeyColumn {
    /// The value of `row`, if it has one.
    #[must_use]
    pub fn get(&self, row: u32) -> Option<ValueRef<'_>> {
        if let Some(code) = self.string.get(row) {
            return Some(ValueRef::String(self.strings.text(code)));
        }
        if let Some(number) = self.int.get(row) {
            return Some(ValueRef::Int(number));
        }
        if let Some(number) = self.float.get(row) {
            return Some(ValueRef::Float(number));
        }
        if let Some(flag) = self.bool.get(row) {
            return Some(ValueRef::Bool(flag));
        }
        self.other
            .get(row)
            .map(|code| ValueRef::Other(self.others.get(code)))
    }

    /// Whether `row` is the last one written: a second value for it would be a duplicate key.
    fn ends_with(&self, row: u32) -> bool {
        [
            self.string.rows.last(),
            self.int.rows.last(),
            self.float.rows.last(),
            self.bool.rows.last(),
            self.other.rows.last(),
        ]
        .into_iter()
        .flatten()
        .any(|last| *last == row)
    }

    /// Adds the value of `row`, which must not be less than any row before. Returns false and changes
    /// nothing if the row has a value already: OTLP forbids duplicate keys, and the first one stands.
    pub fn push(&mut self, row: u32, value: ValueRef<'_>) -> bool {
        if self.ends_with(row) {
            return false;
        }
        match value {
            ValueRef::String(text) => {
                let code = self.strings.intern(text.as_bytes());
                self.string.push(row, code);
            }
            ValueRef::Int(number) => self.int.push(row, number),
            ValueRef::Float(number) => self.float.push(row, number),
            ValueRef::Bool(flag) => self.bool.push(row, flag),
            ValueRef::Other(bytes) => {
                let code = self.others.intern(bytes);
                self.other.push(row, code);
            }
        }
        true
    }

    /// Adds a text to `row` if it is the same as the one added last, which spares looking it up.
    pub(crate) fn push_again(&mut self, row: u32, text: &[u8]) -> bool {
        let Some(last) = self.string.values.last().copied() else {
            return false;
        };
        if self.strings.get(last) != text || self.ends_with(row) {
            return false;
        }
        self.string.push(row, last);
        true
    }

    /// Forgets the values of `row` and all rows after it.
    pub(crate) fn truncate_from(&mut self, row: u32) {
        self.string.truncate_from(row);
        self.int.truncate_from(row);
        self.float.truncate_from(row);
        self.bool.truncate_from(row);
        self.other.truncate_from(row);
    }

    /// How many rows have a value.
    #[must_use]
    pub fn len(&self) -> usize {
        self.string.len() + self.int.len() + self.float.len() + self.bool.len() + self.other.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The attributes of one kind of thing (resources, scopes, spans, events or links).
#[derive(Debug, Clone, Default)]
pub struct AttrTable {
    /// Key `k` names `columns[k]`.
    pub keys: Dict,
    pub columns: Vec<KeyColumn>,
}

impl AttrTable {
    #[must_use]
    pub fn column(&self, key: &str) -> Option<&KeyColumn> {
        self.keys
            .find(key.as_bytes())
            .map(|code| &self.columns[code as usize])
    }

    /// The code of `key`, with a column made if it is new.
    pub(crate) fn code_of(&mut self, key: &str) -> u32 {
        let code = self.keys.intern(key.as_bytes());
        if code as usize == self.columns.len() {
            self.columns.push(KeyColumn::default());
        }
        code
    }

    /// The column of `key`, made if it is new.
    pub fn column_mut(&mut self, key: &str) -> &mut KeyColumn {
        let code = self.code_of(key) as usize;
        &mut self.columns[code]
    }

    #[must_use]
    pub fn get(&self, row: u32, key: &str) -> Option<ValueRef<'_>> {
        self.column(key)?.get(row)
    }

    /// All attributes of `row`, in the order in which the keys were first seen.
    pub fn of_row(&self, row: u32) -> impl Iterator<Item = (&str, ValueRef<'_>)> {
        self.iter()
            .filter_map(move |(key, column)| Some((key, column.get(row)?)))
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &KeyColumn)> {
        self.keys
            .iter()
            .map(|key| std::str::from_utf8(key).unwrap_or_default())
            .zip(&self.columns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_keeps_values_of_different_types_apart() {
        let mut table = AttrTable::default();
        assert!(table.column_mut("k").push(0, ValueRef::Int(7)));
        assert!(table.column_mut("k").push(2, ValueRef::String("x")));
        assert!(
            !table.column_mut("k").push(2, ValueRef::Bool(true)),
            "the first value of a row stands"
        );
        assert_eq!(
            (table.get(0, "k"), table.get(1, "k"), table.get(2, "k")),
            (Some(ValueRef::Int(7)), None, Some(ValueRef::String("x")))
        );
    }
}
