//! What values of each kind are legal, and their canonical text.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{format_duration, parse_duration};

pub(super) type Check = fn(&str) -> Result<String, String>;

/// The whole value of an override; a larger one is refused.
const MAX_BYTES: usize = 64 << 10;
const MAX_ITEMS: usize = 256;
const PROCESSORS: [&str; 9] = [
    "span-metrics",
    "span-metrics-count",
    "span-metrics-latency",
    "span-metrics-size",
    "service-graphs",
    "service-graphs-request",
    "service-graphs-latency",
    "service-graphs-connection-info",
    "host-info",
];

pub(super) fn number(text: &str) -> Result<String, String> {
    let number: u64 = text
        .parse()
        .map_err(|_| format!("`{}` is not a whole number", cut(text)))?;
    Ok(number.to_string())
}

pub(super) fn boolean(text: &str) -> Result<String, String> {
    match text {
        "true" | "false" => Ok(text.to_owned()),
        _ => Err(format!("`{}` is neither `true` nor `false`", cut(text))),
    }
}

pub(super) fn duration(text: &str) -> Result<String, String> {
    let duration = parse_duration(text).map_err(|error| error.to_string())?;
    Ok(format_duration(duration))
}

pub(super) fn between(text: &str, least: u64, most: u64) -> Result<String, String> {
    let duration = parse_duration(text).map_err(|error| error.to_string())?;
    let seconds = duration.as_secs_f64();
    let legal = seconds >= least as f64 && seconds <= most as f64;
    match legal {
        true => Ok(format_duration(duration)),
        false => Err(format!(
            "{} is not between {least}s and {most}s",
            format_duration(duration)
        )),
    }
}

pub(super) fn choice(text: &str, known: &[&str]) -> Result<String, String> {
    match known.contains(&text) {
        true => Ok(text.to_owned()),
        false => Err(format!("`{}` is none of {}", cut(text), known.join(", "))),
    }
}

/// A number above one, written without an exponent.
pub(super) fn ratio(text: &str) -> Result<String, String> {
    let ratio: f64 = text
        .parse()
        .map_err(|_| format!("`{}` is not a number", cut(text)))?;
    match ratio.is_finite() && ratio > 1.0 && ratio <= 100.0 {
        true => Ok(ratio.to_string()),
        false => Err("the factor must be above 1 and at most 100".to_owned()),
    }
}

fn list(text: &str) -> Result<Vec<&str>, String> {
    if text.len() > MAX_BYTES {
        return Err(format!(
            "the value is {} bytes long, at most {MAX_BYTES} are allowed",
            text.len()
        ));
    }
    let items: Vec<&str> = text
        .split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .collect();
    if items.len() > MAX_ITEMS {
        return Err(format!(
            "{} items are too many, at most {MAX_ITEMS} are allowed",
            items.len()
        ));
    }
    let mut seen = BTreeSet::new();
    match items.iter().find(|item| !seen.insert(**item)) {
        Some(twice) => Err(format!("`{}` is there twice", cut(twice))),
        None => Ok(items),
    }
}

pub(super) fn names(text: &str) -> Result<String, String> {
    let items = list(text)?;
    match items
        .iter()
        .find(|item| item.len() > 256 || item.chars().any(char::is_control))
    {
        Some(item) => Err(format!("`{}` is not the name of an attribute", cut(item))),
        None => Ok(items.join(",")),
    }
}

pub(super) fn processors(text: &str) -> Result<String, String> {
    let mut items = list(text)?;
    if let Some(unknown) = items.iter().find(|item| !PROCESSORS.contains(item)) {
        return Err(format!(
            "`{}` is none of {}",
            cut(unknown),
            PROCESSORS.join(", ")
        ));
    }
    items.sort_unstable();
    Ok(items.join(","))
}

/// Attributes whose labels are told apart.
pub(super) fn attributes(text: &str) -> Result<String, String> {
    let items = list(text)?;
    collide(items.iter().copied())?;
    Ok(items.join(","))
}

/// Two names that become the same label would be one series.
fn collide<'a>(names: impl Iterator<Item = &'a str>) -> Result<(), String> {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for name in names {
        let label = sanitised(name);
        if !legal_label(&label) {
            return Err(format!("`{}` does not become a label", cut(name)));
        }
        if let Some(other) = seen.insert(label, name) {
            return Err(format!(
                "`{}` and `{}` become the same label",
                cut(other),
                cut(name)
            ));
        }
    }
    Ok(())
}

/// As Prometheus wants its labels: every other character is an underscore.
fn sanitised(name: &str) -> String {
    let legal = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    name.chars()
        .map(|letter| if legal(letter) { letter } else { '_' })
        .collect()
}

