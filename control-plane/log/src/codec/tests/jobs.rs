//! The events of jobs, in the order of their numbers.

use proptest::prelude::*;
use takt_domain::jobs::{
    Draft, Event as JobEvent, Job, JobId, Jobs, Lease, Outcome, Payload, Progress, Standing, Traces,
};
use takt_domain::nodes::NodeName;
use takt_domain::{Event, Fence};
use takt_model::{BlockId, Revision, TenantId, TraceId, UnixNano};
use uuid::Uuid;

use super::super::jobs::{state_from, state_to};

#[expect(clippy::too_many_lines, reason = "a table")]
pub(super) fn corpus() -> Vec<(&'static str, Event)> {
    let job = JobId(Uuid::from_u128(70));
    let worker = NodeName::new("worker-3").unwrap();
    let fence = Fence(9);
    let later = UnixNano(1_700_000_300_000_000_000);
    let planned = |payload| JobEvent::Planned {
        job,
        draft: Draft {
            tenant: TenantId::new("team-1").unwrap(),
            payload,
            batch: "batch-1".into(),
            priority: 5,
            not_before: later,
            max_attempts: 4,
        },
        turn: 12,
    };
    let [
        compaction,
        by_query,
        by_ids,
        conversion,
        retention,
        purge,
        index,
        decisions,
    ] = payloads();
    let events = [
        ("job-0001-planned", planned(compaction)),
        ("job-0001-planned-redaction-by-query", planned(by_query)),
        ("job-0001-planned-redaction-by-ids", planned(by_ids)),
        ("job-0001-planned-conversion", planned(conversion)),
        ("job-0001-planned-retention", planned(retention)),
        ("job-0001-planned-tenant-purge", planned(purge)),
        ("job-0001-planned-index", planned(index)),
        ("job-0001-planned-decision-retention", planned(decisions)),
        (
            "job-0002-leased",
            JobEvent::Leased {
                job,
                worker: worker.clone(),
                fence,
                expires_at: later,
                attempt: 2,
            },
        ),
        (
            "job-0003-progressed",
            JobEvent::Progressed {
                job,
                fence,
                progress: Progress { done: 3, total: 8 },
                expires_at: later,
            },
        ),
        (
            "job-0004-completed",
            JobEvent::Completed {
                job,
                fence,
                worker: worker.clone(),
                outcome: outcome(),
            },
        ),
        (
            "job-0005-failed",
            JobEvent::Failed {
                job,
                fence,
                worker: worker.clone(),
                error: "no space".into(),
                retry_at: later,
            },
        ),
        (
            "job-0006-expired",
            JobEvent::Expired {
                job,
                fence,
                worker: worker.clone(),
                retry_at: later,
            },
        ),
        (
            "job-0007-poisoned",
            JobEvent::Poisoned {
                job,
                fence,
                worker,
                error: "no space".into(),
            },
        ),
        ("job-0008-cancelled", JobEvent::Cancelled { job }),
        ("job-0009-retried", JobEvent::Retried { job, turn: 13 }),
        ("job-0010-trimmed", JobEvent::Trimmed { job }),
    ];
    events.map(|(name, event)| (name, event.into())).into()
}

fn payloads() -> [Payload; 8] {
    let blocks = vec![BlockId(Uuid::from_u128(1)), BlockId(Uuid::from_u128(2))];
    let redaction = |traces, window| Payload::Redaction {
        block: blocks[0],
        traces,
        dry_run: window,
        window: window.then_some((UnixNano(1), UnixNano(2))),
    };
    [
        Payload::Compaction {
            blocks: blocks.clone(),
        },
        redaction(Traces::Query("{ span.user = `ada` }".into()), true),
        redaction(Traces::Ids(vec![TraceId([7; 16]), TraceId([8; 16])]), false),
        Payload::Conversion {
            blocks: blocks.clone(),
            format: "vparquet5".into(),
        },
        Payload::Retention,
        Payload::TenantPurge,
        Payload::Index,
        Payload::DecisionRetention,
    ]
}

fn outcome() -> Outcome {
    Outcome {
        blocks: vec![BlockId(Uuid::from_u128(3))],
        traces: 4,
        bytes_read: 5,
        bytes_written: 6,
        objects_deleted: 7,
    }
}

proptest! {
    #[test]
    fn jobs_survive_their_snapshot(
        rows in prop::collection::btree_map(any::<u128>(), job(), 0..12),
        fence in any::<u64>(),
        turn in any::<u64>(),
    ) {
        let mut state = Jobs::default();
        state.fence = Fence(fence);
        state.turn = turn;
        // One block and one job of a kind each: what the rules allow.
        for (number, (id, mut job)) in rows.into_iter().enumerate() {
            job.tenant = TenantId::new(&format!("team-{number}")).unwrap();
            state.put(JobId(Uuid::from_u128(id)), job.into());
        }
        let stored = state_to(&state);
        let read = state_from(stored.clone()).unwrap();
        prop_assert_eq!(&state_to(&read), &stored);
        prop_assert_eq!(read, state);
    }
}

fn job() -> impl Strategy<Value = Job> {
    let standing = prop_oneof![
        Just(Standing::Waiting),
        any::<[u64; 4]>().prop_map(|numbers| Standing::Leased(Lease {
            worker: NodeName::new("w").unwrap(),
            fence: Fence(numbers[0]),
            expires_at: UnixNano(numbers[1]),
            progress: Progress {
                done: numbers[2],
                total: numbers[3],
            },
        })),
        Just(Standing::Done(outcome())),
        Just(Standing::Poisoned),
        Just(Standing::Cancelled),
    ];
    let payload = prop::sample::select(payloads().to_vec());
    let numbers = any::<([u64; 5], [u32; 2], u8)>();
    (standing, payload, "[a-z]{0,4}", numbers).prop_map(
        |(standing, payload, text, (wide, narrow, priority))| Job {
            tenant: TenantId::single(),
            payload,
            batch: text.clone(),
            priority,
            turn: wide[0],
            not_before: UnixNano(wide[1]),
            attempts: narrow[0],
            max_attempts: narrow[1],
            planned_at: UnixNano(wide[2]),
            standing,
            since: UnixNano(wide[3]),
            error: text,
            version: Revision(wide[4]),
        },
    )
}
