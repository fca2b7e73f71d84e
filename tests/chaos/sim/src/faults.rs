//! What goes wrong, and when it is over.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use turmoil::Sim;

use crate::plan::Plan;
use crate::world::{World, host};

/// Brings faults over a cluster, as its seed says.
#[derive(Debug)]
pub(crate) struct Faults {
    world: World,
    rng: SmallRng,
    next: Option<Duration>,
    /// What ends when.
    ends: Vec<(Duration, End)>,
    /// Which nodes have no machine running, and when they get one.
    down: BTreeMap<u64, Duration>,
    /// How often each kind of fault came.
    count: BTreeMap<&'static str, u64>,
}

/// How a fault ends.
#[derive(Debug, Clone, Copy)]
enum End {
    Repair {
        from: u64,
        to: u64,
    },
    Release {
        one: u64,
        other: u64,
    },
    Fast {
        one: u64,
        other: u64,
    },
    /// A node whose disk failed is started again by whoever runs it.
    Mended {
        node: u64,
    },
}

impl Faults {
    pub(crate) fn new(world: World) -> Self {
        let rng = SmallRng::seed_from_u64(world.plan.seed ^ 0xFA_17);
        Self {
            world,
            rng,
            next: None,
            ends: Vec::new(),
            down: BTreeMap::new(),
            count: BTreeMap::new(),
        }
    }

    /// The first one comes after a while.
    pub(crate) fn begin(&mut self, now: Duration) {
        self.next = pause(&mut self.rng, &self.world.plan).map(|pause| now + pause);
    }

