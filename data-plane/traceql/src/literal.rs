//! Literals: words, integers and strings as Go writes them.

use crate::tree::{Kind, Static, Status};

/// The literal that a word stands for.
pub(crate) fn constant(word: &str) -> Option<Static> {
    let status = Status::ALL.into_iter().find(|s| s.name() == word);
    let kind = Kind::ALL.into_iter().find(|k| k.name() == word);
    match word {
        "true" => Some(Static::Bool(true)),
        "false" => Some(Static::Bool(false)),
        "nil" => Some(Static::Nil),
        "minInt" => Some(Static::Int(i64::MIN)),
        "maxInt" => Some(Static::Int(i64::MAX)),
        _ => status
            .map(Static::Status)
            .or_else(|| kind.map(Static::Kind)),
    }
}

/// An integer as Go writes it: decimal, `0x`, `0o`, `0b`, with underscores.
pub(crate) fn integer(text: &str) -> Option<i64> {
    let digits = text.replace('_', "");
    let lower = digits.to_ascii_lowercase();
    match lower.get(..2) {
        Some("0x") => i64::from_str_radix(&lower[2..], 16).ok(),
        Some("0o") => i64::from_str_radix(&lower[2..], 8).ok(),
        Some("0b") => i64::from_str_radix(&lower[2..], 2).ok(),
        _ => digits.parse().ok(),
    }
}

/// The text of a string literal, or `None` if it has an escape that Go does not know.
pub(crate) fn string(literal: &str) -> Option<String> {
    let inner = &literal[1..literal.len() - 1];
    if literal.starts_with('`') {
        return Some(inner.replace('\r', ""));
    }
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        rest = escape(&rest[at + 1..], &mut bytes)?;
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8(bytes).ok()
}

/// Decodes the escape after a backslash into `bytes` and returns what follows it.
fn escape<'a>(text: &'a str, bytes: &mut Vec<u8>) -> Option<&'a str> {
    let kind = text.chars().next()?;
    let rest = &text[kind.len_utf8()..];
    let simple = match kind {
        'a' => 7,
        'b' => 8,
        'f' => 12,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 11,
        '\\' => b'\\',
        '"' => b'"',
        'x' => {
            bytes.push(u8::from_str_radix(rest.get(..2)?, 16).ok()?);
            return rest.get(2..);
        }
        'u' | 'U' => {
            let digits = if kind == 'u' { 4 } else { 8 };
            let number = u32::from_str_radix(rest.get(..digits)?, 16).ok()?;
            let mut buffer = [0; 4];
            bytes.extend_from_slice(char::from_u32(number)?.encode_utf8(&mut buffer).as_bytes());
            return rest.get(digits..);
        }
        '0'..='7' => {
            bytes.push(u8::from_str_radix(text.get(..3)?, 8).ok()?);
            return text.get(3..);
        }
        _ => return None,
    };
    bytes.push(simple);
    Some(rest)
}
