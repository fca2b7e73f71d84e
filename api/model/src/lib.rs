//! The words both planes share: ids, units, limits, rules and time ranges.
//!
//! Ids are newtypes whose constructors are the only way in, so a `TenantId` that exists is legal.
//! Nothing here does I/O, knows a clock or depends on another of our crates.

mod ids;
mod limits;
pub mod rules;
mod time;
mod units;

pub use ids::{BlockId, IdError, NodeId, Revision, SpanId, TenantId, Term, TraceId};
pub use limits::{
    Field, LimitError, Limits, Override, OverridesPatch, is_user_configurable, overrides,
};
pub use rules::RuleGroups;
pub use time::{TimeRange, UnixNano};
pub use units::{ByteSize, UnitError, format_duration, parse_duration};
