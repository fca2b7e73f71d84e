//! Follows the control log and publishes one immutable view.
//!
//! Everything the data plane asks of the control plane is answered from [`View`], which is read
//! without a lock and without a call. [`follow`] keeps it current and keeps the last one on disk, so
//! that the data plane serves while the control plane is away, over its own restarts too;
//! [`Following::status`] says how old the view is. What a node may only do as long as it is heard of is a
//! lease ([`LeaseHandle`]), and ends by itself.

mod disk;
mod follower;
mod held;
mod keeper;
mod leases;
mod metrics;
mod rows;
mod view;

pub use disk::DiskError;
pub use follower::{Following, Settings, Source, Status, follow};
pub use leases::LeaseHandle;
pub use rows::{Key, Rows};
pub use view::{Map, Tenant, TenantState, UnknownTenants, View, ViewHandle};
