//! As many partitions as there should be, each with an owner in each zone, nobody with more than his share.
//!
//! Of what is wrong with a partition one thing is put right in a plan; the next plan sees what came of it.

use std::collections::{BTreeMap, BTreeSet};

use takt_domain::nodes::{Node, NodeName, Standing as NodeStanding, Zone};
use takt_domain::ring::{
    Added, Command, MAX_ADDED, MAX_PARTITIONS, Partition, Purpose, Ring, Seat, Standing, Wish,
};
use takt_domain::{Command as Any, State};
use takt_model::UnixNano;

use super::Observed;

/// How many partitions of a zone move at once to even out its nodes. Each move is work for both.
const MOVES_AT_ONCE: usize = 4;

pub(super) fn plan(state: &State, observed: &Observed, now: UnixNano) -> Vec<Any> {
    state
        .ring
        .by_purpose
        .iter()
        .flat_map(|(purpose, ring)| {
            let mut planner = Planner::new(state, *purpose, ring, now);
            planner.reports(observed);
            planner.count();
            planner.owners();
            planner.standings();
            planner.balance();
            planner.wishes
        })
        .collect()
}

struct Planner<'a> {
    state: &'a State,
    purpose: Purpose,
    ring: &'a Ring,
    now: UnixNano,
    /// How many partitions each node that takes some owns or is about to, by zone.
    loads: BTreeMap<Zone, BTreeMap<NodeName, usize>>,
    /// Partitions that something is planned for already.
    touched: BTreeSet<u32>,
    wishes: Vec<Any>,
}

impl<'a> Planner<'a> {
    fn new(state: &'a State, purpose: Purpose, ring: &'a Ring, now: UnixNano) -> Self {
        let mut loads = BTreeMap::<Zone, BTreeMap<NodeName, usize>>::new();
        for (name, node) in &state.nodes.by_name {
            if node.standing == NodeStanding::Joined && takes(purpose, node) {
                let zone = loads.entry(node.profile.zone.clone()).or_default();
                zone.insert(name.clone(), 0);
            }
        }
        for partition in ring.partitions.values() {
            if partition.standing == Standing::Inactive {
                continue;
            }
            for (zone, seat) in &partition.seats {
                let bearer = seat.heir.as_ref().or(seat.owner.as_ref());
                let load = bearer.and_then(|holder| loads.get_mut(zone)?.get_mut(&holder.node));
                if let Some(load) = load {
                    *load += 1;
                }
            }
        }
        Self {
            state,
            purpose,
            ring,
            now,
            loads,
            touched: BTreeSet::new(),
            wishes: Vec::new(),
        }
    }

    fn wish(&mut self, wish: Wish) {
        let ring = self.purpose;
        self.wishes.push(Command { ring, wish }.into());
    }

    fn touch(&mut self, partition: u32, wish: Wish) {
        if self.touched.insert(partition) {
            self.wish(wish);
        }
    }

    /// What owners and heirs say of their partitions.
    fn reports(&mut self, observed: &Observed) {
        for (name, heard) in &observed.heard {
            let node = self.state.nodes.by_name.get(name);
            let incarnation = heard.heartbeat.incarnation;
            if node.is_none_or(|node| node.incarnation != incarnation || !node.standing.present()) {
                continue;
            }
            let of_ring = |report: &&crate::Report| report.ring == self.purpose;
            let reports: Vec<_> = heard.heartbeat.reports.iter().filter(of_ring).collect();
            for report in reports {
                let (partition, node, epoch) = (report.partition, name.clone(), report.epoch);
                let standing = self.ring.partitions.get(&partition).map(|p| p.standing);
                if report.ready && self.is_heir(partition, name) {
                    self.touch(
                        partition,
                        Wish::TakeOver {
                            partition,
                            node,
                            epoch,
                        },
                    );
                } else if report.flushed && standing == Some(Standing::Inactive) {
                    // Says nothing against another step for the same partition.
                    self.wish(Wish::Flushed {
                        partition,
                        node,
                        epoch,
                    });
                }
            }
        }
    }

    fn is_heir(&self, partition: u32, node: &NodeName) -> bool {
        let found = self.ring.partitions.get(&partition);
        found.is_some_and(|found| {
            let mut heirs = found.seats.values().filter_map(|seat| seat.heir.as_ref());
            heirs.any(|heir| heir.node == *node)
        })
    }

    /// More partitions, or fewer.
    fn count(&mut self) {
        let live: Vec<(u32, &Partition)> = self
            .ring
            .partitions
            .iter()
            .filter(|(_, partition)| partition.standing != Standing::Inactive)
            .map(|(number, partition)| (*number, partition.as_ref()))
            .collect();
        let Some(wanted) = self.wanted() else {
            return;
        };
        if live.len() < wanted {
            self.more(wanted - live.len());
        } else if live.len() > wanted {
            self.fewer(&live, live.len() - wanted);
        }
    }

