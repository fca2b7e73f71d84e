//! The names of nodes, zones and leases.

use std::fmt;
use std::sync::Arc;

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("a {kind} needs a name")]
    Empty { kind: &'static str },
    #[error("the name of a {kind} is {bytes} bytes long, at most {max} are allowed")]
    TooLong {
        kind: &'static str,
        bytes: usize,
        max: usize,
    },
    #[error(
        "`{character}` cannot stand in the name of a {kind}; letters, digits, `.`, `_`, `-` and `/` can"
    )]
    Character { kind: &'static str, character: char },
}

fn legal(kind: &'static str, text: &str, max: usize) -> Result<Arc<str>, NameError> {
    if text.is_empty() {
        return Err(NameError::Empty { kind });
    }
    if text.len() > max {
        return Err(NameError::TooLong {
            kind,
            bytes: text.len(),
            max,
        });
    }
    match text
        .chars()
        .find(|c| !(c.is_ascii_alphanumeric() || "._-/".contains(*c)))
    {
        Some(character) => Err(NameError::Character { kind, character }),
        None => Ok(text.into()),
    }
}

/// A process that takes part, and those that follow it on the same disk, as `ingester-zone-a-3`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeName(Arc<str>);

/// Where a node stands; two zones do not fail together.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Zone(Arc<str>);

/// Something only one node does at a time, as `index/team-1`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeaseName(Arc<str>);

impl NodeName {
    pub const MAX_BYTES: usize = 128;

    /// # Errors
    /// When the text is empty, too long, or has an illegal character.
    pub fn new(text: &str) -> Result<Self, NameError> {
        legal("node", text, Self::MAX_BYTES).map(Self)
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Zone {
    pub const MAX_BYTES: usize = 64;

    /// # Errors
    /// When the text is empty, too long, or has an illegal character.
    pub fn new(text: &str) -> Result<Self, NameError> {
        legal("zone", text, Self::MAX_BYTES).map(Self)
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl LeaseName {
    pub const MAX_BYTES: usize = 256;

    /// # Errors
    /// When the text is empty, too long, or has an illegal character.
    pub fn new(text: &str) -> Result<Self, NameError> {
        legal("lease", text, Self::MAX_BYTES).map(Self)
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeName({})", self.0)
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Zone({})", self.0)
    }
}

impl fmt::Display for LeaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for LeaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LeaseName({})", self.0)
    }
}
