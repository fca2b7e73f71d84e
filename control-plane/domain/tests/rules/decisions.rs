//! Segments of the decision index.

mod laws;

use takt_domain::decisions::{
    self, Command, Counts, Event, Filter, Flaw, MAX_AT_ONCE, MAX_LIVE, OffsetRange, PolicyCount,
    Rejection, RetireReason, Segment, SegmentId,
};
use takt_domain::policies::PolicyId;
use takt_domain::{Rejection as Refusal, Resource, State, tenants};
use takt_model::{NodeId, Revision, TenantId, TimeRange, UnixNano};
use uuid::Uuid;

use crate::given::given;

#[test]
fn a_segment_is_registered_once_however_often_it_is_asked() {
    given([tenant("a")])
        .when(register([segment(1, 0..10)]))
        .then([registered(segment(1, 0..10))])
        .state(|state| {
            let row = state.decisions.of(&id("a")).unwrap().get(name(1)).unwrap();
            assert_eq!((row.version, row.registered_at), (Revision(2), UnixNano(1)));
        });
    given([tenant("a"), registered(segment(1, 0..10))])
        .when(register([segment(1, 0..10)]))
        .nothing();
    given([
        tenant("a"),
        registered(segment(1, 0..10)),
        retired(1, RetireReason::Asked),
    ])
    .when(register([segment(1, 0..10)]))
    .nothing();
    let other = Segment {
        bytes: 7,
        ..segment(1, 0..10)
    };
    given([tenant("a"), registered(segment(1, 0..10))])
        .when(register([other]))
        .refused(Rejection::SegmentDiffers(name(1)));
}

#[test]
fn no_offset_is_in_two_segments() {
    let taken = |range: std::ops::Range<u64>, of: u128| Rejection::Overlaps {
        range: offsets(0, range),
        by: name(of),
    };
    let before = || {
        [
            tenant("a"),
            registered(segment(1, 10..20)),
            registered(segment(2, 30..40)),
        ]
    };
    for (range, by) in [
        (19..21, 1),
        (0..11, 1),
        (12..13, 1),
        (0..100, 1),
        (20..31, 2),
    ] {
        given(before())
            .when(register([segment(3, range.clone())]))
            .refused(taken(range, by));
    }
    for range in [20..30, 0..10, 40..41] {
        given(before())
            .when(register([segment(3, range.clone())]))
            .then([registered(segment(3, range))]);
    }
    let elsewhere = Segment {
        ranges: [offsets(1, 10..20)].into(),
        ..segment(3, 10..20)
    };
    given(before())
        .when(register([elsewhere.clone()]))
        .then([registered(elsewhere)]);
    given([tenant("a")])
        .when(register([segment(1, 0..10), segment(2, 9..11)]))
        .refused(taken(9..11, 1));
}

#[test]
fn what_is_out_of_use_holds_no_offsets() {
    given([
        tenant("a"),
        registered(segment(1, 0..10)),
        retired(1, RetireReason::Asked),
    ])
    .when(register([segment(2, 5..15)]))
    .then([registered(segment(2, 5..15))]);
}

#[test]
fn segments_of_many_tenants_are_registered_together_or_not_at_all() {
    let of = |tenant: &str, number, range| (id(tenant), segment(number, range));
    let both = Command::Register {
        segments: vec![of("a", 1, 0..10), of("b", 2, 0..10)],
    };
    let events = |tenant: &str, number| Event::Registered {
        tenant: id(tenant),
        segment: Box::new(segment(number, 0..10)),
    };
    given([tenant("a"), tenant("b")])
        .when(both.clone())
        .then([events("a", 1), events("b", 2)]);
    given([tenant("a")])
        .when(both)
        .refused(Refusal::TenantUnknown(id("b")));
    let many = (0..1025).map(|number| segment(number, 0..10));
    given([tenant("a")])
        .when(register(many))
        .refused(Rejection::TooMany(MAX_AT_ONCE + 1));
}

