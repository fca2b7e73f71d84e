//! Partitions and their owners.

use std::time::Duration;

use takt_domain::nodes::{Role, Zone};
use takt_domain::ring::{
    Added, Command, Event, Fact, MAX_PARTITIONS, Purpose, Rejection, Spec, Standing, Wish,
};
use takt_domain::{Epoch, Event as Any};
use takt_model::Revision;

use crate::given::{Given, given};
use crate::nodes::{after, drained, joined_in, lost, name};

const NOTHING: [Any; 0] = [];

#[test]
fn a_ring_is_made_by_saying_how_it_should_be() {
    let configure = |spec, if_match| wish(Wish::Configure { spec, if_match });
    given(NOTHING)
        .when(configure(Spec::default(), Some(Revision(0))))
        .then([fact(Fact::Configured {
            spec: Spec::default(),
        })]);
    ring().when(configure(spec(), None)).nothing();
    ring()
        .when(configure(Spec::default(), Some(Revision(9))))
        .refused(takt_domain::Rejection::VersionMismatch {
            asked: Revision(9),
            current: Revision(1),
        });
    let refused = |spec, field, value, min, max| {
        ring()
            .when(configure(spec, None))
            .refused(Rejection::SpecInvalid {
                field,
                value,
                min,
                max,
            });
    };
    let none = Spec {
        partitions: Some(0),
        ..spec()
    };
    refused(none, "partitions", 0, 1, 4096);
    let nobody = Spec {
        min_owners: 0,
        ..spec()
    };
    refused(nobody, "min_owners", 0, 1, 16);
    let months = Duration::from_secs(30 * 24 * 3600);
    let longer = Spec {
        lookback: months * 2,
        ..spec()
    };
    let nanos = |wait: Duration| u64::try_from(wait.as_nanos()).unwrap();
    refused(longer, "lookback", nanos(months * 2), 0, nanos(months));
    given(NOTHING)
        .when(wish(Wish::Add(Added::Count(1))))
        .refused(Rejection::Unknown(Purpose::Ingest));
}

#[test]
fn partitions_are_added_by_number_or_with_the_lowest_free_ones() {
    let add = |added| wish(Wish::Add(added));
    ring().when(add(Added::Number(7))).then([added(7)]);
    with([added(0), added(2)])
        .when(add(Added::Count(2)))
        .then([added(1), added(3)]);
    with([added(7)])
        .when(add(Added::Number(7)))
        .refused(Rejection::PartitionExists("ingest/7".into()));
    ring()
        .when(add(Added::Number(4096)))
        .refused(Rejection::NumberTooHigh(4096));
    for count in [0, 257] {
        ring()
            .when(add(Added::Count(count)))
            .refused(Rejection::CountInvalid(count));
    }
    let all = (0..u32::try_from(MAX_PARTITIONS).unwrap()).map(added);
    with(all)
        .when(add(Added::Count(1)))
        .refused(Rejection::TooMany);
}

#[test]
fn a_pending_partition_takes_writes_when_enough_owners_have_been_there_long_enough() {
    let activate = wish(Wish::Activate {
        partition: 0,
        if_match: None,
    });
    let both = || {
        with([
            added(0),
            assigned(0, "a", "a0", 1),
            assigned(0, "b", "b0", 2),
        ])
    };
    both()
        .at(after(10))
        .when(activate.clone())
        .then([activated(0)])
        .state(|state| {
            let partition = &state.ring.by_purpose[&Purpose::Ingest].partitions[&0];
            assert_eq!(partition.standing, Standing::Active);
            assert_eq!(partition.since, after(10));
        });
    both()
        .at(after(9))
        .when(activate.clone())
        .refused(Rejection::TooSoon {
            partition: "ingest/0".into(),
            seconds: 1,
        });
    with([added(0), assigned(0, "a", "a0", 1)])
        .at(after(10))
        .when(activate.clone())
        .refused(too_few(1));
    // An owner that is lost does not count.
    both()
        .and(2, vec![lost("b0", 5).into()])
        .at(after(10))
        .when(activate.clone())
        .refused(too_few(1));
    active([0]).when(activate.clone()).nothing();
    ring()
        .when(activate)
        .refused(Rejection::PartitionUnknown("ingest/0".into()));
}

