//! Makes what is into what should be: owners for partitions, an end for leases nobody keeps, a grave for
//! nodes that are gone.
//!
//! [`plan()`] is pure: the state, who was heard and the time in, commands out. It holds no rule of its own:
//! a command that [`takt_domain::decide()`] would refuse now is not planned. The [`Reconciler`] runs it every
//! second on the replica that leads and carries the commands out. [`Presence`] is where nodes are heard, on any
//! replica; one that does not lead hands on what it hears.
//!
//! Promises:
//! - applied again and again, a plan comes to an end (with the world standing still) and moves no more than
//!   it must;
//! - a partition that is not flushed is never removed;
//! - a node acts on a lease no longer than its time to live, which ends before anybody else is given it.

mod driver;
mod heartbeat;
mod leases;
mod metrics;
mod plan;
mod presence;

pub use driver::{Reconciler, Settings, Status};
pub use heartbeat::{Heartbeat, HeartbeatError, Report};
pub use leases::leases_of;
pub use plan::{Heard, Observed, PLAN_MAX, SWEEPS, Sweep, Waits, plan};
pub use presence::Presence;
