//! The tools: their names and arguments, and the request each call stands for. Pure.

use std::fmt::Write as _;

use axum::body::Body;
use axum::extract::Request;
use chrono::{DateTime, SecondsFormat};
use http::{Method, Uri};
use rmcp::model::{JsonObject, Tool as Definition, ToolAnnotations};
use serde_json::{Value as Json, json};
use takt_model::UnixNano;
use takt_traceql::Body as Asks;

use super::documents::Document;
use crate::request;
use crate::trace_view::diff::Format;

/// Tempo's tools, by Tempo's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tool {
    Search,
    MetricsInstant,
    MetricsRange,
    GetTrace,
    TraceDiff,
    AttributeNames,
    AttributeValues,
    DocsTraceql,
    DocsConfig,
}

/// What a call comes to.
#[derive(Debug)]
pub(super) enum Step {
    Ask(Box<Request>),
    Read(Document),
}

impl Tool {
    pub(super) const ALL: [Self; 9] = [
        Self::Search,
        Self::MetricsInstant,
        Self::MetricsRange,
        Self::GetTrace,
        Self::TraceDiff,
        Self::AttributeNames,
        Self::AttributeValues,
        Self::DocsTraceql,
        Self::DocsConfig,
    ];

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.name() == name)
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Search => "traceql-search",
            Self::MetricsInstant => "traceql-metrics-instant",
            Self::MetricsRange => "traceql-metrics-range",
            Self::GetTrace => "get-trace",
            Self::TraceDiff => "trace-diff",
            Self::AttributeNames => "get-attribute-names",
            Self::AttributeValues => "get-attribute-values",
            Self::DocsTraceql => "docs-traceql",
            Self::DocsConfig => "docs-config",
        }
    }

    /// What a result is, and which version of it.
    pub(super) const fn result(self) -> (&'static str, &'static str) {
        match self {
            Self::Search => ("search-results", "1"),
            Self::MetricsInstant => ("metrics-instant", "1"),
            Self::MetricsRange => ("metrics-range", "1"),
            Self::GetTrace => ("trace", "2"),
            Self::TraceDiff => ("trace-diff", "2"),
            Self::AttributeNames => ("attribute-names", "2"),
            Self::AttributeValues => ("attribute-values", "2"),
            Self::DocsTraceql | Self::DocsConfig => ("documentation", "1"),
        }
    }

    const fn about(self) -> &'static str {
        match self {
            Self::Search => {
                "Find traces by a TraceQL query. Answers with the newest traces that match, their root, duration and matching spans."
            }
            Self::MetricsInstant => {
                "Compute one value for each series of a TraceQL metrics query, over the whole time from start to end. Enough for most questions about rates, errors and latency."
            }
            Self::MetricsRange => {
                "Compute series over time from a TraceQL metrics query, to see when something changed."
            }
            Self::GetTrace => "Get all spans of one trace by its id.",
            Self::TraceDiff => {
                "Compare two complete traces. The answer is a summary, with every change attached if that is at most 64 KiB; ask for trace-patch-v0 to have every change at any size."
            }
            Self::AttributeNames => {
                "List the attributes that spans have, by scope. Ask this before writing a query with attributes you have not seen."
            }
            Self::AttributeValues => {
                "List the values of one attribute, named with its scope: resource.service.name gives all services."
            }
            Self::DocsTraceql => {
                "Read how to write TraceQL: basic for searches, aggregates for pipelines, structural for relations between spans, metrics for series."
            }
            Self::DocsConfig => {
                "Read how Takt is configured: overview says which section decides what, reference lists every field with its default."
            }
        }
    }

    pub(super) fn definition(self) -> Definition {
        let arguments = self.arguments();
        let properties: JsonObject = arguments
            .iter()
            .map(|argument| (argument.name.to_owned(), argument.schema()))
            .collect();
        let required: Vec<&str> = arguments
            .iter()
            .filter(|argument| argument.required)
            .map(|argument| argument.name)
            .collect();
        let mut schema = JsonObject::new();
        schema.insert("type".to_owned(), "object".into());
        schema.insert("properties".to_owned(), properties.into());
        schema.insert("required".to_owned(), required.into());
        let harmless = ToolAnnotations::new()
            .read_only(true)
            .destructive(false)
            .idempotent(true)
            .open_world(false);
        Definition::new(self.name(), self.about(), schema).with_annotations(harmless)
    }

    fn arguments(self) -> Vec<Argument> {
        const START: &str = "From when, in RFC 3339; an hour ago if left out.";
        const END: &str = "Until when, in RFC 3339; now if left out.";
        const ID: &str = "A trace id in hex.";
        const SEARCHED: &str = "Where to look for that trace, in RFC 3339; give both ends or none.";
        let queried = || {
            vec![
                Argument::required("query", "The TraceQL query."),
                Argument::optional("start", START),
                Argument::optional("end", END),
            ]
        };
        match self {
            Self::Search | Self::MetricsInstant | Self::MetricsRange => queried(),
            Self::GetTrace => vec![Argument::required("trace_id", ID)],
            Self::TraceDiff => vec![
                Argument::required("base_trace_id", ID),
                Argument::required("compare_trace_id", ID),
                Argument::optional("base_start", SEARCHED),
                Argument::optional("base_end", SEARCHED),
                Argument::optional("compare_start", SEARCHED),
                Argument::optional("compare_end", SEARCHED),
                Argument::optional("format", "Which document; the composed one if left out.")
                    .one_of(Format::ALL.map(Format::name)),
            ],
            Self::AttributeNames => vec![Argument::optional(
                "scope",
                "One of span, resource, event, link, instrumentation, intrinsic; all if left out.",
            )],
            Self::AttributeValues => vec![
                Argument::required(
                    "name",
                    "The attribute with its scope, such as span.http.method.",
                ),
                Argument::optional(
                    "filter-query",
                    "Only values of spans that match this: one spanset filter with && and ||, such as { resource.service.name = \"cart\" }.",
                ),
            ],
            Self::DocsTraceql => vec![
                Argument::required("name", "Which document.")
                    .one_of(Document::TRACEQL.map(|(name, _)| name)),
            ],
            Self::DocsConfig => vec![
                Argument::required("name", "Which document.")
                    .one_of(Document::CONFIG.map(|(name, _)| name)),
            ],
        }
    }

    /// The request that a call stands for, or why it cannot be made.
    pub(super) fn step(
        self,
        arguments: &JsonObject,
        now: UnixNano,
        longest_query: usize,
    ) -> Result<Step, String> {
        let given = Given { arguments, now };
        match self {
            Self::Search => {
                let query = given.query(longest_query)?;
                if matches!(query.asks, Asks::Metrics(_)) {
                    return Err("TraceQL metrics query received on traceql-search tool. Use the traceql-metrics-instant or traceql-metrics-range tool instead".to_owned());
                }
                given.over_time("/api/search", query.text)
            }
            Self::MetricsInstant | Self::MetricsRange => {
                let query = given.query(longest_query)?;
                let (which, path) = if self == Self::MetricsInstant {
                    ("instant", "/api/metrics/query")
                } else {
                    ("range", "/api/metrics/query_range")
                };
                if matches!(query.asks, Asks::Search(_)) {
                    return Err(format!(
                        "TraceQL search query received on {which} query tool. Use the traceql-search tool instead"
                    ));
                }
                given.over_time(path, query.text)
            }
            Self::GetTrace => {
                let id = escape(given.required("trace_id")?);
                get(&format!("/api/v2/traces/{id}"), &[])
            }
            Self::TraceDiff => given.diff(),
            Self::AttributeNames => {
                let scope = given
                    .text("scope")?
                    .map(|scope| ("scope", scope.to_owned()));
                get("/api/v2/search/tags", scope.as_slice())
            }
            Self::AttributeValues => given.values(longest_query),
            Self::DocsTraceql => given.document(&Document::TRACEQL),
            Self::DocsConfig => given.document(&Document::CONFIG),
        }
    }
}

