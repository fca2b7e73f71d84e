//! The text of an attribute token to a field, and of a tag in the API to a field.

use crate::expression::parse_operand_alone;
use crate::names::intrinsic;
use crate::tree::{Field, Scope, What};

const SCOPES: [(&str, Scope); 6] = [
    ("span.", Scope::Span),
    ("resource.", Scope::Resource),
    ("event.", Scope::Event),
    ("link.", Scope::Link),
    ("instrumentation.", Scope::Instrumentation),
    (".", Scope::Any),
];

/// The field that the name of a tag in the API stands for: `span.foo`, `.foo`, `name`, `event:name`.
#[must_use]
pub fn parse_tag(name: &str) -> Option<Field> {
    parse_operand_alone(name)
}

/// The field of an attribute token, scope and all.
pub(crate) fn field(text: &str) -> Field {
    let Some(rest) = text.strip_prefix("parent.") else {
        let (scope, key) = scoped(text).unwrap_or((Scope::Any, text));
        return Field::attribute(scope, unquote(key));
    };
    // `parent.kind` asks for the parent's kind; an attribute of that name is `parent."kind"`.
    let what = match (intrinsic(rest), scoped(rest)) {
        (Some(intrinsic), _) if !intrinsic.is_of_trace() => What::Intrinsic(intrinsic),
        (_, Some((scope @ (Scope::Span | Scope::Resource), key))) if !key.is_empty() => {
            What::Attribute(scope, unquote(key))
        }
        _ => What::Attribute(Scope::Any, unquote(rest)),
    };
    Field { parent: true, what }
}

/// Splits the scope off.
fn scoped(text: &str) -> Option<(Scope, &str)> {
    SCOPES
        .iter()
        .find_map(|(prefix, scope)| Some((*scope, text.strip_prefix(prefix)?)))
}

/// Takes the quotes off the quoted parts of a name: `a."b c".d` is `a.b c.d`.
fn unquote(key: &str) -> String {
    let mut plain = String::with_capacity(key.len());
    let (mut quoted, mut escaped) = (false, false);
    for c in key.chars() {
        match c {
            _ if escaped => {
                // Only `\\` and `\"` are escapes.
                if !matches!(c, '\\' | '"') {
                    plain.push('\\');
                }
                plain.push(c);
                escaped = false;
            }
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => plain.push(c),
        }
    }
    plain
}

/// How a name must be written so that [`field`] reads it back.
pub(crate) fn quote(field: &Field, key: &str) -> String {
    let ends_name = |c: char| " \t\r\n\u{c}{}()=~!<>&|^,\"".contains(c);
    let starts_like_a_number = key.starts_with(|c: char| c.is_ascii_digit())
        && matches!(field.what, What::Attribute(Scope::Any, _));
    let starts_like_a_scope = field.parent && (intrinsic(key).is_some() || scoped(key).is_some());
    if key.is_empty() || key.contains(ends_name) || starts_like_a_number || starts_like_a_scope {
        format!("\"{}\"", key.replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        key.to_owned()
    }
}
