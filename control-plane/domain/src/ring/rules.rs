//! What may be done with a ring.

use takt_model::{Revision, UnixNano};

use super::{
    Added, Command, Event, Fact, Holder, MAX_ADDED, MAX_PARTITIONS, MAX_PER_NODE, MAX_WAIT,
    MAX_ZONES, Partition, Purpose, Rejection, Ring, Rings, Seat, Spec, Standing, Wish, name,
};
use crate::nodes::{Node, NodeName, Zone};
use crate::tenants::matches;
use crate::{Epoch, Facts, State};

pub(crate) fn decide(
    state: &State,
    command: &Command,
    facts: &Facts,
) -> Result<Vec<crate::Event>, crate::Rejection> {
    let purpose = command.ring;
    let found = state.ring.by_purpose.get(&purpose);
    let facts = match &command.wish {
        Wish::Configure { spec, if_match } => {
            matches(
                *if_match,
                found.map(|ring| ring.version).unwrap_or_default(),
            )?;
            configure(found, spec)?
        }
        wish => {
            let ring = found.ok_or(Rejection::Unknown(purpose))?;
            let rules = Rules {
                state,
                purpose,
                ring,
                now: facts.at,
            };
            rules.decide(wish)?
        }
    };
    Ok(facts
        .into_iter()
        .map(|fact| {
            Event {
                ring: purpose,
                fact,
            }
            .into()
        })
        .collect())
}

/// A partition this node owns or is about to own.
pub(crate) fn held_by(rings: &Rings, node: &NodeName) -> Option<(Purpose, u32)> {
    let holds = |holder: &Option<Holder>| holder.as_ref().is_some_and(|held| held.node == *node);
    rings.by_purpose.iter().find_map(|(purpose, ring)| {
        let (number, _) = ring.partitions.iter().find(|(_, partition)| {
            let mut seats = partition.seats.values();
            seats.any(|seat| holds(&seat.owner) || holds(&seat.heir))
        })?;
        Some((*purpose, *number))
    })
}

fn configure(found: Option<&Ring>, spec: &Spec) -> Result<Vec<Fact>, Rejection> {
    let nanos = |wait: std::time::Duration| u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX);
    let most = u64::try_from(MAX_PARTITIONS).unwrap_or(u64::MAX);
    let zones = u64::try_from(MAX_ZONES).unwrap_or(u64::MAX);
    let longest = nanos(MAX_WAIT);
    let bounds = [
        (
            "partitions",
            u64::from(spec.partitions.unwrap_or(1)),
            1,
            most,
        ),
        (
            "per_node",
            u64::from(spec.per_node),
            1,
            u64::from(MAX_PER_NODE),
        ),
        ("min_owners", u64::from(spec.min_owners), 1, zones),
        ("min_wait", nanos(spec.min_wait), 0, longest),
        ("lookback", nanos(spec.lookback), 0, longest),
        ("reassign_after", nanos(spec.reassign_after), 0, longest),
    ];
    for (field, value, min, max) in bounds {
        if value < min || value > max {
            return Err(Rejection::SpecInvalid {
                field,
                value,
                min,
                max,
            });
        }
    }
    if found.is_some_and(|ring| ring.spec == *spec) {
        return Ok(Vec::new());
    }
    Ok(vec![Fact::Configured { spec: *spec }])
}

struct Rules<'a> {
    state: &'a State,
    purpose: Purpose,
    ring: &'a Ring,
    now: UnixNano,
}

