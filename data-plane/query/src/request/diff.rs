//! `/api/v2/traces/diff`: which two traces, and which document about them.

use serde::Deserialize;
use takt_model::{TimeRange, TraceId, UnixNano};

use super::time::Window;
use super::trace::TraceById;
use crate::params::Invalid;
use crate::trace_view::diff::Format;

/// Two traces to compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Diff {
    pub(crate) base: TraceById,
    pub(crate) compare: TraceById,
    pub(crate) format: Format,
}

#[derive(Debug, Default, Deserialize)]
struct Body {
    base: Option<Side>,
    compare: Option<Side>,
    format: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Side {
    trace_id: Option<String>,
    /// Unix seconds.
    start: Option<i64>,
    end: Option<i64>,
}

impl Diff {
    /// Reads the JSON of a request; what follows the object is ignored, as are fields that are not known.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Invalid> {
        let mut reader = serde_json::Deserializer::from_slice(body);
        let body = Body::deserialize(&mut reader)
            .map_err(|error| Invalid::rule(format!("invalid trace diff request body: {error}")))?;
        let format = format(body.format.as_deref().unwrap_or_default())?;
        Ok(Self {
            base: side("base", body.base.unwrap_or_default())?,
            compare: side("compare", body.compare.unwrap_or_default())?,
            format,
        })
    }
}

fn format(name: &str) -> Result<Format, Invalid> {
    if name.is_empty() {
        return Ok(Format::Patch);
    }
    let known = Format::ALL.into_iter().find(|format| format.name() == name);
    known.ok_or_else(|| {
        let [composed, patch, summary] = Format::ALL.map(Format::name);
        Invalid::rule(format!(
            "invalid format {name:?}: must be one of {composed:?}, {patch:?}, {summary:?}"
        ))
    })
}

fn side(name: &str, side: Side) -> Result<TraceById, Invalid> {
    let Some(id) = side.trace_id.filter(|id| !id.is_empty()) else {
        return Err(Invalid::rule(format!("{name}.traceId is required")));
    };
    let id = TraceId::parse(&id)
        .map_err(|error| Invalid::rule(format!("invalid {name}.traceId: {error}")))?;
    if let (Some(start), Some(end)) = (side.start, side.end)
        && end <= start
    {
        return Err(Invalid::rule(format!(
            "{name}.start must be before {name}.end. received start={start} end={end}"
        )));
    }
    let window = if side.start.is_none() && side.end.is_none() {
        Window::Everything
    } else {
        Window::Between(TimeRange {
            start: side.start.map_or(UnixNano::MIN, moment),
            end: side.end.map_or(UnixNano::MAX, moment),
        })
    };
    Ok(TraceById { id, window })
}

/// Before 1970 there was no trace.
fn moment(seconds: i64) -> UnixNano {
    UnixNano::from_secs(u64::try_from(seconds).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(body: &str) -> String {
        Diff::parse(body.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn ids_times_and_format_are_read() {
        let diff = Diff::parse(
            br#"{"base":{"traceId":"1","start":10,"end":20},"compare":{"traceId":"AB","start":null},"more":1} rest"#,
        )
        .unwrap();
        assert_eq!(diff.format, Format::Patch);
        assert_eq!(diff.compare.id.short_hex(), "ab");
        assert_eq!(diff.compare.window, Window::Everything);
        let range = diff.base.window.range();
        assert_eq!((range.start.as_secs(), range.end.as_secs()), (10, 20));
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        for (body, words) in [
            ("{", "invalid trace diff request body: "),
            ("{}", "base.traceId is required"),
            (r#"{"base":{"traceId":"1"}}"#, "compare.traceId is required"),
            (
                r#"{"base":{"traceId":"x"}}"#,
                "invalid base.traceId: trace IDs can only contain hex characters",
            ),
            (
                r#"{"base":{"traceId":"1"},"compare":{"traceId":"2","start":5,"end":5}}"#,
                "compare.start must be before compare.end. received start=5 end=5",
            ),
            (
                r#"{"format":"x"}"#,
                r#"invalid format "x": must be one of "trace-summary-v0-composed", "trace-patch-v0", "trace-summary-v0-native""#,
            ),
        ] {
            assert!(
                refusal(body).starts_with(words),
                "{body}: {}",
                refusal(body)
            );
        }
    }
}
