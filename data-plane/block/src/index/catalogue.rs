//! Which attribute keys the block has, with which types, how often, and where their values are.

use takt_trace::{AttrTable, KeyColumn};

use crate::Error;
use crate::codec::{In, Out};

/// What an attribute belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    Span,
    Resource,
    Instrumentation,
    Event,
    Link,
}

impl Scope {
    pub const ALL: [Self; 5] = [
        Self::Span,
        Self::Resource,
        Self::Instrumentation,
        Self::Event,
        Self::Link,
    ];
}

/// The types a value can have in a column of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Type {
    String,
    Int,
    Float,
    Bool,
    /// Arrays, key-value lists, bytes and empty values.
    Other,
}

impl Type {
    pub(crate) const ALL: [Self; 5] = [
        Self::String,
        Self::Int,
        Self::Float,
        Self::Bool,
        Self::Other,
    ];

    /// The ending of a column's name where a key has several types.
    pub(crate) const fn suffix(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Int => "int",
            Self::Float => "double",
            Self::Bool => "bool",
            Self::Other => "json",
        }
    }

    pub(crate) fn rows(self, column: &KeyColumn) -> &[u32] {
        match self {
            Self::String => &column.string.rows,
            Self::Int => &column.int.rows,
            Self::Float => &column.float.rows,
            Self::Bool => &column.bool.rows,
            Self::Other => &column.other.rows,
        }
    }
}

/// One attribute key of a scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    pub name: String,
    /// The types it was seen with, the most frequent one first.
    pub types: Vec<Typed>,
}

/// One type of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Typed {
    pub kind: Type,
    /// How many spans (for events and links: how many of those) have such a value.
    pub count: u64,
    pub(crate) place: Place,
}

/// Where the values of one type of a key are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Column,
    Overflow,
}

/// How a leaf column is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    /// No dictionary.
    Plain,
    /// Every data page holds dictionary codes; there is no other.
    Dictionary,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Catalogue {
    /// By [`Scope`].
    pub(crate) keys: [Vec<Key>; 5],
    /// One for each leaf column, in file order; empty until the writer has decided.
    pub(crate) codings: Vec<Coding>,
}

impl Catalogue {
    pub(crate) fn of(&self, scope: Scope) -> &[Key] {
        &self.keys[scope as usize]
    }

    pub(crate) fn put(&self) -> Vec<u8> {
        let mut out = Out::default();
        for keys in &self.keys {
            out.size(keys.len());
            for key in keys {
                out.bytes(key.name.as_bytes());
                out.size(key.types.len());
                for typed in &key.types {
                    out.byte(typed.kind as u8 | (typed.place as u8) << 4);
                    out.number(typed.count);
                }
            }
        }
        out.size(self.codings.len());
        for coding in &self.codings {
            out.byte(*coding as u8);
        }
        out.0
    }

    pub(crate) fn take(bytes: &[u8]) -> Result<Self, Error> {
        let mut input = In::new("catalogue", bytes);
        let mut this = Self::default();
        for keys in &mut this.keys {
            let count = input.count(2)?;
            for _ in 0..count {
                keys.push(take_key(&mut input)?);
            }
        }
        let codings = input.count(1)?;
        for _ in 0..codings {
            this.codings.push(match input.byte()? {
                0 => Coding::Plain,
                1 => Coding::Dictionary,
                _ => return Err(input.damaged("a coding is unknown")),
            });
        }
        input.end()?;
        Ok(this)
    }
}

fn take_key(input: &mut In<'_>) -> Result<Key, Error> {
    let name = input.text()?.to_owned();
    let count = input.count(2)?;
    let types = (0..count)
        .map(|_| {
            let byte = input.byte()?;
            let kind = Type::ALL.get(usize::from(byte & 0x0f));
            let place = match byte >> 4 {
                0 => Some(Place::Column),
                1 => Some(Place::Overflow),
                _ => None,
            };
            match (kind, place) {
                (Some(kind), Some(place)) => Ok(Typed {
                    kind: *kind,
                    count: input.number()?,
                    place,
                }),
                _ => Err(input.damaged("a type is unknown")),
            }
        })
        .collect::<Result<_, _>>()?;
    Ok(Key { name, types })
}

/// A key must be on this share of all rows, or this many, to get a column: below, a column's fixed
/// cost (some 600 bytes a row group) exceeds what it saves.
const RARE_SHARE: u64 = 2_000;
const RARE: u64 = 48;
/// Most columns of one scope; keys beyond, the rarest, go to the overflow.
const MOST_COLUMNS: usize = 512;

/// The keys of a table whose row `r` counts `weight(r)` times, in a block where the scope has `total` things.
pub(crate) fn keys_of(table: &AttrTable, total: u64, weight: impl Fn(u32) -> u64) -> Vec<Key> {
    let threshold = RARE.max(total / RARE_SHARE).min(total.div_ceil(2));
    let mut keys: Vec<Key> = table
        .iter()
        .map(|(name, column)| Key {
            name: name.to_owned(),
            types: types_of(column, threshold, &weight),
        })
        .collect();
    let mut counts: Vec<u64> = keys
        .iter()
        .flat_map(|key| &key.types)
        .filter(|typed| typed.place == Place::Column)
        .map(|typed| typed.count)
        .collect();
    if counts.len() > MOST_COLUMNS {
        counts.sort_unstable_by(|a, b| b.cmp(a));
        let least = counts[MOST_COLUMNS];
        for typed in keys.iter_mut().flat_map(|key| &mut key.types) {
            if typed.count <= least {
                typed.place = Place::Overflow;
            }
        }
    }
    keys
}

fn types_of(column: &KeyColumn, threshold: u64, weight: &impl Fn(u32) -> u64) -> Vec<Typed> {
    let mut types: Vec<Typed> = Type::ALL
        .into_iter()
        .map(|kind| {
            let count = kind.rows(column).iter().map(|row| weight(*row)).sum();
            let place = match count >= threshold {
                true => Place::Column,
                false => Place::Overflow,
            };
            Typed { kind, count, place }
        })
        .filter(|typed| typed.count > 0)
        .collect();
    types.sort_by_key(|typed| std::cmp::Reverse(typed.count));
    types
}