fn legal_label(label: &str) -> bool {
    label.len() <= 256
        && label
            .chars()
            .next()
            .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && label
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

pub(super) fn label(text: &str) -> Result<String, String> {
    match text.is_empty() || legal_label(text) {
        true => Ok(text.to_owned()),
        false => Err(format!(
            "`{}` is not a label: letters, digits and `_`, not a digit first",
            cut(text)
        )),
    }
}

pub(super) fn buckets(text: &str) -> Result<String, String> {
    let bounds: Vec<f64> = list(text)?
        .into_iter()
        .map(|bound| {
            bound
                .parse()
                .map_err(|_| format!("`{}` is not a number", cut(bound)))
        })
        .collect::<Result<_, String>>()?;
    if bounds
        .iter()
        .any(|bound| !bound.is_finite() || *bound < 0.0)
    {
        return Err("a bound is not a number of seconds".to_owned());
    }
    if let Some(pair) = bounds.windows(2).find(|pair| pair[0] >= pair[1]) {
        return Err(format!(
            "the bounds do not rise: {} is not below {}",
            pair[0], pair[1]
        ));
    }
    let bounds: Vec<String> = bounds.iter().map(f64::to_string).collect();
    Ok(bounds.join(","))
}

fn json<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, String> {
    if text.len() > MAX_BYTES {
        return Err(format!(
            "the value is {} bytes long, at most {MAX_BYTES} are allowed",
            text.len()
        ));
    }
    serde_json::from_str(text).map_err(|error| error.to_string())
}

fn written<T: Serialize>(value: &T) -> Result<String, String> {
    serde_json::to_string(value).map_err(|error| error.to_string())
}

pub(super) fn headers(text: &str) -> Result<String, String> {
    let headers: BTreeMap<String, String> = json(text)?;
    let legal = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
    match headers
        .keys()
        .find(|name| name.is_empty() || !name.chars().all(legal))
    {
        Some(name) => Err(format!("`{}` is not the name of a header", cut(name))),
        None => written(&headers),
    }
}

/// Attribute to label; an empty label is the attribute's own, sanitised.
pub(super) fn mapping(text: &str) -> Result<String, String> {
    let mapping: BTreeMap<String, String> = json(text)?;
    collide(
        mapping
            .iter()
            .map(|(attribute, label)| match label.is_empty() {
                true => attribute.as_str(),
                false => label.as_str(),
            }),
    )?;
    written(&mapping)
}

pub(super) fn toggles(text: &str) -> Result<String, String> {
    let toggles: BTreeMap<String, bool> = json(text)?;
    let known = [
        "service",
        "span_name",
        "span_kind",
        "status_code",
        "status_message",
    ];
    match toggles.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(format!("`{}` is none of {}", cut(name), known.join(", "))),
        None => written(&toggles),
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mapping {
    name: String,
    #[serde(default)]
    source_labels: Vec<String>,
    #[serde(default)]
    join: String,
}

pub(super) fn mappings(text: &str) -> Result<String, String> {
    let mappings: Vec<Mapping> = json(text)?;
    if let Some(bare) = mappings
        .iter()
        .find(|mapping| mapping.source_labels.is_empty())
    {
        return Err(format!("`{}` has no `source_labels`", cut(&bare.name)));
    }
    collide(mappings.iter().map(|mapping| mapping.name.as_str()))?;
    written(&mappings)
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FilterPolicy {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    include: Option<PolicyMatch>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    include_any: Option<PolicyMatch>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    exclude: Option<PolicyMatch>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyMatch {
    match_type: MatchType,
    attributes: Vec<MatchAttribute>,
}

#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum MatchType {
    Strict,
    Regex,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MatchAttribute {
    key: String,
    value: serde_json::Value,
}

/// Keys are those of TraceQL: `span.x`, `resource.x`, or `kind`, `name` and `status`. Regular expressions compile.
pub(super) fn filters(text: &str) -> Result<String, String> {
    let policies: Vec<FilterPolicy> = json(text)?;
    for policy in &policies {
        let parts = [&policy.include, &policy.include_any, &policy.exclude];
        let parts: Vec<&PolicyMatch> = parts.into_iter().flatten().collect();
        if parts.is_empty() {
            return Err("a policy includes nothing and excludes nothing".to_owned());
        }
        for part in parts {
            if part.attributes.is_empty() {
                return Err("a policy names no attribute".to_owned());
            }
            for attribute in &part.attributes {
                legal_match(part.match_type, attribute)?;
            }
        }
    }
    written(&policies)
}

fn legal_match(match_type: MatchType, attribute: &MatchAttribute) -> Result<(), String> {
    let key = attribute.key.as_str();
    let scoped = ["span.", "resource."]
        .iter()
        .any(|scope| key.strip_prefix(scope).is_some_and(|name| !name.is_empty()));
    if !scoped && !["kind", "name", "status"].contains(&key) {
        return Err(format!(
            "`{}` is neither `span.…`, `resource.…`, `kind`, `name` nor `status`",
            cut(key)
        ));
    }
    match (&attribute.value, match_type) {
        (serde_json::Value::String(pattern), MatchType::Regex) => regex::RegexBuilder::new(pattern)
            .size_limit(1 << 20)
            .build()
            .map(|_compiled| ())
            .map_err(|error| format!("`{}`: {error}", cut(key))),
        (_, MatchType::Regex) => Err(format!("the expression for `{}` is not a text", cut(key))),
        (
            serde_json::Value::String(_)
            | serde_json::Value::Number(_)
            | serde_json::Value::Bool(_),
            MatchType::Strict,
        ) => Ok(()),
        (_, MatchType::Strict) => Err(format!(
            "the value for `{}` is not a text, number or truth",
            cut(key)
        )),
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Column {
    name: String,
    #[serde(default = "string")]
    r#type: String,
    #[serde(default = "span")]
    scope: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    options: Vec<String>,
}

fn string() -> String {
    "string".to_owned()
}

fn span() -> String {
    "span".to_owned()
}

pub(super) fn columns(text: &str) -> Result<String, String> {
    let columns: Vec<Column> = json(text)?;
    let mut seen = BTreeSet::new();
    for column in &columns {
        let name = cut(&column.name);
        if column.name.is_empty() {
            return Err("a column has no name".to_owned());
        }
        choice(&column.r#type, &["string", "int"])?;
        choice(&column.scope, &["span", "resource", "event"])?;
        for option in &column.options {
            choice(option, &["array", "blob"])?;
        }
        if !seen.insert((&column.scope, &column.name)) {
            return Err(format!("`{name}` is there twice for `{}`", column.scope));
        }
    }
    written(&columns)
}

/// Texts in messages are short.
fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}
