//! Runs TraceQL over span columns. Pure: no clock, no I/O, the same answer every time.
//!
//! How a filter runs:
//! - [`plan`] turns the typed tree into leaves (one field against one literal) under `&&`, `||`, `!`.
//! - Leaves are decided on dictionaries and tables first, then on codes, and give a [`Bitmap`] over rows.
//! - What is no leaf (arithmetic, field against field) is decided row by row, over the rows still possible.
//! - Only spans that matched are looked at again, to show what the query touched ([`collect`](collect())).
//!
//! Start reading at [`find`](find()).

mod array;
mod bitmap;
mod collect;
mod family;
mod find;
mod guard;
mod leaf;
pub mod metrics;
mod plan;
mod projection;
mod row;
mod tag_search;
mod tags;
mod value;

pub use bitmap::Bitmap;
pub use collect::{CollectOptions, SpanHit, TraceHit, collect, collect_traces};
pub use find::{Hits, find};
pub use guard::{Scope, Stopped};
pub use metrics::{
    Exemplar, Interval, MetricsOptions, MetricsPlan, Partial, Series, accumulate, evaluate,
};
pub use plan::never_matches;
pub use projection::{predicate_columns, result_columns, tag_columns, tag_search_columns};
pub use tag_search::{TagSearch, find_by_tags};
pub use tags::{
    Bounds, TagNames, TagScope, TagValue, TagValueType, TagValues, tag_names, tag_values,
};
/// A value in an answer; arrays are encoded OTLP `AnyValue` messages.
pub use takt_trace::Value;
