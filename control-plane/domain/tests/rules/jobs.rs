//! Work for workers.

use std::collections::BTreeSet;
use std::time::Duration;

use takt_domain::jobs::{
    Command, Draft, Event, JobId, JobKind, MAX_BATCH, MAX_OPEN_PER_TENANT, Outcome, Payload,
    Progress, Rejection, Standing, Traces,
};
use takt_domain::nodes::Role;
use takt_domain::{Event as Any, Fence, tenants};
use takt_model::{BlockId, TenantId, TraceId, UnixNano};
use uuid::Uuid;

use crate::given::{ASKED, Given, given};
use crate::nodes::{after, drained, joined_in, name};

const NOTHING: [Event; 0] = [];
const TTL: Duration = Duration::from_secs(60);

#[test]
fn a_batch_is_planned_whole_and_named_after_the_command() {
    given(NOTHING)
        .when(plan([retention("a"), compaction("a", &[1, 2])]))
        .then([
            planned(first(), retention("a"), 1),
            planned(nth(1), compaction("a", &[1, 2]), 2),
        ])
        .state(|state| {
            assert_eq!(state.jobs.open(), 2);
            assert_eq!(state.jobs.get(first()).unwrap().standing, Standing::Waiting);
        });
    given(NOTHING)
        .when(plan([]))
        .refused(Rejection::BatchSize(0));
    let many = (0..=MAX_BATCH).map(|_| retention("a"));
    given(NOTHING)
        .when(plan(many))
        .refused(Rejection::BatchSize(MAX_BATCH + 1));
    given([planned(first(), compaction("b", &[8, 9]), 1)])
        .when(plan([retention("a")]))
        .refused(Rejection::IdTaken(first()));
}

#[test]
fn a_block_is_in_one_job_that_is_not_finished() {
    let busy = |job| Rejection::BlockBusy {
        block: block(2),
        job,
    };
    let there = || given([planned(id(1), compaction("a", &[1, 2]), 1)]);
    there()
        .when(plan([compaction("a", &[2, 3])]))
        .refused(busy(id(1)));
    given(NOTHING)
        .when(plan([
            compaction("a", &[1, 2]),
            redaction("a", 2, ids(1), false),
        ]))
        .refused(busy(first()));
    // Another tenant's block is another block, and counting takes nothing for itself.
    there()
        .when(plan([
            compaction("b", &[1, 2]),
            redaction("a", 2, ids(1), true),
        ]))
        .then([
            planned(first(), compaction("b", &[1, 2]), 1),
            planned(nth(1), redaction("a", 2, ids(1), true), 2),
        ]);
    there()
        .and(2, vec![Event::Cancelled { job: id(1) }.into()])
        .when(plan([compaction("a", &[2, 3])]))
        .then([planned(first(), compaction("a", &[2, 3]), 1)]);
}

#[test]
fn what_would_do_the_same_is_not_planned_twice() {
    let exists = |job| Rejection::Exists {
        kind: JobKind::Retention,
        tenant: tenant("a"),
        job,
    };
    given([planned(id(1), retention("a"), 1)])
        .when(plan([retention("a")]))
        .refused(exists(id(1)));
    given(NOTHING)
        .when(plan([retention("a"), retention("a")]))
        .refused(exists(first()));
    given([planned(id(1), retention("a"), 1)])
        .when(plan([retention("b")]))
        .then([planned(first(), retention("b"), 1)]);
}

#[test]
fn a_deleted_tenant_is_only_purged() {
    let deleted = || {
        given([
            tenants::Event::Created {
                tenant: tenant("a"),
                display_name: String::new(),
            },
            tenants::Event::Deleted {
                tenant: tenant("a"),
            },
        ])
    };
    let purge = draft("a", Payload::TenantPurge);
    deleted()
        .when(plan([purge.clone()]))
        .then([planned(first(), purge, 1)]);
    deleted()
        .when(plan([retention("a")]))
        .refused(takt_domain::Rejection::TenantDeleted(tenant("a")));
}

#[test]
fn a_draft_has_bounds() {
    let refused = |draft, rejection: Rejection| {
        given(NOTHING).when(plan([draft])).refused(rejection);
    };
    let blocks = |count| Rejection::Blocks {
        kind: JobKind::Compaction,
        count,
        min: 2,
        max: 256,
    };
    refused(compaction("a", &[1]), blocks(1));
    refused(compaction("a", &[1, 1]), blocks(1));
    refused(redaction("a", 1, ids(0), false), Rejection::Traces);
    refused(redaction("a", 1, ids(10_001), false), Rejection::Traces);
    refused(
        redaction("a", 1, Traces::Query(String::new()), false),
        Rejection::Traces,
    );
    let backwards = Payload::Redaction {
        block: block(1),
        traces: ids(1),
        dry_run: false,
        window: Some((UnixNano(2), UnixNano(2))),
    };
    refused(draft("a", backwards), Rejection::Window);
    let priority = Draft {
        priority: 10,
        ..retention("a")
    };
    refused(priority, Rejection::Priority(10));
    let attempts = Draft {
        max_attempts: 0,
        ..retention("a")
    };
    refused(attempts, Rejection::Attempts(0));
    let batch = Draft {
        batch: "x".repeat(129),
        ..retention("a")
    };
    refused(
        batch,
        Rejection::TextTooLong {
            field: "jobs.batch",
            bytes: 129,
            max: 128,
        },
    );
}

