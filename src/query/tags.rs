//! Names and values, one a line.

use serde_json::Value;

use super::json::{items, text};

/// Names, with the scope in front where there is one.
pub(super) fn names(body: &Value) -> String {
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tags_stand_as_a_query_writes_them() {
        let body = json!({"scopes": [{"name": "span", "tags": ["b", "a"]}, {"name": "intrinsic", "tags": ["name"]}]});
        assert_eq!(names(&body), "name\nspan.a\nspan.b");
    }
}
