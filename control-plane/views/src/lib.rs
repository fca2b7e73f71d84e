//! Follows the applied log: the state as it stands, and what changed lately, for many subscribers.
//!
//! [`Views`] keeps the newest [`State`](takt_domain::State) together with a bounded list of what the last
//! decisions were about. [`Views::watch`] tells a subscriber whose rows may differ from those it has, and
//! hands it the state to read them from: rows as they stand now, not every step in between.
//!
//! Promises:
//! - what a subscriber hears brings it from one moment of the log to a later one, whole: state and list are
//!   published together;
//! - nothing is buffered for a subscriber. A slow one finds more changes at once, each row once;
//! - a change costs a subscriber what changed, never the size of the state. Only who comes from a moment that is
//!   no longer in the list is told to begin anew.

mod filter;
mod metrics;
mod moment;
mod recent;
mod views;

pub use filter::Filter;
pub use moment::Moment;
pub use recent::Delta;
pub use views::{Heard, Settings, Views, Watch};