/// A text that a tool takes.
struct Argument {
    name: &'static str,
    about: &'static str,
    required: bool,
    one_of: Vec<&'static str>,
}

impl Argument {
    fn required(name: &'static str, about: &'static str) -> Self {
        Self {
            name,
            about,
            required: true,
            one_of: Vec::new(),
        }
    }

    fn optional(name: &'static str, about: &'static str) -> Self {
        Self {
            required: false,
            ..Self::required(name, about)
        }
    }

    fn one_of<const N: usize>(self, values: [&'static str; N]) -> Self {
        Self {
            one_of: values.into(),
            ..self
        }
    }

    fn schema(&self) -> Json {
        let mut schema = json!({"type": "string", "description": self.about});
        if !self.one_of.is_empty() {
            schema["enum"] = json!(self.one_of);
        }
        schema
    }
}

/// What a caller gave, and when.
struct Given<'a> {
    arguments: &'a JsonObject,
    now: UnixNano,
}

/// A query and what it asks for.
struct Query<'a> {
    text: &'a str,
    asks: Asks,
}

impl<'a> Given<'a> {
    /// An argument that is not empty.
    fn text(&self, name: &str) -> Result<Option<&'a str>, String> {
        match self.arguments.get(name) {
            None | Some(Json::Null) => Ok(None),
            Some(Json::String(text)) => Ok((!text.is_empty()).then_some(text)),
            Some(_) => Err(format!("argument {name:?} is not a string")),
        }
    }

    fn required(&self, name: &str) -> Result<&'a str, String> {
        self.text(name)?
            .ok_or_else(|| format!("required argument {name:?} not found"))
    }

    fn query(&self, longest: usize) -> Result<Query<'a>, String> {
        let text = self.required("query")?;
        request::within(Some(text), longest).map_err(|error| error.to_string())?;
        let query = takt_traceql::parse(text)
            .map_err(|error| error.explain(text))
            .map_err(|why| format!("query parse error. Consult TraceQL docs tools: {why}"))?;
        Ok(Query {
            text,
            asks: query.body,
        })
    }

    fn moment(&self, name: &str) -> Result<Option<UnixNano>, String> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        let moment = DateTime::parse_from_rfc3339(text)
            .map_err(|error| format!("invalid {name}: {error}"))?;
        let nanos = moment
            .timestamp_nanos_opt()
            .and_then(|nanos| u64::try_from(nanos).ok());
        nanos
            .map(|nanos| Some(UnixNano(nanos)))
            .ok_or_else(|| format!("invalid {name}: out of range"))
    }

    /// Asks `path` a query about the time from `start` to `end`, or else the last hour.
    fn over_time(&self, path: &str, query: &str) -> Result<Step, String> {
        const HOUR: std::time::Duration = std::time::Duration::from_secs(3600);
        let start = self
            .moment("start")?
            .unwrap_or_else(|| self.now.minus(HOUR));
        let end = self.moment("end")?.unwrap_or(self.now);
        let parameters = [
            ("q", query.to_owned()),
            ("start", rfc3339(start)),
            ("end", rfc3339(end)),
        ];
        get(path, &parameters)
    }

    fn values(&self, longest: usize) -> Result<Step, String> {
        let name = escape(self.required("name")?);
        let filter = self.text("filter-query")?;
        request::within(filter, longest).map_err(|error| error.to_string())?;
        if let Some(filter) = filter
            && takt_traceql::parse_filter(filter).is_err()
        {
            return Err("filter-query invalid. It must have a single spanset filter with &&/|| conditions like { <cond> && <cond> } or { <cond> || <cond> }".to_owned());
        }
        let filter = filter.map(|filter| ("q", filter.to_owned()));
        get(
            &format!("/api/v2/search/tag/{name}/values"),
            filter.as_slice(),
        )
    }

    fn diff(&self) -> Result<Step, String> {
        let format = self.text("format")?.unwrap_or(Format::Composed.name());
        let body = json!({
            "base": self.side("base_trace_id", "base_start", "base_end")?,
            "compare": self.side("compare_trace_id", "compare_start", "compare_end")?,
            "format": format,
        });
        let request = Request::builder()
            .method(Method::POST)
            .uri("/api/v2/traces/diff")
            .body(Body::from(body.to_string()));
        request.map(ask).map_err(|error| error.to_string())
    }

    fn side(&self, id: &str, start: &str, end: &str) -> Result<Json, String> {
        let trace_id = self.required(id)?;
        match (self.moment(start)?, self.moment(end)?) {
            (None, None) => Ok(json!({"traceId": trace_id})),
            (Some(start), Some(end)) => Ok(json!({
                "traceId": trace_id,
                "start": start.as_secs(),
                "end": end.as_secs(),
            })),
            _ => Err(format!(
                "arguments {start:?} and {end:?} must be provided together"
            )),
        }
    }

    fn document(&self, known: &[(&str, Document)]) -> Result<Step, String> {
        let name = self.required("name")?;
        let document = known.iter().find(|(known, _)| *known == name);
        document
            .map(|(_, document)| Step::Read(*document))
            .ok_or_else(|| {
                let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
                format!(
                    "there is no document {name:?}; there are {}",
                    names.join(", ")
                )
            })
    }
}

fn get(path: &str, parameters: &[(&str, String)]) -> Result<Step, String> {
    let pairs: Vec<String> = parameters
        .iter()
        .map(|(name, value)| format!("{name}={}", escape(value)))
        .collect();
    let uri: Uri = format!("{path}?{}", pairs.join("&"))
        .parse()
        .map_err(|error| format!("the question is too long for an address: {error}"))?;
    let request = Request::builder().uri(uri).body(Body::empty());
    request.map(ask).map_err(|error| error.to_string())
}

fn ask(request: Request) -> Step {
    Step::Ask(Box::new(request))
}

/// Unlike a bare number, not mistaken for seconds or nanoseconds.
fn rfc3339(moment: UnixNano) -> String {
    let nanos = i64::try_from(moment.0).unwrap_or(i64::MAX);
    DateTime::from_timestamp_nanos(nanos).to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// Percent-encodes everything but what stands for itself everywhere in an address.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests;