#[test]
fn a_tenant_has_so_many_jobs_and_no_more() {
    let full = (5000..5000 + u128::from(MAX_OPEN_PER_TENANT)).map(|number| {
        let blocks = [number * 2, number * 2 + 1];
        planned(id(number), compaction("a", &blocks), 1)
    });
    given(full.collect::<Vec<_>>())
        .when(plan([retention("b"), retention("a")]))
        .refused(Rejection::TooManyOfTenant {
            tenant: tenant("a"),
        });
}

#[test]
fn jobs_are_leased_by_priority_and_then_tenants_take_turns() {
    let urgent = Draft {
        priority: 9,
        ..draft("c", Payload::Index)
    };
    let later = Draft {
        not_before: after(5),
        ..draft("b", Payload::Index)
    };
    let planned = given(NOTHING)
        .when(plan([
            compaction("a", &[1, 2]),
            compaction("a", &[3, 4]),
            compaction("a", &[5, 6]),
            later,
            retention("b"),
            urgent,
        ]))
        .after();
    let order: Vec<JobId> = planned.jobs.waiting().map(|(id, _)| id).collect();
    // `a` has three, `b` two: they alternate, and the urgent one goes first.
    assert_eq!(order, [nth(5), nth(0), nth(3), nth(1), nth(4), nth(2)]);
}

#[test]
fn a_lease_takes_what_is_due_and_wanted_under_rising_tokens() {
    let jobs = || {
        let later = Draft {
            not_before: after(5),
            ..draft("a", Payload::Index)
        };
        given([
            planned(id(1), later, 1),
            planned(id(2), retention("a"), 2),
            planned(id(3), compaction("a", &[1, 2]), 3),
        ])
    };
    jobs()
        .when(lease("w", &[], 9))
        .then([leased(2, "w", 1, 1), leased(3, "w", 2, 1)])
        .state(|state| {
            assert_eq!(state.jobs.fence, Fence(2));
            assert_eq!(state.jobs.share(&tenant("a")).leased, 2);
        });
    jobs()
        .when(lease("w", &[JobKind::Compaction], 9))
        .then([leased(3, "w", 1, 1)]);
    jobs().when(lease("w", &[], 1)).then([leased(2, "w", 1, 1)]);
    given(NOTHING).when(lease("w", &[], 1)).nothing();
    for count in [0, 65] {
        jobs()
            .when(lease("w", &[], count))
            .refused(Rejection::LeaseCount(count));
    }
    let short = Command::Lease {
        worker: name("w"),
        kinds: BTreeSet::new(),
        count: 1,
        ttl: Duration::from_millis(1),
    };
    jobs().when(short).refused(Rejection::Ttl);
}

#[test]
fn a_worker_that_is_draining_gets_nothing_new() {
    given::<Any>([
        joined_in("w", "a", Role::Worker).into(),
        drained("w").into(),
        planned(id(1), retention("a"), 1).into(),
    ])
    .when(lease("w", &[], 1))
    .nothing();
}

#[test]
fn a_report_keeps_the_lease() {
    let report = |fence| Command::Report {
        job: id(1),
        fence: Fence(fence),
        progress: Progress { done: 1, total: 2 },
        ttl: TTL,
    };
    working()
        .at(after(30))
        .when(report(1))
        .then([Event::Progressed {
            job: id(1),
            fence: Fence(1),
            progress: Progress { done: 1, total: 2 },
            expires_at: after(90),
        }])
        .state(|state| assert_eq!(state.jobs.leased().next(), Some((after(90), id(1)))));
    working().when(report(2)).refused(fenced(2));
}

#[test]
fn an_old_token_is_refused_whatever_it_says() {
    let relet = || {
        working()
            .and(3, vec![expired(1, after(10)).into()])
            .and(4, vec![leased(1, "v", 2, 2).into()])
    };
    let outcome = Outcome::default();
    for command in [
        Command::Report {
            job: id(1),
            fence: Fence(1),
            progress: Progress::default(),
            ttl: TTL,
        },
        Command::Complete {
            job: id(1),
            fence: Fence(1),
            outcome,
        },
        fail(1, false),
        Command::Expire {
            job: id(1),
            fence: Fence(1),
        },
    ] {
        relet().when(command).refused(Rejection::Fenced {
            job: id(1),
            asked: Fence(1),
            current: Fence(2),
        });
    }
}

