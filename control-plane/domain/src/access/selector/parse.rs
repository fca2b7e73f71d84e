//! Reads the written form of selectors.

use super::{Comparison, Double, Matcher, Place, Value, invalid};
use crate::access::Rejection;

/// Longer ones could not be legal.
const MAX_BYTES: usize = 64 << 10;

const PLACES: [Place; 6] = [
    Place::Resource,
    Place::Span,
    Place::Instrumentation,
    Place::Event,
    Place::Link,
    Place::Intrinsic,
];

/// Longer signs first: `>=` is not `>`.
const COMPARISONS: [Comparison; 8] = [
    Comparison::NotEqual,
    Comparison::Matches,
    Comparison::MatchesNot,
    Comparison::GreaterOrEqual,
    Comparison::LessOrEqual,
    Comparison::Greater,
    Comparison::Less,
    Comparison::Equal,
];

pub(super) fn matchers(text: &str) -> Result<Vec<Matcher>, Rejection> {
    if text.len() > MAX_BYTES {
        return Err(invalid("the selector is too long"));
    }
    let mut rest = Rest { text, at: 0 };
    rest.expect("{")?;
    let mut matchers = Vec::new();
    while !rest.take("}") {
        if !matchers.is_empty() {
            rest.expect(",")?;
            // A comma may also stand at the end.
            if rest.take("}") {
                break;
            }
        }
        matchers.push(matcher(&mut rest)?);
    }
    rest.space();
    if rest.left().is_empty() {
        return Ok(matchers);
    }
    Err(rest.refuse("nothing after the closing brace"))
}

/// Whether a name needs no quotes.
pub(super) fn plain(key: &str) -> bool {
    key.chars()
        .all(|c| c.is_alphanumeric() || "_-./".contains(c))
}

fn matcher(rest: &mut Rest<'_>) -> Result<Matcher, Rejection> {
    rest.space();
    // Without a place, labels are those of the resource, as in the selectors of metrics and logs.
    let place = PLACES.into_iter().find(|place| rest.take(place.prefix()));
    let key = if rest.left().starts_with('"') {
        rest.quoted()?
    } else {
        let left = rest.left();
        let end = left.find(|c: char| !plain(c.encode_utf8(&mut [0; 4])));
        let key = &left[..end.unwrap_or(left.len())];
        rest.at += key.len();
        key.to_owned()
    };
    if key.is_empty() {
        return Err(rest.refuse("the name of an attribute"));
    }
    let or_missing = rest.take("?");
    let comparison = COMPARISONS
        .into_iter()
        .find(|comparison| rest.take(comparison.sign()));
    let comparison = comparison.ok_or_else(|| rest.refuse("one of = != =~ !~ > >= < <="))?;
    rest.space();
    let value = value(rest)?;
    Ok(Matcher {
        place: place.unwrap_or(Place::Resource),
        key,
        or_missing,
        comparison,
        value,
    })
}

fn value(rest: &mut Rest<'_>) -> Result<Value, Rejection> {
    let left = rest.left();
    if left.starts_with('"') {
        return rest.quoted().map(Value::Text);
    }
    let end = left.find(|c: char| c == ',' || c == '}' || c.is_whitespace());
    let word = &left[..end.unwrap_or(left.len())];
    let value = match word {
        "true" => Some(Value::Bool(true)),
        "false" => Some(Value::Bool(false)),
        word => number(word).or_else(|| duration(word)),
    };
    let value =
        value.ok_or_else(|| rest.refuse("a quoted text, a number, a duration, true or false"))?;
    rest.at += word.len();
    Ok(value)
}

fn number(word: &str) -> Option<Value> {
    if let Ok(number) = word.parse() {
        return Some(Value::Int(number));
    }
    // `inf` and `nan` are words, too.
    let digits = word.starts_with(|c: char| c.is_ascii_digit() || c == '-');
    digits
        .then(|| word.parse().ok())
        .flatten()
        .and_then(Double::new)
        .map(Value::Double)
}

/// `250ms` is as many nanoseconds.
fn duration(word: &str) -> Option<Value> {
    let (digits, unit) = word.split_at(word.find(|c: char| !c.is_ascii_digit())?);
    let nanos = match unit {
        "ns" => 1,
        "us" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    };
    let count: i64 = digits.parse().ok()?;
    count.checked_mul(nanos).map(Value::Int)
}

/// What is not read yet.
struct Rest<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Rest<'a> {
    fn left(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn space(&mut self) {
        let left = self.left();
        self.at += left.len() - left.trim_start().len();
    }

    /// Whether this comes next, after space; then it is read.
    fn take(&mut self, word: &str) -> bool {
        let left = self.left().trim_start();
        if !left.starts_with(word) {
            return false;
        }
        self.at = self.text.len() - left.len() + word.len();
        true
    }

    fn expect(&mut self, word: &str) -> Result<(), Rejection> {
        if self.take(word) {
            return Ok(());
        }
        Err(self.refuse(&format!("`{word}`")))
    }

    fn quoted(&mut self) -> Result<String, Rejection> {
        let mut text = String::new();
        let mut escaped = false;
        for (place, c) in self.left().char_indices().skip(1) {
            match (escaped, c) {
                (false, '\\') => {
                    escaped = true;
                    continue;
                }
                (false, '"') => {
                    self.at += place + 1;
                    return Ok(text);
                }
                (true, 'n') => text.push('\n'),
                (true, 't') => text.push('\t'),
                // What stands for something else is left as it is for regular expressions.
                (true, c) if c != '"' && c != '\\' => text.extend(['\\', c]),
                (_, c) => text.push(c),
            }
            escaped = false;
        }
        Err(self.refuse("a closing quote"))
    }

    fn refuse(&self, wanted: &str) -> Rejection {
        let next: String = self.left().trim_start().chars().take(20).collect();
        let found = if next.is_empty() {
            "the end".to_owned()
        } else {
            format!("`{next}`")
        };
        invalid(format!(
            "expected {wanted} at byte {}, found {found}",
            self.at
        ))
    }
}
