//! Sampling policies and the segments of the decision index.

use rand::RngExt as _;
use rand::rngs::SmallRng;
use takt_domain::decisions::{self, Counts, Filter, OffsetRange, Segment, SegmentId};
use takt_domain::policies::{self, Rule, Spec, Wanted, Which};
use takt_domain::{Command, State};
use takt_model::{NodeId, Revision, TimeRange, UnixNano};
use uuid::Uuid;

use super::tenants::{if_match, tenant_id};
use crate::plan::pick;

pub(crate) fn policy(rng: &mut SmallRng, _known: &State) -> Command {
    let tenant = tenant_id(rng);
    let if_match = if_match(rng, None);
    let policy = Which::Name(name(rng));
    let command = match rng.random_range(0..8) {
        0..3 => policies::Command::Create {
            tenant,
            spec: Box::new(spec(rng)),
            if_match,
        },
        3..5 => policies::Command::Update {
            tenant,
            policy,
            spec: Box::new(spec(rng)),
            if_match,
        },
        5 => policies::Command::Delete {
            tenant,
            policy,
            if_match,
        },
        6 => policies::Command::Expire { tenant },
        _ => policies::Command::Replace {
            tenant,
            wanted: vec![Wanted {
                policy: None,
                spec: spec(rng),
            }],
            if_match,
        },
    };
    command.into()
}

fn name(rng: &mut SmallRng) -> String {
    (*pick(rng, &["errors", "slow", "all"])).to_owned()
}

fn spec(rng: &mut SmallRng) -> Spec {
    let rule = match rng.random_range(0..2) {
        0 => Rule::Always,
        _ => Rule::TraceFlags,
    };
    Spec::new(name(rng), rule)
}

pub(crate) fn segment(rng: &mut SmallRng, _known: &State) -> Command {
    let tenant = tenant_id(rng);
    let number = rng.random_range(0..10_u64);
    let id = SegmentId(Uuid::from_u128(number.into()));
    let command = match rng.random_range(0..8) {
        0..5 => decisions::Command::Register {
            segments: vec![(tenant, described(id, number))],
        },
        5 => decisions::Command::Retire {
            tenant,
            segment: id,
            if_match: None,
        },
        6 => decisions::Command::Expire { tenant },
        _ => decisions::Command::Forget {
            tenant,
            segments: vec![id],
        },
    };
    command.into()
}

fn described(id: SegmentId, number: u64) -> Segment {
    let times = TimeRange {
        start: UnixNano(100),
        end: UnixNano(200),
    };
    Segment {
        id,
        node: NodeId(1),
        epoch: 1,
        ranges: [OffsetRange {
            partition: 0,
            from: number * 10,
            to: number * 10 + 12,
        }]
        .into(),
        traces: times,
        decided: times,
        policy_versions: (Revision(0), Revision(0)),
        counts: Counts {
            kept: 1,
            dropped: 1,
            discarded: 0,
        },
        policies: [].into(),
        path: format!("segments/{number}").into(),
        bytes: 100,
        format: 1,
        kept: Filter::Exact,
        dropped: Filter::Exact,
        expires_at: UnixNano(1_700_000_005_000_000_000),
    }
}
