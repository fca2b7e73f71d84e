//! `key=value key2="quoted value"`, the form of the legacy `tags` parameter.

use std::iter::Peekable;
use std::str::CharIndices;

/// Why the text is not logfmt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LogfmtError {
    #[error("unexpected `{character}` at position {position}")]
    Unexpected { character: char, position: usize },
    #[error("a quoted value is not closed")]
    Unclosed,
}

/// Reads all pairs, in order. A key without `=` has an empty value.
pub(crate) fn parse(text: &str) -> Result<Vec<(String, String)>, LogfmtError> {
    let mut chars = text.char_indices().peekable();
    let mut pairs = Vec::new();
    loop {
        while chars.next_if(|(_, c)| c.is_whitespace()).is_some() {}
        if chars.peek().is_none() {
            return Ok(pairs);
        }
        let key = word(&mut chars, |c| c != '=')?;
        let value = if chars.next_if(|(_, c)| *c == '=').is_none() {
            String::new()
        } else if chars.next_if(|(_, c)| *c == '"').is_some() {
            quoted(&mut chars)?
        } else {
            word(&mut chars, |_| true)?
        };
        pairs.push((key, value));
    }
}

/// Everything up to a space; quotes may not stand inside.
fn word(
    chars: &mut Peekable<CharIndices<'_>>,
    goes_on: impl Fn(char) -> bool,
) -> Result<String, LogfmtError> {
    let mut out = String::new();
    while let Some((position, character)) =
        chars.next_if(|(_, c)| !c.is_whitespace() && goes_on(*c))
    {
        if character == '"' {
            return Err(LogfmtError::Unexpected {
                character,
                position,
            });
        }
        out.push(character);
    }
    match chars.peek() {
        Some((position, '=')) if out.is_empty() => Err(LogfmtError::Unexpected {
            character: '=',
            position: *position,
        }),
        _ => Ok(out),
    }
}

fn quoted(chars: &mut Peekable<CharIndices<'_>>) -> Result<String, LogfmtError> {
    let mut out = String::new();
    while let Some((_, character)) = chars.next() {
        match character {
            '"' => return Ok(out),
            '\\' => out.push(match chars.next().ok_or(LogfmtError::Unclosed)?.1 {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                other => other,
            }),
            other => out.push(other),
        }
    }
    Err(LogfmtError::Unclosed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_values_quotes_and_bare_keys() {
        let pairs = parse(r#"  a=1 b.c="x \"y\" z"  bare d="#).unwrap();
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(k, v)| (k.as_str(), v.as_str()))
            .collect();
        assert_eq!(
            pairs,
            [("a", "1"), ("b.c", r#"x "y" z"#), ("bare", ""), ("d", "")]
        );
        assert!(parse("").unwrap().is_empty());
    }

    #[test]
    fn broken_text_is_refused() {
        assert_eq!(parse(r#"a="x"#), Err(LogfmtError::Unclosed));
        assert_eq!(
            parse(r#"a=b"c""#),
            Err(LogfmtError::Unexpected {
                character: '"',
                position: 3
            })
        );
        assert_eq!(
            parse("=x"),
            Err(LogfmtError::Unexpected {
                character: '=',
                position: 0
            })
        );
    }
}
