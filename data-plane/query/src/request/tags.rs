//! `/api/search/tags` and `/api/search/tag/{name}/values`, both versions.

use takt_model::UnixNano;

use super::expression;
use super::time::{self, Window};
use crate::params::{Invalid, Params};
use crate::settings::Settings;

/// Where a tag can live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Everywhere.
    None,
    Intrinsic,
    Trace,
    Span,
    Resource,
    Event,
    Link,
    Instrumentation,
}

impl Scope {
    fn parse(text: Option<&str>) -> Result<Self, Invalid> {
        Ok(match text {
            None | Some("none") => Self::None,
            Some("intrinsic") => Self::Intrinsic,
            Some("trace") => Self::Trace,
            Some("span") => Self::Span,
            Some("resource") => Self::Resource,
            Some("event") => Self::Event,
            Some("link") => Self::Link,
            Some("instrumentation") => Self::Instrumentation,
            Some(other) => return Err(Invalid::rule(format!("invalid scope: {other}"))),
        })
    }
}

/// Which tag names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagNames {
    pub scope: Scope,
    /// Spans to look at: a filter that may be unfinished.
    pub query: Option<String>,
    pub window: Window,
    /// Most names of each scope; zero is no bound.
    pub limit: u32,
}

/// Which values of which tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagValues {
    pub tag: String,
    pub query: Option<String>,
    pub window: Window,
    /// Most values; zero is no bound.
    pub limit: u32,
}

impl TagNames {
    /// # Errors
    /// When a parameter breaks a rule.
    pub fn parse(params: &Params, settings: &Settings, now: UnixNano) -> Result<Self, Invalid> {
        // Accepted for Tempo's sake: every source is read whole here, so nothing is ever stale.
        params.count("maxStaleValues")?;
        Ok(Self {
            scope: Scope::parse(params.get("scope"))?,
            query: expression(params, settings.max_query_expression_size_bytes)?.map(str::to_owned),
            window: time::lookup(params, now)?,
            limit: params.count("limit")?.unwrap_or(0),
        })
    }
}

impl TagValues {
    /// # Errors
    /// When the tag is empty or a parameter breaks a rule.
    pub fn parse(
        tag: &str,
        params: &Params,
        settings: &Settings,
        now: UnixNano,
    ) -> Result<Self, Invalid> {
        if tag.is_empty() {
            return Err(Invalid::rule("please provide a non-empty tagName"));
        }
        params.count("maxStaleValues")?;
        Ok(Self {
            tag: tag.to_owned(),
            query: expression(params, settings.max_query_expression_size_bytes)?.map(str::to_owned),
            window: time::lookup(params, now)?,
            limit: params.count("limit")?.unwrap_or(0),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixNano = UnixNano::from_secs(100);

    #[test]
    fn scopes_are_tempos_and_no_others() {
        let scope = |query: &str| {
            TagNames::parse(&Params::parse(query), &Settings::default(), NOW)
                .map(|request| request.scope)
        };
        assert_eq!(
            (scope(""), scope("scope=none"), scope("scope=event")),
            (Ok(Scope::None), Ok(Scope::None), Ok(Scope::Event))
        );
        assert_eq!(
            scope("scope=galaxy").unwrap_err().to_string(),
            "invalid scope: galaxy"
        );
    }

    #[test]
    fn a_values_query_needs_a_name() {
        let parse = |tag: &str, query: &str| {
            TagValues::parse(tag, &Params::parse(query), &Settings::default(), NOW)
        };
        assert_eq!(
            parse("", "").unwrap_err().to_string(),
            "please provide a non-empty tagName"
        );
        let request = parse(".a/b", "limit=5&q=%7B&end=7").unwrap();
        assert_eq!(
            (
                request.tag.as_str(),
                request.limit,
                request.query.as_deref()
            ),
            (".a/b", 5, Some("{"))
        );
        assert!(parse("a", "maxStaleValues=few").is_err());
    }
}
