//! A set of row numbers below a fixed length, one bit each.

use std::ops::Range;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bitmap {
    words: Vec<u64>,
    len: usize,
}

impl Bitmap {
    #[must_use]
    pub fn none(len: usize) -> Self {
        Self {
            words: vec![0; len.div_ceil(64)],
            len,
        }
    }

    #[must_use]
    pub fn all(len: usize) -> Self {
        let mut words = vec![u64::MAX; len.div_ceil(64)];
        if let (Some(last), tail @ 1..) = (words.last_mut(), len % 64) {
            *last = (1 << tail) - 1;
        }
        Self { words, len }
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    #[must_use]
    pub fn is_full(&self) -> bool {
        self.count() == self.len
    }

    #[must_use]
    pub fn count(&self) -> usize {
        self.words.iter().map(|w| w.count_ones() as usize).sum()
    }

    #[must_use]
    pub fn has(&self, row: u32) -> bool {
        self.words[row as usize / 64] & (1 << (row % 64)) != 0
    }

    pub fn insert(&mut self, row: u32) {
        debug_assert!((row as usize) < self.len, "row is in range");
        self.words[row as usize / 64] |= 1 << (row % 64);
    }

    pub fn and(&mut self, other: &Self) {
        debug_assert_eq!(self.len, other.len);
        for (mine, theirs) in self.words.iter_mut().zip(&other.words) {
            *mine &= theirs;
        }
    }

    pub fn or(&mut self, other: &Self) {
        debug_assert_eq!(self.len, other.len);
        for (mine, theirs) in self.words.iter_mut().zip(&other.words) {
            *mine |= theirs;
        }
    }

    pub fn subtract(&mut self, other: &Self) {
        debug_assert_eq!(self.len, other.len);
        for (mine, theirs) in self.words.iter_mut().zip(&other.words) {
            *mine &= !theirs;
        }
    }

    /// Row `i` is bit `i % 64` of word `i / 64`.
    pub(crate) fn words(&self) -> &[u64] {
        &self.words
    }

    /// The only row, if there is exactly one.
    pub(crate) fn only(&self) -> Option<u32> {
        let mut rows = self.iter();
        rows.next().filter(|_| rows.next().is_none())
    }

    /// The first row that is not below `from`.
    pub(crate) fn next(&self, from: u32) -> Option<u32> {
        let at = from as usize / WORD;
        let first = *self.words.get(at)? & (u64::MAX << (from as usize % WORD));
        let rest = self.words[at + 1..].iter().copied();
        std::iter::once(first)
            .chain(rest)
            .zip(at..)
            .find(|(word, _)| *word != 0)
            .map(|(word, at)| row(at, word.trailing_zeros()))
    }

    /// Enters those rows of `rows` within `piece` (which starts at a multiple of 64) that `keep` wants.
    pub(crate) fn filter_from(
        &mut self,
        rows: &Self,
        piece: Range<usize>,
        keep: impl Fn(u32) -> bool,
    ) {
        for at in piece.start / WORD..piece.end.div_ceil(WORD) {
            self.words[at] = match rows.words[at] {
                0 => 0,
                u64::MAX => {
                    let mut rows = row(at, 0)..;
                    packed([(); WORD].map(|()| rows.next().is_some_and(&keep)))
                }
                some => bits(some)
                    .filter(|bit| keep(row(at, *bit)))
                    .fold(0, |word, bit| word | 1 << bit),
            };
        }
    }

    /// The same by the rows' values. Whole words are decided without a branch.
    pub(crate) fn select_from<T: Copy>(
        &mut self,
        rows: &Self,
        piece: Range<usize>,
        values: &[T],
        holds: impl Fn(T) -> bool,
    ) {
        let chunks = values[piece.clone()].chunks(WORD);
        for (at, chunk) in (piece.start / WORD..).zip(chunks) {
            let asked = rows.words[at];
            if asked == 0 {
                continue;
            }
            self.words[at] = match <&[T; WORD]>::try_from(chunk) {
                Ok(all) => asked & packed(std::array::from_fn(|bit| holds(all[bit]))),
                Err(_) => bits(asked)
                    .filter(|bit| holds(chunk[*bit as usize]))
                    .fold(0, |word, bit| word | 1 << bit),
            };
        }
    }

    /// The rows in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.words
            .iter()
            .enumerate()
            .flat_map(|(at, word)| bits(*word).map(move |bit| row(at, bit)))
    }
}

