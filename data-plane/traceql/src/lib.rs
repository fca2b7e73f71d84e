//! TraceQL: text in, typed tree out. Pure.
//!
//! - [`parse()`] is strict: syntax, types, regular expressions. What it returns can be executed.
//! - [`parse_filter`] reads one `{ … }`, for whoever wants spans and nothing else.
//! - [`optimise`](optimise()) makes a query cheaper and leaves its answer alone.
//! - A [`ParseError`] says in Tempo's words what is wrong, and [explains](ParseError::explain) it with
//!   a caret and the near name. [`warnings`](warnings()) tells what is legal and yet seldom meant.
//! - [`lenient`](lenient()) is for autocomplete: it keeps the complete matchers of an unfinished query.
//! - A tree's `Display` is canonical: it parses back to the same tree.

mod attribute;
mod display;
mod duration;
mod error;
mod expression;
mod lenient;
mod literal;
mod metrics;
mod names;
mod optimise;
mod parse;
mod parser;
mod pattern;
mod pipeline;
mod query;
mod scalar;
mod static_math;
mod token;
mod tree;
mod validate;
mod warning;

pub use attribute::parse_tag;
pub use duration::{format_duration, parse_duration};
pub use error::{Expected, ParseError, Problem};
pub use lenient::{Lenient, lenient};
pub use optimise::optimise;
pub use parse::{parse, parse_filter, warnings};
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
