//! What every process needs: tasks that stop together, a clock that tests can hold, a memory budget,
//! and one closed set of status codes with their mapping to gRPC and HTTP.
//!
//! This is the only crate that may look at the machine's clock or spawn a task.

pub mod budget;
pub mod clock;
pub mod code;
pub mod ids;
pub mod tasks;

pub use budget::{Budget, Reservation};
pub use clock::{Clock, ManualClock, SystemClock};
pub use code::{Code, Reject};
pub use tasks::Tasks;
