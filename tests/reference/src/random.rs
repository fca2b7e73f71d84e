//! Random traces and random queries about them, the same for the same seed.

mod queries;
mod rng;
mod traces;

pub use queries::Queries;
pub use rng::Rng;
pub use traces::{Size, TICK, TIME, requests};