#[test]
fn a_job_is_done() {
    let outcome = Outcome {
        blocks: vec![block(7)],
        traces: 5,
        ..Outcome::default()
    };
    let complete = Command::Complete {
        job: id(1),
        fence: Fence(1),
        outcome: outcome.clone(),
    };
    working()
        .when(complete.clone())
        .then([Event::Completed {
            job: id(1),
            fence: Fence(1),
            worker: name("w"),
            outcome: outcome.clone(),
        }])
        .state(|state| {
            let job = state.jobs.get(id(1)).unwrap();
            assert_eq!(job.standing, Standing::Done(outcome));
            assert_eq!(state.jobs.open(), 0);
        });
    working()
        .and(3, vec![cancelled(1).into()])
        .when(complete.clone())
        .refused(Rejection::Finished(id(1)));
    given([planned(id(1), retention("a"), 1)])
        .when(complete.clone())
        .refused(Rejection::NotLeased(id(1)));
    given(NOTHING)
        .when(complete)
        .refused(Rejection::Unknown(id(1)));
}

#[test]
fn a_failed_attempt_is_followed_by_another_until_there_were_too_many() {
    working().when(fail(1, false)).then([Event::Failed {
        job: id(1),
        fence: Fence(1),
        worker: name("w"),
        error: "no space".into(),
        retry_at: after(10),
    }]);
    let second = || {
        working()
            .and(3, vec![expired(1, after(10)).into()])
            .and(4, vec![leased(1, "w", 2, 2).into()])
    };
    second().when(fail(2, false)).then([Event::Failed {
        job: id(1),
        fence: Fence(2),
        worker: name("w"),
        error: "no space".into(),
        retry_at: after(20),
    }]);
    let third = || {
        second()
            .and(5, vec![expired(2, after(10)).into()])
            .and(6, vec![leased(1, "w", 3, 3).into()])
    };
    third().when(fail(3, false)).then([poisoned(3)]);
    working().when(fail(1, true)).then([poisoned(1)]);
    let long = Command::Fail {
        job: id(1),
        fence: Fence(1),
        error: "x".repeat(4097),
        permanent: false,
    };
    working().when(long).refused(Rejection::TextTooLong {
        field: "error",
        bytes: 4097,
        max: 4096,
    });
}

#[test]
fn a_silent_worker_loses_its_lease_when_it_ends_and_not_before() {
    let expire = Command::Expire {
        job: id(1),
        fence: Fence(1),
    };
    working()
        .at(after(60))
        .when(expire.clone())
        .then([expired(1, after(70))])
        .state(|state| {
            let job = state.jobs.get(id(1)).unwrap();
            assert_eq!((&job.standing, job.attempts), (&Standing::Waiting, 1));
            assert_eq!(job.error, "worker `w` fell silent");
        });
    working()
        .at(after(59))
        .when(expire)
        .refused(Rejection::NotExpired(id(1)));
}

#[test]
fn a_job_is_cancelled_even_under_a_worker() {
    let cancel = Command::Cancel {
        job: id(1),
        if_match: None,
    };
    working().when(cancel.clone()).then([cancelled(1)]);
    working()
        .and(3, vec![cancelled(1).into()])
        .when(cancel.clone())
        .nothing();
    working()
        .and(3, vec![poisoned(1).into()])
        .when(cancel)
        .refused(Rejection::Finished(id(1)));
}

#[test]
fn a_poisoned_job_is_tried_from_the_start_if_its_blocks_are_free() {
    let retry = Command::Retry {
        job: id(1),
        if_match: None,
    };
    let given_up = || {
        given([
            planned(id(1), compaction("a", &[1, 2]), 1),
            leased(1, "w", 1, 1),
            poisoned(1),
        ])
    };
    given_up()
        .when(retry.clone())
        .then([Event::Retried {
            job: id(1),
            turn: 2,
        }])
        .state(|state| assert_eq!(state.jobs.get(id(1)).unwrap().attempts, 0));
    given_up()
        .and(2, vec![planned(id(2), compaction("a", &[2, 3]), 2).into()])
        .when(retry.clone())
        .refused(Rejection::BlockBusy {
            block: block(2),
            job: id(2),
        });
    // One that waits for another attempt need not wait; one that waits for its first has nothing to retry.
    working()
        .and(3, vec![expired(1, after(10)).into()])
        .when(retry.clone())
        .then([Event::Retried {
            job: id(1),
            turn: 3,
        }]);
    for waiting in [given([planned(id(1), retention("a"), 1)]), working()] {
        waiting
            .when(retry.clone())
            .refused(Rejection::NotRetryable(id(1)));
    }
}

