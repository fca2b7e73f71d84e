//! Nodes and the leases they hold by name.

use std::time::Duration;

use takt_domain::nodes::{
    Command, Event, LeaseName, MAX_ADDRESS_BYTES, MAX_BUILD_BYTES, NodeName, Profile, Rejection,
    Role, Standing, Zone,
};
use takt_domain::ring::{self, Fact, Purpose};
use takt_domain::{Epoch, Fence};
use takt_model::{Revision, UnixNano};

use crate::given::given;

const NOTHING: [Event; 0] = [];

#[test]
fn a_node_joins_once() {
    given(NOTHING)
        .when(join("n", 5))
        .then([joined("n", 5)])
        .state(|state| {
            let node = &state.nodes.by_name[&name("n")];
            assert_eq!(node.standing, Standing::Joined);
            assert_eq!(node.joined_at, UnixNano(1));
        });
    given([joined("n", 5)]).when(join("n", 5)).nothing();
}

#[test]
fn a_restart_is_another_incarnation_and_ends_the_leases_of_the_one_before() {
    given([joined("n", 5), granted("l", "n", 5, 1)])
        .when(join("n", 6))
        .then([lost_lease("l", "n", 1), joined("n", 6)])
        .state(|state| assert!(state.nodes.leases.is_empty()));
    given([joined("n", 6)])
        .when(join("n", 5))
        .refused(Rejection::Superseded {
            node: name("n"),
            asked: 5,
            current: 6,
        });
}

#[test]
fn draining_outlives_the_process() {
    given([joined("n", 5), drained("n")])
        .when(join("n", 6))
        .then([joined("n", 6), drained("n")]);
}

#[test]
fn the_same_process_may_say_something_else() {
    let other = Profile {
        address: "elsewhere:1".into(),
        ..profile("a", Role::Ingester)
    };
    given([joined("n", 5)])
        .when(Command::Join {
            node: name("n"),
            incarnation: 5,
            profile: other.clone(),
        })
        .then([Event::Updated {
            node: name("n"),
            incarnation: 5,
            profile: other.clone(),
        }])
        .state(|state| assert_eq!(state.nodes.by_name[&name("n")].profile, other));
}

#[test]
fn who_was_lost_may_come_back_and_who_left_may_not() {
    given([joined("n", 5), lost("n", 5)])
        .when(join("n", 5))
        .then([joined("n", 5)]);
    given([joined("n", 5), left("n", 5)])
        .when(join("n", 5))
        .refused(Rejection::Gone(name("n")));
    given([joined("n", 5), left("n", 5)])
        .when(join("n", 6))
        .then([joined("n", 6)]);
}

#[test]
fn what_a_node_says_of_itself_has_bounds() {
    let with = |change: &dyn Fn(&mut Profile)| {
        let mut profile = profile("a", Role::Ingester);
        change(&mut profile);
        given(NOTHING).when(Command::Join {
            node: name("n"),
            incarnation: 1,
            profile,
        })
    };
    with(&|profile| profile.roles.clear()).refused(Rejection::NoRole);
    let long = MAX_BUILD_BYTES + 1;
    with(&|profile| profile.build = "x".repeat(long)).refused(Rejection::BuildTooLong(long));
    let long = MAX_ADDRESS_BYTES + 1;
    with(&|profile| profile.address = "x".repeat(long)).refused(Rejection::AddressTooLong(long));
    for illegal in ["", "a b", "ä", &"x".repeat(129)] {
        assert!(NodeName::new(illegal).is_err(), "{illegal}");
    }
}

#[test]
fn a_node_drains_and_may_change_its_mind() {
    let drain = |if_match| Command::Drain {
        node: name("n"),
        if_match,
    };
    let resume = Command::Resume {
        node: name("n"),
        if_match: None,
    };
    given([joined("n", 5)])
        .when(drain(Some(Revision(1))))
        .then([drained("n")])
        .state(|state| {
            assert_eq!(state.nodes.by_name[&name("n")].standing, Standing::Draining);
        });
    given([joined("n", 5), drained("n")])
        .when(drain(None))
        .nothing();
    given([joined("n", 5), drained("n")])
        .when(resume.clone())
        .then([Event::Resumed { node: name("n") }]);
    given([joined("n", 5)]).when(resume.clone()).nothing();
    given([joined("n", 5), left("n", 5)])
        .when(drain(None))
        .refused(Rejection::Gone(name("n")));
    given([joined("n", 5), lost("n", 5)])
        .when(resume)
        .refused(Rejection::Gone(name("n")));
    given(NOTHING)
        .when(drain(None))
        .refused(Rejection::Unknown(name("n")));
    given([joined("n", 5)])
        .when(drain(Some(Revision(9))))
        .refused(takt_domain::Rejection::VersionMismatch {
            asked: Revision(9),
            current: Revision(1),
        });
}

