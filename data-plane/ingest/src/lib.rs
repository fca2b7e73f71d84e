//! From an accepted request to a block.
//!
//! [`Distributor`] decides which spans come in and makes them durable; that is the client's
//! acknowledgement. What is refused is refused with a reason and counted.

mod distributor;
mod metrics;
mod rate;

pub use distributor::{Accepted, Distributor, RETRY_AFTER, Refused};
pub use metrics::TenantNames;
