//! Fields: numbers, texts, lists.

use std::collections::BTreeSet;

use regex::RegexBuilder;

use super::{Fault, MAX_EXPRESSION_BYTES, MAX_ITEMS, MAX_NAME_BYTES, MAX_TEXT_BYTES, Wrong};

/// A compiled regular expression.
const MAX_PATTERN_MEMORY: usize = 1 << 18;
pub(super) const MAX_PER_SECOND: u64 = 1_000_000_000_000;
pub(super) const MAX_KEYS: u64 = 1_000_000;
pub(super) const SECOND: u64 = 1_000_000_000;
pub(super) const DAY: u64 = 24 * 3600 * SECOND;
/// As long as a latency or a window may be.
pub(super) const MAX_DURATION: u64 = 31 * DAY;

pub(super) fn within(path: &str, is: u64, min: u64, max: u64) -> Result<(), Wrong> {
    if (min..=max).contains(&is) {
        return Ok(());
    }
    Err(Fault::OutOfRange { is, min, max }.at(path))
}

pub(super) fn ordered(path: &str, min: u64, max: u64) -> Result<(), Wrong> {
    if min <= max {
        return Ok(());
    }
    let (min, max) = (min.to_string(), max.to_string());
    Err(Fault::RangeEmpty { min, max }.at(path))
}

pub(super) fn count(path: &str, is: usize) -> Result<(), Wrong> {
    let max = MAX_ITEMS;
    if is > max {
        return Err(Fault::TooMany { is, max }.at(path));
    }
    Ok(())
}

pub(super) fn some(path: &str, is: usize) -> Result<(), Wrong> {
    if is == 0 {
        return Err(Fault::Empty.at(path));
    }
    count(path, is)
}

fn long(path: &str, text: &str, max: usize) -> Result<(), Wrong> {
    let is = text.len();
    if is > max {
        return Err(Fault::TooLong { is, max }.at(path));
    }
    Ok(())
}

pub(super) fn text(path: &str, text: &str) -> Result<(), Wrong> {
    long(path, text, MAX_TEXT_BYTES)
}

pub(super) fn name(path: &str, name: &str) -> Result<(), Wrong> {
    if name.is_empty() {
        return Err(Fault::Empty.at(path));
    }
    long(path, name, MAX_NAME_BYTES)?;
    if name.trim() != name || name.chars().any(char::is_control) {
        return Err(Fault::Characters.at(path));
    }
    Ok(())
}

pub(super) fn keys(path: &str, keys: &[String]) -> Result<(), Wrong> {
    count(path, keys.len())?;
    distinct(path, keys)?;
    keys.iter().try_for_each(|key| name(path, key))
}

pub(super) fn values(path: &str, values: &BTreeSet<String>) -> Result<(), Wrong> {
    some(path, values.len())?;
    values.iter().try_for_each(|value| text(path, value))
}

pub(super) fn distinct<'a>(
    path: &str,
    names: impl IntoIterator<Item = &'a String>,
) -> Result<(), Wrong> {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(Fault::Twice(name.clone()).at(path));
        }
    }
    Ok(())
}

pub(super) fn pattern(path: &str, pattern: &str) -> Result<(), Wrong> {
    text(path, pattern)?;
    let compiled = RegexBuilder::new(pattern)
        .size_limit(MAX_PATTERN_MEMORY)
        .build();
    match compiled {
        Ok(_) => Ok(()),
        Err(error) => {
            let last = error.to_string();
            let last = last.lines().last().unwrap_or_default().trim();
            Err(Fault::Pattern(last.to_owned()).at(path))
        }
    }
}

pub(super) fn expression(path: &str, text: &str) -> Result<(), Wrong> {
    if text.trim().is_empty() {
        return Err(Fault::Empty.at(path));
    }
    long(path, text, MAX_EXPRESSION_BYTES)?;
    balanced(text).map_err(|why| Fault::Unbalanced(why).at(path))
}

/// Brackets match outside of quotes, and quotes end.
fn balanced(text: &str) -> Result<(), String> {
    let mut open = Vec::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' | '`' => end_of_quote(letter, &mut letters)
                .ok_or_else(|| format!("the quote at {at} does not end"))?,
            '(' => open.push((at, ')')),
            '[' => open.push((at, ']')),
            '{' => open.push((at, '}')),
            ')' | ']' | '}' => match open.pop() {
                Some((_, wanted)) if wanted == letter => {}
                Some((begin, wanted)) => {
                    return Err(format!(
                        "`{letter}` at {at} where `{wanted}` for {begin} is due"
                    ));
                }
                None => return Err(format!("`{letter}` at {at} closes nothing")),
            },
            _ => {}
        }
    }
    match open.pop() {
        Some((at, wanted)) => Err(format!("the bracket at {at} lacks its `{wanted}`")),
        None => Ok(()),
    }
}

/// Backslashes escape in double quotes, not in back quotes.
fn end_of_quote(quote: char, letters: &mut std::str::CharIndices<'_>) -> Option<()> {
    while let Some((_, letter)) = letters.next() {
        if letter == '\\' && quote == '"' {
            letters.next()?;
        } else if letter == quote {
            return Some(());
        }
    }
    None
}
