//! What samples, and what was sampled, ends in time.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests stop at the first surprise"
)]

use takt_domain::decisions::{self, Counts, Filter, OffsetRange, Segment, SegmentId};
use takt_domain::policies::{self, PolicyId, Rule, Spec};
use takt_domain::{Batch, Command, CommandId, Event, State, tenants};
use takt_model::{NodeId, Revision, TenantId, TimeRange, UnixNano};
use takt_reconcile::{Observed, Waits, plan};
use uuid::Uuid;

#[test]
fn a_policy_and_a_segment_whose_time_is_over_are_swept() {
    let state = state();
    let planned = |now| {
        plan(
            &state,
            &Observed::default(),
            &Waits::default(),
            UnixNano(now),
        )
    };
    assert_eq!(planned(99), []);
    let tenant = id();
    let policy: Command = policies::Command::Expire { tenant }.into();
    assert_eq!(planned(100), std::slice::from_ref(&policy));
    let tenant = id();
    let segment = decisions::Command::Expire { tenant }.into();
    assert_eq!(planned(200), [policy, segment]);
}

fn id() -> TenantId {
    TenantId::new("a").unwrap()
}

/// A policy that ends at 100 and a segment that ends at 200.
fn state() -> State {
    let spec = Spec {
        expires_at: Some(UnixNano(100)),
        ..Spec::new("mortal", Rule::Always)
    };
    let mut state = State::default();
    state.apply(&Batch {
        command: CommandId(Uuid::from_u128(1)),
        actor: "test".into(),
        at: UnixNano(1),
        decided_at: Revision(0),
        after: None,
        events: vec![
            Event::Tenant(tenants::Event::Created {
                tenant: id(),
                display_name: String::new(),
            }),
            Event::Policy(policies::Event::Created {
                tenant: id(),
                policy: PolicyId(1),
                spec: Box::new(spec),
            }),
            Event::Decision(decisions::Event::Registered {
                tenant: id(),
                segment: Box::new(segment()),
            }),
        ],
    });
    state
}

fn segment() -> Segment {
    let times = TimeRange {
        start: UnixNano(1),
        end: UnixNano(2),
    };
    Segment {
        id: SegmentId(Uuid::from_u128(1)),
        node: NodeId(1),
        epoch: 1,
        ranges: [OffsetRange {
            partition: 0,
            from: 0,
            to: 10,
        }]
        .into(),
        traces: times,
        decided: times,
        policy_versions: (Revision(2), Revision(2)),
        counts: Counts::default(),
        policies: [].into(),
        path: "a/decisions/1".into(),
        bytes: 1,
        format: 1,
        kept: Filter::None,
        dropped: Filter::None,
        expires_at: UnixNano(200),
    }
}
