//! The real binary as its users see it: a process, two OTLP ports and an HTTP API.
//!
//! [`Server`] starts, stops, kills and restarts it over one directory. [`Corpus`] reads recorded
//! requests and replays them with fresh ids and times. [`Sender`] sends requests over gRPC;
//! [`Client`] asks. [`outage()`] takes a control plane away. [`Usage`] is what the process has cost so far.

mod client;
mod corpus;
mod outage;
mod sender;
mod server;
mod stored;
mod usage;

pub use client::{Answer, Client, eventually};
pub use corpus::{Corpus, Replay, spans_by_trace};
pub use outage::{Outage, outage};
pub use sender::{Acknowledged, Sender};
pub use server::{Server, Signal};
pub use stored::Stored;
pub use usage::Usage;