    /// How often each kind of fault came.
    pub(crate) fn count(&self) -> &BTreeMap<&'static str, u64> {
        &self.count
    }

    /// Brings and ends what is due.
    pub(crate) fn act(&mut self, sim: &mut Sim<'_>) {
        let now = sim.elapsed();
        let (due, later): (Vec<_>, Vec<_>) = self.ends.iter().partition(|(at, _)| *at <= now);
        self.ends = later;
        for (_, end) in due {
            self.end(sim, end);
        }
        if self.next.is_some_and(|next| next <= now) {
            self.strike(sim, now);
            self.next = pause(&mut self.rng, &self.world.plan).map(|pause| now + pause);
        }
        self.keep_running(sim, now);
    }

    /// Everything that is wrong is put right.
    pub(crate) fn stop(&mut self, sim: &mut Sim<'_>) {
        self.next = None;
        for (_, end) in std::mem::take(&mut self.ends) {
            self.end(sim, end);
        }
        sim.set_fail_rate(0.0);
        for node in &self.world.nodes {
            node.clock.correct();
            node.disk.make_room();
            node.disk.fail_next(0);
        }
        for at in self.down.values_mut() {
            *at = Duration::ZERO;
        }
    }

    /// A machine whose power went is gone, one that is gone comes back after a while.
    pub(crate) fn keep_running(&mut self, sim: &mut Sim<'_>, now: Duration) {
        for id in 1..=self.world.plan.nodes {
            let node = self.world.node(id);
            if self.down.contains_key(&id) {
                continue;
            }
            let running = sim.is_host_running(node.host());
            if running && node.disk.has_power() {
                continue;
            }
            let lost = node.disk.power_off();
            tracing::info!(id, running, lost, "the machine is gone");
            sim.crash(node.host());
            node.is_gone();
            let outage = if self.next.is_none() {
                0
            } else if self.rng.random_bool(0.2) {
                self.rng.random_range(2_000..8_000)
            } else {
                self.rng.random_range(10..1_500)
            };
            self.down.insert(id, now + Duration::from_millis(outage));
        }
        let back: Vec<u64> = self
            .down
            .iter()
            .filter(|(_, at)| **at <= now)
            .map(|(id, _)| *id)
            .collect();
        for id in back {
            self.down.remove(&id);
            tracing::info!(id, "a machine starts");
            sim.bounce(host(id));
        }
    }

    fn strike(&mut self, sim: &mut Sim<'_>, now: Duration) {
        let lasts = Duration::from_millis(self.rng.random_range(50..3_000));
        let until = now + lasts;
        let (one, other) = self.two();
        let kind = match self.rng.random_range(0..20) {
            0..3 => {
                self.world.node(one).disk.power_off();
                "crash"
            }
            3..6 => {
                let operations = self.rng.random_range(0..30);
                self.world.node(one).disk.light_fuse(operations);
                "power cut while writing"
            }
            6..8 => {
                self.cut(sim, one, other, until);
                self.cut(sim, other, one, until);
                "partition of two"
            }
            8..10 => {
                self.cut(sim, one, other, until);
                "one-way partition"
            }
            10..12 => {
                self.isolate(sim, one, until);
                "isolation"
            }
            12 => {
                self.split(sim, until);
                "split"
            }
            13..15 => {
                sim.hold(host(one), host(other));
                self.ends.push((until, End::Release { one, other }));
                "held messages"
            }
            15 => {
                let slow = Duration::from_millis(self.rng.random_range(50..600));
                sim.set_link_max_message_latency(host(one), host(other), slow);
                self.ends.push((until, End::Fast { one, other }));
                "slow link"
            }
            16..18 => {
                let by = self.rng.random_range(-600_000..600_000);
                self.world.node(one).clock.jump(by);
                "clock jump"
            }
            18 => {
                let room = self.rng.random_range(0..200_000);
                self.world.node(one).disk.leave_room(room);
                self.ends.push((until, End::Mended { node: one }));
                "full disk"
            }
            _ => {
                let operations = self.rng.random_range(1..3);
                self.world.node(one).disk.fail_next(operations);
                self.ends.push((until, End::Mended { node: one }));
                "failing disk"
            }
        };
        tracing::info!(kind, one, other, ?until, "fault");
        *self.count.entry(kind).or_default() += 1;
    }

    fn end(&mut self, sim: &mut Sim<'_>, end: End) {
        tracing::info!(?end, "fault ends");
        match end {
            End::Repair { from, to } => sim.repair_oneway(host(from), host(to)),
            End::Release { one, other } => sim.release(host(one), host(other)),
            End::Fast { one, other } => {
                let usual = self.world.plan.latency_max;
                sim.set_link_max_message_latency(host(one), host(other), usual);
            }
            End::Mended { node } => {
                self.world.node(node).disk.make_room();
                self.world.node(node).disk.power_off();
            }
        }
    }

    fn cut(&mut self, sim: &mut Sim<'_>, from: u64, to: u64, until: Duration) {
        sim.partition_oneway(host(from), host(to));
        self.ends.push((until, End::Repair { from, to }));
    }

    fn isolate(&mut self, sim: &mut Sim<'_>, node: u64, until: Duration) {
        for other in (1..=self.world.plan.nodes).filter(|other| *other != node) {
            self.cut(sim, node, other, until);
            self.cut(sim, other, node, until);
        }
    }

    /// Every node is on one of two sides.
    fn split(&mut self, sim: &mut Sim<'_>, until: Duration) {
        let (left, right): (Vec<u64>, Vec<u64>) =
            (1..=self.world.plan.nodes).partition(|_| self.rng.random_bool(0.5));
        for one in &left {
            for other in &right {
                self.cut(sim, *one, *other, until);
                self.cut(sim, *other, *one, until);
            }
        }
    }

    fn two(&mut self) -> (u64, u64) {
        let nodes = self.world.plan.nodes;
        let anybody = self.rng.random_range(1..=nodes);
        let one = match self.world.members() {
            Some((leader, _)) if self.rng.random_bool(self.world.plan.at_leader) => leader,
            Some(_) | None => anybody,
        };
        let step = if nodes > 1 {
            self.rng.random_range(1..nodes)
        } else {
            0
        };
        (one, (one - 1 + step) % nodes + 1)
    }
}

fn pause(rng: &mut SmallRng, plan: &Plan) -> Option<Duration> {
    let mean = plan.fault_every?;
    Some(mean.mul_f64(-f64::ln(1.0 - rng.random::<f64>())))
}
