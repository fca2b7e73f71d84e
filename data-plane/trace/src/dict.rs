//! A dictionary of distinct byte strings: code to bytes by offset, bytes to code by hash.

use std::hash::BuildHasher as _;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use crate::columns::memory::Held;

/// Distinct byte strings, numbered from 0 in the order they were first seen.
///
/// Memory: the bytes themselves, 4 bytes of offset and about 5 bytes of hash table each.
#[derive(Debug, Clone)]
pub struct Dict {
    bytes: Vec<u8>,
    /// End of entry `i`; entry `i` starts where `i - 1` ends.
    ends: Vec<u32>,
    table: HashTable<u32>,
}

impl Default for Dict {
    fn default() -> Self {
        Self {
            bytes: Vec::new(),
            ends: Vec::new(),
            table: HashTable::new(),
        }
    }
}

/// The hash is only ever compared within one process; a fixed seed keeps runs reproducible.
const STATE: FixedState = FixedState::with_seed(0x7461_6b74);

fn hash(bytes: &[u8]) -> u64 {
    STATE.hash_one(bytes)
}

impl Dict {
    /// The code of `value`, giving it the next free one if it is new.
    ///
    /// # Panics
    /// When the dictionary would pass 4 GiB; builders are cut long before (see the live store's limits).
    pub fn intern(&mut self, value: &[u8]) -> u32 {
        let hash = hash(value);
        let (bytes, ends) = (&self.bytes, &self.ends);
        if let Some(code) = self
            .table
            .find(hash, |code| slice(bytes, ends, *code) == value)
        {
            return *code;
        }
        let code = u32::try_from(self.ends.len()).expect("fewer than 2^32 entries in 4 GiB");
        self.bytes.extend_from_slice(value);
        self.ends
            .push(u32::try_from(self.bytes.len()).expect("a dictionary stays below 4 GiB"));
        let (bytes, ends) = (&self.bytes, &self.ends);
        self.table
            .insert_unique(hash, code, |code| self::hash(slice(bytes, ends, *code)));
        code
    }

    /// The code of `value`, if it has one.
    #[must_use]
    pub fn find(&self, value: &[u8]) -> Option<u32> {
        self.table
            .find(hash(value), |code| self.get(*code) == value)
            .copied()
    }

    /// The bytes of `code`.
    ///
    /// # Panics
    /// When this dictionary never gave out that code.
    #[must_use]
    pub fn get(&self, code: u32) -> &[u8] {
        slice(&self.bytes, &self.ends, code)
    }

    /// The text of `code`; invalid UTF-8 never enters a dictionary of texts, so it reads as empty.
    #[must_use]
    pub fn text(&self, code: u32) -> &str {
        std::str::from_utf8(self.get(code)).unwrap_or_default()
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// All entries in the order of their codes.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        (0..self.ends.len()).map(|i| {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "codes are u32 by construction"
            )]
            self.get(i as u32)
        })
    }

    /// Bytes held on the heap.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.held()
    }
}

impl Held for Dict {
    fn held(&self) -> usize {
        let Self { bytes, ends, table } = self;
        bytes.held() + ends.held() + table.allocation_size()
    }

    fn trim(&mut self) {
        let Self { bytes, ends, table } = self;
        bytes.trim();
        ends.trim();
        table.shrink_to_fit(|code| hash(slice(bytes, ends, *code)));
    }
}

fn slice<'a>(bytes: &'a [u8], ends: &[u32], code: u32) -> &'a [u8] {
    let code = code as usize;
    let start = if code == 0 {
        0
    } else {
        ends[code - 1] as usize
    };
    &bytes[start..ends[code] as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_strings_share_a_code_and_come_back() {
        let mut dict = Dict::default();
        let codes: Vec<u32> = ["a", "", "b", "a", ""]
            .iter()
            .map(|s| dict.intern(s.as_bytes()))
            .collect();
        assert_eq!(codes, [0, 1, 2, 0, 1]);
        assert_eq!(
            (dict.text(2), dict.find(b"b"), dict.find(b"c")),
            ("b", Some(2), None)
        );
        assert_eq!(dict.iter().collect::<Vec<_>>(), [&b"a"[..], b"", b"b"]);
    }
}
