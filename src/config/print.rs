//! The notes of a walk as YAML and as the reference page.

use std::fmt::Write as _;

#[cfg(test)]
use super::fields::Default;
use super::fields::{Entry, Field};

/// A file that would bring the settings about. A secret is named but not shown.
pub(super) fn effective(entries: &[Entry]) -> String {
    let mut out = String::new();
    for entry in entries {
        let Some((name, above)) = entry.path.split_last() else {
            continue;
        };
        let indent = above.len() * 2;
        let value = match &entry.field {
            None => String::new(),
            Some(Field { value: None, .. }) => " null".to_owned(),
            Some(Field {
                value: Some(text), ..
            }) => format!(" {}", scalar(text)),
        };
        let _ = writeln!(out, "{:indent$}{name}:{value}", "");
    }
    out
}

/// Plain where YAML reads the same text back, quoted otherwise.
fn scalar(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._/:-".contains(c);
    let starts_plain = text.starts_with(|c: char| c.is_ascii_alphanumeric() || "./".contains(c));
    let word = matches!(text, "null" | "Null" | "NULL");
    if starts_plain && !word && !text.ends_with(':') && text.chars().all(plain) {
        text.to_owned()
    } else {
        serde_json::Value::from(text).to_string()
    }
}

/// The reference page: a table for every section.
#[cfg(test)]
pub(super) fn reference(entries: &[Entry]) -> String {
    let mut out = String::from(
        "# Configuration\n\n\
         <!-- Generated from the definitions in src/config; `make fix` writes it, a test checks it. -->\n\n\
         One YAML file, given by `--config`; without one every default below holds. All problems of a file are\n\
         reported at once (`takt check-config`), and `takt print-config` prints what is in force.\n\n\
         `${VAR}` in a value is replaced by the environment variable, `${VAR:-default}` by the default if it is\n\
         unset or empty; `$${` stands for `${` itself. Durations are written `500ms`, `30s`, `1h30m`, `14d`; sizes\n\
         `64MiB`, `5MB` or bare bytes. An empty value means the default.\n",
    );
    let mut in_table = false;
    for entry in entries {
        let path = entry.path.join(".");
        match &entry.field {
            None => {
                let _ = writeln!(out, "\n## `{path}`");
                if !entry.doc.is_empty() {
                    let _ = writeln!(out, "\n{}", entry.doc);
                }
                in_table = false;
            }
            Some(field) => {
                if !in_table {
                    out.push_str("\n| field | default | unit | why |\n|---|---|---|---|\n");
                    in_table = true;
                }
                let name = entry.path.last().copied().unwrap_or_default();
                let default = default_words(field);
                let _ = writeln!(
                    out,
                    "| `{name}` | {default} | {} | {} |",
                    field.unit, entry.doc
                );
            }
        }
    }
    out
}

#[cfg(test)]
fn default_words(field: &Field) -> String {
    match &field.default {
        Default::Value(text) => format!("`{text}`"),
        Default::Words(words) => (*words).to_owned(),
    }
}