impl Rules<'_> {
    fn decide(&self, wish: &Wish) -> Result<Vec<Fact>, crate::Rejection> {
        Ok(match wish {
            Wish::Configure { spec, .. } => configure(Some(self.ring), spec)?,
            Wish::Add(added) => self.add(*added)?,
            Wish::Activate {
                partition,
                if_match,
            } => self.activate(*partition, self.at(*partition, *if_match)?)?,
            Wish::Deactivate {
                partition,
                if_match,
            } => self.deactivate(*partition, self.at(*partition, *if_match)?)?,
            Wish::Remove {
                partition,
                abandon,
                if_match,
            } => self.remove(*partition, self.at(*partition, *if_match)?, *abandon)?,
            Wish::Assign {
                partition,
                node,
                if_match,
            } => self.assign(*partition, self.at(*partition, *if_match)?, node)?,
            Wish::Unassign {
                partition,
                zone,
                if_match,
            } => self.unassign(*partition, self.at(*partition, *if_match)?, zone)?,
            Wish::HandOver {
                partition,
                to,
                if_match,
            } => self.hand_over(*partition, self.at(*partition, *if_match)?, to)?,
            Wish::TakeOver {
                partition,
                node,
                epoch,
            } => self.take_over(*partition, self.at(*partition, None)?, node, *epoch)?,
            Wish::CancelHandover {
                partition,
                zone,
                if_match,
            } => self.cancel(*partition, self.at(*partition, *if_match)?, zone)?,
            Wish::Flushed {
                partition,
                node,
                epoch,
            } => self.flushed(*partition, self.at(*partition, None)?, node, *epoch)?,
        })
    }

    /// The partition, if it is there and at the version asked for.
    fn at(
        &self,
        partition: u32,
        if_match: Option<Revision>,
    ) -> Result<&Partition, crate::Rejection> {
        let found = self
            .ring
            .partitions
            .get(&partition)
            .ok_or_else(|| Rejection::PartitionUnknown(self.name(partition)))?;
        matches(if_match, found.version)?;
        Ok(found)
    }

    fn name(&self, partition: u32) -> String {
        name(self.purpose, partition)
    }

    fn add(&self, added: Added) -> Result<Vec<Fact>, Rejection> {
        match added {
            Added::Number(partition) => {
                if usize::try_from(partition).is_ok_and(|number| number >= MAX_PARTITIONS) {
                    return Err(Rejection::NumberTooHigh(partition));
                }
                if self.ring.partitions.contains_key(&partition) {
                    return Err(Rejection::PartitionExists(self.name(partition)));
                }
                Ok(vec![Fact::Added { partition }])
            }
            Added::Count(count) => {
                if count == 0 || count > MAX_ADDED {
                    return Err(Rejection::CountInvalid(count));
                }
                let most = u32::try_from(MAX_PARTITIONS).unwrap_or(u32::MAX);
                let free = (0..most).filter(|number| !self.ring.partitions.contains_key(number));
                let wanted = usize::try_from(count).unwrap_or(usize::MAX);
                let facts: Vec<Fact> = free
                    .take(wanted)
                    .map(|partition| Fact::Added { partition })
                    .collect();
                if facts.len() < wanted {
                    return Err(Rejection::TooMany);
                }
                Ok(facts)
            }
        }
    }

    /// An inactive one may take writes again at once: its owners know it.
    fn activate(&self, partition: u32, found: &Partition) -> Result<Vec<Fact>, Rejection> {
        match found.standing {
            Standing::Active => return Ok(Vec::new()),
            Standing::Pending | Standing::Inactive => {}
        }
        let present = |holder: &&Holder| {
            let node = self.state.nodes.by_name.get(&holder.node);
            node.is_some_and(|node| node.standing.present())
        };
        let mut since: Vec<UnixNano> = found
            .seats
            .values()
            .filter_map(|seat| seat.owner.as_ref().filter(present))
            .map(|owner| owner.since)
            .collect();
        since.sort_unstable();
        let needed = self.ring.spec.min_owners;
        let enough = usize::try_from(needed)
            .ok()
            .and_then(|needed| since.get(needed.checked_sub(1)?));
        let Some(enough) = enough else {
            return Err(Rejection::TooFewOwners {
                partition: self.name(partition),
                owners: u32::try_from(since.len()).unwrap_or(u32::MAX),
                needed,
            });
        };
        let ready = enough.plus(self.ring.spec.min_wait);
        if found.standing == Standing::Pending && self.now < ready {
            return Err(Rejection::TooSoon {
                partition: self.name(partition),
                seconds: seconds_up(self.now, ready),
            });
        }
        Ok(vec![Fact::Activated { partition }])
    }

    fn deactivate(&self, partition: u32, found: &Partition) -> Result<Vec<Fact>, Rejection> {
        match found.standing {
            Standing::Inactive => return Ok(Vec::new()),
            Standing::Pending => {
                return Err(Rejection::WrongStanding {
                    partition: self.name(partition),
                    standing: found.standing,
                    wanted: "active",
                });
            }
            Standing::Active => {}
        }
        let mut active = self.ring.partitions.values();
        if active
            .by_ref()
            .filter(|other| other.standing.writable())
            .count()
            < 2
        {
            return Err(Rejection::LastActive(self.name(partition)));
        }
        Ok(vec![Fact::Deactivated { partition }])
    }

    fn remove(
        &self,
        partition: u32,
        found: &Partition,
        abandon: bool,
    ) -> Result<Vec<Fact>, Rejection> {
        if found.standing == Standing::Active {
            return Err(Rejection::WrongStanding {
                partition: self.name(partition),
                standing: found.standing,
                wanted: "pending or inactive",
            });
        }
        let removed = |abandoned| {
            Ok(vec![Fact::Removed {
                partition,
                abandoned,
            }])
        };
        if !found.flushed() {
            return if abandon {
                removed(true)
            } else {
                Err(Rejection::NotFlushed(self.name(partition)))
            };
        }
        let unread = found.since.plus(self.ring.spec.lookback);
        if found.standing == Standing::Inactive && self.now < unread && !abandon {
            return Err(Rejection::Lookback {
                partition: self.name(partition),
                seconds: seconds_up(self.now, unread),
            });
        }
        removed(false)
    }

    fn assign(
        &self,
        partition: u32,
        found: &Partition,
        node: &NodeName,
    ) -> Result<Vec<Fact>, Rejection> {
        let zone = self.fit(node)?.profile.zone.clone();
        if !found.seats.contains_key(&zone) && found.seats.len() >= MAX_ZONES {
            return Err(Rejection::TooManyZones);
        }
        let owner = found.seats.get(&zone).and_then(|seat| seat.owner.as_ref());
        if let Some(owner) = owner {
            if owner.node == *node {
                return Ok(Vec::new());
            }
            if self.present(&owner.node) {
                return Err(Rejection::SeatTaken {
                    partition: self.name(partition),
                    zone,
                    owner: owner.node.clone(),
                });
            }
        }
        Ok(vec![Fact::Assigned {
            partition,
            zone,
            node: node.clone(),
            epoch: self.ring.epoch.next(),
            replaced: owner.map(|owner| owner.node.clone()),
        }])
    }

    fn unassign(
        &self,
        partition: u32,
        found: &Partition,
        zone: &Zone,
    ) -> Result<Vec<Fact>, Rejection> {
        let (_, owner) = self.seat(partition, found, zone)?;
        if self.present(&owner.node) {
            return Err(Rejection::SeatTaken {
                partition: self.name(partition),
                zone: zone.clone(),
                owner: owner.node.clone(),
            });
        }
        Ok(vec![Fact::Unassigned {
            partition,
            zone: zone.clone(),
            node: owner.node.clone(),
            epoch: owner.epoch,
        }])
    }

    fn hand_over(
        &self,
        partition: u32,
        found: &Partition,
        to: &NodeName,
    ) -> Result<Vec<Fact>, Rejection> {
        let zone = &self.fit(to)?.profile.zone;
        let (seat, owner) = self.seat(partition, found, zone)?;
        if owner.node == *to {
            return Ok(Vec::new());
        }
        match &seat.heir {
            Some(heir) if heir.node == *to => return Ok(Vec::new()),
            Some(heir) => {
                return Err(Rejection::HandoverUnderWay {
                    partition: self.name(partition),
                    zone: zone.clone(),
                    heir: heir.node.clone(),
                });
            }
            None => {}
        }
        Ok(vec![Fact::HandoverStarted {
            partition,
            zone: zone.clone(),
            from: owner.node.clone(),
            to: to.clone(),
            epoch: self.ring.epoch.next(),
        }])
    }

    fn take_over(
        &self,
        partition: u32,
        found: &Partition,
        node: &NodeName,
        epoch: Epoch,
    ) -> Result<Vec<Fact>, Rejection> {
        for (zone, seat) in &found.seats {
            let (Some(owner), heir) = (&seat.owner, &seat.heir) else {
                continue;
            };
            if held(owner, node, epoch) {
                return Ok(Vec::new());
            }
            if heir.as_ref().is_some_and(|heir| held(heir, node, epoch)) {
                return Ok(vec![Fact::HandoverCompleted {
                    partition,
                    zone: zone.clone(),
                    from: owner.node.clone(),
                    to: node.clone(),
                    epoch,
                }]);
            }
        }
        Err(self.fenced(partition, node, epoch))
    }

    fn cancel(
        &self,
        partition: u32,
        found: &Partition,
        zone: &Zone,
    ) -> Result<Vec<Fact>, Rejection> {
        let (seat, _) = self.seat(partition, found, zone)?;
        match &seat.heir {
            Some(heir) => Ok(vec![Fact::HandoverCancelled {
                partition,
                zone: zone.clone(),
                to: heir.node.clone(),
                epoch: heir.epoch,
            }]),
            None => Err(Rejection::NoHandover {
                partition: self.name(partition),
                zone: zone.clone(),
            }),
        }
    }

    fn flushed(
        &self,
        partition: u32,
        found: &Partition,
        node: &NodeName,
        epoch: Epoch,
    ) -> Result<Vec<Fact>, Rejection> {
        let owned = found.seats.iter().find(|(_, seat)| {
            let owner = seat.owner.as_ref();
            owner.is_some_and(|owner| held(owner, node, epoch))
        });
        let Some((zone, seat)) = owned else {
            return Err(self.fenced(partition, node, epoch));
        };
        if found.standing != Standing::Inactive {
            return Err(Rejection::WrongStanding {
                partition: self.name(partition),
                standing: found.standing,
                wanted: "inactive",
            });
        }
        if seat.flushed_at.is_some() {
            return Ok(Vec::new());
        }
        Ok(vec![Fact::Flushed {
            partition,
            zone: zone.clone(),
            node: node.clone(),
            epoch,
        }])
    }

    /// The node, if it may own partitions of this ring.
    fn fit(&self, node: &NodeName) -> Result<&Node, Rejection> {
        let found = self
            .state
            .nodes
            .by_name
            .get(node)
            .ok_or_else(|| Rejection::NodeUnknown(node.clone()))?;
        if found.standing != crate::nodes::Standing::Joined {
            return Err(Rejection::NodeAway(node.clone()));
        }
        let mut roles = found.profile.roles.iter();
        if !roles.any(|role| self.purpose.takes(*role)) {
            return Err(Rejection::NodeUnfit {
                node: node.clone(),
                ring: self.purpose,
            });
        }
        Ok(found)
    }

    fn present(&self, node: &NodeName) -> bool {
        let found = self.state.nodes.by_name.get(node);
        found.is_some_and(|found| found.standing.present())
    }

    fn seat<'a>(
        &self,
        partition: u32,
        found: &'a Partition,
        zone: &Zone,
    ) -> Result<(&'a Seat, &'a Holder), Rejection> {
        let seat = found.seats.get(zone);
        seat.and_then(|seat| Some((seat, seat.owner.as_ref()?)))
            .ok_or_else(|| Rejection::SeatEmpty {
                partition: self.name(partition),
                zone: zone.clone(),
            })
    }

    fn fenced(&self, partition: u32, node: &NodeName, epoch: Epoch) -> Rejection {
        Rejection::Fenced {
            partition: self.name(partition),
            node: node.clone(),
            epoch,
        }
    }
}

fn held(holder: &Holder, node: &NodeName, epoch: Epoch) -> bool {
    holder.node == *node && holder.epoch == epoch
}

fn seconds_up(now: UnixNano, until: UnixNano) -> u64 {
    until
        .since(now)
        .as_nanos()
        .div_ceil(1_000_000_000)
        .try_into()
        .unwrap_or(u64::MAX)
}
