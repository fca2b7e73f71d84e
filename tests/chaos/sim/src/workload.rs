//! Wishes of every kind, most of them sensible: drawn from what the client knows, so that some come
//! too late.

mod access;
mod cluster;
mod jobs;
mod ledger;
mod licences;
mod nodes;
mod sampling;
mod tenants;

use rand::rngs::SmallRng;
use takt_domain::{Command, State};

use crate::plan::pick;

type Draw = fn(&mut SmallRng, &State) -> Command;

/// What is asked; what stands here twice, twice as often.
const KINDS: &[Draw] = &[
    tenants::tenant,
    tenants::tenant,
    tenants::overrides,
    nodes::node,
    nodes::ring,
    jobs::job,
    jobs::job,
    access::policy,
    access::token,
    sampling::policy,
    sampling::segment,
    ledger::ledger,
    ledger::ledger,
    licences::licence,
    cluster::cluster,
];

pub(crate) fn command(rng: &mut SmallRng, known: &State) -> Command {
    pick(rng, KINDS)(rng, known)
}