#[test]
fn a_segment_makes_sense() {
    type Spoil = fn(&mut Segment);
    let cases: [(Flaw, Spoil); 16] = [
        (Flaw::NoRanges, |it| it.ranges = [].into()),
        (Flaw::Ranges, |it| it.ranges = [offsets(0, 5..5)].into()),
        (Flaw::Ranges, |it| {
            it.ranges = [offsets(0, 0..5), offsets(0, 4..6)].into();
        }),
        (Flaw::Times, |it| it.traces = times(5, 4)),
        (Flaw::PolicyVersions, |it| {
            it.policy_versions = (Revision(2), Revision(1));
        }),
        (Flaw::Policies, |it| {
            it.policies = [count(2, 1, 1), count(1, 1, 1)].into();
        }),
        (Flaw::PolicyCounts, |it| {
            it.policies = [count(1, 1, 2)].into()
        }),
        (Flaw::PolicyCounts, |it| {
            it.policies = [count(1, 101, 1)].into();
        }),
        (Flaw::Counts, |it| it.counts.kept = u64::MAX),
        (Flaw::Path, |it| it.path = "".into()),
        (Flaw::Path, |it| it.path = "../other/tenant".into()),
        (Flaw::Path, |it| it.path = "/root".into()),
        (Flaw::Format, |it| it.format = 0),
        (Flaw::Filter, |it| {
            let (fingerprint_bits, seed) = (9, 0);
            it.dropped = Filter::Xor {
                fingerprint_bits,
                seed,
            };
        }),
        (Flaw::FilterMissing, |it| it.dropped = Filter::None),
        (Flaw::Expiry, |it| it.expires_at = UnixNano(250)),
    ];
    for (flaw, spoil) in cases {
        let mut bad = segment(1, 0..10);
        spoil(&mut bad);
        let refusal = given([tenant("a")]).when(register([bad])).refusal();
        let segment = name(1);
        assert_eq!(refusal, Rejection::Invalid { segment, flaw }.into());
        assert_eq!(refusal.field(), Some(flaw.field()));
    }
    given([tenant("a")])
        .at(UnixNano(10_000))
        .when(register([segment(1, 0..10)]))
        .refused(Rejection::Expired(name(1)));
}

#[test]
fn one_segment_takes_the_place_of_several() {
    let by = merged();
    given(two())
        .at(UnixNano(500))
        .when(supersede([2, 1], by.clone()))
        .then([superseded(by.clone())])
        .state(|state| {
            let index = state.decisions.of(&id("a")).unwrap();
            assert_eq!((index.live(), index.len()), (1, 3));
            let retired = index.get(name(1)).unwrap().retired;
            assert_eq!(retired, Some((RetireReason::Superseded, UnixNano(500))));
        });
    // Asked again, it is so already; and its offsets are its own.
    let done = || [two().to_vec(), vec![superseded(merged())]].concat();
    given(done()).when(supersede([1, 2], by)).nothing();
    given(done())
        .when(register([segment(4, 15..16)]))
        .refused(Rejection::Overlaps {
            range: offsets(0, 15..16),
            by: name(3),
        });
}

#[test]
fn a_merged_segment_stands_for_exactly_what_it_replaces() {
    let not = |what| Rejection::NotTheSame { by: name(3), what };
    let by = merged();
    let fewer = Counts {
        kept: 9,
        ..by.counts
    };
    let cases = [
        (
            Segment {
                ranges: [offsets(0, 0..21)].into(),
                ..merged()
            },
            "the offsets",
        ),
        (
            Segment {
                ranges: [offsets(0, 0..19)].into(),
                ..merged()
            },
            "the offsets",
        ),
        (
            Segment {
                counts: fewer,
                ..merged()
            },
            "the counts of traces",
        ),
        (
            Segment {
                policies: [].into(),
                ..merged()
            },
            "the counts by policy",
        ),
        (
            Segment {
                traces: times(101, 200),
                ..merged()
            },
            "the times or the versions of policies",
        ),
        (
            Segment {
                expires_at: UnixNano(9_999),
                ..merged()
            },
            "the times until when they are kept",
        ),
    ];
    for (wrong, what) in cases {
        given(two())
            .when(supersede([1, 2], wrong))
            .refused(not(what));
    }
}

#[test]
fn only_what_is_in_use_is_superseded() {
    given(two())
        .when(supersede([], merged()))
        .refused(Rejection::ReplacesNothing(name(3)));
    given(two())
        .when(supersede([1, 1], merged()))
        .refused(Rejection::NamedTwice(name(1)));
    given(two())
        .when(supersede([1, 9], merged()))
        .refused(unknown(9));
    let gone = [two().to_vec(), vec![retired(1, RetireReason::Expired)]].concat();
    given(gone)
        .when(supersede([1, 2], merged()))
        .refused(Rejection::Retired(name(1)));
    let other = Segment {
        bytes: 7,
        ..merged()
    };
    given([two().to_vec(), vec![superseded(merged())]].concat())
        .when(supersede([1, 2], other))
        .refused(Rejection::SegmentDiffers(name(3)));
}

