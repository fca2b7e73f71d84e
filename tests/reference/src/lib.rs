//! TraceQL decided a second time, as slowly and as plainly as possible, to hold the engine against.
//!
//! It takes the tree that the parser makes and decoded OTLP messages, looks at one span at a time, and
//! shares no code with the engine: no columns, no plans, no bitmaps. Where the two differ, one of them
//! is wrong.
//!
//! - [`Corpus`] puts traces together; [`search`](search()) and [`metrics`](metrics()) answer.
//! - [`random`] makes traces and queries from a seed.

mod aggregate;
mod compare;
mod corpus;
mod expr;
mod metrics;
mod quantile;
pub mod random;
mod search;
mod series;
mod value;

pub use corpus::{Corpus, Item, Trace};
pub use expr::matches;
pub use metrics::{Interval, metrics};
pub use search::{Found, Set, search, spans};
pub use series::{Labels, Series};
pub use value::Value;
