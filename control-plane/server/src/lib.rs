//! The admin API of the control plane, gRPC, and the subscription every node follows.
//!
//! Wire in, [`takt_domain::Command`] out; answers come from the state after the command, or, for
//! questions, from a state that is confirmed to be current. No rule lives here.
//!
//! The same methods are served as HTTP and JSON in the shapes of Grafana's enterprise products
//! ([`Services::v3`]).
//!
//! Before every method stands the [`auth::Guard`]: it knows who calls and whether they may.

mod access;
mod audit;
pub mod auth;
mod behind;
mod billing;
mod cluster;
mod decisions;
mod forward;
mod jobs;
mod ledger;
mod licences;
mod log;
mod nodes;
mod operations;
mod overrides;
mod page;
mod policies;
mod presence;
mod purge;
mod refusal;
mod request;
mod resources;
mod ring;
mod rows;
mod services;
mod status;
mod subscribe;
mod tenants;
mod v3;
mod voters;
mod writer;

pub use services::{CLUSTER_NAME, ControlServer, Services};
pub use takt_wire::DESCRIPTORS;
pub use voters::Voters;
