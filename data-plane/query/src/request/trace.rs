//! `/api/traces/{id}`: which trace, when, and which part of it.

use takt_model::{TraceId, UnixNano};

use super::time::{self, Window};
use crate::params::{Invalid, Params};
use crate::settings::Settings;
use crate::trace_view::View;
use crate::trace_view::filter::{Depth, SpanFilter};
use crate::trace_view::pruning::{Glob, Pruning};

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
        Ok(Self {
            id,
            window: time::lookup(params, now)?,
        })
    }
}

/// What version 2 is asked to leave out: `q` with its depths, and `span_pruning` with its rules.
///
/// # Errors
/// When `q` is no spanset filter that a single span can be asked, or a number or glob is out of its range.
pub(crate) fn view(params: &Params, settings: &Settings) -> Result<View, Invalid> {
    Ok(View {
        filter: filter(params, settings.max_query_expression_size_bytes)?,
        pruning: if settings.trace_by_id.span_pruning_enabled {
            pruning(params, settings.trace_by_id.span_pruning_enabled_by_default)?
        } else {
            None
        },
    })
}

fn filter(params: &Params, max_bytes: usize) -> Result<Option<SpanFilter>, Invalid> {
    let query = super::within(params.get("q"), max_bytes)?.unwrap_or_default();
    if query.trim().is_empty() {
        return Ok(None);
    }
    let mut filter = SpanFilter::parse(query.trim())
        .map_err(|unfit| Invalid::rule(format!("invalid TraceQL filter: {unfit}")))?;
    if flag(params, "keep_hierarchy")
        .map_err(|_| invalid_value("keep_hierarchy", "must be a boolean"))?
        .unwrap_or(false)
    {
        filter.ancestors = depth(params, "ancestor_depth")?.unwrap_or(Depth::Unlimited);
    }
    filter.descendants = depth(params, "match_depth")?.unwrap_or(Depth::NONE);
    Ok(Some(filter))
}

/// Generations; -1 is all of them.
fn depth(params: &Params, name: &str) -> Result<Option<Depth>, Invalid> {
    let Some(text) = params.get(name) else {
        return Ok(None);
    };
    let number: i64 = text
        .parse()
        .map_err(|_| invalid_value(name, &format!("`{text}` is not a whole number")))?;
    match number {
        -1 => Ok(Some(Depth::Unlimited)),
        0.. => Ok(Some(Depth::AtMost(
            u32::try_from(number).unwrap_or(u32::MAX),
        ))),
        _ => Err(invalid_value(name, "must be >= -1")),
    }
}

fn invalid_value(name: &str, reason: &str) -> Invalid {
    Invalid::rule(format!("invalid value for {name}: {reason}"))
}

/// `true` and `false` in all the ways Go reads them.
fn flag<'a>(params: &'a Params, name: &str) -> Result<Option<bool>, &'a str> {
    match params.get(name) {
        None => Ok(None),
        Some("1" | "t" | "T" | "true" | "TRUE" | "True") => Ok(Some(true)),
        Some("0" | "f" | "F" | "false" | "FALSE" | "False") => Ok(Some(false)),
        Some(other) => Err(other),
    }
}

fn pruning(params: &Params, by_default: bool) -> Result<Option<Pruning>, Invalid> {
    let wanted = flag(params, "span_pruning").map_err(|text| {
        Invalid::rule(format!(
            "invalid span_pruning value {text:?}: must be a boolean"
        ))
    })?;
    if !wanted.unwrap_or(by_default) {
        return Ok(None);
    }
    let mut pruning = Pruning::default();
    if let Some(least) = pruning_number(params, "span_pruning_min_spans")? {
        pruning.min_spans = usize::try_from(least)
            .ok()
            .filter(|least| *least >= 2)
            .ok_or_else(|| invalid_pruning("min_spans_to_aggregate must be at least 2"))?;
    }
    if let Some(depth) = pruning_number(params, "span_pruning_max_parent_depth")? {
        pruning.max_parent_depth = match depth {
            -1 => None,
            0.. => Some(u32::try_from(depth).unwrap_or(u32::MAX)),
            _ => {
                return Err(invalid_pruning(
                    "max_parent_depth must be -1 (unlimited) or >= 0",
                ));
            }
        };
    }
    let globs = params.get("span_pruning_group_by").unwrap_or_default();
    for (at, glob) in globs
        .split(',')
        .map(str::trim)
        .filter(|glob| !glob.is_empty())
        .enumerate()
    {
        pruning.group_by.push(Glob::parse(glob).map_err(|error| {
            invalid_pruning(&format!(
                "invalid glob pattern at group_by_attributes[{at}]: {glob:?}: {error}"
            ))
        })?);
    }
    Ok(Some(pruning))
}

