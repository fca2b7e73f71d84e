//! Attributes and texts while they are decoded.

use std::borrow::Cow;

use crate::attrs::{AttrTable, ValueRef};
use crate::decode::Appended;
use crate::wire::{Fields, MAX_DEPTH, Malformed};

/// The rules for texts, and what they changed.
#[derive(Debug, Default)]
pub(super) struct Texts {
    max_bytes: usize,
    pub(super) counts: Appended,
}

impl Texts {
    pub(super) fn begin(&mut self, max_attribute_bytes: usize) {
        *self = Self {
            max_bytes: max_attribute_bytes,
            counts: Appended::default(),
        };
    }

    /// A text that is no attribute: repaired if it is not UTF-8, never cut.
    pub(super) fn whole<'a>(&mut self, bytes: &'a [u8]) -> Cow<'a, str> {
        let text = String::from_utf8_lossy(bytes);
        self.counts.invalid_strings += usize::from(matches!(text, Cow::Owned(_)));
        text
    }

    /// An attribute's key or value: repaired, and cut at a character boundary.
    fn bounded<'a>(&mut self, bytes: &'a [u8]) -> Cow<'a, str> {
        let text = self.whole(bytes);
        if self.max_bytes == 0 || text.len() <= self.max_bytes {
            return text;
        }
        self.counts.truncated_attributes += 1;
        let mut end = self.max_bytes;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        match text {
            Cow::Borrowed(text) => Cow::Borrowed(&text[..end]),
            Cow::Owned(mut text) => {
                text.truncate(end);
                Cow::Owned(text)
            }
        }
    }
}

/// Decodes one `KeyValue` into `attrs` at `row`.
pub(super) fn attribute(
    attrs: &mut AttrTable,
    row: u32,
    message: &[u8],
    texts: &mut Texts,
) -> Result<(), Malformed> {
    let (mut key, mut value): (&[u8], &[u8]) = (&[], &[]);
    let mut fields = Fields::new(message);
    while let Some((number, field)) = fields.next()? {
        match number {
            1 => key = field.bytes(number)?,
            2 => value = field.bytes(number)?,
            _ => {}
        }
    }
    let parsed = any_value(value)?;
    let key = texts.bounded(key);
    let column = attrs.column_mut(&key);
    let fresh = match parsed {
        Parsed::String(bytes) => {
            let text = texts.bounded(bytes);
            column.push(row, ValueRef::String(&text))
        }
        Parsed::Int(number) => column.push(row, ValueRef::Int(number)),
        Parsed::Float(number) => column.push(row, ValueRef::Float(number)),
        Parsed::Bool(flag) => column.push(row, ValueRef::Bool(flag)),
        Parsed::Other => column.push(row, ValueRef::Other(value)),
    };
    texts.counts.duplicate_attributes += usize::from(!fresh);
    Ok(())
}

/// Walks a `KeyValue` without keeping it.
pub(super) fn check(message: &[u8]) -> Result<(), Malformed> {
    let mut fields = Fields::new(message);
    while let Some((number, field)) = fields.next()? {
        match number {
            1 => {
                field.bytes(number)?;
            }
            2 => {
                any_value(field.bytes(number)?)?;
            }
            _ => {}
        }
    }
    Ok(())
}

enum Parsed<'a> {
    String(&'a [u8]),
    Int(i64),
    Float(f64),
    Bool(bool),
    Other,
}

fn any_value(message: &[u8]) -> Result<Parsed<'_>, Malformed> {
    let mut parsed = Parsed::Other;
    let mut fields = Fields::new(message);
    while let Some((number, field)) = fields.next()? {
        parsed = match number {
            1 => Parsed::String(field.bytes(number)?),
            2 => Parsed::Bool(field.varint(number)? != 0),
            3 => Parsed::Int(field.varint(number)?.cast_signed()),
            4 => Parsed::Float(f64::from_bits(field.fixed64(number)?)),
            5 | 6 => {
                check_nested(field.bytes(number)?, number, MAX_DEPTH)?;
                Parsed::Other
            }
            7 => {
                field.bytes(number)?;
                Parsed::Other
            }
            _ => continue,
        };
    }
    Ok(parsed)
}

/// Walks an `ArrayValue` (field 5 of a value) or a `KeyValueList` (field 6), at most `depth` levels down.
fn check_nested(message: &[u8], kind: u32, depth: usize) -> Result<(), Malformed> {
    let depth = depth.checked_sub(1).ok_or(Malformed::TooDeep)?;
    let mut fields = Fields::new(message);
    while let Some((number, field)) = fields.next()? {
        if number != 1 {
            continue;
        }
        let item = field.bytes(number)?;
        if kind == 5 {
            check_value(item, depth)?;
        } else {
            let mut pair = Fields::new(item);
            while let Some((number, field)) = pair.next()? {
                if number == 2 {
                    check_value(field.bytes(number)?, depth)?;
                }
            }
        }
    }
    Ok(())
}

fn check_value(message: &[u8], depth: usize) -> Result<(), Malformed> {
    let mut fields = Fields::new(message);
    while let Some((number, field)) = fields.next()? {
        if number == 5 || number == 6 {
            check_nested(field.bytes(number)?, number, depth)?;
        }
    }
    Ok(())
}
