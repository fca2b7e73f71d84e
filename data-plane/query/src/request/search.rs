//! `/api/search`: every rule of its parameters.

use std::collections::BTreeMap;
use std::time::Duration;

use takt_model::UnixNano;

use super::time::{self, Window};
use super::{expression, logfmt};
use crate::params::{Invalid, Params};
use crate::settings::Settings;

/// What to search for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    pub what: What,
    pub window: Window,
    /// Traces wanted, at least one.
    pub limit: u32,
    /// Spans shown of each trace; zero is all of them.
    pub spans_per_set: u32,
    /// The token that the page before came with.
    pub page: Option<String>,
}

/// Tempo's two ways to say what is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    TraceQl(String),
    Legacy(Legacy),
}

/// The search of old clients: tags that a trace must have, and how long it may take. Shows no spans.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Legacy {
    pub tags: BTreeMap<String, String>,
    pub min_duration: Option<Duration>,
    pub max_duration: Option<Duration>,
}

/// Names that are not tags when a very old client puts its tags directly into the query string.
const RESERVED: [&str; 15] = [
    "q",
    "query",
    "tags",
    "start",
    "end",
    "since",
    "limit",
    "spss",
    "minDuration",
    "maxDuration",
    "skip_ast_transformations",
    "most_recent",
    "rf1_after",
    "mode",
    "page",
];

impl Search {
    /// # Errors
    /// With Tempo's words, when a parameter breaks a rule.
    pub fn parse(
        params: &Params,
        settings: &Settings,
        now: UnixNano,
        longest: Duration,
    ) -> Result<Self, Invalid> {
        let what = what(params, settings)?;
        let window = time::search(params, now, longest)?;
        let bounds = &settings.search;
        let limit = limit(params, bounds.default_result_limit, bounds.max_result_limit)?;
        let spans_per_set = match params.count("spss")? {
            None => bounds.default_spans_per_span_set,
            // "All of them" is as many as may be asked for; `matched` tells how many there are.
            Some(0) => bounds.max_spans_per_span_set,
            Some(asked)
                if bounds.max_spans_per_span_set > 0 && asked > bounds.max_spans_per_span_set =>
            {
                return Err(Invalid::rule(format!(
                    "spans per span set exceeds {}. received {asked}",
                    bounds.max_spans_per_span_set
                )));
            }
            Some(asked) => asked,
        };
        Ok(Self {
            what,
            window,
            limit,
            spans_per_set,
            page: params
                .get("page")
                .filter(|token| !token.is_empty())
                .map(str::to_owned),
        })
    }
}

fn what(params: &Params, settings: &Settings) -> Result<What, Invalid> {
    let query = expression(params, settings.max_query_expression_size_bytes)?;
    match (query, params.get("tags")) {
        (Some(_), Some(_)) => Err(Invalid::rule(
            "invalid request: can't specify tags and q in the same query",
        )),
        (Some(query), None) => Ok(What::TraceQl(query.to_owned())),
        (None, Some(tags)) => legacy(params, tags_of(tags)?).map(What::Legacy),
        (None, None) => legacy(params, bare_tags(params)).map(What::Legacy),
    }
}

fn tags_of(text: &str) -> Result<BTreeMap<String, String>, Invalid> {
    let pairs =
        logfmt::parse(text).map_err(|error| Invalid::parameter("tags", error.to_string()))?;
    let mut tags = BTreeMap::new();
    for (key, value) in pairs {
        if let Some(tag) = tags.insert(key.clone(), value).map(|_| key) {
            return Err(Invalid::parameter(
                "tags",
                format!("tag {tag} has been set twice"),
            ));
        }
    }
    Ok(tags)
}

