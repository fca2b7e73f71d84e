//! What goes wrong at random, and when it is over.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::acts;
use super::world::World;
use crate::random::Random;

/// A fault, and whom it hits.
#[derive(Debug, Clone, Copy)]
enum Fault {
    Killed(u64),
    Restarted(u64),
    Paused(u64),
    CutOff(u64),
    Deaf(u64),
    Mute(u64),
    Apart(u64, u64),
    Lossy(u64, u8),
    SlowLink(u64),
    SlowDisk(u64, u64),
    FullDisk(u64),
}

impl Fault {
    fn name(self) -> &'static str {
        match self {
            Self::Killed(_) => "killed",
            Self::Restarted(_) => "restarted",
            Self::Paused(_) => "paused",
            Self::CutOff(_) => "cut off",
            Self::Deaf(_) => "deaf",
            Self::Mute(_) => "mute",
            Self::Apart(..) => "apart",
            Self::Lossy(..) => "lossy",
            Self::SlowLink(_) => "slow link",
            Self::SlowDisk(..) => "slow disk",
            Self::FullDisk(_) => "full disk",
        }
    }

    fn draw(world: &World, node: u64, random: &mut Random) -> Self {
        match random.below(14) {
            0..2 => Self::Killed(node),
            2 => Self::Restarted(node),
            3 => Self::Paused(node),
            4..6 => Self::CutOff(node),
            6 => Self::Deaf(node),
            7 => Self::Mute(node),
            8 => Self::Apart(node, random.pick(&world.others(node)).unwrap_or(node)),
            9 => Self::Lossy(node, if random.chance(50) { 10 } else { 40 }),
            10 => Self::SlowLink(node),
            11..13 => Self::SlowDisk(node, 50 + random.below(500)),
            _ => Self::FullDisk(node),
        }
    }

    async fn begin(self, world: &World) -> anyhow::Result<()> {
        match self {
            Self::Killed(node) => world.node(node).kill(),
            Self::Restarted(node) => {
                world.answers(node).await?;
                world.node(node).stop().await
            }
            Self::Paused(node) => world.node(node).pause(),
            Self::Lossy(node, percent) => world.net.lose(node, percent),
            Self::SlowLink(node) => world.net.slow(node),
            Self::SlowDisk(node, milliseconds) => world.node(node).disk.sync_within(milliseconds),
            Self::FullDisk(node) => {
                world.node(node).excuse();
                world.node(node).disk.fill()
            }
            Self::CutOff(_) | Self::Deaf(_) | Self::Mute(_) | Self::Apart(..) => self
                .cuts(world)
                .into_iter()
                .try_for_each(|(from, to)| world.net.cut(from, to)),
        }
    }

    fn end(self, world: &World) -> anyhow::Result<()> {
        match self {
            Self::Killed(node) | Self::Restarted(node) => world.node(node).start(),
            Self::Paused(node) => world.node(node).resume(),
            Self::Lossy(node, _) => world.net.lose(node, 0),
            Self::SlowLink(node) => world.net.quick(node),
            Self::SlowDisk(node, _) => world.node(node).disk.sync_within(0),
            Self::FullDisk(node) => {
                world.node(node).disk.make_room()?;
                world.node(node).excuse();
                Ok(())
            }
            Self::CutOff(_) | Self::Deaf(_) | Self::Mute(_) | Self::Apart(..) => self
                .cuts(world)
                .into_iter()
                .try_for_each(|(from, to)| world.net.repair(from, to)),
        }
    }

    /// Which ways are cut.
    fn cuts(self, world: &World) -> Vec<(u64, u64)> {
        let to = |node: u64| {
            world
                .others(node)
                .into_iter()
                .map(move |other| (other, node))
        };
        let from = |node: u64| {
            world
                .others(node)
                .into_iter()
                .map(move |other| (node, other))
        };
        match self {
            Self::CutOff(node) => to(node).chain(from(node)).collect(),
            Self::Deaf(node) => to(node).collect(),
            Self::Mute(node) => from(node).collect(),
            Self::Apart(one, other) => vec![(one, other), (other, one)],
            Self::Killed(_)
            | Self::Restarted(_)
            | Self::Paused(_)
            | Self::Lossy(..)
            | Self::SlowLink(_)
            | Self::SlowDisk(..)
            | Self::FullDisk(_) => Vec::new(),
        }
    }
}

/// How often each kind came.
pub(super) type Counts = BTreeMap<&'static str, u64>;

/// Lets one thing after the other go wrong until a moment, at times two at once on two nodes.
///
/// # Errors
/// When a fault cannot be made, or not be ended.
pub(super) async fn rage(
    world: &World,
    random: &mut Random,
    until: Instant,
    counts: &mut Counts,
) -> anyhow::Result<()> {
    while Instant::now() < until {
        if random.chance(7) {
            // Alone: with another voter away, nobody could let go of its old place.
            world.whole().await?;
            acts::wiped(world, world.any(random)).await?;
            *counts.entry("wiped").or_default() += 1;
            continue;
        }
        let mut hit = Vec::new();
        // Who leads is hit more often than its share.
        let first = if random.chance(40) {
            world.leader().await?
        } else {
            world.any(random)
        };
        let second = random
            .chance(30)
            .then(|| random.pick(&world.others(first)))
            .flatten();
        for node in [Some(first), second].into_iter().flatten() {
            let fault = Fault::draw(world, node, random);
            *counts.entry(fault.name()).or_default() += 1;
            world.note(&format!("{fault:?}"))?;
            fault.begin(world).await?;
            hit.push(fault);
        }
        sleep(random.between(Duration::from_millis(200), Duration::from_millis(3000))).await;
        for fault in hit {
            world.note(&format!("{fault:?} is over"))?;
            fault.end(world)?;
        }
        sleep(random.between(Duration::ZERO, Duration::from_millis(1200))).await;
    }
    world.whole().await
}
