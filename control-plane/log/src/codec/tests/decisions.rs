//! Segments of the decision index: every event, and in them every filter.

use takt_domain::decisions::{
    Counts, Event, Filter, OffsetRange, PolicyCount, RetireReason, Segment, SegmentId,
};
use takt_domain::policies::PolicyId;
use takt_model::{NodeId, TimeRange};

use super::*;

pub(super) fn corpus() -> Vec<(&'static str, crate::codec::Event)> {
    let tenant = || TenantId::new("team-1").unwrap();
    let retired = |number, reason| Event::Retired {
        tenant: tenant(),
        segment: name(number),
        reason,
    };
    let mut corpus = vec![
        (
            "decisions-0001-registered",
            Event::Registered {
                tenant: tenant(),
                segment: Box::new(segment(1, Filter::Exact)),
            }
            .into(),
        ),
        (
            "decisions-0002-superseded",
            Event::Superseded {
                tenant: tenant(),
                replaced: vec![name(1), name(2)],
                by: Box::new(segment(3, Filter::Derived)),
            }
            .into(),
        ),
        (
            "decisions-0003-retired-expired",
            retired(3, RetireReason::Expired).into(),
        ),
        (
            "decisions-0003-retired-superseded",
            retired(3, RetireReason::Superseded).into(),
        ),
        (
            "decisions-0003-retired-asked",
            retired(3, RetireReason::Asked).into(),
        ),
        (
            "decisions-0004-forgotten",
            Event::Forgotten {
                tenant: tenant(),
                segment: name(3),
            }
            .into(),
        ),
        (
            "decisions-0005-cleared",
            Event::Cleared { tenant: tenant() }.into(),
        ),
    ];
    let named = [
        "decisions-0001-registered-none",
        "decisions-0001-registered-hashed",
        "decisions-0001-registered-xor",
        "decisions-0001-registered-binary-fuse",
        "decisions-0001-registered-bloom",
        "decisions-0001-registered-cuckoo",
    ];
    for (file, filter) in named.into_iter().zip(filters()) {
        let event = Event::Registered {
            tenant: tenant(),
            segment: Box::new(segment(4, filter)),
        };
        corpus.push((file, event.into()));
    }
    corpus
}

#[test]
fn a_segment_with_a_part_that_is_missing_is_not_read() {
    let read = |change: &dyn Fn(&mut stored::SegmentSpec)| {
        let mut segment = segment_to_wire(&segment(1, Filter::Exact));
        change(&mut segment);
        segment_from_wire(Some(segment)).map_err(|error| error.0)
    };
    assert!(read(&|_| ()).is_ok());
    assert_eq!(read(&|it| it.id.truncate(15)), Err("segment id"));
    assert_eq!(read(&|it| it.kept_filter = None), Err("kept_filter"));
    let too_wide = |it: &mut stored::SegmentSpec| {
        let (fingerprint_bits, seed) = (256, 0);
        let filter = stored::XorFilter {
            fingerprint_bits,
            seed,
        };
        it.dropped_filter = Some(stored::IdFilter {
            filter: Some(stored::id_filter::Filter::Xor(filter)),
        });
    };
    assert_eq!(read(&too_wide), Err("dropped_filter"));
}

proptest! {
    #[test]
    fn segments_survive_their_snapshot(fates in prop::collection::vec(0_u8..4, 0..12)) {
        let mut state = State::default();
        let tenant = TenantId::new("team-1").unwrap();
        let mut events = Vec::new();
        for (fate, number) in fates.into_iter().zip(1_u128..) {
            let filter = filters()[usize::try_from(number % 6).unwrap()];
            let mut segment = segment(number, filter);
            let from = u64::try_from(number).unwrap() * 10;
            segment.ranges = [OffsetRange { partition: 1, from, to: from + 10 }].into();
            let (tenant, id) = (tenant.clone(), segment.id);
            events.push(Event::Registered { tenant: tenant.clone(), segment: Box::new(segment) }.into());
            if fate > 0 {
                let reason = RetireReason::Expired;
                events.push(Event::Retired { tenant: tenant.clone(), segment: id, reason }.into());
            }
            if fate > 2 {
                events.push(Event::Forgotten { tenant, segment: id }.into());
            }
        }
        state.apply(&Batch { decided_at: Revision(0), ..batch_of(events) });
        let sealed = seal_snapshot(&state, &AppliedAt::default());
        let (opened, applied) = open_snapshot(&sealed).unwrap();
        prop_assert_eq!(seal_snapshot(&opened, &applied), sealed);
        prop_assert_eq!(opened, state);
    }
}

fn name(number: u128) -> SegmentId {
    SegmentId(Uuid::from_u128(number))
}

fn filters() -> [Filter; 6] {
    let seed = 42;
    [
        Filter::None,
        Filter::Hashed {
            hash_bits: 64,
            seed,
        },
        Filter::Xor {
            fingerprint_bits: 8,
            seed,
        },
        Filter::BinaryFuse {
            fingerprint_bits: 16,
            seed,
        },
        Filter::Bloom {
            bits: 1 << 20,
            hashes: 7,
            seed,
        },
        Filter::Cuckoo {
            fingerprint_bits: 12,
            bucket: 4,
            seed,
        },
    ]
}

fn segment(number: u128, dropped: Filter) -> Segment {
    let range = |partition, from, to| OffsetRange {
        partition,
        from,
        to,
    };
    let times = |start, end| TimeRange {
        start: UnixNano(start),
        end: UnixNano(end),
    };
    Segment {
        id: name(number),
        node: NodeId(5),
        epoch: 6,
        ranges: [range(1, 100, 200), range(2, 0, 50)].into(),
        traces: times(1_700_000_000_000_000_000, 1_700_000_060_000_000_000),
        decided: times(1_700_000_030_000_000_000, 1_700_000_090_000_000_000),
        policy_versions: (Revision(7), Revision(9)),
        counts: Counts {
            kept: 10,
            dropped: 200,
            discarded: 3,
        },
        policies: [PolicyCount {
            policy: PolicyId(1),
            matched: 20,
            decided: 10,
        }]
        .into(),
        path: "team-1/decisions/0001".into(),
        bytes: 4096,
        format: 1,
        kept: Filter::Exact,
        dropped,
        expires_at: UnixNano(1_700_086_400_000_000_000),
    }
}