fn pruning_number(params: &Params, name: &str) -> Result<Option<i64>, Invalid> {
    params
        .get(name)
        .map(|text| {
            text.parse().map_err(|_| {
                Invalid::rule(format!("invalid {name} value {text:?}: not a whole number"))
            })
        })
        .transpose()
}

fn invalid_pruning(reason: &str) -> Invalid {
    Invalid::rule(format!("invalid span pruning config: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn viewed(query: &str) -> Result<View, String> {
        let settings = Settings {
            trace_by_id: crate::settings::TraceById {
                span_pruning_enabled: true,
                span_pruning_enabled_by_default: false,
            },
            ..Settings::default()
        };
        view(&Params::parse(query), &settings).map_err(|error| error.to_string())
    }

    #[test]
    fn depths_count_only_with_what_they_belong_to() {
        let filter = |query: &str| viewed(query).unwrap().filter.unwrap();
        let plain = filter("q={}");
        assert_eq!(
            (plain.ancestors, plain.descendants),
            (Depth::NONE, Depth::NONE)
        );
        let kin = filter("q={}&keep_hierarchy=1&match_depth=2");
        assert_eq!(
            (kin.ancestors, kin.descendants),
            (Depth::Unlimited, Depth::AtMost(2))
        );
        let near = filter("q={}&keep_hierarchy=t&ancestor_depth=1&match_depth=-1");
        assert_eq!(
            (near.ancestors, near.descendants),
            (Depth::AtMost(1), Depth::Unlimited)
        );
        assert_eq!(filter("q={}&ancestor_depth=-7").ancestors, Depth::NONE);
        assert_eq!(viewed("keep_hierarchy=x&q=+"), Ok(View::default()));
    }

    #[test]
    fn what_cannot_be_is_refused_in_tempos_words() {
        for (query, refusal) in [
            (
                "q={}&match_depth=-2",
                "invalid value for match_depth: must be >= -1",
            ),
            (
                "q={}&keep_hierarchy=1&ancestor_depth=x",
                "invalid value for ancestor_depth: `x` is not a whole number",
            ),
            (
                "q={}&keep_hierarchy=x",
                "invalid value for keep_hierarchy: must be a boolean",
            ),
            (
                "span_pruning=x",
                "invalid span_pruning value \"x\": must be a boolean",
            ),
            (
                "span_pruning=1&span_pruning_min_spans=1",
                "invalid span pruning config: min_spans_to_aggregate must be at least 2",
            ),
            (
                "span_pruning=1&span_pruning_max_parent_depth=-2",
                "invalid span pruning config: max_parent_depth must be -1 (unlimited) or >= 0",
            ),
            (
                "span_pruning=1&span_pruning_min_spans=x",
                "invalid span_pruning_min_spans value \"x\": not a whole number",
            ),
            (
                "span_pruning=1&span_pruning_group_by=a,[b",
                "invalid span pruning config: invalid glob pattern at group_by_attributes[1]: \"[b\": `[` is not closed by `]`",
            ),
        ] {
            assert_eq!(viewed(query), Err(refusal.to_owned()), "{query}");
        }
    }

    #[test]
    fn pruning_is_done_when_enabled_and_asked_for() {
        assert_eq!(
            viewed("span_pruning=true").unwrap().pruning,
            Some(Pruning::default())
        );
        let own = viewed("span_pruning=1&span_pruning_max_parent_depth=-1&span_pruning_min_spans=9&span_pruning_group_by=db.*,+http.?").unwrap();
        let own = own.pruning.unwrap();
        assert_eq!(
            (own.max_parent_depth, own.min_spans, own.group_by.len()),
            (None, 9, 2)
        );
        assert_eq!(viewed("").unwrap().pruning, None);
        let asked = Params::parse("span_pruning=1");
        assert!(
            view(&asked, &Settings::default()).unwrap().is_whole(),
            "not enabled"
        );
    }

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
