//! What the messages of OTLP look like on the wire. `scan` holds every span against this before it is
//! made durable, so that what was accepted decodes; the decoder holds against it what it stores as bytes.

use crate::wire::{Field, Fields, MAX_DEPTH, Malformed};

/// The fields of a message, by number. A field beyond the end is unknown and free.
pub(crate) type Shape = [Is];

/// What a field is.
pub(crate) enum Is {
    /// Unknown to us; it only has to end where it should.
    Free,
    Varint,
    Fixed32,
    Fixed64,
    Bytes,
    Message(&'static Shape),
    /// A message that is one level of nesting in an attribute's value.
    Level(&'static Shape),
}

use Is::{Bytes, Fixed32, Fixed64, Free, Level, Message, Varint};

pub(crate) static SPAN: [Is; 17] = [
    Free,
    Bytes,
    Bytes,
    Bytes,
    Bytes,
    Bytes,
    Varint,
    Fixed64,
    Fixed64,
    Message(&ATTRIBUTE),
    Varint,
    Message(&EVENT),
    Varint,
    Message(&LINK),
    Varint,
    Message(&STATUS),
    Fixed32,
];
pub(crate) static RESOURCE: [Is; 3] = [Free, Message(&ATTRIBUTE), Varint];
pub(crate) static SCOPE: [Is; 5] = [Free, Bytes, Bytes, Message(&ATTRIBUTE), Varint];
pub(crate) static VALUE: [Is; 8] = [
    Free,
    Bytes,
    Varint,
    Varint,
    Fixed64,
    Level(&ARRAY),
    Level(&LIST),
    Bytes,
];
static EVENT: [Is; 5] = [Free, Fixed64, Bytes, Message(&ATTRIBUTE), Varint];
static LINK: [Is; 7] = [
    Free,
    Bytes,
    Bytes,
    Bytes,
    Message(&ATTRIBUTE),
    Varint,
    Fixed32,
];
static STATUS: [Is; 4] = [Free, Free, Bytes, Varint];
static ATTRIBUTE: [Is; 3] = [Free, Bytes, Message(&VALUE)];
static ARRAY: [Is; 2] = [Free, Message(&VALUE)];
static LIST: [Is; 2] = [Free, Message(&ATTRIBUTE)];

/// Walks a whole message: every length, every wire type, and how deep values nest.
pub(crate) fn message(message: &[u8], shape: &Shape) -> Result<(), Malformed> {
    walk(message, shape, MAX_DEPTH)
}

/// The same for one field of a message.
#[inline]
pub(crate) fn field(number: u32, value: Field<'_>, shape: &Shape) -> Result<(), Malformed> {
    one(number, value, shape, MAX_DEPTH)
}

fn walk(message: &[u8], shape: &Shape, levels: usize) -> Result<(), Malformed> {
    let mut fields = Fields::new(message);
    while let Some((number, value)) = fields.next()? {
        one(number, value, shape, levels)?;
    }
    Ok(())
}

#[inline]
fn one(number: u32, value: Field<'_>, shape: &Shape, levels: usize) -> Result<(), Malformed> {
    match shape.get(number as usize) {
        None | Some(Free) => Ok(()),
        Some(Varint) => value.varint(number).map(drop),
        Some(Fixed32) => value.fixed32(number).map(drop),
        Some(Fixed64) => value.fixed64(number).map(drop),
        Some(Bytes) => value.bytes(number).map(drop),
        Some(Message(shape)) => walk(value.bytes(number)?, shape, levels),
        Some(Level(shape)) => {
            let levels = levels.checked_sub(1).ok_or(Malformed::TooDeep)?;
            walk(value.bytes(number)?, shape, levels)
        }
    }
}
