//! Follows the control log and publishes one immutable view.
//!
//! Everything the data plane asks of the control plane is answered from [`View`], which is read
//! without a lock and without a call. The last view is kept on disk, so that the data plane serves
//! while the control plane is away, and it says how old its view is.

mod view;

pub use view::{Tenant, TenantState, UnknownTenants, View, ViewHandle};
