//! Which spans: conditions on their attributes, written `{ resource.team = "a", span.level >= 3 }`.
//!
//! A selector holds where all its conditions hold. A condition on an attribute that a span does not
//! have is false, also `!=` and `!~`, unless it is written to admit that: `resource.team? != "a"`.

mod parse;

use std::fmt;

use super::Rejection;

pub const MAX_MATCHERS: usize = 16;
const MAX_KEY_BYTES: usize = 256;
const MAX_TEXT_BYTES: usize = 1024;
/// What a compiled expression may take.
const MAX_REGEX_BYTES: usize = 256 << 10;

/// One or more conditions, all of which must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    matchers: Vec<Matcher>,
}

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matcher {
    pub place: Place,
    pub key: String,
    /// Whether a span without the attribute fits.
    pub or_missing: bool,
    pub comparison: Comparison,
    pub value: Value,
}

/// Where the attribute is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    Resource,
    Span,
    Instrumentation,
    Event,
    Link,
    /// A property of the span itself: `name`, `kind`, `status`, `statusMessage`, `duration`.
    /// Those of the whole trace are not here: they would speak of spans that must not be seen.
    Intrinsic,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Comparison {
    Equal,
    NotEqual,
    /// The whole value matches a regular expression.
    Matches,
    MatchesNot,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Text(String),
    Int(i64),
    Double(Double),
    Bool(bool),
}

/// A finite number, kept as its bits: states are compared, and numbers that are not numbers are not equal
/// to themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Double(u64);

impl Double {
    #[must_use]
    pub fn new(number: f64) -> Option<Self> {
        // There is one zero.
        number.is_finite().then(|| Self((number + 0.0).to_bits()))
    }

    #[must_use]
    pub fn get(self) -> f64 {
        f64::from_bits(self.0)
    }
}

impl Selector {
    /// # Errors
    /// When there is no condition or too many, or one that makes no sense.
    pub fn new(matchers: Vec<Matcher>) -> Result<Self, Rejection> {
        if matchers.is_empty() {
            return Err(invalid(
                "a selector without a condition selects everything; leave it out",
            ));
        }
        if matchers.len() > MAX_MATCHERS {
            return Err(invalid(format!(
                "more than {MAX_MATCHERS} conditions in one selector"
            )));
        }
        matchers.iter().try_for_each(Matcher::check)?;
        Ok(Self { matchers })
    }

    /// Reads the written form.
    ///
    /// # Errors
    /// When it is not a selector; the text says where and why.
    pub fn parse(text: &str) -> Result<Self, Rejection> {
        Self::new(parse::matchers(text)?)
    }

    /// What was checked when it was decided; rules may have become stricter since.
    #[must_use]
    pub fn restore(matchers: Vec<Matcher>) -> Self {
        Self { matchers }
    }

    #[must_use]
    pub fn matchers(&self) -> &[Matcher] {
        &self.matchers
    }
}

impl Matcher {
    fn check(&self) -> Result<(), Rejection> {
        let key = &self.key;
        if key.is_empty() || key.len() > MAX_KEY_BYTES {
            return Err(invalid(format!(
                "an attribute's name has 1 to {MAX_KEY_BYTES} bytes"
            )));
        }
        match (self.comparison, &self.value) {
            (Comparison::Matches | Comparison::MatchesNot, Value::Text(expression)) => {
                regex(expression).map_err(invalid)?;
            }
            (Comparison::Equal | Comparison::NotEqual, Value::Text(text)) => {
                if text.len() > MAX_TEXT_BYTES {
                    return Err(invalid(format!(
                        "a value of `{key}` is longer than {MAX_TEXT_BYTES} bytes"
                    )));
                }
            }
            (
                Comparison::Equal | Comparison::NotEqual,
                Value::Int(_) | Value::Double(_) | Value::Bool(_),
            )
            | (
                Comparison::Greater
                | Comparison::GreaterOrEqual
                | Comparison::Less
                | Comparison::LessOrEqual,
                Value::Int(_) | Value::Double(_),
            ) => {}
            (Comparison::Matches | Comparison::MatchesNot, _) => {
                return Err(invalid(format!(
                    "`{key}` is compared with a regular expression; quote it"
                )));
            }
            (_, Value::Text(_) | Value::Bool(_)) => {
                return Err(invalid(format!(
                    "`{key}`: only numbers are smaller or greater"
                )));
            }
        }
        if self.place == Place::Intrinsic {
            self.check_intrinsic()?;
        }
        Ok(())
    }

    fn check_intrinsic(&self) -> Result<(), Rejection> {
        let key = &self.key;
        let fits = match key.as_str() {
            "name" | "kind" | "status" | "statusMessage" => matches!(self.value, Value::Text(_)),
            "duration" => matches!(self.value, Value::Int(_)),
            _ => {
                return Err(invalid(format!(
                    "`{key}` is not a property of a span; there are name, kind, status, statusMessage, duration"
                )));
            }
        };
        if fits {
            return Ok(());
        }
        Err(invalid(format!("`{key}` is never a value of this type")))
    }
}

/// Compiles as the data plane will: the whole value, without look-around, within bounds.
pub(super) fn regex(expression: &str) -> Result<regex::Regex, String> {
    if expression.len() > MAX_TEXT_BYTES {
        return Err(format!(
            "the expression is longer than {MAX_TEXT_BYTES} bytes"
        ));
    }
    let compile = |expression: &str| {
        regex::RegexBuilder::new(expression)
            .size_limit(MAX_REGEX_BYTES)
            .build()
    };
    // By itself first: `a)|(b` would be whole only between our parentheses.
    compile(expression)
        .and_then(|_| compile(&format!("^(?:{expression})$")))
        .map_err(|error| {
            let why = error.to_string();
            let why = why
                .lines()
                .last()
                .unwrap_or_default()
                .trim_start_matches("error: ");
            format!("`{expression}` is not a usable expression: {why}")
        })
}

fn invalid(why: impl Into<String>) -> Rejection {
    Rejection::SelectorInvalid(why.into())
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{ ")?;
        for (number, matcher) in self.matchers.iter().enumerate() {
            let comma = if number == 0 { "" } else { ", " };
            write!(f, "{comma}{matcher}")?;
        }
        f.write_str(" }")
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.place.prefix())?;
        if parse::plain(&self.key) {
            f.write_str(&self.key)?;
        } else {
            quoted(f, &self.key)?;
        }
        let missing = if self.or_missing { "?" } else { "" };
        write!(f, "{missing} {} ", self.comparison.sign())?;
        match &self.value {
            Value::Text(text) => quoted(f, text),
            Value::Int(number) => write!(f, "{number}"),
            Value::Double(number) => write!(f, "{:?}", number.get()),
            Value::Bool(yes) => write!(f, "{yes}"),
        }
    }
}

fn quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str("\"")?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            c => write!(f, "{c}")?,
        }
    }
    f.write_str("\"")
}

impl Place {
    fn prefix(self) -> &'static str {
        match self {
            Self::Resource => "resource.",
            Self::Span => "span.",
            Self::Instrumentation => "instrumentation.",
            Self::Event => "event.",
            Self::Link => "link.",
            Self::Intrinsic => "span:",
        }
    }
}

impl Comparison {
    fn sign(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Matches => "=~",
            Self::MatchesNot => "!~",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
        }
    }
}

#[cfg(test)]
mod tests;