#[test]
fn an_inactive_partition_takes_writes_again_at_once_and_is_not_flushed_then() {
    active([0, 1])
        .and(2, vec![deactivated(0), flushed(0, "a", "a0", 1)])
        .when(wish(Wish::Activate {
            partition: 0,
            if_match: None,
        }))
        .then([activated(0)])
        .state(|state| {
            let partition = &state.ring.by_purpose[&Purpose::Ingest].partitions[&0];
            assert!(
                partition
                    .seats
                    .values()
                    .all(|seat| seat.flushed_at.is_none())
            );
        });
}

#[test]
fn the_last_partition_keeps_taking_writes() {
    let deactivate = |partition| {
        wish(Wish::Deactivate {
            partition,
            if_match: None,
        })
    };
    active([0, 1]).when(deactivate(1)).then([deactivated(1)]);
    active([0])
        .when(deactivate(0))
        .refused(Rejection::LastActive("ingest/0".into()));
    active([0, 1])
        .and(2, vec![deactivated(1)])
        .when(deactivate(1))
        .nothing();
    with([added(0)])
        .when(deactivate(0))
        .refused(Rejection::WrongStanding {
            partition: "ingest/0".into(),
            standing: Standing::Pending,
            wanted: "active",
        });
}

#[test]
fn a_partition_is_removed_when_everything_is_flushed_and_nobody_reads_it() {
    let remove = |abandon| {
        wish(Wish::Remove {
            partition: 0,
            abandon,
            if_match: None,
        })
    };
    let removed = |abandoned| {
        fact(Fact::Removed {
            partition: 0,
            abandoned,
        })
    };
    let inactive = || active([0, 1]).and(2, vec![deactivated(0)]);
    let one = || inactive().and(3, vec![flushed(0, "a", "a0", 1)]);
    let both = || one().and(4, vec![flushed(0, "b", "b0", 2)]);
    let lookback = spec().lookback.as_secs();
    both()
        .at(after(lookback))
        .when(remove(false))
        .then([removed(false)]);
    both()
        .at(after(lookback - 7))
        .when(remove(false))
        .refused(Rejection::Lookback {
            partition: "ingest/0".into(),
            seconds: 7,
        });
    // One of two owners is not enough, whatever the time: what it took the other may not have.
    for short in [inactive(), one()] {
        short
            .at(after(10 * lookback))
            .when(remove(false))
            .refused(Rejection::NotFlushed("ingest/0".into()));
    }
    inactive().when(remove(true)).then([removed(true)]);
    with([added(0)]).when(remove(false)).then([removed(false)]);
    active([0, 1])
        .when(remove(true))
        .refused(Rejection::WrongStanding {
            partition: "ingest/0".into(),
            standing: Standing::Active,
            wanted: "pending or inactive",
        });
}

#[test]
fn a_seat_is_given_when_it_is_empty_or_its_owner_is_gone() {
    let assign = |node: &str| {
        wish(Wish::Assign {
            partition: 0,
            node: name(node),
            if_match: None,
        })
    };
    with([added(0)])
        .when(assign("a0"))
        .then([assigned(0, "a", "a0", 1)]);
    let owned = || with([added(0), assigned(0, "a", "a0", 1)]);
    owned().when(assign("a0")).nothing();
    owned().when(assign("b0")).then([assigned(0, "b", "b0", 2)]);
    owned().when(assign("a1")).refused(Rejection::SeatTaken {
        partition: "ingest/0".into(),
        zone: zone("a"),
        owner: name("a0"),
    });
    owned()
        .and(2, vec![lost("a0", 5).into()])
        .when(assign("a1"))
        .then([fact(Fact::Assigned {
            partition: 0,
            zone: zone("a"),
            node: name("a1"),
            epoch: Epoch(2),
            replaced: Some(name("a0")),
        })]);
    owned()
        .when(assign("nobody"))
        .refused(Rejection::NodeUnknown(name("nobody")));
    owned()
        .and(2, vec![drained("a1").into()])
        .when(assign("a1"))
        .refused(Rejection::NodeAway(name("a1")));
    owned().when(assign("q")).refused(Rejection::NodeUnfit {
        node: name("q"),
        ring: Purpose::Ingest,
    });
}

