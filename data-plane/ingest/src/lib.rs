//! From an accepted request to a block.
//!
//! [`Distributor`] decides which spans come in and makes them durable; that is the client's
//! acknowledgement. What is refused is refused with a reason and counted. [`BlockBuilder`] turns live
//! segments into blocks and lets the journal forget what is stored; [`Checkpoint`] remembers across
//! restarts which spans are in which block.

pub mod builder;
pub mod checkpoint;
mod distributor;
mod metrics;
mod rate;

pub use builder::BlockBuilder;
pub use checkpoint::Checkpoint;
pub use distributor::{Accepted, Distributor, RETRY_AFTER, Refused};
pub use metrics::TenantNames;
