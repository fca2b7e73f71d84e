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

use rand::RngExt as _;
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

/// How many kinds there are.
pub(crate) const COUNT: usize = KINDS.len();
/// Of so many commands one is of any kind: what the favourites are about has to come from somewhere.
const ANY_ONE_IN: u32 = 4;

/// A command, mostly of one of the kinds that stand at these places.
pub(crate) fn command(rng: &mut SmallRng, known: &State, favourites: &[usize]) -> Command {
    if favourites.is_empty() || rng.random_ratio(1, ANY_ONE_IN) {
        return pick(rng, KINDS)(rng, known);
    }
    KINDS[*pick(rng, favourites)](rng, known)
}
