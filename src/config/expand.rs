//! `${VAR}` and `${VAR:-default}`: the only way the environment gets into the configuration.
//!
//! Values are expanded after the file was read as YAML, so what a variable holds is always one
//! value and never structure.

/// Puts variables in. `$${` stands for a literal `${`; a lone `$` is itself.
///
/// # Errors
/// When a variable is neither set nor given a default, or a `${` is not closed.
pub(super) fn expand(
    text: &str,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("$${") {
            out.push_str("${");
            rest = after;
        } else if let Some(after) = rest.strip_prefix("${") {
            let (inner, after) = after
                .split_once('}')
                .ok_or_else(|| format!("`{rest}` has no closing `}}`"))?;
            out.push_str(&lookup(inner, variable)?);
            rest = after;
        } else {
            out.push('$');
            rest = &rest[1..];
        }
    }
    out.push_str(rest);
    Ok(out)
}

fn lookup(inner: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let (name, default) = match inner.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (inner, None),
    };
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || !name.chars().all(legal) || name.starts_with(|c: char| c.is_ascii_digit())
    {
        return Err(format!(
            "`${{{inner}}}` is not understood: write `${{NAME}}` or `${{NAME:-default}}`"
        ));
    }
    match (variable(name).filter(|value| !value.is_empty()), default) {
        (Some(value), _) => Ok(value),
        (None, Some(default)) => Ok(default.to_owned()),
        (None, None) => Err(format!(
            "the environment variable `{name}` is not set; set it, or write `${{{name}:-default}}`"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(text: &str) -> Result<String, String> {
        expand(text, &|name| match name {
            "HOST" => Some("db.internal".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        })
    }

    #[test]
    fn variables_and_defaults_are_put_in() {
        for (text, expanded) in [
            ("plain", "plain"),
            ("${HOST}", "db.internal"),
            (
                "https://${HOST}:${PORT:-9000}/x",
                "https://db.internal:9000/x",
            ),
            ("${EMPTY:-fallback}", "fallback"),
            ("${NOTHING:-}", ""),
            ("costs 5$", "costs 5$"),
            ("$${HOST} stays", "${HOST} stays"),
            ("${A:-b:-c}", "b:-c"),
        ] {
            assert_eq!(with(text).as_deref(), Ok(expanded), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_put_in_is_said() {
        for (text, words) in [
            ("${MISSING}", "`MISSING` is not set"),
            ("${EMPTY}", "`EMPTY` is not set"),
            ("${HOST", "no closing `}`"),
            ("${}", "not understood"),
            ("${a b}", "not understood"),
            ("${1}", "not understood"),
        ] {
            let error = with(text).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
