//! Names of policies, tokens and issuers.

use std::fmt;
use std::sync::Arc;

use super::Rejection;

/// 3 to 64 of `a-z`, `0-9`, `-` and `_`, beginning with a letter or digit. It never changes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

impl Name {
    pub const MIN_BYTES: usize = 3;
    pub const MAX_BYTES: usize = 64;

    /// # Errors
    /// When the text breaks one of the rules above.
    pub fn new(text: &str) -> Result<Self, Rejection> {
        let legal = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
        let bytes = text.as_bytes();
        let long = (Self::MIN_BYTES..=Self::MAX_BYTES).contains(&bytes.len());
        if long && legal(bytes[0]) && bytes.iter().all(|c| legal(*c) || b"-_".contains(c)) {
            return Ok(Self(text.into()));
        }
        let shown = text.chars().take(Self::MAX_BYTES).collect();
        Err(Rejection::NameInvalid(shown))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({self})")
    }
}
