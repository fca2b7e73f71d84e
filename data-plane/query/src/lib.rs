//! Search, trace by id, tags: the Tempo HTTP API and the engine room behind it.
//!
//! - Recent and stored spans are one: a query takes a picture of the live segments, then of the
//!   block list, and reads every span once.
//! - What was acknowledged before a query came is in its answer; when that cannot be had in time,
//!   the answer says so. No answer is cut silently.
//! - A query takes a bounded share of memory and processors, and stops when nobody waits for it.
//!
//! Reading order: [`http`] (paths), [`request`] (their rules, pure), [`Frontend`] (the door of the
//! engine room), then `search`, `trace_by_id` (with `trace_view`) and `tags`.
//! `mcp` offers the paths as tools.
//! `docs/adr/0011-read-path.md` tells where answers differ from Tempo's, and why.

mod answer;
mod failure;
mod frontend;
pub mod http;
mod mcp;
mod metrics;
mod params;
mod prune;
mod question;
mod remote;
pub mod request;
mod run;
mod search;
mod series;
mod settings;
mod sources;
mod streaming;
mod tags;
mod tenancy;
mod trace_by_id;
mod trace_view;
mod work;

pub use answer::{Answer, FoundTrace, NEXT_PAGE_HEADER, PARTIAL_HEADER, WARNING_HEADER};
pub use failure::Failure;
pub use frontend::{Frontend, Parts};
pub use http::{ApiState, BuildInfo, Pages, router};
pub use metrics::Metrics;
pub use params::{Invalid, Params};
pub use remote::{Querier, QuerierService};
pub use settings::{
    Metrics as MetricsSettings, Search as SearchSettings, Settings, TraceById as TraceByIdSettings,
};
pub use streaming::Streaming;
pub use trace_by_id::DiffRefusal;
