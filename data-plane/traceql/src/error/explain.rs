//! The long form of an error: where it is, what was expected, what may have been meant.

use std::fmt::Write;

use super::{Expected, ParseError, Problem};
use crate::names::{nearest, nearest_of};

/// How much of a long line is shown before the error, and after it.
const CONTEXT: usize = 60;

impl ParseError {
    /// The error itself on the first line; then, where a place in `query` is known, that line of it with
    /// a caret below, what could have stood there, and the near name if a word looks misspelt.
    #[must_use]
    pub fn explain(&self, query: &str) -> String {
        let mut text = self.to_string();
        let (line, column, problem) = match self {
            Self::Syntax {
                line,
                column,
                problem,
            } => (line, column, problem),
            Self::Regex { cause, .. } => {
                text.push('\n');
                text.push_str(cause);
                return text;
            }
            Self::Invalid(_) | Self::Unsupported(_) => return text,
        };
        let shown = query.lines().nth(line - 1).unwrap_or_default();
        let (excerpt, caret) = excerpt(shown, column - 1);
        // Writing to a string cannot fail.
        let _ = write!(text, "\n  {excerpt}\n  {}^", " ".repeat(caret));
        if let Some(wanted) = wanted(problem) {
            let _ = write!(text, "\nexpected {wanted}");
        }
        if let Some(hint) = hint(problem, &word_at(shown, column - 1)) {
            let _ = write!(text, "\n{hint}");
        }
        text
    }
}

/// The part of `line` around a column, and where the column is in it.
fn excerpt(line: &str, column: usize) -> (String, usize) {
    let skipped = column.saturating_sub(CONTEXT);
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let shown = line.chars().skip(skipped).take(2 * CONTEXT).map(plain);
    (shown.collect(), column - skipped)
}

fn wanted(problem: &Problem) -> Option<String> {
    let Problem::Unexpected { expected, .. } = problem else {
        return None;
    };
    Some(match expected {
        Expected::Any(description) => (*description).to_owned(),
        Expected::Tokens(tokens) => {
            let named: Vec<String> = tokens.iter().map(|token| name(token)).collect();
            named.join(" or ")
        }
    })
}

/// A token as a person would call it.
fn name(token: &str) -> String {
    match token {
        "IDENTIFIER" => "a name".to_owned(),
        "INTEGER" => "an integer".to_owned(),
        "FLOAT" => "a float".to_owned(),
        token => format!("`{token}`"),
    }
}

/// What other languages say for something in this one.
const FOREIGN: [(&str, &str); 6] = [
    ("and", "&&"),
    ("AND", "&&"),
    ("or", "||"),
    ("OR", "||"),
    ("not", "!"),
    ("NOT", "!"),
];

/// What to try instead.
fn hint(problem: &Problem, word: &str) -> Option<String> {
    let foreign = FOREIGN.iter().find(|(theirs, _)| *theirs == word);
    if let (Problem::Unexpected { .. } | Problem::UnknownIdentifier(_), Some((_, ours))) =
        (problem, foreign)
    {
        return Some(format!("did you mean `{ours}`?"));
    }
    let meant = match problem {
        Problem::Unexpected {
            expected: Expected::Tokens(tokens),
            ..
        } => nearest_of(word, tokens.iter().copied()).or_else(|| nearest(word)),
        Problem::Unexpected { .. } | Problem::UnknownIdentifier(_) => nearest(word),
        Problem::OutOfRange(_)
        | Problem::DivisionByZero
        | Problem::DurationInArithmetic
        | Problem::DurationInMetrics
        | Problem::TooMuch(_) => None,
    };
    match (meant, problem) {
        (Some(meant), _) => Some(format!("did you mean `{meant}`?")),
        (None, Problem::UnknownIdentifier(name)) => Some(format!(
            "attributes have a scope: `span.{name}`, `resource.{name}`, or `.{name}` for any; text has quotes"
        )),
        (None, _) => None,
    }
}

/// The word that starts at a column, empty if none does.
fn word_at(line: &str, column: usize) -> String {
    line.chars()
        .skip(column)
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect()
}
