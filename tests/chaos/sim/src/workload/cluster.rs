//! The cluster itself, asked for what must not be: its voters alone name it and raise its level.

use rand::RngExt as _;
use rand::rngs::SmallRng;
use takt_domain::cluster::{ClusterId, Command as Wish, FIRST_LEVEL};
use takt_domain::{Command, State};
use uuid::Uuid;

pub(crate) fn cluster(rng: &mut SmallRng, known: &State) -> Command {
    let wish = match (known.cluster.id, rng.random_range(0..4)) {
        (Some(id), 0) => Wish::Found { id },
        (Some(_), 1) => Wish::Found {
            id: ClusterId(Uuid::from_u128(rng.random())),
        },
        (_, 2) => Wish::RaiseLevel { level: FIRST_LEVEL },
        _ => Wish::RaiseLevel {
            level: FIRST_LEVEL - 1,
        },
    };
    wish.into()
}
