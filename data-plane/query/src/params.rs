//! The query string as Go's servers read it: first value of a name wins, pairs that do not decode are ignored.

use std::time::Duration;

use chrono::DateTime;
use takt_model::{UnixNano, parse_duration};

/// Why a parameter cannot be used; answered as 400 with this text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    #[error("invalid {name}: {reason}")]
    Parameter { name: &'static str, reason: String },
    #[error("{0}")]
    Rule(String),
}

impl Invalid {
    pub(crate) fn parameter(name: &'static str, reason: impl Into<String>) -> Self {
        Self::Parameter {
            name,
            reason: reason.into(),
        }
    }

    pub(crate) fn rule(text: impl Into<String>) -> Self {
        Self::Rule(text.into())
    }
}

/// The decoded parameters of a request, in the order they came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Params(Vec<(String, String)>);

impl Params {
    /// Reads `a=b&c=d`.
    #[must_use]
    pub fn parse(query: &str) -> Self {
        let pairs = query
            .split('&')
            .filter(|pair| !pair.is_empty() && !pair.contains(';'));
        Self(
            pairs
                .filter_map(|pair| {
                    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                    Some((unescape(name, true)?, unescape(value, true)?))
                })
                .collect(),
        )
    }

    /// The first value of `name`, if it is there and not empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// All pairs, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A whole number.
    pub(crate) fn number(&self, name: &'static str) -> Result<Option<i64>, Invalid> {
        let Some(text) = self.get(name) else {
            return Ok(None);
        };
        let number = text
            .parse()
            .map_err(|_| Invalid::parameter(name, format!("`{text}` is not a whole number")))?;
        Ok(Some(number))
    }

    /// A number from zero to the largest of 32 bits.
    pub(crate) fn count(&self, name: &'static str) -> Result<Option<u32>, Invalid> {
        let Some(number) = self.number(name)? else {
            return Ok(None);
        };
        u32::try_from(number).map(Some).map_err(|_| {
            Invalid::parameter(
                name,
                format!("`{number}` is not between 0 and {}", u32::MAX),
            )
        })
    }

    /// A duration in Go's or Prometheus' form.
    pub(crate) fn duration(&self, name: &'static str) -> Result<Option<Duration>, Invalid> {
        let Some(text) = self.get(name) else {
            return Ok(None);
        };
        parse_duration(text)
            .map(Some)
            .map_err(|error| Invalid::parameter(name, error.to_string()))
    }

    /// A moment: Unix seconds (whole or with a fraction), Unix nanoseconds, or RFC 3339. Zero is "not given".
    pub(crate) fn moment(&self, name: &'static str) -> Result<Option<UnixNano>, Invalid> {
        let Some(text) = self.get(name) else {
            return Ok(None);
        };
        let moment = parse_moment(text).ok_or_else(|| {
            Invalid::parameter(
                name,
                format!("`{text}` is neither Unix seconds nor nanoseconds nor RFC 3339"),
            )
        })?;
        Ok((moment != UnixNano::MIN).then_some(moment))
    }
}

/// Parameters that did not come in a query string; empty ones are as if they were not given.
impl FromIterator<(&'static str, String)> for Params {
    fn from_iter<I: IntoIterator<Item = (&'static str, String)>>(pairs: I) -> Self {
        let pairs = pairs.into_iter();
        Self(
            pairs
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        )
    }
}

/// Whole numbers from here on are nanoseconds: as seconds they would lie beyond the year 5138.
const FIRST_NANOSECONDS: u64 = 100_000_000_000;

fn parse_moment(text: &str) -> Option<UnixNano> {
    if let Ok(number) = text.parse::<u64>() {
        return Some(if number < FIRST_NANOSECONDS {
            UnixNano::from_secs(number)
        } else {
            UnixNano(number)
        });
    }
    if let Ok(seconds) = text.parse::<f64>() {
        let since = Duration::try_from_secs_f64(seconds).ok()?;
        return Some(UnixNano::MIN.plus(since));
    }
    let moment = DateTime::parse_from_rfc3339(text).ok()?;
    let nanos = moment.timestamp_nanos_opt()?;
    u64::try_from(nanos).ok().map(UnixNano)
}

/// Undoes percent encoding (and `+` for a space in query strings); `None` for a broken escape or text that is not UTF-8.
pub(crate) fn unescape(text: &str, plus_is_space: bool) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => {
                let digits = [bytes.next()?, bytes.next()?];
                let digits = std::str::from_utf8(&digits).ok()?;
                u8::from_str_radix(digits, 16).ok()?
            }
            b'+' if plus_is_space => b' ',
            other => other,
        });
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_decode_and_the_first_one_wins() {
        let params = Params::parse("q=%7B+.a+%3D+%22x%2By%22+%7D&q=second&empty=&bad=%zz&flag");
        assert_eq!(params.get("q"), Some(r#"{ .a = "x+y" }"#));
        assert_eq!(
            (params.get("empty"), params.get("bad"), params.get("flag")),
            (None, None, None)
        );
    }

    #[test]
    fn moments_come_as_seconds_fractions_nanoseconds_and_dates() {
        let second = UnixNano(1_700_000_000_500_000_000);
        for text in [
            "1700000000.5",
            "1700000000500000000",
            "2023-11-14T22:13:20.5Z",
            "2023-11-14T23:13:20.5%2B01:00",
        ] {
            let params = Params::parse(&format!("start={text}"));
            assert_eq!(params.moment("start"), Ok(Some(second)), "{text}");
        }
        assert_eq!(
            Params::parse("start=1700000000").moment("start"),
            Ok(Some(UnixNano::from_secs(1_700_000_000)))
        );
        assert_eq!(Params::parse("start=0").moment("start"), Ok(None));
        assert!(Params::parse("start=-5").moment("start").is_err());
        assert_eq!(
            Params::parse("start=soon")
                .moment("start")
                .unwrap_err()
                .to_string(),
            "invalid start: `soon` is neither Unix seconds nor nanoseconds nor RFC 3339"
        );
    }
}
