//! `/api/traces/{id}`: which trace, and when.

use takt_model::{TraceId, UnixNano};

use super::time::{self, Window};
use crate::params::{Invalid, Params};

/// A trace to look up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceById {
    pub id: TraceId,
    pub window: Window,
}

impl TraceById {
    /// # Errors
    /// When the id is not 1 to 32 hex digits, or the times do not fit together.
    pub fn parse(id: &str, params: &Params, now: UnixNano) -> Result<Self, Invalid> {
        let id = TraceId::parse(id).map_err(|error| Invalid::rule(error.to_string()))?;
        if let Some(mode) = params.get("mode")
            && !["all", "blocks", "ingesters", "recent", "external"].contains(&mode)
        {
            return Err(Invalid::rule(format!("invalid value for mode {mode}")));
        }
        if params.get("q").is_some() {
            return Err(Invalid::rule(
                "invalid TraceQL filter: filtering the spans of a trace is not supported yet; leave out `q`",
            ));
        }
        Ok(Self {
            id,
            window: time::lookup(params, now)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(id: &str, query: &str) -> Result<TraceById, String> {
        TraceById::parse(id, &Params::parse(query), UnixNano::from_secs(100))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn short_ids_are_padded_and_bad_ones_refused_in_tempos_words() {
        assert_eq!(
            parse("BAD", "").unwrap().id.to_string(),
            "00000000000000000000000000000bad"
        );
        assert_eq!(
            parse("nothex", ""),
            Err(
                "trace IDs can only contain hex characters: invalid character 'n' at position 1"
                    .into()
            )
        );
        assert!(parse(&"1".repeat(33), "").is_err());
    }

    #[test]
    fn modes_and_times_are_checked() {
        assert!(parse("1", "mode=blocks&start=1&end=2").is_ok());
        assert_eq!(
            parse("1", "mode=some"),
            Err("invalid value for mode some".into())
        );
        assert!(parse("1", "start=2&end=1").is_err());
    }
}