#[test]
fn only_finished_jobs_are_trimmed() {
    let trim = |numbers: &[u128]| Command::Trim {
        jobs: numbers.iter().map(|number| id(*number)).collect(),
    };
    let done = || working().and(3, vec![cancelled(1).into()]);
    done()
        .when(trim(&[1, 1, 99]))
        .then([Event::Trimmed { job: id(1) }])
        .state(|state| assert!(state.jobs.is_empty()));
    working().when(trim(&[1])).refused(Rejection::Open(id(1)));
    working().when(trim(&[])).refused(Rejection::BatchSize(0));
}

#[test]
fn so_many_finished_jobs_are_remembered_and_the_oldest_go() {
    let finished = (0..10_000).flat_map(|number| {
        let blocks = [number * 2, number * 2 + 1];
        [
            planned(id(number), compaction("a", &blocks), 1),
            Event::Cancelled { job: id(number) },
        ]
    });
    let next = id(20_000);
    given(finished.collect::<Vec<_>>())
        .and(2, vec![planned(next, retention("a"), 1).into()])
        .when(Command::Cancel {
            job: next,
            if_match: None,
        })
        .then([
            Event::Cancelled { job: next },
            Event::Trimmed { job: id(0) },
        ]);
}

/// Job 1, a retention of `a`, leased to `w` for a minute under token 1; three attempts.
fn working() -> Given {
    given([planned(id(1), retention("a"), 1), leased(1, "w", 1, 1)])
}

fn tenant(text: &str) -> TenantId {
    TenantId::new(text).unwrap()
}

fn block(number: u128) -> BlockId {
    BlockId(Uuid::from_u128(number))
}

fn id(number: u128) -> JobId {
    JobId(Uuid::from_u128(number))
}

/// The first job that a command plans.
fn first() -> JobId {
    nth(0)
}

fn nth(number: u128) -> JobId {
    JobId(Uuid::from_u128(ASKED.0.as_u128() + number))
}

fn draft(text: &str, payload: Payload) -> Draft {
    Draft {
        tenant: tenant(text),
        payload,
        batch: String::new(),
        priority: 5,
        not_before: UnixNano(0),
        max_attempts: 3,
    }
}

fn retention(tenant: &str) -> Draft {
    draft(tenant, Payload::Retention)
}

fn compaction(tenant: &str, blocks: &[u128]) -> Draft {
    let blocks = blocks.iter().map(|number| block(*number)).collect();
    draft(tenant, Payload::Compaction { blocks })
}

fn redaction(tenant: &str, number: u128, traces: Traces, dry_run: bool) -> Draft {
    let payload = Payload::Redaction {
        block: block(number),
        traces,
        dry_run,
        window: None,
    };
    draft(tenant, payload)
}

fn ids(count: usize) -> Traces {
    Traces::Ids(vec![TraceId([1; 16]); count])
}

fn plan(jobs: impl IntoIterator<Item = Draft>) -> Command {
    Command::Plan {
        jobs: jobs.into_iter().collect(),
    }
}

fn lease(worker: &str, kinds: &[JobKind], count: u32) -> Command {
    Command::Lease {
        worker: name(worker),
        kinds: kinds.iter().copied().collect(),
        count,
        ttl: TTL,
    }
}

fn fail(fence: u64, permanent: bool) -> Command {
    Command::Fail {
        job: id(1),
        fence: Fence(fence),
        error: "no space".into(),
        permanent,
    }
}

fn planned(job: JobId, draft: Draft, turn: u64) -> Event {
    Event::Planned { job, draft, turn }
}

fn leased(number: u128, worker: &str, fence: u64, attempt: u32) -> Event {
    Event::Leased {
        job: id(number),
        worker: name(worker),
        fence: Fence(fence),
        expires_at: after(60),
        attempt,
    }
}

fn expired(fence: u64, retry_at: UnixNano) -> Event {
    Event::Expired {
        job: id(1),
        fence: Fence(fence),
        worker: name("w"),
        retry_at,
    }
}

fn poisoned(fence: u64) -> Event {
    Event::Poisoned {
        job: id(1),
        fence: Fence(fence),
        worker: name("w"),
        error: "no space".into(),
    }
}

fn cancelled(number: u128) -> Event {
    Event::Cancelled { job: id(number) }
}

fn fenced(asked: u64) -> Rejection {
    Rejection::Fenced {
        job: id(1),
        asked: Fence(asked),
        current: Fence(1),
    }
}
