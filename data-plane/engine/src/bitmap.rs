//! A set of row numbers below a fixed length, one bit each.

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

    /// The rows in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.words.iter().enumerate().flat_map(|(i, word)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                let bit = (rest != 0).then(|| rest.trailing_zeros())?;
                rest &= rest - 1;
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "rows are u32 by construction"
                )]
                Some(i as u32 * 64 + bit)
            })
        })
    }
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
