//! Changes to an input: bits, bytes, numbers, pieces cut, doubled, moved in from elsewhere.

use std::hash::{BuildHasher as _, RandomState};

/// Inputs grow no longer than this.
const MAX_BYTES: usize = 64 << 10;

/// SplitMix64.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

/// A seed nobody chose.
pub(crate) fn fresh_seed() -> u64 {
    RandomState::new().hash_one(std::process::id())
}

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Below `bound`; zero if that is zero.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.next() % bound).unwrap_or(0)
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }
}

/// Changes `input` in one to four places; `other` is where foreign pieces come from.
pub(crate) fn mutate(random: &mut Random, input: &mut Vec<u8>, other: &[u8], words: &[&[u8]]) {
    for _ in 0..=random.below(4) {
        once(random, input, other, words);
    }
    input.truncate(MAX_BYTES);
}

fn once(random: &mut Random, input: &mut Vec<u8>, other: &[u8], words: &[&[u8]]) {
    const NUMBERS: &[u8] = &[0, 1, 0x7f, 0x80, 0xff];
    let at = random.below(input.len());
    match random.below(9) {
        0 => change(
            input,
            at,
            |byte, random| byte ^ (1 << random.below(8)),
            random,
        ),
        1 => change(input, at, |_, random| random.byte(), random),
        2 => change(
            input,
            at,
            |_, random| NUMBERS[random.below(NUMBERS.len())],
            random,
        ),
        3 => change(
            input,
            at,
            |byte, random| {
                if random.below(2) == 0 {
                    byte.wrapping_add(1)
                } else {
                    byte.wrapping_sub(1)
                }
            },
            random,
        ),
        4 => {
            let piece = piece(random, input);
            input.drain(piece);
        }
        5 => {
            let doubled = input[piece(random, input)].to_vec();
            insert(input, at, &doubled);
        }
        6 => {
            let foreign = &other[piece(random, other)];
            insert(input, at, foreign);
        }
        7 => insert(input, at, words[random.below(words.len())]),
        _ => input.truncate(at),
    }
}

fn change(input: &mut [u8], at: usize, to: impl Fn(u8, &mut Random) -> u8, random: &mut Random) {
    if let Some(byte) = input.get_mut(at) {
        *byte = to(*byte, random);
    }
}

/// A stretch of `bytes`, mostly short.
fn piece(random: &mut Random, bytes: &[u8]) -> std::ops::Range<usize> {
    let start = random.below(bytes.len());
    let most = if random.below(4) == 0 {
        bytes.len()
    } else {
        16
    };
    start..(start + 1 + random.below(most)).min(bytes.len())
}

fn insert(input: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    if input.len() + bytes.len() <= MAX_BYTES {
        input.splice(at..at, bytes.iter().copied());
    }
}
