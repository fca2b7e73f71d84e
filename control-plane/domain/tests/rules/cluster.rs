//! The control plane itself.

use takt_domain::Event;
use takt_domain::cluster::{ClusterId, Command, Event as Fact, FIRST_LEVEL, Rejection};
use takt_model::{Revision, UnixNano};
use uuid::Uuid;

use crate::given::given;

const NOTHING: [Event; 0] = [];
const NAME: ClusterId = ClusterId(Uuid::from_u128(1));

#[test]
fn a_cluster_gets_its_name_once() {
    given(NOTHING)
        .when(Command::Found { id: NAME })
        .then([Fact::Founded { id: NAME }])
        .state(|state| {
            assert_eq!(state.cluster.id, Some(NAME));
            assert_eq!(state.cluster.founded_at, UnixNano(1));
            assert_eq!(state.cluster.version, Revision(1));
        });
    given([Fact::Founded { id: NAME }])
        .when(Command::Found { id: NAME })
        .nothing();
    let id = ClusterId(Uuid::from_u128(2));
    given([Fact::Founded { id: NAME }])
        .when(Command::Found { id })
        .refused(Rejection::Founded(NAME));
}

#[test]
fn the_level_rises_and_never_falls() {
    let level = FIRST_LEVEL + 1;
    given(NOTHING)
        .when(Command::RaiseLevel { level })
        .then([Fact::LevelRaised { level }])
        .state(|state| assert_eq!(state.cluster.level, level));
    given([Fact::LevelRaised { level }])
        .when(Command::RaiseLevel { level })
        .nothing();
    let refused = Rejection::LevelFalls {
        asked: FIRST_LEVEL,
        current: level,
    };
    given([Fact::LevelRaised { level }])
        .when(Command::RaiseLevel { level: FIRST_LEVEL })
        .refused(refused);
}