    /// `None`: there is nothing to go by. A node that is lost counts: it may come back, and nothing is to move
    /// twice.
    fn wanted(&self) -> Option<usize> {
        if let Some(partitions) = self.ring.spec.partitions {
            return usize::try_from(partitions).ok();
        }
        let mut counts = BTreeMap::<&Zone, usize>::new();
        for node in self.state.nodes.by_name.values() {
            let counted = matches!(node.standing, NodeStanding::Joined | NodeStanding::Lost);
            if counted && takes(self.purpose, node) {
                *counts.entry(&node.profile.zone).or_default() += 1;
            }
        }
        let most = counts.into_values().max()?;
        let per_node = usize::try_from(self.ring.spec.per_node).ok()?;
        Some((most * per_node).min(MAX_PARTITIONS))
    }

    /// Inactive ones first: they have owners and what was written to them.
    fn more(&mut self, missing: usize) {
        let present = |seat: &Seat| {
            let owner = seat.owner.as_ref();
            owner.is_some_and(|owner| self.standing_of(&owner.node) == Some(NodeStanding::Joined))
        };
        let enough = usize::try_from(self.ring.spec.min_owners).unwrap_or(usize::MAX);
        let inactive: Vec<u32> = self
            .ring
            .partitions
            .iter()
            .filter(|(number, partition)| {
                partition.standing == Standing::Inactive
                    && !self.touched.contains(number)
                    && partition
                        .seats
                        .values()
                        .filter(|seat| present(seat))
                        .count()
                        >= enough
            })
            .map(|(number, _)| *number)
            .take(missing)
            .collect();
        let room = MAX_PARTITIONS.saturating_sub(self.ring.partitions.len());
        let new = (missing - inactive.len()).min(room);
        for partition in inactive {
            self.touch(
                partition,
                Wish::Activate {
                    partition,
                    if_match: None,
                },
            );
        }
        if let Ok(count) = u32::try_from(new)
            && count > 0
        {
            self.wish(Wish::Add(Added::Count(count.min(MAX_ADDED))));
        }
    }

    /// Those that hold nothing first, then those whose owners go anyway, then the highest numbers. One that
    /// takes writes stays.
    fn fewer(&mut self, live: &[(u32, &Partition)], surplus: usize) {
        let leaving = |partition: &Partition| {
            let owners = partition
                .seats
                .values()
                .filter_map(|seat| seat.owner.as_ref());
            owners
                .filter(|owner| self.standing_of(&owner.node) != Some(NodeStanding::Joined))
                .count()
        };
        let mut order: Vec<(bool, usize, u32)> = live
            .iter()
            .filter(|(number, _)| !self.touched.contains(number))
            .map(|(number, partition)| {
                let pending = partition.standing == Standing::Pending;
                (pending, leaving(partition), *number)
            })
            .collect();
        order.sort_unstable();
        let mut active = live
            .iter()
            .filter(|(_, partition)| partition.standing.writable())
            .count();
        for (pending, _, partition) in order.into_iter().rev().take(surplus) {
            let if_match = None;
            if pending {
                self.touch(
                    partition,
                    Wish::Remove {
                        partition,
                        abandon: false,
                        if_match,
                    },
                );
            } else if active > 1 {
                active -= 1;
                self.touch(
                    partition,
                    Wish::Deactivate {
                        partition,
                        if_match,
                    },
                );
            }
        }
    }

    /// An owner for every seat.
    fn owners(&mut self) {
        let ring = self.ring;
        for (number, partition) in &ring.partitions {
            let taking = self.loads.keys();
            let zones: BTreeSet<Zone> = taking.chain(partition.seats.keys()).cloned().collect();
            for zone in zones {
                if let Some(wish) = self.seat(*number, partition, &zone) {
                    self.touch(*number, wish);
                    break;
                }
            }
        }
    }

    fn seat(&mut self, number: u32, partition: &Partition, zone: &Zone) -> Option<Wish> {
        if self.touched.contains(&number) {
            return None;
        }
        let inactive = partition.standing == Standing::Inactive;
        let seat = partition.seats.get(zone);
        let Some((seat, owner)) = seat.and_then(|seat| Some((seat, seat.owner.as_ref()?))) else {
            // Nothing new is written to an inactive one, so a new owner would have nothing.
            return if inactive {
                None
            } else {
                self.assign(number, zone)
            };
        };
        let heir = seat.heir.as_ref().map(|heir| &heir.node);
        let heir_fits = heir.is_some_and(|heir| self.fits(heir, zone));
        match self.standing_of(&owner.node) {
            Some(NodeStanding::Joined | NodeStanding::Draining) if heir.is_some() => (!heir_fits)
                .then(|| Wish::CancelHandover {
                    partition: number,
                    zone: zone.clone(),
                    if_match: None,
                }),
            Some(NodeStanding::Joined) if self.fits(&owner.node, zone) => None,
            Some(NodeStanding::Joined | NodeStanding::Draining) if inactive => None,
            Some(NodeStanding::Joined | NodeStanding::Draining) => self.hand_over(number, zone),
            Some(NodeStanding::Lost) if !self.given_up(&owner.node) => None,
            Some(NodeStanding::Left | NodeStanding::Lost) | None => {
                if inactive && self.elsewhere(partition, zone) {
                    return Some(Wish::Unassign {
                        partition: number,
                        zone: zone.clone(),
                        if_match: None,
                    });
                }
                match heir.filter(|_| heir_fits) {
                    Some(heir) => Some(Wish::Assign {
                        partition: number,
                        node: heir.clone(),
                        if_match: None,
                    }),
                    None => self.assign(number, zone),
                }
            }
        }
    }

