//! The rules of the control plane, pure: commands in, events out, state folded.
//!
//! [`decide()`] runs on the leader only and may say no. What it says yes to is a list of [`Event`]s;
//! they are the only thing that is stored and replicated. [`State::apply`] folds them on every
//! replica: it cannot fail, wait, log or look at a clock, so the same log gives the same state.
//!
//! Invariants:
//! - `evolve` decides nothing. If one thing follows from another, `decide` says so with events.
//! - Everything iterates in a fixed order: no hashing, no floats.
//! - A rule may become stricter in any release: only what was decided is in the log.

mod batch;
mod decide;
mod event;
mod fence;
mod rejection;
mod seen;
mod state;
mod subject;

pub mod access;
pub mod cluster;
pub mod decisions;
pub mod invariants;
pub mod jobs;
pub mod ledger;
pub mod licences;
pub mod nodes;
pub mod overrides;
pub mod policies;
pub mod ring;
pub mod tenants;

pub use batch::{Applied, Batch, CommandId};
pub use decide::{Command, Facts, decide};
pub use event::Event;
pub use fence::{Epoch, Fence};
pub use overrides::Layer;
pub use rejection::{Kind, Rejection};
pub use seen::{SEEN_MAX, Seen};
pub use state::{Map, State};
pub use subject::{Resource, Subject};
pub use tenants::{Standing, Tenant};
