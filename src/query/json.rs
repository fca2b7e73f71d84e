//! Values out of Tempo's JSON: zeros are left out, 64-bit integers and odd floats come as text.

use serde_json::Value;

/// Text of spans may hold what a terminal would obey.
pub(super) fn without_control_characters(mut body: Value) -> Value {
    clean(&mut body);
    body
}

fn clean(value: &mut Value) {
    match value {
        Value::String(text) if text.contains(char::is_control) => {
            *text = text.replace(char::is_control, "\u{fffd}");
        }
        Value::Array(values) => values.iter_mut().for_each(clean),
        Value::Object(fields) => fields.values_mut().for_each(clean),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
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

/// A floating-point number; `"NaN"` and the infinities come as text.
pub(super) fn float(value: &Value, key: &str) -> f64 {
    match &value[key] {
        Value::String(name) => name.parse().unwrap_or(f64::NAN),
        other => other.as_f64().unwrap_or(0.0),
    }
}

/// Keys and values of a list of attributes.
pub(super) fn attributes<'a>(
    value: &'a Value,
    key: &str,
) -> impl Iterator<Item = (&'a str, String)> {
    items(value, key)
        .iter()
        .map(|attribute| (text(attribute, "key"), any_value(&attribute["value"])))
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn floats_come_in_three_ways() {
        let body = json!({"a": 1.5, "b": "-Infinity", "c": "NaN"});
        assert!((float(&body, "a") - 1.5).abs() < f64::EPSILON);
        assert!(float(&body, "b").is_infinite());
        assert!(float(&body, "c").is_nan());
        assert!(float(&body, "left out") == 0.0);
    }

    #[test]
    fn a_span_cannot_command_the_terminal() {
        let body = without_control_characters(json!({"a": [{"b": "\u{1b}[2Jclear"}]}));
        assert_eq!(text(&body["a"][0], "b"), "\u{fffd}[2Jclear");
    }
}
