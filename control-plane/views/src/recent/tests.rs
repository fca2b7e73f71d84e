use proptest::prelude::*;
use takt_domain::{CommandId, Resource};
use uuid::Uuid;

use super::*;

fn moment(revision: u64) -> Moment {
    Moment {
        revision: Revision(revision),
        command: CommandId(Uuid::from_u128(u128::from(revision))),
    }
}

fn delta(revision: u64, names: &[u8]) -> Delta {
    let subjects = names
        .iter()
        .map(|name| Subject::named(Resource::Node, name.to_string()));
    Delta {
        moment: moment(revision),
        subjects: subjects.collect(),
    }
}

proptest! {
    #[test]
    fn what_is_kept_is_the_end_of_what_came_and_fits(
        steps in prop::collection::vec((1_u64..4, prop::collection::btree_set(0_u8..9, 1..5)), 0..40),
        named_max in 0_usize..30,
    ) {
        let mut recent = Recent::after(moment(5), named_max);
        let mut all = Vec::new();
        let mut revision = 5;
        for (more, names) in steps {
            revision += more;
            let delta = delta(revision, &names.into_iter().collect::<Vec<_>>());
            recent.push(delta.clone());
            all.push(delta);
        }
        prop_assert_eq!(recent.newest(), moment(revision));
        prop_assert!(recent.deltas.iter().map(|delta| delta.subjects.len()).sum::<usize>() <= named_max);
        let oldest = recent.base.revision.0;
        for asked in 0..revision + 3 {
            let heard = recent.since(moment(asked)).map(|deltas| deltas.cloned().collect::<Vec<_>>());
            let was = asked == 5 || all.iter().any(|delta| delta.moment.revision.0 == asked);
            let expected = (was && asked >= oldest).then(|| {
                let after = all.iter().filter(|delta| delta.moment.revision.0 > asked);
                after.cloned().collect::<Vec<_>>()
            });
            prop_assert_eq!(heard, expected);
        }
    }
}

#[test]
fn the_same_revision_of_another_history_is_unknown() {
    let mut recent = Recent::after(moment(5), 10);
    recent.push(delta(7, &[1]));
    recent.push(delta(9, &[2]));
    let other = |revision| Moment {
        command: CommandId(Uuid::from_u128(99)),
        ..moment(revision)
    };
    for revision in [5, 7, 9] {
        assert!(recent.since(moment(revision)).is_some());
        assert!(recent.since(other(revision)).is_none());
    }
    assert!(
        recent.since(moment(6)).is_none(),
        "the middle of a decision"
    );
}