#[test]
fn a_node_leaves_or_is_lost_with_its_leases() {
    let leave = |incarnation| Command::Leave {
        node: name("n"),
        incarnation,
    };
    let lose = |incarnation| Command::Lose {
        node: name("n"),
        incarnation,
        last_heard: UnixNano(1),
    };
    let held = || given([joined("n", 5), granted("l", "n", 5, 1)]);
    held()
        .when(leave(5))
        .then([lost_lease("l", "n", 1), left("n", 5)]);
    held()
        .when(lose(5))
        .then([lost_lease("l", "n", 1), lost("n", 5)]);
    given([joined("n", 5), left("n", 5)])
        .when(leave(5))
        .nothing();
    given([joined("n", 5), lost("n", 5)])
        .when(lose(5))
        .nothing();
    for command in [leave(4), lose(4)] {
        held().when(command).refused(Rejection::Superseded {
            node: name("n"),
            asked: 4,
            current: 5,
        });
    }
}

#[test]
fn only_who_is_gone_and_owns_nothing_is_forgotten() {
    let forget = Command::Forget {
        node: name("n"),
        if_match: None,
    };
    given([joined("n", 5), left("n", 5)])
        .when(forget.clone())
        .then([Event::Forgotten { node: name("n") }])
        .state(|state| assert!(state.nodes.by_name.is_empty()));
    given([joined("n", 5)])
        .when(forget.clone())
        .refused(Rejection::Present(name("n")));
    let fact = |fact| {
        takt_domain::Event::from(ring::Event {
            ring: Purpose::Ingest,
            fact,
        })
    };
    given([
        joined("n", 5).into(),
        fact(Fact::Added { partition: 3 }),
        fact(Fact::Assigned {
            partition: 3,
            zone: Zone::new("a").unwrap(),
            node: name("n"),
            epoch: Epoch(1),
            replaced: None,
        }),
        lost("n", 5).into(),
    ])
    .when(forget)
    .refused(Rejection::HoldsPartition {
        node: name("n"),
        partition: "ingest/3".into(),
    });
}

#[test]
fn a_lease_has_one_holder_and_tokens_rise() {
    let grant = |node: &str| Command::Grant {
        lease: lease("l"),
        node: name(node),
        incarnation: 5,
    };
    let release = |node: &str, fence| Command::Release {
        lease: lease("l"),
        node: name(node),
        fence: Fence(fence),
    };
    let held = || given([joined("n", 5), joined("m", 5), granted("l", "n", 5, 1)]);
    given([joined("n", 5)])
        .when(grant("n"))
        .then([granted("l", "n", 5, 1)]);
    held().when(grant("n")).nothing();
    held().when(grant("m")).refused(Rejection::LeaseTaken {
        lease: lease("l"),
        holder: name("n"),
    });
    let released = Event::LeaseReleased {
        lease: lease("l"),
        node: name("n"),
        fence: Fence(1),
    };
    held().when(release("n", 1)).then([released.clone()]);
    held()
        .and(2, vec![released.into()])
        .when(grant("m"))
        .then([granted("l", "m", 5, 2)]);
    for (node, fence) in [("m", 1), ("n", 2)] {
        held()
            .when(release(node, fence))
            .refused(Rejection::LeaseFenced {
                lease: lease("l"),
                asked: Fence(fence),
                current: Fence(1),
            });
    }
    given([joined("n", 5)])
        .when(release("n", 1))
        .refused(Rejection::LeaseUnknown(lease("l")));
    given([joined("n", 5), drained("n")])
        .when(grant("n"))
        .refused(Rejection::Draining(name("n")));
    given([joined("n", 5), lost("n", 5)])
        .when(grant("n"))
        .refused(Rejection::Gone(name("n")));
}

pub(crate) fn name(text: &str) -> NodeName {
    NodeName::new(text).unwrap()
}

fn lease(text: &str) -> LeaseName {
    LeaseName::new(text).unwrap()
}

pub(crate) fn profile(zone: &str, role: Role) -> Profile {
    Profile {
        roles: [role].into(),
        zone: Zone::new(zone).unwrap(),
        build: "1.0.0".into(),
        feature_level: 8,
        address: "localhost:9095".into(),
    }
}

pub(crate) fn joined_in(node: &str, zone: &str, role: Role) -> Event {
    Event::Joined {
        node: name(node),
        incarnation: 5,
        profile: profile(zone, role),
    }
}

fn join(node: &str, incarnation: u64) -> Command {
    Command::Join {
        node: name(node),
        incarnation,
        profile: profile("a", Role::Ingester),
    }
}

fn joined(node: &str, incarnation: u64) -> Event {
    Event::Joined {
        node: name(node),
        incarnation,
        profile: profile("a", Role::Ingester),
    }
}

pub(crate) fn drained(node: &str) -> Event {
    Event::Drained { node: name(node) }
}

fn left(node: &str, incarnation: u64) -> Event {
    Event::Left {
        node: name(node),
        incarnation,
    }
}

pub(crate) fn lost(node: &str, incarnation: u64) -> Event {
    Event::Lost {
        node: name(node),
        incarnation,
        last_heard: UnixNano(1),
    }
}

fn granted(text: &str, node: &str, incarnation: u64, fence: u64) -> Event {
    Event::LeaseGranted {
        lease: lease(text),
        node: name(node),
        incarnation,
        fence: Fence(fence),
    }
}

fn lost_lease(text: &str, node: &str, fence: u64) -> Event {
    Event::LeaseLost {
        lease: lease(text),
        node: name(node),
        fence: Fence(fence),
    }
}

/// Some time later.
pub(crate) fn after(seconds: u64) -> UnixNano {
    UnixNano(1).plus(Duration::from_secs(seconds))
}
