//! Patterns over attribute keys: `db.*`, `http.request.?`, `[a-c]*`.

use regex::Regex;

/// `*` stands for any text, `?` for one character, `[…]` and `[!…]` for one of a set, `\` takes what follows as it is.
#[derive(Debug, Clone)]
pub(crate) struct Glob {
    text: String,
    pattern: Regex,
}

impl Glob {
    /// Refuses a set that is not closed, and a `\` that nothing follows.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut pattern = String::from("^(?s:");
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            match c {
                '*' => pattern.push_str(".*"),
                '?' => pattern.push('.'),
                '[' => pattern.push_str(&set(&mut rest).ok_or("`[` is not closed by `]`")?),
                '\\' => {
                    let c = rest.next().ok_or("nothing follows `\\`")?;
                    pattern.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
                }
                c => pattern.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
            }
        }
        pattern.push_str(")$");
        Ok(Self {
            text: text.to_owned(),
            pattern: Regex::new(&pattern).map_err(|error| error.to_string())?,
        })
    }

    pub(super) fn matches(&self, key: &str) -> bool {
        self.pattern.is_match(key)
    }
}

/// The rest of a set as a class of a regular expression.
fn set(rest: &mut std::str::Chars<'_>) -> Option<String> {
    let mut class = String::from("[");
    let mut first = true;
    loop {
        match rest.next()? {
            '!' if first => class.push('^'),
            ']' => break,
            '-' => class.push('-'),
            '\\' => class.push_str(&regex::escape(rest.next()?.encode_utf8(&mut [0; 4]))),
            c => class.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
        }
        first = false;
    }
    class.push(']');
    Some(class)
}

impl PartialEq for Glob {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_match_as_a_whole() {
        for (pattern, key, matches) in [
            ("db.*", "db.statement", true),
            ("db.*", "dbx", false),
            ("db.*", "xdb.y", false),
            ("service", "service", true),
            ("service", "service.name", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("[a-c].x", "b.x", true),
            ("[!a-c].x", "b.x", false),
            (r"a\*", "a*", true),
            (r"a\*", "ab", false),
        ] {
            assert_eq!(
                Glob::parse(pattern).unwrap().matches(key),
                matches,
                "{pattern} {key}"
            );
        }
    }

    #[test]
    fn a_broken_pattern_is_refused() {
        assert_eq!(Glob::parse("[ab").unwrap_err(), "`[` is not closed by `]`");
        assert_eq!(Glob::parse("a\\").unwrap_err(), "nothing follows `\\`");
        assert!(Glob::parse("[]").is_err());
    }
}
