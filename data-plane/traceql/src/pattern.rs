//! A regular expression that must match the whole text.

use std::fmt;

use regex::{Regex, RegexBuilder};

/// RE2 syntax, anchored at both ends; `.` also matches a line break.
#[derive(Clone)]
pub struct Pattern {
    text: String,
    regex: Regex,
}

/// Compiled sizes to try: most expressions fit the first, none may need more than the last.
const SIZES: [usize; 3] = [64 << 10, 1 << 20, 10 << 20];

impl Pattern {
    /// # Errors
    /// When the text is no regular expression, or one too large to compile.
    pub fn new(text: &str) -> Result<Self, regex::Error> {
        Self::compile(text).map(|(pattern, _)| pattern)
    }

    /// The pattern and how many bytes it may take.
    pub(crate) fn compile(text: &str) -> Result<(Self, usize), regex::Error> {
        let mut refused = regex::Error::CompiledTooBig(0);
        for bytes in SIZES {
            match Self::within(bytes, text) {
                Ok(pattern) => return Ok((pattern, bytes)),
                Err(cause @ regex::Error::CompiledTooBig(_)) => refused = cause,
                Err(cause) => return Err(cause),
            }
        }
        Err(refused)
    }

    fn within(bytes: usize, text: &str) -> Result<Self, regex::Error> {
        let build = |text: &str| RegexBuilder::new(text).size_limit(bytes).build();
        // Alone first: `a)(b` must not become legal by the parentheses around it.
        build(text)?;
        Ok(Self {
            text: text.to_owned(),
            regex: build(&format!(r"\A(?s:{text})\z"))?,
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
