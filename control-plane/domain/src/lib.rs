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
pub mod overrides;
mod rejection;
mod state;
pub mod tenants;

pub use batch::{Applied, Batch, CommandId};
pub use decide::{Command, decide};
pub use event::Event;
pub use overrides::Layer;
pub use rejection::{Kind, Rejection};
pub use state::{SEEN_MAX, State};
pub use tenants::{Standing, Tenant};
