//! What a seed decides before anything runs.

use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::disk::Temper;
use crate::workload;

/// One simulation.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub seed: u64,
    /// How many nodes the cluster has.
    pub nodes: u64,
    pub clients: u32,
    /// Faults wait until every node is a voter: until then the one that founded the cluster decides alone.
    pub founded_in_peace: bool,
    /// How long faults go on.
    pub faults_for: Duration,
    /// How long the cluster may take to heal.
    pub heal_within: Duration,
    /// The mean time between two faults; none if `None`.
    pub fault_every: Option<Duration>,
    /// How likely a fault strikes the leader; otherwise it strikes anybody.
    pub at_leader: f64,
    /// A message takes this long.
    pub latency_min: Duration,
    pub latency_max: Duration,
    /// Of so many messages one is lost; none if 0.
    pub lose_one_in: u32,
    /// The mean time between two calls of a client.
    pub call_every: Duration,
    /// Which kinds of commands come most, so that commands get in each other's way; all alike if there are none.
    pub favourites: Vec<usize>,
    /// So many changes at most a client sends at once.
    pub burst: usize,
    /// How long a client waits for an answer.
    pub patience: Duration,
    /// The mean time until a client asks again when it heard nothing.
    pub retry_every: Duration,
    /// Of so many calls one is sent twice; none if 0.
    pub twice_one_in: u32,
    pub disk: Temper,
    pub snapshot_every: u64,
    pub history_keep: u64,
    pub election_timeout: Duration,
    /// The leader answers reads while its lease lasts.
    pub lease_reads: bool,
    /// The mean time between two changes of members or leader; none if `None`.
    pub operate_every: Option<Duration>,
}

impl Plan {
    /// The same seed gives the same plan, for ever as far as this version goes.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let mut rng = SmallRng::seed_from_u64(seed);
        let millis = Duration::from_millis;
        let plan = Self {
            seed,
            nodes: *pick(&mut rng, &[3, 3, 3, 5]),
            clients: rng.random_range(2..=8),
            founded_in_peace: rng.random_bool(0.85),
            faults_for: millis(rng.random_range(6_000..20_000)),
            heal_within: Duration::from_secs(60),
            fault_every: rng
                .random_bool(0.9)
                .then(|| millis(rng.random_range(150..2_000))),
            at_leader: *pick(&mut rng, &[0.0, 0.5, 0.9]),
            latency_min: millis(rng.random_range(0..=2)),
            latency_max: millis(rng.random_range(3..=40)),
            lose_one_in: *pick(&mut rng, &[0, 0, 5_000, 1_000, 300]),
            call_every: millis(rng.random_range(3..=100)),
            favourites: {
                let count = *pick(&mut rng, &[0, 1, 2, 3]);
                let mut any = || rng.random_range(0..workload::COUNT);
                (0..count).map(|_| any()).collect()
            },
            burst: *pick(&mut rng, &[1, 4, 16]),
            patience: millis(*pick(&mut rng, &[100, 300, 1_500])),
            retry_every: millis(*pick(&mut rng, &[3, 20, 100])),
            twice_one_in: *pick(&mut rng, &[0, 10, 3]),
            disk: Temper {
                sync_max: millis(rng.random_range(0..=10)),
                stall_one_in: *pick(&mut rng, &[0, 0, 200]),
                sync_lies: false,
            },
            snapshot_every: *pick(&mut rng, &[10, 30, 100, 1_000]),
            history_keep: *pick(&mut rng, &[200, 1_000, 100_000]),
            election_timeout: millis(rng.random_range(150..=400)),
            lease_reads: rng.random_bool(0.5),
            operate_every: rng
                .random_bool(0.6)
                .then(|| millis(rng.random_range(150..4_000))),
        };
        if rng.random_bool(0.25) {
            plan.busy()
        } else {
            plan
        }
    }

    /// Much is under way whenever the leader goes, and who follows hears at once from everybody.
    fn busy(self) -> Self {
        let millis = Duration::from_millis;
        Self {
            founded_in_peace: true,
            clients: 8,
            call_every: millis(5),
            burst: 16,
            patience: millis(100),
            retry_every: millis(3),
            fault_every: Some(millis(500)),
            at_leader: 0.9,
            election_timeout: millis(150),
            operate_every: None,
            ..self
        }
    }
}

pub(crate) fn pick<'a, T>(rng: &mut SmallRng, from: &'a [T]) -> &'a T {
    &from[rng.random_range(0..from.len())]
}