    fn assign(&mut self, partition: u32, zone: &Zone) -> Option<Wish> {
        Some(Wish::Assign {
            partition,
            node: self.least(zone)?,
            if_match: None,
        })
    }

    fn hand_over(&mut self, partition: u32, zone: &Zone) -> Option<Wish> {
        Some(Wish::HandOver {
            partition,
            to: self.least(zone)?,
            if_match: None,
        })
    }

    /// The node of a zone with the least to do, who has one more now.
    fn least(&mut self, zone: &Zone) -> Option<NodeName> {
        let loads = self.loads.get_mut(zone)?;
        let (name, load) = loads.iter_mut().min_by_key(|(_, load)| **load)?;
        *load += 1;
        Some(name.clone())
    }

    /// Whether an owner of another zone is there and has it too.
    fn elsewhere(&self, partition: &Partition, zone: &Zone) -> bool {
        partition.seats.iter().any(|(other, seat)| {
            let owner = seat.owner.as_ref();
            let standing = owner.and_then(|owner| self.standing_of(&owner.node));
            other != zone && standing.is_some_and(NodeStanding::present)
        })
    }

    fn standing_of(&self, node: &NodeName) -> Option<NodeStanding> {
        self.state.nodes.by_name.get(node).map(|node| node.standing)
    }

    fn fits(&self, node: &NodeName, zone: &Zone) -> bool {
        let loads = self.loads.get(zone);
        loads.is_some_and(|loads| loads.contains_key(node))
    }

    /// Lost for so long that nobody waits for it.
    fn given_up(&self, node: &NodeName) -> bool {
        let found = self.state.nodes.by_name.get(node);
        found.is_none_or(|found| self.now >= found.since.plus(self.ring.spec.reassign_after))
    }

    /// Takes writes as soon as it may; goes as soon as nothing would be missed. The rules say when.
    fn standings(&mut self) {
        let ring = self.ring;
        for (number, partition) in &ring.partitions {
            let (partition, if_match) = match partition.standing {
                Standing::Pending => (*number, None),
                Standing::Inactive => {
                    let wish = Wish::Remove {
                        partition: *number,
                        abandon: false,
                        if_match: None,
                    };
                    if !self.touched.contains(number) {
                        self.wish(wish);
                    }
                    continue;
                }
                Standing::Active => continue,
            };
            let wish = Wish::Activate {
                partition,
                if_match,
            };
            if !self.touched.contains(number) {
                self.wish(wish);
            }
        }
    }

    /// From who has two more than another of its zone.
    fn balance(&mut self) {
        let zones: Vec<Zone> = self.loads.keys().cloned().collect();
        for zone in zones {
            let seats = self.ring.partitions.values();
            let moving = seats
                .filter_map(|partition| partition.seats.get(&zone)?.heir.as_ref())
                .count();
            for _ in moving..MOVES_AT_ONCE {
                let Some((partition, to)) = self.uneven(&zone) else {
                    break;
                };
                self.touch(
                    partition,
                    Wish::HandOver {
                        partition,
                        to,
                        if_match: None,
                    },
                );
            }
        }
    }

    fn uneven(&mut self, zone: &Zone) -> Option<(u32, NodeName)> {
        let loads = self.loads.get(zone)?;
        let (to, least) = loads.iter().min_by_key(|(_, load)| **load)?;
        let (to, least) = (to.clone(), *least);
        let rich = loads.iter().filter(|(_, load)| **load > least + 1);
        let mut rich: Vec<(usize, NodeName)> =
            rich.map(|(name, load)| (*load, name.clone())).collect();
        rich.sort_unstable_by(|a, b| b.cmp(a));
        let (from, partition) = rich
            .into_iter()
            .find_map(|(_, name)| Some((name.clone(), self.movable(zone, &name)?)))?;
        let loads = self.loads.get_mut(zone)?;
        *loads.get_mut(&from)? -= 1;
        *loads.get_mut(&to)? += 1;
        Some((partition, to))
    }

    /// A partition that nothing is planned for and that this node owns, and nobody is taking over.
    fn movable(&self, zone: &Zone, node: &NodeName) -> Option<u32> {
        let mut partitions = self.ring.partitions.iter();
        let (number, _) = partitions.find(|(number, partition)| {
            let seat = partition.seats.get(zone);
            let owned = seat.is_some_and(|seat| {
                let owner = seat.owner.as_ref();
                seat.heir.is_none() && owner.is_some_and(|owner| owner.node == *node)
            });
            owned && partition.standing != Standing::Inactive && !self.touched.contains(number)
        })?;
        Some(*number)
    }
}

fn takes(purpose: Purpose, node: &Node) -> bool {
    node.profile.roles.iter().any(|role| purpose.takes(*role))
}