#[test]
fn a_segment_is_retired_and_forgotten_once_its_object_is_gone() {
    let retire = |if_match: Option<u64>| Command::Retire {
        tenant: id("a"),
        segment: name(1),
        if_match: if_match.map(Revision),
    };
    given(two())
        .when(retire(Some(3)))
        .refused(Refusal::VersionMismatch {
            asked: Revision(3),
            current: Revision(2),
        });
    let asked = || retired(1, RetireReason::Asked);
    given(two()).when(retire(Some(2))).then([asked()]);
    let gone = || [two().to_vec(), vec![asked()]].concat();
    given(gone()).when(retire(None)).nothing();
    given(two())
        .when(forget([1]))
        .refused(Rejection::Live(name(1)));
    let forgotten = Event::Forgotten {
        tenant: id("a"),
        segment: name(1),
    };
    given(gone())
        .when(forget([1, 9]))
        .then([forgotten])
        .state(|state| {
            assert_eq!(state.decisions.of(&id("a")).unwrap().len(), 1);
            assert_eq!(waiting(state, UnixNano::MAX), []);
        });
    given([tenant("a")]).when(retire(None)).refused(unknown(1));
    given([tenant("a")]).when(forget([9])).nothing();
    given([tenant("a")])
        .when(forget(0..1025))
        .refused(Rejection::TooMany(1025));
}

#[test]
fn what_is_over_is_retired_by_the_clock_of_the_leader() {
    let expire = || Command::Expire { tenant: id("a") };
    given(two()).at(UnixNano(9_999)).when(expire()).nothing();
    let long = Segment {
        expires_at: UnixNano(20_000),
        ..segment(3, 20..30)
    };
    let before = [two().to_vec(), vec![registered(long)]].concat();
    let state = given(before.clone()).when(expire()).nothing().after();
    assert_eq!(decisions::due(&state, UnixNano(9_999)), []);
    assert_eq!(decisions::due(&state, UnixNano(10_000)), [expire()]);
    let state = given(before)
        .at(UnixNano(10_000))
        .when(expire())
        .then([
            retired(1, RetireReason::Expired),
            retired(2, RetireReason::Expired),
        ])
        .after();
    assert_eq!(decisions::due(&state, UnixNano(10_000)), []);
    assert_eq!(waiting(&state, UnixNano(9_999)), []);
    assert_eq!(waiting(&state, UnixNano(10_000)), [name(1), name(2)]);
}

#[test]
fn the_segments_that_may_know_a_trace_are_found_by_its_time() {
    let within = |number, range, traces| Segment {
        traces,
        ..segment(number, range)
    };
    let state = given([
        tenant("a"),
        registered(within(1, 0..10, times(100, 200))),
        registered(within(2, 10..20, times(150, 300))),
        registered(within(3, 20..30, times(150, 900))),
        retired(3, RetireReason::Asked),
    ])
    .when(forget([]))
    .after();
    let found = |start, end| {
        let rows = state.decisions.find(&id("a"), &times(start, end));
        rows.into_iter()
            .map(|row| row.segment.id)
            .collect::<Vec<_>>()
    };
    assert_eq!(found(160, 160), [name(2), name(1)]);
    assert_eq!(found(120, 120), [name(1)]);
    assert_eq!(found(200, 200), [name(2), name(1)]);
    assert_eq!(found(301, 1000), []);
    assert_eq!(found(0, 1000), [name(2), name(1)]);
    assert_eq!(
        state.decisions.find(&id("b"), &times(0, 1000)),
        Vec::<&decisions::Row>::new()
    );
}

#[test]
fn a_tenant_has_a_bound_of_segments_and_compaction_makes_room() {
    let each = |number: u64| segment(u128::from(number) + 1, number * 10..number * 10 + 10);
    let full = u64::try_from(MAX_LIVE).unwrap();
    let mut events = vec![tenant("a")];
    events.extend((0..full).map(|number| registered(each(number))));
    given(events.clone())
        .when(register([each(full)]))
        .refused(Rejection::Full(id("a")));
    let by = Segment {
        id: name(1_000_000),
        ..merged()
    };
    given(events)
        .when(supersede([1, 2], by.clone()))
        .then([superseded(by)]);
}

#[test]
fn the_segments_of_a_tenant_go_with_it() {
    let delete = tenants::Command::Delete {
        tenant: id("a"),
        if_match: None,
    };
    let gone = [two().to_vec(), vec![retired(1, RetireReason::Asked)]].concat();
    let state = given(gone)
        .when(takt_domain::Command::Tenant(delete))
        .after();
    assert!(state.decisions.of(&id("a")).is_none());
    assert_eq!(decisions::due(&state, UnixNano::MAX), []);
    assert_eq!(waiting(&state, UnixNano::MAX), []);
}

#[test]
fn nobody_has_segments_without_being_a_tenant() {
    let nobody: [Event; 0] = [];
    for command in [
        register([segment(1, 0..10)]),
        supersede([1], merged()),
        forget([1]),
        Command::Expire { tenant: id("a") },
        Command::Retire {
            tenant: id("a"),
            segment: name(1),
            if_match: None,
        },
    ] {
        given(nobody.clone())
            .when(command)
            .refused(Refusal::TenantUnknown(id("a")));
    }
}

