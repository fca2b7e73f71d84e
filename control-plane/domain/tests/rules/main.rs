//! Every command of every aggregate, yes and no.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests stop at the first surprise"
)]

mod access;
mod cluster;
mod given;
mod jobs;
mod nodes;
mod ring;
mod tenants;
