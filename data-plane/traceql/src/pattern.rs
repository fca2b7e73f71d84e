//! A regular expression that must match the whole text.

use std::fmt;

use regex::Regex;

/// RE2 syntax, anchored at both ends; `.` also matches a line break.
#[derive(Clone)]
pub struct Pattern {
    text: String,
    regex: Regex,
}

impl Pattern {
    /// # Errors
    /// When the text is no regular expression, or one too large to compile.
    pub fn new(text: &str) -> Result<Self, regex::Error> {
        // Compiled alone first: `a)(b` must not become legal by the parentheses around it.
        Regex::new(text)?;
        let regex = Regex::new(&format!(r"\A(?s:{text})\z"))?;
        Ok(Self {
            text: text.to_owned(),
            regex,
        })
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    #[must_use]
    pub fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({:?})", self.text)
    }
}
