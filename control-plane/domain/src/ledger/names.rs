//! What things of the ledger are called.

use std::fmt;
use std::sync::Arc;

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not the name of a {what}: 1 to {max} of {characters}")]
pub struct NameError {
    what: &'static str,
    max: usize,
    characters: &'static str,
    text: String,
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $max:literal, $characters:literal, $legal:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// # Errors
            /// When the text is empty, too long or has other characters.
            pub fn new(text: &str) -> Result<Self, NameError> {
                let legal: fn(u8) -> bool = $legal;
                if text.is_empty() || text.len() > $max || !text.bytes().all(legal) {
                    return Err(NameError {
                        what: $what,
                        max: $max,
                        characters: $characters,
                        text: text.chars().take(64).collect(),
                    });
                }
                Ok(Self(text.into()))
            }

            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
    };
}

fn lower(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-.".contains(&byte)
}

name!(
    /// What is measured: `received_bytes`, `stored_byte_hours`.
    Dimension, "dimension", 64, "`a-z0-9_-.`", lower
);
name!(
    /// What is sold.
    Sku, "SKU", 64, "`a-z0-9_-.`", lower
);
name!(
    /// A list of prices.
    CardName, "rate card", 64, "`a-z0-9_-.`", lower
);
name!(
    /// Who measured: a node, or a shard of its log.
    Source, "source of usage", 128, "`A-Za-z0-9_-.:/`",
    |byte| byte.is_ascii_alphanumeric() || b"_-.:/".contains(&byte)
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_plain() {
        assert!(Dimension::new("received_bytes").is_ok());
        assert!(Source::new("ingester-1:7/3").is_ok());
        for wrong in ["", "A", "a b", "ä", &"x".repeat(65)] {
            assert!(Sku::new(wrong).is_err(), "{wrong}");
        }
        assert_eq!(
            CardName::new("Standard").unwrap_err().to_string(),
            "`Standard` is not the name of a rate card: 1 to 64 of `a-z0-9_-.`"
        );
    }
}
