//! Answers as lines of text.

use std::fmt::Write as _;

use chrono::{DateTime, SecondsFormat};
use serde_json::Value;

/// One line a trace: when, how long, id, root, spans that matched; below it the spans shown.
pub(super) fn traces(body: &Value) -> String {
    let mut out = String::new();
    let traces = items(body, "traces");
    for trace in traces {
        let _ = writeln!(
            out,
            "{}  {:>9}  {:>32}  {}: {}  ({} matched)",
            moment(number(trace, "startTimeUnixNano")),
            duration(number(trace, "durationMs").saturating_mul(1_000_000)),
            text(trace, "traceID"),
            text(trace, "rootServiceName"),
            text(trace, "rootTraceName"),
            items(trace, "spanSets")
                .iter()
                .map(|set| number(set, "matched"))
                .sum::<u64>(),
        );
        for span in items(trace, "spanSets")
            .iter()
            .flat_map(|set| items(set, "spans"))
        {
            let _ = write!(
                out,
                "    {:>9}  {}  {}",
                duration(number(span, "durationNanos")),
                text(span, "spanID"),
                text(span, "name")
            );
            for attribute in items(span, "attributes") {
                let _ = write!(
                    out,
                    "  {}={}",
                    text(attribute, "key"),
                    any_value(&attribute["value"])
                );
            }
            out.push('\n');
        }
    }
    if traces.is_empty() {
        out.push_str("no trace matches");
    }
    out
}

/// Names, with the scope in front where there is one.
pub(super) fn tags(body: &Value) -> String {
    let mut names: Vec<String> = Vec::new();
    for scope in items(body, "scopes") {
        let prefix = match text(scope, "name") {
            "intrinsic" => String::new(),
            name => format!("{name}."),
        };
        names.extend(
            items(scope, "tags")
                .iter()
                .filter_map(Value::as_str)
                .map(|tag| format!("{prefix}{tag}")),
        );
    }
    names.sort();
    names.join("\n")
}

/// One value a line, with its type.
pub(super) fn values(body: &Value) -> String {
    let mut lines: Vec<String> = items(body, "tagValues")
        .iter()
        .map(|value| format!("{:<8}  {}", text(value, "type"), text(value, "value")))
        .collect();
    lines.sort();
    lines.join("\n")
}

pub(super) fn items<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

pub(super) fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// A number that may come as text, as 64-bit integers do.
pub(super) fn number(value: &Value, key: &str) -> u64 {
    match &value[key] {
        Value::String(digits) => digits.parse().unwrap_or(0),
        other => other.as_u64().unwrap_or(0),
    }
}

pub(super) fn any_value(value: &Value) -> String {
    let inner = value.as_object().and_then(|object| object.iter().next());
    match inner {
        None => String::new(),
        Some((_, Value::String(text))) => text.clone(),
        Some((kind, list)) if kind == "arrayValue" => {
            let parts: Vec<String> = items(list, "values").iter().map(any_value).collect();
            format!("[{}]", parts.join(", "))
        }
        Some((_, other)) => other.to_string(),
    }
}

pub(super) fn moment(nanos: u64) -> String {
    DateTime::from_timestamp_nanos(nanos.cast_signed()).to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Three digits and a unit: `950ns`, `12.3ms`, `1.50s`.
pub(super) fn duration(nanos: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let exact = nanos as f64;
    let (scaled, unit) = match nanos {
        0..1_000 => return format!("{nanos}ns"),
        1_000..1_000_000 => (exact / 1e3, "us"),
        1_000_000..1_000_000_000 => (exact / 1e6, "ms"),
        _ => (exact / 1e9, "s"),
    };
    let digits = if scaled < 10.0 {
        2
    } else {
        usize::from(scaled < 100.0)
    };
    format!("{scaled:.digits$}{unit}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn durations_keep_three_digits() {
        for (nanos, shown) in [
            (7, "7ns"),
            (1_500, "1.50us"),
            (12_345_678, "12.3ms"),
            (999_000_000, "999ms"),
            (61_000_000_000, "61.0s"),
        ] {
            assert_eq!(duration(nanos), shown);
        }
    }

    #[test]
    fn traces_show_their_root_and_the_spans_that_matched() {
        let body = json!({"traces": [{
            "traceID": "bad", "rootServiceName": "shop", "rootTraceName": "GET /", "startTimeUnixNano": "1700000000000000000", "durationMs": 15,
            "spanSets": [{"matched": 2, "spans": [{"spanID": "00000000000000ad", "durationNanos": "2500", "attributes": [{"key": "n", "value": {"intValue": "5"}}]}]}],
        }]});
        expect_test::expect![[r#"
            2023-11-14T22:13:20.000Z     15.0ms                               bad  shop: GET /  (2 matched)
                   2.50us  00000000000000ad    n=5
        "#]]
        .assert_eq(&traces(&body));
        assert_eq!(traces(&json!({})), "no trace matches");
    }

    #[test]
    fn tags_stand_as_a_query_writes_them() {
        let body = json!({"scopes": [{"name": "span", "tags": ["b", "a"]}, {"name": "intrinsic", "tags": ["name"]}]});
        assert_eq!(tags(&body), "name\nspan.a\nspan.b");
    }
}