#[test]
fn a_seat_is_emptied_only_when_its_owner_is_gone() {
    let unassign = |zone_name: &str| {
        wish(Wish::Unassign {
            partition: 0,
            zone: zone(zone_name),
            if_match: None,
        })
    };
    let owned = || with([added(0), assigned(0, "a", "a0", 1)]);
    owned()
        .and(2, vec![lost("a0", 5).into()])
        .when(unassign("a"))
        .then([fact(Fact::Unassigned {
            partition: 0,
            zone: zone("a"),
            node: name("a0"),
            epoch: Epoch(1),
        })]);
    owned().when(unassign("a")).refused(Rejection::SeatTaken {
        partition: "ingest/0".into(),
        zone: zone("a"),
        owner: name("a0"),
    });
    owned().when(unassign("b")).refused(empty("b"));
}

#[test]
fn a_handover_fences_the_owner_off_when_the_heir_is_ready() {
    let hand_over = |to: &str| {
        wish(Wish::HandOver {
            partition: 0,
            to: name(to),
            if_match: None,
        })
    };
    let take_over = |node: &str, epoch| {
        wish(Wish::TakeOver {
            partition: 0,
            node: name(node),
            epoch: Epoch(epoch),
        })
    };
    let owned = || with([added(0), assigned(0, "a", "a0", 1)]);
    let under_way = || owned().and(2, vec![started()]);
    owned().when(hand_over("a1")).then([started()]);
    owned().when(hand_over("a0")).nothing();
    owned().when(hand_over("b0")).refused(empty("b"));
    under_way().when(hand_over("a1")).nothing();
    under_way()
        .when(hand_over("a2"))
        .refused(Rejection::HandoverUnderWay {
            partition: "ingest/0".into(),
            zone: zone("a"),
            heir: name("a1"),
        });
    under_way()
        .when(take_over("a1", 2))
        .then([completed()])
        .state(|state| {
            let seat = &state.ring.by_purpose[&Purpose::Ingest].partitions[&0].seats[&zone("a")];
            assert_eq!(seat.owner.as_ref().unwrap().epoch, Epoch(2));
            assert_eq!(seat.heir, None);
        });
    under_way()
        .and(3, vec![completed()])
        .when(take_over("a1", 2))
        .nothing();
    for (node, epoch) in [("a1", 1), ("a0", 2), ("a2", 2)] {
        under_way()
            .when(take_over(node, epoch))
            .refused(fenced(node, epoch));
    }
}

#[test]
fn a_handover_can_be_called_off_and_its_epoch_is_not_used_again() {
    let cancel = wish(Wish::CancelHandover {
        partition: 0,
        zone: zone("a"),
        if_match: None,
    });
    let cancelled = fact(Fact::HandoverCancelled {
        partition: 0,
        zone: zone("a"),
        to: name("a1"),
        epoch: Epoch(2),
    });
    let owned = || with([added(0), assigned(0, "a", "a0", 1)]);
    owned()
        .and(2, vec![started()])
        .when(cancel.clone())
        .then([cancelled.clone()]);
    owned().when(cancel).refused(Rejection::NoHandover {
        partition: "ingest/0".into(),
        zone: zone("a"),
    });
    owned()
        .and(2, vec![started(), cancelled])
        .when(wish(Wish::Assign {
            partition: 0,
            node: name("b0"),
            if_match: None,
        }))
        .then([assigned(0, "b", "b0", 3)]);
}

