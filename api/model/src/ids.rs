//! Ids that cannot hold an illegal value.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use uuid::Uuid;

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    #[error("tenant id is empty")]
    TenantEmpty,
    #[error("tenant id is `{0}` bytes long, at most {max} are allowed", max = TenantId::MAX_BYTES)]
    TenantTooLong(usize),
    #[error("tenant id `{tenant}` contains unsupported character `{character}`")]
    TenantCharacter { tenant: String, character: char },
    #[error("tenant id is `.` or `..`")]
    TenantDots,
    #[error(
        "trace IDs can only contain hex characters: invalid character '{character}' at position {position}"
    )]
    TraceNotHex { character: char, position: usize },
    #[error("trace IDs can't be larger than 128 bits")]
    TraceTooLong,
    #[error("trace id is empty")]
    TraceEmpty,
    #[error("`{0}` is not a block id (a UUID)")]
    Block(String),
    #[error("node id `{0}` is not a number")]
    Node(String),
}

/// A tenant: `[A-Za-z0-9!\-_.*'()]`, 1 to 150 bytes, neither `.` nor `..` (the rules of Tempo).
///
/// Cheap to clone: the text is shared.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantId(Arc<str>);

impl TenantId {
    pub const MAX_BYTES: usize = 150;
    /// Who everybody is when multi-tenancy is off.
    pub const SINGLE: &'static str = "single-tenant";

    /// # Errors
    /// When the text breaks one of the rules above.
    pub fn new(text: &str) -> Result<Self, IdError> {
        if text.is_empty() {
            return Err(IdError::TenantEmpty);
        }
        if text.len() > Self::MAX_BYTES {
            return Err(IdError::TenantTooLong(text.len()));
        }
        if let Some(character) = text
            .chars()
            .find(|c| !(c.is_ascii_alphanumeric() || "!-_.*'()".contains(*c)))
        {
            return Err(IdError::TenantCharacter {
                tenant: text.to_owned(),
                character,
            });
        }
        if text == "." || text == ".." {
            return Err(IdError::TenantDots);
        }
        Ok(Self(text.into()))
    }

    #[must_use]
    pub fn single() -> Self {
        Self(Self::SINGLE.into())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TenantId({})", self.0)
    }
}

impl FromStr for TenantId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        Self::new(text)
    }
}

/// 128 bits that name a trace. 64-bit ids are padded with zeros on the left.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TraceId(pub [u8; 16]);

impl TraceId {
    /// Parses 1 to 32 hex digits of any case; shorter ids are padded on the left (Tempo's rule for lookups).
    ///
    /// # Errors
    /// When the text is empty, too long or not hex.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        if text.is_empty() {
            return Err(IdError::TraceEmpty);
        }
        if let Some((position, character)) = text
            .chars()
            .enumerate()
            .find(|(_, c)| !c.is_ascii_hexdigit())
        {
            return Err(IdError::TraceNotHex {
                character,
                position: position + 1,
            });
        }
        if text.len() > 32 {
            return Err(IdError::TraceTooLong);
        }
        let number = u128::from_str_radix(text, 16).map_err(|_| IdError::TraceTooLong)?;
        Ok(Self(number.to_be_bytes()))
    }

    /// Without leading zeros, as Tempo's search shows ids.
    #[must_use]
    pub fn short_hex(&self) -> String {
        format!("{:x}", u128::from_be_bytes(self.0))
    }

    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.0 == [0; 16]
    }

    /// The place of the id in a hash table. Ids are random in their low half by the W3C rules, but some
    /// are 64 bits long and others made up; the halves are mixed so that neither equal halves nor
    /// counted ids fall into one place.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "both halves are wanted, one after the other"
    )]
    pub fn spread(&self) -> u64 {
        let number = u128::from_be_bytes(self.0);
        let (high, low) = ((number >> 64) as u64, number as u64);
        let mixed = (high ^ 0x9e37_79b9_7f4a_7c15).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed.rotate_left(32) ^ low).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TraceId({self})")
    }
}

/// 64 bits that name a span within its trace; zero means "none".
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SpanId(pub [u8; 8]);

impl SpanId {
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.0 == [0; 8]
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl fmt::Debug for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SpanId({self})")
    }
}

/// Names a block for ever; a UUID in its canonical lower-case form.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockId(pub Uuid);

impl fmt::Display for BlockId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.hyphenated())
    }
}

impl fmt::Debug for BlockId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlockId({self})")
    }
}

impl FromStr for BlockId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        Uuid::parse_str(text)
            .map(Self)
            .map_err(|_| IdError::Block(text.to_owned()))
    }
}

/// A member of the control plane or the data plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u64);

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl FromStr for NodeId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        text.parse()
            .map(Self)
            .map_err(|_| IdError::Node(text.to_owned()))
    }
}

/// How many events of the control log have been applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Revision(pub u64);

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A leader's reign in the control plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Term(pub u64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_spread_whatever_half_they_differ_in() {
        let ids: [fn(u128) -> u128; 3] = [|n| n, |n| n << 64, |n| n << 64 | n];
        for id in ids {
            let places: std::collections::BTreeSet<u64> = (0..4096)
                .map(|n| TraceId(id(n).to_be_bytes()).spread() & 4095)
                .collect();
            assert!(places.len() > 2000, "{} places for 4096 ids", places.len());
        }
    }

    #[test]
    fn tenant_ids_follow_tempos_charset() {
        for legal in ["a", "team-1", "A_b.c*'()!", &"x".repeat(150)] {
            assert!(TenantId::new(legal).is_ok(), "{legal}");
        }
        for illegal in ["", ".", "..", "a/b", "a|b", "ä", "a b", &"x".repeat(151)] {
            assert!(TenantId::new(illegal).is_err(), "{illegal}");
        }
    }

    #[test]
    fn short_trace_ids_are_padded_on_the_left_and_shown_without_zeros() {
        let id = TraceId::parse("BAD").unwrap();
        assert_eq!(id.to_string(), "00000000000000000000000000000bad");
        assert_eq!(id.short_hex(), "bad");
    }

    #[test]
    fn a_trace_id_that_is_not_hex_is_refused_in_tempos_words() {
        assert_eq!(
            TraceId::parse("nothex").unwrap_err().to_string(),
            "trace IDs can only contain hex characters: invalid character 'n' at position 1"
        );
        assert_eq!(TraceId::parse(&"a".repeat(33)), Err(IdError::TraceTooLong));
    }
}
