//! Requests of the Tempo API, from parameters to checked values. Pure.

pub(crate) mod diff;
mod logfmt;
pub mod metrics;
pub mod search;
pub mod tags;
pub mod time;
pub mod trace;

pub use metrics::Metrics;
pub use search::Search;
pub use tags::{Scope, TagNames, TagValues};

use crate::params::{Invalid, Params};

/// The text of the query in `q` (or `query`), unless it is too long.
pub(crate) fn expression(params: &Params, max_bytes: usize) -> Result<Option<&str>, Invalid> {
    within(params.get("q").or_else(|| params.get("query")), max_bytes)
}

/// `text`, unless it is too long for a query.
pub(crate) fn within(text: Option<&str>, max_bytes: usize) -> Result<Option<&str>, Invalid> {
    match text {
        Some(text) if text.len() > max_bytes => Err(Invalid::rule(format!(
            "TraceQL query exceeds maximum length: {} bytes, the limit is {max_bytes}",
            text.len()
        ))),
        text => Ok(text),
    }
}
