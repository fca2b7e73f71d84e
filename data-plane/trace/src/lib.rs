//! The span model: OTLP bytes to span columns and back. Pure.
//!
//! One in-memory layout, [`SpanColumns`], is shared by the live store, the engine, the block writer
//! and the block reader. It promises:
//! - One row per span. Rows of one trace are linked (and contiguous once [`SpanColumns::clustered`]).
//! - Strings are dictionary codes; an attribute key has one sparse column per type it was seen with.
//! - Resources and scopes are stored once and referenced by row.
//! - Nothing is lost: what OTLP carried comes back from [`SpanColumns`] as OTLP, field for field.
//!
//! Start reading at [`columns`], then `decode` (bytes in) and `encode` (bytes out).

pub mod attrs;
mod check;
pub mod columns;
pub mod decode;
pub mod dict;
pub mod encode;
pub mod projection;
pub mod reorder;
pub mod scan;
mod wire;

#[cfg(test)]
mod arbitrary;

pub use attrs::{AttrTable, KeyColumn, Sparse, Value, ValueRef};
pub use columns::{
    EventColumns, Kind, LinkColumns, NO_ROW, ResourceTable, ScopeTable, SpanColumns, Status,
    TraceSummary, TraceTable,
};
pub use dict::Dict;
pub use projection::{Column, Projection};
