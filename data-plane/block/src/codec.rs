//! Numbers and byte strings of the index: LEB128 varints, zigzag, length-prefixed bytes.
//!
//! Reading never trusts a count: it is checked against the bytes that are left before anything is allocated.

use crate::Error;

#[derive(Debug, Default)]
pub(crate) struct Out(pub(crate) Vec<u8>);

impl Out {
    pub(crate) fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    pub(crate) fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            #[expect(clippy::cast_possible_truncation, reason = "seven bits at a time")]
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        #[expect(clippy::cast_possible_truncation, reason = "less than 0x80 here")]
        self.0.push(number as u8);
    }

    pub(crate) fn size(&mut self, size: usize) {
        self.number(size as u64);
    }

    pub(crate) fn signed(&mut self, number: i64) {
        self.number(((number << 1) ^ (number >> 63)).cast_unsigned());
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.size(bytes.len());
        self.raw(bytes);
    }
}

#[derive(Debug)]
pub(crate) struct In<'a> {
    rest: &'a [u8],
    part: &'static str,
}

impl<'a> In<'a> {
    pub(crate) fn new(part: &'static str, bytes: &'a [u8]) -> Self {
        Self { rest: bytes, part }
    }

    pub(crate) fn damaged(&self, why: &'static str) -> Error {
        Error::index(self.part, why)
    }

    pub(crate) fn raw(&mut self, length: usize) -> Result<&'a [u8], Error> {
        let (head, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or_else(|| self.damaged("it ends too early"))?;
        self.rest = rest;
        Ok(head)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (head, rest) = self
            .rest
            .split_first_chunk::<N>()
            .ok_or_else(|| self.damaged("it ends too early"))?;
        self.rest = rest;
        Ok(*head)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Error> {
        Ok(self.array::<1>()?[0])
    }

    pub(crate) fn number(&mut self) -> Result<u64, Error> {
        // Most numbers are small.
        if let [byte, rest @ ..] = self.rest
            && *byte < 0x80
        {
            self.rest = rest;
            return Ok(u64::from(*byte));
        }
        let mut number = 0;
        for (at, byte) in self.rest.iter().take(10).enumerate() {
            number |= u64::from(byte & 0x7f) << (7 * at);
            if *byte < 0x80 {
                if at == 9 && *byte > 1 {
                    return Err(self.damaged("a number is too large"));
                }
                self.rest = &self.rest[at + 1..];
                return Ok(number);
            }
        }
        Err(self.damaged("a number has no end"))
    }

    pub(crate) fn number32(&mut self) -> Result<u32, Error> {
        let number = self.number()?;
        u32::try_from(number).map_err(|_| self.damaged("a number is too large"))
    }

    pub(crate) fn signed(&mut self) -> Result<i64, Error> {
        let number = self.number()?;
        Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    /// A count of things that take at least `each` bytes, so it cannot exceed what is left.
    pub(crate) fn count(&mut self, each: usize) -> Result<usize, Error> {
        let count = self.number()?;
        let most = self.rest.len() / each.max(1);
        match usize::try_from(count) {
            Ok(count) if count <= most => Ok(count),
            _ => Err(self.damaged("a count exceeds the bytes there are")),
        }
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], Error> {
        let length = self.count(1)?;
        self.raw(length)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, Error> {
        let bytes = self.bytes()?;
        std::str::from_utf8(bytes).map_err(|_| self.damaged("a text is not UTF-8"))
    }

    pub(crate) fn numbers32(&mut self, count: usize) -> Result<Vec<u32>, Error> {
        (0..count).map(|_| self.number32()).collect()
    }

    /// Numbers that must all be less than `bound`.
    pub(crate) fn codes(&mut self, count: usize, bound: usize) -> Result<Vec<u32>, Error> {
        let codes = self.numbers32(count)?;
        match codes.iter().all(|code| (*code as usize) < bound) {
            true => Ok(codes),
            false => Err(self.damaged("a code is out of range")),
        }
    }

    pub(crate) fn end(self) -> Result<(), Error> {
        match self.rest {
            [] => Ok(()),
            _ => Err(self.damaged("it has bytes to spare")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_and_nothing_is_left() {
        let mut out = Out::default();
        for number in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            out.number(number);
            out.signed(number.cast_signed());
        }
        let mut input = In::new("test", &out.0);
        for number in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            assert_eq!(input.number().unwrap(), number);
            assert_eq!(input.signed().unwrap(), number.cast_signed());
        }
        input.end().unwrap();
    }

    #[test]
    fn a_count_larger_than_what_is_left_is_refused_before_anything_is_allocated() {
        let mut out = Out::default();
        out.number(u64::MAX);
        let error = In::new("test", &out.0).count(1).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the index is damaged in `test`: a count exceeds the bytes there are"
        );
    }
}
