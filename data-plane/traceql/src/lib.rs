//! TraceQL: text in, typed tree out. Pure.
//!
//! This version understands one spanset filter, `{ … }`, with everything that may stand inside it.
//! The rest of the language is recognised, so that a query that is TraceQL but asks for more than
//! Takt can do is told so, and one that is no TraceQL gets an error with line and column.
//!
//! - [`parse`] is strict: syntax, types, regular expressions. What it returns can be executed.
//! - [`lenient`](lenient()) is for autocomplete: it keeps the complete matchers of an unfinished query.
//! - A tree's `Display` is canonical: it parses back to the same tree.

mod attribute;
mod display;
mod duration;
mod error;
mod lenient;
mod literal;
mod outline;
mod parser;
mod pattern;
mod query;
mod token;
mod tree;
mod validate;

pub use attribute::parse_tag;
pub use duration::{format_duration, parse_duration};
pub use error::{ParseError, Problem};
pub use lenient::{Lenient, lenient};
pub use parser::parse;
pub use pattern::Pattern;
pub use query::{
    Aggregate, Body, Compare, Function, Hint, MetricsExpr, MetricsQuery, Mode, Order, OrderKey,
    Pipeline, Query, Relation, Scalar, ScalarFilter, SecondStage, SpansetOp, Spansets, Stage,
};
pub use tree::{
    BinaryOp, Expr, Field, Filter, INTRINSIC_TAGS, Intrinsic, Kind, Scope, Static, Status, UnaryOp,
    What,
};

#[cfg(test)]
mod tests;
