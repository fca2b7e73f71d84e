//! Single values as people write and read them.

use std::io::Read as _;

use anyhow::{Context as _, Result, bail};
use chrono::{DateTime, SecondsFormat, Utc};
use prost_reflect::Kind;
use serde_json::Value;

/// What stands for a value in help.
pub(super) fn hint(kind: &Kind) -> String {
    match kind {
        Kind::Bool => "true or false".to_owned(),
        Kind::String => "TEXT".to_owned(),
        Kind::Bytes => "BASE64".to_owned(),
        Kind::Fixed64 => "TIME".to_owned(),
        Kind::Enum(one) => {
            let names: Vec<String> = choices(one).map(|(short, _)| short).collect();
            names.join("|")
        }
        Kind::Message(_) => "JSON".to_owned(),
        _ => "NUMBER".to_owned(),
    }
}

/// A value in its proto3 JSON form. Times (`fixed64`) may be RFC 3339 or Unix nanoseconds, enums go by their
/// short names, messages are JSON, or a file as `@FILE`.
///
/// # Errors
/// When the text is not such a value.
pub(super) fn parse(kind: &Kind, text: &str) -> Result<Value> {
    Ok(match kind {
        Kind::Bool => match text {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => bail!("`{text}` is neither `true` nor `false`"),
        },
        Kind::Fixed64 => time(text)?,
        Kind::Enum(one) => {
            let wanted = text.to_lowercase();
            let found = choices(one)
                .find(|(short, long)| *short == wanted || long == text)
                .map(|(_, long)| Value::String(long));
            let Some(found) = found else {
                bail!("`{text}` is none of {}", hint(kind));
            };
            found
        }
        Kind::Message(_) => match text.strip_prefix('@') {
            Some(file) => read_document(file)?,
            None => document(text).with_context(|| format!("`{text}` is not JSON or YAML"))?,
        },
        Kind::String | Kind::Bytes => Value::String(text.to_owned()),
        _ => Value::String(number(text)?.to_owned()),
    })
}

fn number(text: &str) -> Result<&str> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let legal = |letter: char| letter.is_ascii_digit() || letter == '.';
    if digits.is_empty() || !digits.chars().all(legal) {
        bail!("`{text}` is not a number");
    }
    Ok(text)
}

fn time(text: &str) -> Result<Value> {
    if let Ok(nanos) = text.parse::<u64>() {
        return Ok(Value::from(nanos));
    }
    let time = DateTime::parse_from_rfc3339(text).with_context(|| {
        format!("`{text}` is neither a time such as `2026-01-31T00:00:00Z` nor Unix nanoseconds")
    })?;
    let nanos = time
        .timestamp_nanos_opt()
        .and_then(|nanos| u64::try_from(nanos).ok());
    Ok(Value::from(
        nanos.with_context(|| format!("`{text}` is out of range"))?,
    ))
}

/// A time as it is stored, for people, who compare it with their clock; zero is no time.
pub(super) fn show_time(nanos: u64) -> String {
    let time = i64::try_from(nanos).map(DateTime::<Utc>::from_timestamp_nanos);
    match time {
        Ok(_) if nanos == 0 => String::new(),
        Ok(time) => time.to_rfc3339_opts(SecondsFormat::Millis, true),
        Err(_) => nanos.to_string(),
    }
}

/// The values of an enum: without the prefix that all share, and in full. Not the unspecified one.
pub(super) fn choices(
    one: &prost_reflect::EnumDescriptor,
) -> impl Iterator<Item = (String, String)> {
    let values: Vec<String> = one.values().map(|value| value.name().to_owned()).collect();
    let prefix = values
        .iter()
        .find_map(|name| name.strip_suffix("UNSPECIFIED"))
        .unwrap_or_default()
        .to_owned();
    values
        .into_iter()
        .filter(|name| !name.ends_with("UNSPECIFIED"))
        .map(move |long| (long.trim_start_matches(&prefix).to_lowercase(), long))
}

/// A file of YAML or JSON, or standard input for `-`.
///
/// # Errors
/// When it cannot be read or is neither.
pub(super) fn read_document(file: &str) -> Result<Value> {
    let text = read(file)?;
    document(&text).with_context(|| format!("`{file}` is neither YAML nor JSON"))
}

/// # Errors
/// When the file cannot be read.
pub(super) fn read(file: &str) -> Result<String> {
    if file == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        return Ok(text);
    }
    std::fs::read_to_string(file).with_context(|| format!("cannot read `{file}`"))
}

fn document(text: &str) -> Result<Value> {
    Ok(serde_saphyr::from_str(text)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_and_as_programs_write_them() {
        let both = ["1970-01-01T00:00:01.5Z", "1500000000"];
        for text in both {
            assert_eq!(
                parse(&Kind::Fixed64, text).unwrap(),
                Value::from(1_500_000_000_u64)
            );
        }
        assert_eq!(show_time(1_500_000_000), "1970-01-01T00:00:01.500Z");
        assert!(parse(&Kind::Fixed64, "yesterday").is_err());
        assert!(parse(&Kind::Uint64, "many").is_err());
    }
}
