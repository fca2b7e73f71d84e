//! Parts of a whole, and the thresholds they mean.
//!
//! Shares are kept in billionths: that is what people write (`12.5 %`), it reads back as it was
//! written, and it compares exactly. Samplers work with the 56-bit thresholds of OTEP 235; what a
//! share means there is computed here, with integers, so that every node comes to the same bit.

use std::fmt;

/// A share of a whole, in billionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Share(u32);

impl Share {
    pub const NONE: Self = Self(0);
    pub const WHOLE: Self = Self(1_000_000_000);

    /// Nothing if it is more than the whole.
    #[must_use]
    pub fn of_billion(parts: u32) -> Option<Self> {
        (parts <= Self::WHOLE.0).then_some(Self(parts))
    }

    #[must_use]
    pub fn parts(self) -> u32 {
        self.0
    }

    /// The threshold that keeps this share of all traces.
    #[must_use]
    pub fn threshold(self) -> Threshold {
        let whole = u128::from(Self::WHOLE.0);
        let kept = (u128::from(self.0) * u128::from(Threshold::NEVER.0) + whole / 2) / whole;
        let kept = u64::try_from(kept).unwrap_or(Threshold::NEVER.0);
        Threshold(Threshold::NEVER.0 - kept)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (percent, rest) = (self.0 / 10_000_000, self.0 % 10_000_000);
        if rest == 0 {
            return write!(f, "{percent} %");
        }
        let rest = format!("{rest:07}");
        write!(f, "{percent}.{} %", rest.trim_end_matches('0'))
    }
}

/// A rejection threshold of OTEP 235: a trace whose 56 random bits are below it is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Threshold(u64);

impl Threshold {
    pub const ALWAYS: Self = Self(0);
    /// One more than 56 bits hold; it has no form on the wire.
    pub const NEVER: Self = Self(1 << 56);

    /// Nothing if it is beyond [`Self::NEVER`].
    #[must_use]
    pub fn new(threshold: u64) -> Option<Self> {
        (threshold <= Self::NEVER.0).then_some(Self(threshold))
    }

    #[must_use]
    pub fn get(self) -> u64 {
        self.0
    }

    /// Is a trace with this randomness kept?
    #[must_use]
    pub fn keeps(self, randomness: u64) -> bool {
        randomness >= self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_means_a_threshold_to_the_bit() {
        assert_eq!(Share::WHOLE.threshold(), Threshold::ALWAYS);
        assert_eq!(Share::NONE.threshold(), Threshold::NEVER);
        let half = Share::of_billion(500_000_000).unwrap();
        assert_eq!(half.threshold().get(), 0x80_0000_0000_0000);
        let tenth = Share::of_billion(100_000_000).unwrap();
        assert_eq!(tenth.threshold().get(), 0xe6_6666_6666_6666);
        assert!(tenth.threshold().keeps(0xe6_6666_6666_6666));
        assert!(!tenth.threshold().keeps(0xe6_6666_6666_6665));
        assert_eq!(Share::of_billion(1_000_000_001), None);
    }

    #[test]
    fn a_smaller_share_never_keeps_more() {
        let parts = [0, 1, 2, 999, 1_000_000, 999_999_999, 1_000_000_000];
        let thresholds = parts.map(|parts| Share::of_billion(parts).unwrap().threshold());
        assert!(thresholds.is_sorted_by(|a, b| a > b));
    }

    #[test]
    fn a_share_is_shown_in_percent() {
        let shown = |parts| Share::of_billion(parts).unwrap().to_string();
        assert_eq!(shown(125_000_000), "12.5 %");
        assert_eq!(shown(1), "0.0000001 %");
        assert_eq!(shown(1_000_000_000), "100 %");
    }
}
