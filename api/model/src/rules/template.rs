//! Texts with `{{ $value }}` and `{{ $labels.name }}` in them; nothing else may stand in braces.

use std::fmt;

/// A text that is filled in for each series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    text: String,
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Value,
    /// By the name labels have outside of TraceQL.
    Label(String),
}

/// Why a text is not a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    #[error("`{{{{` at byte {0} has no `}}}}` after it")]
    Open(usize),
    #[error(
        "`{{{{{0}}}}}` cannot be filled in: `{{{{ $value }}}}` and `{{{{ $labels.name }}}}` can"
    )]
    Unknown(String),
}

/// The name of an attribute as a label of Prometheus: everything but letters and digits becomes `_`.
#[must_use]
pub fn label_name(attribute: &str) -> String {
    let mut name: String = attribute
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        name.insert(0, '_');
    }
    name
}

impl Template {
    /// # Errors
    /// When something stands in braces that cannot be filled in.
    pub fn new(text: String) -> Result<Self, TemplateError> {
        let mut pieces = Vec::new();
        let mut rest = text.as_str();
        while let Some(open) = rest.find("{{") {
            let at = text.len() - rest.len() + open;
            let inside = &rest[open + 2..];
            let close = inside.find("}}").ok_or(TemplateError::Open(at))?;
            if open > 0 {
                pieces.push(Piece::Text(rest[..open].to_owned()));
            }
            pieces.push(Piece::read(&inside[..close])?);
            rest = &inside[close + 2..];
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(Self { text, pieces })
    }

    /// Fills in; a label that is not there is empty.
    #[must_use]
    pub fn expand<'a>(&self, value: f64, label: impl Fn(&str) -> Option<&'a str>) -> String {
        let mut out = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Value => out.push_str(&number(value)),
                Piece::Label(name) => out.push_str(label(name).unwrap_or_default()),
            }
        }
        out
    }
}

impl Piece {
    fn read(inside: &str) -> Result<Self, TemplateError> {
        let unknown = || TemplateError::Unknown(inside.to_owned());
        let word = inside.trim();
        if word == "$value" {
            return Ok(Self::Value);
        }
        let name = word.strip_prefix("$labels.").ok_or_else(unknown)?;
        let legal = |c: char| c.is_ascii_alphanumeric() || "_.-:".contains(c);
        if name.is_empty() || !name.chars().all(legal) {
            return Err(unknown());
        }
        Ok(Self::Label(label_name(name)))
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// As Prometheus writes it.
fn number(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    value.to_string()
}
