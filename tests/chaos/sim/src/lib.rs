//! The control-plane cluster under simulated network, disks and clocks. One seed decides everything.
//!
//! Three or five control logs, as they are shipped, run on one thread: turmoil stands where the
//! network is, a disk in memory where the file is, a clock that jumps where the clock is. Clients change
//! things of every kind and read; an operator lets members go, takes them in and moves the leader; and
//! things go wrong as the seed says. After every step every node is compared with the facts the first
//! node applied ([`Id`] is the catalogue; what must hold of a state alone is in
//! [`takt_domain::invariants`]), and every answer with the order of the facts. Then faults end: the
//! cluster must heal and serve; then power goes everywhere, and it must come back with everything it
//! acknowledged. Last, what clients heard of each tenant is searched for an order by itself, without the
//! facts.
//!
//! Start reading at `run.rs`; `plan.rs` and `faults.rs` are what a seed decides; `watch.rs` and
//! `oracle.rs` are what must hold.
//!
//! # Leaks
//!
//! The same seed does the same, to the byte of a trace of everything. This is all that would break it,
//! and what closes each; a new one is found by `tests/same_seed.rs`.
//!
//! | Leak | Closed by |
//! |---|---|
//! | tokio: which of several waiters wakes, which branch `select!` polls first | `--cfg tokio_unstable`, with which turmoil seeds every runtime; the binary refuses to run without |
//! | openraft: election timeouts, phases of ticks | `Parts::seed`, under which all its tasks run |
//! | threads: work on the file | `Disk::Given` works in the task that asks |
//! | time: deadlines, leases | tokio's paused clock, which turmoil moves |
//! | time: when something was decided | `Parts::clock` |
//! | hyper: the `date` header, whose bytes change with the second | the host sets one |
//! | h2: when a stream that was reset is forgotten | never, see `net.rs`; beyond fifty of a connection the oldest is |
//! | openraft and tokio print instants as the machine counts them | `trace.rs` takes them out; nothing is decided by them |
//! | hashing keys of the process: order of iteration | none is iterated: `BTreeMap` and imbl in ours, redb hashes without keys |
//! | memory of an earlier seed | every seed has a process of its own |
//!
//! Simulated TCP loses what the network lost for ever, so every call has a deadline and every connection
//! a keep-alive. It never doubles a segment, as TCP does not; what can come twice is a command, which
//! clients send twice under one id.

mod client;
mod clock;
mod disk;
mod faults;
mod history;
mod linear;
mod logs;
mod net;
mod node;
mod operator;
mod oracle;
mod plan;
mod rpc;
mod run;
mod tenants;
mod trace;
mod violation;
mod watch;
mod workload;
mod world;

pub use disk::Temper;
pub use plan::Plan;
pub use run::{Failure, Report, run};
pub use trace::subscriber;
pub use violation::{Id, Violation};