#[test]
fn events_are_about_their_segment() {
    let takt_domain::Event::Decision(event) = superseded(merged()) else {
        unreachable!("it is one of ours");
    };
    let subject = event.subject();
    assert_eq!(subject.resource, Resource::Segment);
    assert_eq!(
        (subject.tenant, subject.name),
        (Some(id("a")), name(3).to_string())
    );
}

/// A tenant with a segment for each hour of a day and each day of a month takes some 40 KB.
#[test]
fn a_segment_is_small() {
    assert!(size_of::<Segment>() <= 320, "{}", size_of::<Segment>());
    assert!(size_of::<PolicyCount>() <= 24);
}

fn waiting(state: &State, by: UnixNano) -> Vec<SegmentId> {
    let retired = state.decisions.retired_by(by);
    retired.map(|(_, row)| row.segment.id).collect()
}

fn two() -> [takt_domain::Event; 3] {
    [
        tenant("a"),
        registered(segment(1, 0..10)),
        registered(segment(2, 10..20)),
    ]
}

/// What the first two of them come to.
fn merged() -> Segment {
    Segment {
        counts: Counts {
            kept: 10,
            dropped: 190,
            discarded: 0,
        },
        policies: [PolicyCount {
            policy: PolicyId(1),
            matched: 20,
            decided: 10,
        }]
        .into(),
        ..segment(3, 0..20)
    }
}

fn segment(number: u128, range: std::ops::Range<u64>) -> Segment {
    Segment {
        id: name(number),
        node: NodeId(1),
        epoch: 1,
        ranges: [offsets(0, range)].into(),
        traces: times(100, 200),
        decided: times(150, 250),
        policy_versions: (Revision(3), Revision(3)),
        counts: Counts {
            kept: 5,
            dropped: 95,
            discarded: 0,
        },
        policies: [PolicyCount {
            policy: PolicyId(1),
            matched: 10,
            decided: 5,
        }]
        .into(),
        path: format!("a/decisions/{number}").into(),
        bytes: 1000,
        format: 1,
        kept: Filter::Exact,
        dropped: Filter::BinaryFuse {
            fingerprint_bits: 8,
            seed: 42,
        },
        expires_at: UnixNano(10_000),
    }
}

fn count(policy: u32, matched: u64, decided: u64) -> PolicyCount {
    PolicyCount {
        policy: PolicyId(policy),
        matched,
        decided,
    }
}

fn offsets(partition: u32, range: std::ops::Range<u64>) -> OffsetRange {
    OffsetRange {
        partition,
        from: range.start,
        to: range.end,
    }
}

fn times(start: u64, end: u64) -> TimeRange {
    TimeRange {
        start: UnixNano(start),
        end: UnixNano(end),
    }
}

fn id(tenant: &str) -> TenantId {
    TenantId::new(tenant).unwrap()
}

fn name(number: u128) -> SegmentId {
    SegmentId(Uuid::from_u128(number))
}

fn unknown(number: u128) -> Rejection {
    Rejection::SegmentUnknown {
        tenant: id("a"),
        segment: name(number),
    }
}

fn tenant(name: &str) -> takt_domain::Event {
    tenants::Event::Created {
        tenant: id(name),
        display_name: String::new(),
    }
    .into()
}

fn register(segments: impl IntoIterator<Item = Segment>) -> Command {
    Command::Register {
        segments: segments
            .into_iter()
            .map(|segment| (id("a"), segment))
            .collect(),
    }
}

fn supersede<const N: usize>(replaced: [u128; N], by: Segment) -> Command {
    Command::Supersede {
        tenant: id("a"),
        replaced: replaced.map(name).to_vec(),
        by: Box::new(by),
    }
}

fn forget(segments: impl IntoIterator<Item = u128>) -> Command {
    Command::Forget {
        tenant: id("a"),
        segments: segments.into_iter().map(name).collect(),
    }
}

fn registered(segment: Segment) -> takt_domain::Event {
    Event::Registered {
        tenant: id("a"),
        segment: Box::new(segment),
    }
    .into()
}

fn superseded(by: Segment) -> takt_domain::Event {
    Event::Superseded {
        tenant: id("a"),
        replaced: vec![name(1), name(2)],
        by: Box::new(by),
    }
    .into()
}

fn retired(number: u128, reason: RetireReason) -> takt_domain::Event {
    Event::Retired {
        tenant: id("a"),
        segment: name(number),
        reason,
    }
    .into()
}