#[test]
fn only_the_owner_of_an_inactive_partition_says_that_it_is_flushed() {
    let say = |node: &str, epoch| {
        wish(Wish::Flushed {
            partition: 0,
            node: name(node),
            epoch: Epoch(epoch),
        })
    };
    let inactive = || active([0, 1]).and(2, vec![deactivated(0)]);
    inactive()
        .when(say("a0", 1))
        .then([flushed(0, "a", "a0", 1)]);
    inactive()
        .and(3, vec![flushed(0, "a", "a0", 1)])
        .when(say("a0", 1))
        .nothing();
    for (node, epoch) in [("a0", 9), ("a1", 1)] {
        inactive()
            .when(say(node, epoch))
            .refused(fenced(node, epoch));
    }
    active([0, 1])
        .when(say("a0", 1))
        .refused(Rejection::WrongStanding {
            partition: "ingest/0".into(),
            standing: Standing::Active,
            wanted: "inactive",
        });
}

/// Two zones with nodes `a0..a2` and `b0`, and a querier; a configured ring.
fn ring() -> Given {
    given::<Any>([
        fact(Fact::Configured { spec: spec() }),
        joined_in("a0", "a", Role::Ingester).into(),
        joined_in("a1", "a", Role::LiveStore).into(),
        joined_in("a2", "a", Role::Ingester).into(),
        joined_in("b0", "b", Role::Ingester).into(),
        joined_in("q", "a", Role::Querier).into(),
    ])
}

fn with(events: impl IntoIterator<Item = Any>) -> Given {
    ring().and(1, events.into_iter().collect())
}

/// Active partitions, owned by `a0` and `b0`.
fn active<const N: usize>(partitions: [u32; N]) -> Given {
    with(partitions.into_iter().flat_map(|partition| {
        let epoch = u64::from(partition) * 2 + 1;
        [
            added(partition),
            assigned(partition, "a", "a0", epoch),
            assigned(partition, "b", "b0", epoch + 1),
            activated(partition),
        ]
    }))
}

fn spec() -> Spec {
    Spec {
        min_owners: 2,
        ..Spec::default()
    }
}

fn wish(wish: Wish) -> Command {
    let ring = Purpose::Ingest;
    Command { ring, wish }
}

fn fact(fact: Fact) -> Any {
    let ring = Purpose::Ingest;
    Event { ring, fact }.into()
}

fn zone(text: &str) -> Zone {
    Zone::new(text).unwrap()
}

fn added(partition: u32) -> Any {
    fact(Fact::Added { partition })
}

fn activated(partition: u32) -> Any {
    fact(Fact::Activated { partition })
}

fn deactivated(partition: u32) -> Any {
    fact(Fact::Deactivated { partition })
}

fn assigned(partition: u32, zone_name: &str, node: &str, epoch: u64) -> Any {
    fact(Fact::Assigned {
        partition,
        zone: zone(zone_name),
        node: name(node),
        epoch: Epoch(epoch),
        replaced: None,
    })
}

fn flushed(partition: u32, zone_name: &str, node: &str, epoch: u64) -> Any {
    fact(Fact::Flushed {
        partition,
        zone: zone(zone_name),
        node: name(node),
        epoch: Epoch(epoch),
    })
}

/// From `a0` to `a1`.
fn started() -> Any {
    fact(Fact::HandoverStarted {
        partition: 0,
        zone: zone("a"),
        from: name("a0"),
        to: name("a1"),
        epoch: Epoch(2),
    })
}

fn completed() -> Any {
    fact(Fact::HandoverCompleted {
        partition: 0,
        zone: zone("a"),
        from: name("a0"),
        to: name("a1"),
        epoch: Epoch(2),
    })
}

fn empty(zone_name: &str) -> Rejection {
    Rejection::SeatEmpty {
        partition: "ingest/0".into(),
        zone: zone(zone_name),
    }
}

fn fenced(node: &str, epoch: u64) -> Rejection {
    Rejection::Fenced {
        partition: "ingest/0".into(),
        node: name(node),
        epoch: Epoch(epoch),
    }
}

fn too_few(owners: u32) -> Rejection {
    Rejection::TooFewOwners {
        partition: "ingest/0".into(),
        owners,
        needed: 2,
    }
}
