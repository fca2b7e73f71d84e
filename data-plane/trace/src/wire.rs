//! A protobuf reader over borrowed bytes: no allocation, no recursion, every length checked.

/// The bytes are not the protobuf message they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("protobuf ends in the middle of a field")]
    Truncated,
    #[error("protobuf has a number of more than 64 bits")]
    Varint,
    #[error("protobuf has a field whose number is not between 1 and 2^29-1")]
    FieldNumber,
    #[error("protobuf has a field of unknown wire type {0}")]
    WireType(u8),
    #[error("protobuf has field {field} with wire type {found}, which it never has")]
    Mismatch { field: u32, found: u8 },
    #[error("protobuf has a value nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
}

/// How many arrays and key-value lists may stand within each other in an attribute's value. A list takes
/// three messages, and an event's value stands in six: 96 of the 100 that common readers follow.
pub(crate) const MAX_DEPTH: usize = 30;

/// The value of a field as it lies on the wire.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Field<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    Fixed32(u32),
}

/// Walks the fields of one message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(crate) fn new(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    /// The bytes not walked yet.
    pub(crate) fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// The next field's number and value; `None` at the end.
    #[expect(
        clippy::inline_always,
        reason = "every byte that comes in passes here twice; measured, see `examples/measure.rs`"
    )]
    #[inline(always)]
    pub(crate) fn next(&mut self) -> Result<Option<(u32, Field<'a>)>, Malformed> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let number = match u32::try_from(tag) {
            Ok(tag) if tag >= 8 => tag >> 3,
            _ => return Err(Malformed::FieldNumber),
        };
        let value = match tag & 7 {
            0 => Field::Varint(self.varint()?),
            1 => Field::Fixed64(u64::from_le_bytes(self.array()?)),
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| Malformed::Truncated)?;
                Field::Bytes(self.take(length)?)
            }
            5 => Field::Fixed32(u32::from_le_bytes(self.array()?)),
            #[expect(clippy::cast_possible_truncation, reason = "three bits")]
            other => return Err(Malformed::WireType(other as u8)),
        };
        Ok(Some((number, value)))
    }

    #[inline]
    fn varint(&mut self) -> Result<u64, Malformed> {
        if let [byte @ 0..0x80, rest @ ..] = self.rest {
            self.rest = rest;
            return Ok(u64::from(*byte));
        }
        self.long_varint()
    }

    fn long_varint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0u64;
        for (at, byte) in self.rest.iter().enumerate().take(10) {
            value |= u64::from(byte & 0x7f) << (7 * at);
            if at == 9 && *byte > 1 {
                return Err(Malformed::Varint);
            }
            if *byte < 0x80 {
                self.rest = &self.rest[at + 1..];
                return Ok(value);
            }
        }
        Err(Malformed::Truncated)
    }

    #[inline]
    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(Malformed::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self
            .rest
            .split_first_chunk::<N>()
            .ok_or(Malformed::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }
}

impl<'a> Field<'a> {
    pub(crate) fn bytes(self, field: u32) -> Result<&'a [u8], Malformed> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            other => Err(other.mismatch(field)),
        }
    }

    pub(crate) fn varint(self, field: u32) -> Result<u64, Malformed> {
        match self {
            Self::Varint(number) => Ok(number),
            other => Err(other.mismatch(field)),
        }
    }

    pub(crate) fn fixed64(self, field: u32) -> Result<u64, Malformed> {
        match self {
            Self::Fixed64(number) => Ok(number),
            other => Err(other.mismatch(field)),
        }
    }

    pub(crate) fn fixed32(self, field: u32) -> Result<u32, Malformed> {
        match self {
            Self::Fixed32(number) => Ok(number),
            other => Err(other.mismatch(field)),
        }
    }

    fn mismatch(self, field: u32) -> Malformed {
        let found = match self {
            Self::Varint(_) => 0,
            Self::Fixed64(_) => 1,
            Self::Bytes(_) => 2,
            Self::Fixed32(_) => 5,
        };
        Malformed::Mismatch { field, found }
    }
}

/// Field 1 (the resource or scope) and field 3 (its schema URL) of an envelope, wherever they stand in it.
pub(crate) fn header(message: &[u8]) -> Result<(&[u8], &[u8]), Malformed> {
    let (mut head, mut url): (&[u8], &[u8]) = (&[], &[]);
    let mut fields = Fields::new(message);
    while let Some((number, value)) = fields.next()? {
        match number {
            1 => head = value.bytes(number)?,
            3 => url = value.bytes(number)?,
            _ => {}
        }
    }
    Ok((head, url))
}

/// Appends a length-delimited field.
pub(crate) fn put_bytes(out: &mut Vec<u8>, field: u32, bytes: &[u8]) {
    put_tag(out, field, 2);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Appends a varint field.
pub(crate) fn put_number(out: &mut Vec<u8>, field: u32, value: u64) {
    put_tag(out, field, 0);
    put_varint(out, value);
}

/// Appends a 64-bit field.
pub(crate) fn put_fixed64(out: &mut Vec<u8>, field: u32, value: u64) {
    put_tag(out, field, 1);
    out.extend_from_slice(&value.to_le_bytes());
}

/// Appends a 32-bit field.
pub(crate) fn put_fixed32(out: &mut Vec<u8>, field: u32, value: u32) {
    put_tag(out, field, 5);
    out.extend_from_slice(&value.to_le_bytes());
}

/// Appends a message that `write` fills in place; a long one is moved to make room for its length.
pub(crate) fn put_message(out: &mut Vec<u8>, field: u32, write: impl FnOnce(&mut Vec<u8>)) {
    put_tag(out, field, 2);
    let at = out.len();
    out.push(0);
    write(out);
    let end = out.len();
    let length = end - at - 1;
    if let Ok(short @ 0..0x80) = u8::try_from(length) {
        out[at] = short;
        return;
    }
    let more = (length.ilog2() / 7) as usize;
    out.resize(end + more, 0);
    out.copy_within(at + 1..end, at + 1 + more);
    let mut rest = length;
    for byte in &mut out[at..at + more] {
        #[expect(clippy::cast_possible_truncation, reason = "seven bits at a time")]
        let low = rest as u8 | 0x80;
        *byte = low;
        rest >>= 7;
    }
    #[expect(clippy::cast_possible_truncation, reason = "less than 0x80")]
    let last = rest as u8;
    out[at + more] = last;
}

fn put_tag(out: &mut Vec<u8>, field: u32, wire_type: u64) {
    put_varint(out, u64::from(field) << 3 | wire_type);
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        #[expect(clippy::cast_possible_truncation, reason = "seven bits at a time")]
        out.push((value as u8) | 0x80);
        value >>= 7;
    }
    #[expect(clippy::cast_possible_truncation, reason = "less than 0x80")]
    out.push(value as u8);
}
