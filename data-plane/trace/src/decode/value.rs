//! Attributes and texts while they are decoded.

use std::borrow::Cow;

use crate::attrs::{AttrTable, KeyColumn, ValueRef};
use crate::check::{self, VALUE};
use crate::decode::Appended;
use crate::wire::{Field, Fields, Malformed, put_bytes, put_fixed64, put_number};

/// The rules for texts, and what they changed.
#[derive(Debug, Default)]
pub(super) struct Texts {
    max_bytes: usize,
    pub(super) counts: Appended,
    /// By key code: the key that came after it last time. Spans of one kind have their keys in one order,
    /// so this mostly spares looking a key up. It is a guess, checked each time, for whatever table.
    followers: Vec<u32>,
    last_key: usize,
}

impl Texts {
    pub(super) fn begin(&mut self, max_attribute_bytes: usize) {
        self.max_bytes = max_attribute_bytes;
        self.counts = Appended::default();
    }

    /// The column of a key.
    fn column<'a>(&mut self, attrs: &'a mut AttrTable, key: &[u8]) -> &'a mut KeyColumn {
        let guess = self.followers.get(self.last_key).copied();
        let known = guess.filter(|code| {
            (*code as usize) < attrs.columns.len() && self.fits(key) && attrs.keys.get(*code) == key
        });
        let code = known.unwrap_or_else(|| attrs.code_of(&self.bounded(key)));
        if known.is_none() {
            if self.followers.len() <= self.last_key {
                self.followers.resize(self.last_key + 1, 0);
            }
            self.followers[self.last_key] = code;
        }
        self.last_key = code as usize;
        &mut attrs.columns[code as usize]
    }

    /// Whether a text is not cut.
    fn fits(&self, text: &[u8]) -> bool {
        self.max_bytes == 0 || text.len() <= self.max_bytes
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
        if self.fits(text.as_bytes()) {
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
    let mut whole = Vec::new();
    if matches!(parsed, Parsed::Other) {
        check::message(value, &VALUE)?;
        put_value(&mut whole, value, texts)?;
    }
    let column = texts.column(attrs, key);
    let fresh = match parsed {
        Parsed::String(bytes) if texts.fits(bytes) && column.push_again(row, bytes) => true,
        Parsed::String(bytes) => {
            let text = texts.bounded(bytes);
            column.push(row, ValueRef::String(&text))
        }
        Parsed::Int(number) => column.push(row, ValueRef::Int(number)),
        Parsed::Float(number) => column.push(row, ValueRef::Float(number)),
        Parsed::Bool(flag) => column.push(row, ValueRef::Bool(flag)),
        Parsed::Other => column.push(row, ValueRef::Other(&whole)),
    };
    texts.counts.duplicate_attributes += usize::from(!fresh);
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
            5..=7 => Parsed::Other,
            _ => continue,
        };
    }
    Ok(parsed)
}

/// An `AnyValue` as it is stored whole: what it says and nothing else, every text UTF-8. A reader that
/// checks texts, as most do, would otherwise refuse the whole trace. The value has been checked.
fn put_value(out: &mut Vec<u8>, value: &[u8], texts: &mut Texts) -> Result<(), Malformed> {
    let mut said = None;
    let mut fields = Fields::new(value);
    while let Some((number, field)) = fields.next()? {
        if (1..=7).contains(&number) {
            said = Some((number, field));
        }
    }
    match said {
        None => {}
        Some((1, field)) => put_bytes(out, 1, texts.whole(field.bytes(1)?).as_bytes()),
        Some((5, field)) => {
            let mut items = Vec::new();
            put_items(&mut items, field.bytes(5)?, texts, put_value)?;
            put_bytes(out, 5, &items);
        }
        Some((6, field)) => {
            let mut items = Vec::new();
            put_items(&mut items, field.bytes(6)?, texts, put_pair)?;
            put_bytes(out, 6, &items);
        }
        Some((number, Field::Varint(value))) => put_number(out, number, value),
        Some((number, Field::Fixed64(value))) => put_fixed64(out, number, value),
        Some((number, field)) => put_bytes(out, number, field.bytes(number)?),
    }
    Ok(())
}

type Put = fn(&mut Vec<u8>, &[u8], &mut Texts) -> Result<(), Malformed>;

fn put_items(out: &mut Vec<u8>, list: &[u8], texts: &mut Texts, put: Put) -> Result<(), Malformed> {
    let mut fields = Fields::new(list);
    while let Some((number, field)) = fields.next()? {
        if number == 1 {
            let mut item = Vec::new();
            put(&mut item, field.bytes(number)?, texts)?;
            put_bytes(out, 1, &item);
        }
    }
    Ok(())
}

fn put_pair(out: &mut Vec<u8>, pair: &[u8], texts: &mut Texts) -> Result<(), Malformed> {
    let (mut key, mut value): (&[u8], Option<&[u8]>) = (&[], None);
    let mut fields = Fields::new(pair);
    while let Some((number, field)) = fields.next()? {
        match number {
            1 => key = field.bytes(number)?,
            2 => value = Some(field.bytes(number)?),
            _ => {}
        }
    }
    if !key.is_empty() {
        put_bytes(out, 1, texts.whole(key).as_bytes());
    }
    if let Some(value) = value {
        let mut inner = Vec::new();
        put_value(&mut inner, value, texts)?;
        put_bytes(out, 2, &inner);
    }
    Ok(())
}
