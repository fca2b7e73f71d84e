//! Read models folded from the events of the control log, watched from a revision.
//!
//! [`Directory`] is who there is and what they may do. [`Views`] keeps it up to date;
//! [`Views::watch`] tells a follower what changed after the revision it has. Rows know the
//! revision of their last change, so a follower may come from any revision, however old: what it
//! gets is each changed row as it stands, not every step in between.

mod directory;
mod views;

pub use directory::{Directory, Row};
pub use views::{Change, Views, Watch};