/// Before `tags` there were only parameters; clients that name no time are taken for such.
fn bare_tags(params: &Params) -> BTreeMap<String, String> {
    if params.get("start").is_some() || params.get("end").is_some() {
        return BTreeMap::new();
    }
    params
        .iter()
        .filter(|(name, value)| !RESERVED.contains(name) && !value.is_empty())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn legacy(params: &Params, tags: BTreeMap<String, String>) -> Result<Legacy, Invalid> {
    let millis = |name| -> Result<Option<Duration>, Invalid> {
        let duration = params.duration(name)?;
        Ok(duration.map(|exact| {
            Duration::from_millis(u64::try_from(exact.as_millis()).unwrap_or(u64::MAX))
        }))
    };
    let (min_duration, max_duration) = (millis("minDuration")?, millis("maxDuration")?);
    if let (Some(min), Some(max)) = (min_duration, max_duration)
        && max < min
    {
        return Err(Invalid::rule(
            "invalid maxDuration: must be greater than minDuration",
        ));
    }
    Ok(Legacy {
        tags,
        min_duration,
        max_duration,
    })
}

fn limit(params: &Params, default: u32, max: u32) -> Result<u32, Invalid> {
    match params.count("limit")? {
        None => Ok(default),
        Some(0) => Err(Invalid::rule("invalid limit: must be a positive number")),
        Some(limit) if max > 0 && limit > max => Err(Invalid::rule(format!(
            "limit {limit} exceeds max limit {max}"
        ))),
        Some(limit) => Ok(limit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_with(query: &str, settings: &Settings) -> Result<Search, String> {
        let week = Duration::from_secs(168 * 3600);
        Search::parse(
            &Params::parse(query),
            settings,
            UnixNano::from_secs(1_700_000_000),
            week,
        )
        .map_err(|error| error.to_string())
    }

    fn parse(query: &str) -> Result<Search, String> {
        parse_with(query, &Settings::default())
    }

    fn tags(query: &str) -> Vec<(String, String)> {
        match parse(query).unwrap().what {
            What::Legacy(legacy) => legacy.tags.into_iter().collect(),
            What::TraceQl(query) => panic!("expected tags, found `{query}`"),
        }
    }

    fn pair(key: &str, value: &str) -> (String, String) {
        (key.into(), value.into())
    }

    #[test]
    fn defaults_are_tempos() {
        assert_eq!(
            parse("q=%7B%7D"),
            Ok(Search {
                what: What::TraceQl("{}".into()),
                window: Window::Everything,
                limit: 20,
                spans_per_set: 3,
                page: None
            })
        );
    }

    #[test]
    fn every_broken_rule_has_its_words() {
        for (query, words) in [
            (
                "q=%7B%7D&tags=a%3Db",
                "invalid request: can't specify tags and q in the same query",
            ),
            ("tags=a%3Db+a%3Dc", "invalid tags: tag a has been set twice"),
            (
                "tags=a%3D%22b",
                "invalid tags: a quoted value is not closed",
            ),
            ("limit=0", "invalid limit: must be a positive number"),
            (
                "limit=-1",
                "invalid limit: `-1` is not between 0 and 4294967295",
            ),
            ("limit=many", "invalid limit: `many` is not a whole number"),
            ("limit=262145", "limit 262145 exceeds max limit 262144"),
            (
                "minDuration=2s&maxDuration=1s",
                "invalid maxDuration: must be greater than minDuration",
            ),
            (
                "q=%7B%7D&start=5",
                "please provide both start and end, or neither",
            ),
            (
                "q=%7B%7D&start=5&end=4",
                "http parameter start must be before end. received start=5 end=4",
            ),
        ] {
            assert_eq!(parse(query), Err(words.into()), "{query}");
        }
        assert!(
            parse("minDuration=long")
                .unwrap_err()
                .starts_with("invalid minDuration: ")
        );
    }

    #[test]
    fn all_spans_are_as_many_as_may_be_asked_for() {
        let mut settings = Settings::default();
        settings.search.max_spans_per_span_set = 100;
        let search = parse_with("q=%7B%7D&spss=0", &settings).unwrap();
        assert_eq!(search.spans_per_set, 100);
        let refused = parse_with("q=%7B%7D&spss=101", &settings).unwrap_err();
        assert!(refused.contains("spans per span set exceeds 100. received 101"));
    }

    #[test]
    fn bounds_can_be_lifted() {
        let mut settings = Settings::default();
        settings.search.max_result_limit = 0;
        let search = parse_with("q=%7B%7D&limit=1000000&spss=0", &settings).unwrap();
        assert_eq!((search.limit, search.spans_per_set), (1_000_000, 0));
    }

    #[test]
    fn long_expressions_are_refused_before_parsing() {
        let settings = Settings {
            max_query_expression_size_bytes: 4,
            ..Settings::default()
        };
        assert!(
            parse_with("q=12345", &settings)
                .unwrap_err()
                .contains("exceeds maximum length")
        );
        assert!(parse_with("q=1234", &settings).is_ok());
    }

    #[test]
    fn legacy_tags_come_quoted_or_bare() {
        assert_eq!(
            tags("tags=service.name%3Dpay+http.url%3D%22%2Fa+b%22"),
            [pair("http.url", "/a b"), pair("service.name", "pay")]
        );
        assert_eq!(
            tags("service.name=pay&limit=5"),
            [pair("service.name", "pay")],
            "a very old client"
        );
        assert_eq!(
            tags("service.name=pay&start=5&end=6"),
            [],
            "who names times knows `tags`"
        );
    }

    #[test]
    fn durations_count_in_whole_milliseconds() {
        let What::Legacy(legacy) = parse("minDuration=1500us&maxDuration=1h").unwrap().what else {
            panic!("legacy")
        };
        assert_eq!(
            (legacy.min_duration, legacy.max_duration),
            (
                Some(Duration::from_millis(1)),
                Some(Duration::from_secs(3600))
            )
        );
    }
}
