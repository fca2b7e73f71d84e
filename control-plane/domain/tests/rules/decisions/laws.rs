//! What holds whatever samplers, compactors and people ask, in any order.

use std::collections::BTreeSet;

use proptest::prelude::*;
use takt_domain::decisions::{Counts, Decisions, Index, Row};
use takt_domain::{CommandId, Facts, decide};

use super::{
    Command, PolicyCount, PolicyId, Segment, State, UnixNano, Uuid, forget, id, name, segment,
    tenant,
};
use crate::given::{batch, given};

proptest! {
    /// No offset is in two segments in use, no decision is lost or counted twice by compaction, and what
    /// follows from the rows is what one would work out from them.
    #[test]
    fn the_index_is_sound_whatever_is_asked(asked in prop::collection::vec(ask(), 0..60)) {
        let mut state = given([tenant("a")]).when(forget([])).after();
        for (ask, number) in asked.into_iter().zip(2000_u128..) {
            let command = ask.command(&state, number);
            let before = counted(&state);
            let facts = Facts { at: UnixNano(u64::try_from(number).unwrap()), command: CommandId(Uuid::from_u128(number)) };
            let Ok(events) = decide(&state, &command.clone().into(), &facts) else { continue };
            let superseded = matches!(command, Command::Supersede { .. });
            state.apply(&batch(number, state.revision.0, events));
            if superseded {
                prop_assert_eq!(counted(&state), before);
            }
            sound(&state)?;
            // Asked again, it is so already.
            let again = decide(&state, &command.into(), &facts);
            prop_assert!(again.is_ok_and(|events| events.is_empty()));
        }
    }
}

fn sound(state: &State) -> Result<(), TestCaseError> {
    let Some(index) = state.decisions.of(&id("a")) else {
        return Ok(());
    };
    let live: Vec<&Row> = index.rows().filter(|row| row.retired.is_none()).collect();
    prop_assert_eq!(index.live(), live.len());
    let mut seen = BTreeSet::new();
    for range in live.iter().flat_map(|row| &row.segment.ranges) {
        for offset in range.from..range.to {
            prop_assert!(seen.insert((range.partition, offset)));
        }
    }
    let tenants = state.decisions.tenants();
    let again = tenants.map(|(tenant, index)| {
        let rows = index.rows().cloned();
        (tenant.clone(), Index::from_rows(rows, index.version))
    });
    prop_assert_eq!(&Decisions::from_indexes(again), &state.decisions);
    Ok(())
}

/// What is decided, by everything in use.
fn counted(state: &State) -> (u64, u64) {
    let index = state.decisions.of(&id("a")).into_iter();
    let live = index
        .flat_map(|index| index.rows())
        .filter(|row| row.retired.is_none());
    live.fold((0, 0), |(kept, dropped), row| {
        let counts = row.segment.counts;
        (kept + counts.kept, dropped + counts.dropped)
    })
}

#[derive(Debug, Clone)]
enum Ask {
    Register {
        from: u64,
        length: u64,
    },
    /// The first so many in use.
    Compact {
        count: usize,
    },
    Retire {
        which: usize,
    },
    Expire,
    Forget {
        which: usize,
    },
}

impl Ask {
    fn command(&self, state: &State, number: u128) -> Command {
        let index = state.decisions.of(&id("a"));
        let rows = || index.into_iter().flat_map(|index| index.rows());
        let nth = |which: usize| {
            let row = rows().nth(which);
            row.map_or_else(|| name(0), |row| row.segment.id)
        };
        match *self {
            Self::Register { from, length } => Command::Register {
                segments: vec![(id("a"), segment_until(number, from..from + length))],
            },
            Self::Compact { count } => {
                let live = rows().filter(|row| row.retired.is_none());
                let parts: Vec<&Segment> = live.take(count).map(|row| &row.segment).collect();
                Command::Supersede {
                    tenant: id("a"),
                    replaced: parts.iter().map(|part| part.id).collect(),
                    by: Box::new(compacted(number, &parts)),
                }
            }
            Self::Retire { which } => Command::Retire {
                tenant: id("a"),
                segment: nth(which),
                if_match: None,
            },
            Self::Expire => Command::Expire { tenant: id("a") },
            Self::Forget { which } => forget([nth(which).0.as_u128()]),
        }
    }
}

fn ask() -> impl Strategy<Value = Ask> {
    prop_oneof![
        6 => (0_u64..60, 1_u64..12).prop_map(|(from, length)| Ask::Register { from, length }),
        2 => (1_usize..4).prop_map(|count| Ask::Compact { count }),
        1 => (0_usize..6).prop_map(|which| Ask::Retire { which }),
        1 => Just(Ask::Expire),
        1 => (0_usize..6).prop_map(|which| Ask::Forget { which }),
    ]
}

/// Over in about thirty steps, so that some expire on the way.
fn segment_until(number: u128, range: std::ops::Range<u64>) -> Segment {
    Segment {
        expires_at: UnixNano(u64::try_from(number).unwrap() + 30),
        ..segment(number, range)
    }
}

fn compacted(number: u128, parts: &[&Segment]) -> Segment {
    let mut ranges: Vec<_> = parts.iter().flat_map(|part| part.ranges.to_vec()).collect();
    ranges.sort_unstable();
    let mut whole = segment(number, 0..1);
    whole.ranges = ranges.into();
    whole.counts = Counts {
        kept: parts.iter().map(|part| part.counts.kept).sum(),
        dropped: parts.iter().map(|part| part.counts.dropped).sum(),
        discarded: 0,
    };
    whole.policies = [PolicyCount {
        policy: PolicyId(1),
        matched: parts
            .iter()
            .flat_map(|part| &part.policies)
            .map(|it| it.matched)
            .sum(),
        decided: parts
            .iter()
            .flat_map(|part| &part.policies)
            .map(|it| it.decided)
            .sum(),
    }]
    .into();
    let ends = parts.iter().map(|part| part.expires_at);
    whole.expires_at = ends.max().unwrap_or(UnixNano(0));
    whole
}
