//! Runs TraceQL over span columns. Pure: no clock, no I/O, the same answer every time.
//!
//! How a query runs:
//! - [`SearchPlan`] turns a pipeline into steps, and each filter into leaves (one field against one
//!   literal) under `&&`, `||`, `!`.
//! - Leaves are decided on dictionaries and tables first, then on codes, and give a [`Bitmap`] over rows.
//! - What is no leaf (arithmetic, field against field) is decided row by row, over the rows still possible.
//! - The spansets of all traces are one such bitmap, so that operators, aggregates and groups work on all
//!   traces at once.
//! - Only spans of the traces in the answer are looked at again, to show what the query touched.
//!
//! Start reading at [`search`](search()).

mod array;
mod bitmap;
mod family;
mod find;
mod fold;
mod group;
mod guard;
mod hit;
mod ints;
mod leaf;
pub mod metrics;
mod pipeline;
mod plan;
mod projection;
mod row;
mod search;
mod shown;
mod spansets;
mod structure;
mod tag_search;
mod tags;
mod value;

pub use bitmap::Bitmap;
pub use guard::{Scope, Stopped};
pub use hit::{NEWEST_FIRST, SearchOptions, SetHit, SpanHit, TraceHit, merge_hits};
pub use metrics::{
    Candidate, Cells, Exemplar, Group, Interval, Mean, MetricsOptions, MetricsPlan, Partial,
    Sampling, Series, Sum, accumulate, evaluate,
};
pub use projection::{predicate_columns, tag_columns, tag_search_columns};
pub use search::{Refusal, SearchPlan, find, matches_any, search, whole_traces};
pub use tag_search::{TagSearch, find_by_tags};
pub use tags::{
    Bounds, TagNames, TagScope, TagValue, TagValueType, TagValues, tag_names, tag_values,
};
/// A value in an answer; arrays are encoded OTLP `AnyValue` messages.
pub use takt_trace::Value;
