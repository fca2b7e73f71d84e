//! The documents, field for field as they are written.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value as Json;
use serde_json::value::RawValue;

/// Which document is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// Every change.
    Patch,
    /// What the changes amount to.
    Summary,
    /// The summary, and the patch if it is small.
    Composed,
}

impl Format {
    pub(crate) const ALL: [Self; 3] = [Self::Composed, Self::Patch, Self::Summary];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Patch => "trace-patch-v0",
            Self::Summary => "trace-summary-v0-native",
            Self::Composed => "trace-summary-v0-composed",
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Patch {
    pub(super) version: &'static str,
    pub(super) base: Meta,
    pub(super) compare: Meta,
    pub(super) stats: Stats,
    pub(super) modified: Vec<Modified>,
    pub(super) added: Vec<Whole>,
    pub(super) removed: Vec<Whole>,
    pub(super) warnings: Vec<Warning>,
}

#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Meta {
    pub(super) trace_id: String,
    pub(super) span_count: usize,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Stats {
    #[serde(rename = "spanCountA")]
    pub(super) base_spans: usize,
    #[serde(rename = "spanCountB")]
    pub(super) compare_spans: usize,
    pub(super) matched_spans: usize,
    pub(super) modified_spans: usize,
    pub(super) added_spans: usize,
    pub(super) removed_spans: usize,
    pub(super) field_changes: usize,
    pub(super) attribute_changes: usize,
    /// Events are not compared; the field is part of the format.
    pub(super) event_changes: usize,
    /// Never: a list that is cut would lie.
    pub(super) truncated: bool,
}

/// The changes inside one matched span.
#[derive(Debug, Serialize)]
pub(super) struct Modified {
    pub(super) span: SpanRef,
    pub(super) changes: Vec<Change>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct SpanRef {
    /// Which child, from the root down, counted from zero.
    pub(super) path: Vec<u32>,
    pub(super) service: String,
    pub(super) name: String,
    pub(super) kind: &'static str,
}

#[derive(Debug, Serialize)]
pub(super) struct Change {
    pub(super) op: Operation,
    pub(super) target: Target,
    pub(super) before: Json,
    pub(super) after: Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Operation {
    Add,
    Remove,
    Modify,
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(super) enum Target {
    Field { name: &'static str },
    Attribute { scope: &'static str, key: String },
}

impl Target {
    pub(super) const DURATION: Self = Self::Field {
        name: "duration_nanos",
    };
    pub(super) const STATUS: Self = Self::Field { name: "status" };

    pub(super) fn attribute(key: &str) -> Self {
        Self::Attribute {
            scope: "span",
            key: key.to_owned(),
        }
    }

    pub(super) fn is_status(&self) -> bool {
        matches!(self, Self::Field { name: "status" })
    }
}

/// A span that only one of the traces has.
#[derive(Debug, Serialize)]
pub(super) struct Whole {
    pub(super) target: Place,
    pub(super) span: Snapshot,
}

/// Where a span was removed (`path`) or added (`parentPath` and `index`).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Place {
    #[serde(rename = "type")]
    pub(super) what: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) path: Vec<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) parent_path: Vec<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) index: Option<u32>,
}

#[derive(Debug, Serialize)]
pub(super) struct Snapshot {
    #[serde(flatten)]
    pub(super) span: SpanRef,
    pub(super) duration_nanos: i64,
    pub(super) status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Warning {
    pub(super) code: &'static str,
    pub(super) message: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Summary {
    pub(super) version: &'static str,
    pub(super) base: TraceSummary,
    pub(super) compare: TraceSummary,
    pub(super) signals: Signals,
    pub(super) trust: Trust,
    pub(super) stats: Deltas,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) warnings: Vec<Warning>,
    /// All services in which anything changed.
    pub(super) changed_services: BTreeSet<String>,
    /// Those of them with changed spans, or with a sum of durations that drifted.
    pub(super) services: Vec<Service>,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TraceSummary {
    pub(super) trace_id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) root_service: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) root_name: String,
    pub(super) span_count: usize,
    pub(super) error_span_count: usize,
    /// From the earliest start to the latest end.
    pub(super) duration_ms: i64,
    pub(super) sum_span_duration_ms: i64,
}

/// Directions, not judgements.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Signals {
    pub(super) trace_latency: &'static str,
    pub(super) sum_span_duration: &'static str,
    pub(super) errors: &'static str,
    pub(super) span_count: &'static str,
    pub(super) structure: &'static str,
}

/// How far the traces can be compared at all.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Trust {
    /// Matched spans by the spans of the larger trace.
    pub(super) matched_span_ratio: f64,
    /// Matched spans by the spans of the smaller trace.
    pub(super) structure_overlap: f64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Deltas {
    pub(super) trace_latency_delta_ms: i64,
    pub(super) sum_span_duration_delta_ms: i64,
    pub(super) span_count_delta: i64,
    pub(super) error_span_delta: i64,
    pub(super) matched_spans: usize,
    pub(super) modified_spans: usize,
    pub(super) added_spans: usize,
    pub(super) removed_spans: usize,
    pub(super) field_changes: usize,
    pub(super) attribute_changes: usize,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Service {
    pub(super) name: String,
    pub(super) sum_span_duration_delta_ms: i64,
    pub(super) modified: u32,
    pub(super) added: u32,
    pub(super) removed: u32,
    pub(super) new_errors: u32,
    pub(super) resolved_errors: u32,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Composed {
    pub(super) version: &'static str,
    pub(super) summary: Summary,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) patch: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) patch_omitted: Option<Omitted>,
}

#[derive(Debug, Serialize)]
pub(super) struct Omitted {
    pub(super) bytes: usize,
    pub(super) reason: &'static str,
}