const WORD: usize = 64;

#[expect(
    clippy::cast_possible_truncation,
    reason = "rows are u32 by construction"
)]
fn row(word: usize, bit: u32) -> u32 {
    (word * WORD) as u32 + bit
}

/// The numbers of the bits that are set, in ascending order.
fn bits(mut word: u64) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        let bit = (word != 0).then(|| word.trailing_zeros())?;
        word &= word - 1;
        Some(bit)
    })
}

/// Flag `i` as bit `i`. Eight bytes of 0 or 1 become eight bits by one multiplication: each byte meets
/// the power of two that moves it to its place in the top byte, and no two products meet elsewhere.
fn packed(flags: [bool; WORD]) -> u64 {
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let (eights, _) = flags.as_chunks::<8>();
    eights.iter().rev().fold(0, |word, eight| {
        let bytes = u64::from_le_bytes(eight.map(u8::from));
        word << 8 | bytes.wrapping_mul(GATHER) >> 56
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn bitmap(rows: &BTreeSet<u32>) -> Bitmap {
        let mut bitmap = Bitmap::none(200);
        rows.iter().for_each(|row| bitmap.insert(*row));
        bitmap
    }

    proptest! {
        #[test]
        fn a_bitmap_is_a_set(a in proptest::collection::btree_set(0u32..200, 0..80), b in proptest::collection::btree_set(0u32..200, 0..80)) {
            let (mine, theirs) = (bitmap(&a), bitmap(&b));
            let result = |change: fn(&mut Bitmap, &Bitmap)| {
                let mut copy = mine.clone();
                change(&mut copy, &theirs);
                copy.iter().collect::<BTreeSet<u32>>()
            };
            prop_assert_eq!(result(Bitmap::and), a.intersection(&b).copied().collect());
            prop_assert_eq!(result(Bitmap::or), a.union(&b).copied().collect());
            prop_assert_eq!(result(Bitmap::subtract), a.difference(&b).copied().collect());
            prop_assert_eq!((mine.count(), mine.is_empty()), (a.len(), a.is_empty()));
            prop_assert!((0..200).all(|row| mine.has(row) == a.contains(&row)));
            prop_assert!((0..=200).all(|row| mine.next(row) == a.range(row..).next().copied()));
            prop_assert_eq!(mine.only(), (a.len() == 1).then(|| *a.first().expect("one")));
        }

        #[test]
        fn rows_are_picked_by_number_and_by_value_alike(
            rows in proptest::collection::btree_set(0u32..200, 0..200),
            full in 0u32..3,
            least in 0u32..8,
        ) {
            // Whole words take another way than words with gaps.
            let rows: BTreeSet<u32> = rows.into_iter().chain(0..full * 64).collect();
            let values: Vec<u32> = (0..200).map(|row| row % 8).collect();
            let expected: BTreeSet<u32> = rows.iter().copied().filter(|row| row % 8 >= least).collect();
            let (mut by_number, mut by_value) = (Bitmap::none(200), Bitmap::none(200));
            by_number.filter_from(&bitmap(&rows), 0..200, |row| row % 8 >= least);
            by_value.select_from(&bitmap(&rows), 0..200, &values, |value| value >= least);
            prop_assert_eq!(&by_number, &bitmap(&expected));
            prop_assert_eq!(&by_value, &by_number);
        }
    }

    #[test]
    fn a_full_bitmap_has_no_row_beyond_its_length() {
        for len in [0, 1, 63, 64, 65, 128] {
            assert_eq!(
                (Bitmap::all(len).count(), Bitmap::all(len).is_full()),
                (len, true)
            );
        }
    }
}
