//! Every command of every aggregate, yes and no.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests stop at the first surprise"
)]

mod access;
mod cluster;
mod decisions;
mod given;
mod jobs;
mod ledger;
mod licences;
mod nodes;
mod policies;
mod ring;
mod tenants;
