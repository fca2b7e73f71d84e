//! Whatever is asked in whatever order: a token is given once, and only its holder is listened to.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests stop at the first surprise"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;
use takt_domain::jobs::{self, Draft, JobId, Outcome, Payload, Progress};
use takt_domain::nodes::{self, NodeName, Profile, Role, Zone};
use takt_domain::ring::{self, Added, Fact, Purpose, Spec, Wish};
use takt_domain::{Batch, Command, CommandId, Epoch, Event, Facts, Fence, State, decide};
use takt_model::{BlockId, TenantId, UnixNano};
use uuid::Uuid;

proptest! {
    /// Tokens rise; what is accepted about a job comes from who holds its newest token.
    #[test]
    fn a_job_has_one_holder_for_each_token(commands in prop::collection::vec(job_command(), 0..120)) {
        let mut state = State::default();
        let mut holders = BTreeMap::<Fence, (JobId, NodeName)>::new();
        for (number, command) in commands.into_iter().enumerate() {
            for event in step(&mut state, number, &command.into()) {
                let Event::Job(event) = event else { continue };
                match &event {
                    jobs::Event::Leased { job, worker, fence, .. } => {
                        let highest = holders.last_key_value().map(|(fence, _)| *fence);
                        prop_assert!(highest < Some(*fence));
                        holders.insert(*fence, (*job, worker.clone()));
                    }
                    jobs::Event::Progressed { job, fence, .. } => {
                        prop_assert_eq!(newest(&holders, *job), Some(*fence));
                    }
                    jobs::Event::Completed { job, fence, worker, .. }
                    | jobs::Event::Failed { job, fence, worker, .. }
                    | jobs::Event::Expired { job, fence, worker, .. }
                    | jobs::Event::Poisoned { job, fence, worker, .. } => {
                        prop_assert_eq!(newest(&holders, *job), Some(*fence));
                        prop_assert_eq!(&holders[fence], &(*job, worker.clone()));
                    }
                    jobs::Event::Planned { .. }
                    | jobs::Event::Cancelled { .. }
                    | jobs::Event::Retried { .. }
                    | jobs::Event::Trimmed { .. } => {}
                }
            }
            consistent(&state);
        }
    }

    /// Epochs rise; each is held by one node in one place; only a holder takes over or says flushed.
    #[test]
    fn a_partition_has_one_owner_in_a_zone_for_each_epoch(
        commands in prop::collection::vec(ring_command(), 0..120),
    ) {
        let mut state = State::default();
        for (number, command) in setting().into_iter().enumerate() {
            prop_assert!(!step(&mut state, number, &command).is_empty());
        }
        let mut given = BTreeMap::<Epoch, (u32, Zone, NodeName)>::new();
        for (number, command) in commands.into_iter().enumerate() {
            for event in step(&mut state, number + 100, &command) {
                let Event::Ring(event) = event else { continue };
                match event.fact {
                    Fact::Assigned { partition, zone, node, epoch, .. }
                    | Fact::HandoverStarted { partition, zone, to: node, epoch, .. } => {
                        let highest = given.last_key_value().map(|(epoch, _)| *epoch);
                        prop_assert!(highest < Some(epoch));
                        given.insert(epoch, (partition, zone, node));
                    }
                    Fact::HandoverCompleted { partition, zone, to: node, epoch, .. }
                    | Fact::HandoverCancelled { partition, zone, to: node, epoch }
                    | Fact::Unassigned { partition, zone, node, epoch }
                    | Fact::Flushed { partition, zone, node, epoch } => {
                        prop_assert_eq!(&given[&epoch], &(partition, zone, node));
                    }
                    Fact::Configured { .. }
                    | Fact::Added { .. }
                    | Fact::Activated { .. }
                    | Fact::Deactivated { .. }
                    | Fact::Removed { .. } => {}
                }
            }
            let mut held = BTreeSet::new();
            for (partition, found) in &state.ring.by_purpose[&Purpose::Ingest].partitions {
                for (zone, seat) in &found.seats {
                    let owner = seat.owner.as_ref().unwrap();
                    for holder in [Some(owner), seat.heir.as_ref()].into_iter().flatten() {
                        prop_assert!(held.insert(holder.epoch));
                        prop_assert_eq!(
                            &given[&holder.epoch],
                            &(*partition, zone.clone(), holder.node.clone())
                        );
                    }
                    if let Some(heir) = &seat.heir {
                        prop_assert!(owner.epoch < heir.epoch);
                    }
                }
            }
        }
    }
}

/// Decides and applies one command; one that is refused changes nothing.
fn step(state: &mut State, number: usize, command: &Command) -> Vec<Event> {
    let at = UnixNano::from_secs(u64::try_from(number).unwrap() * 20);
    let id = CommandId(Uuid::from_u128(u128::try_from(number).unwrap() * 1000));
    let Ok(events) = decide(state, command, &Facts { at, command: id }) else {
        return Vec::new();
    };
    state.apply(&Batch {
        command: id,
        actor: "property".into(),
        at,
        decided_at: state.revision,
        after: None,
        events: events.clone(),
    });
    events
}

fn newest(holders: &BTreeMap<Fence, (JobId, NodeName)>, job: JobId) -> Option<Fence> {
    let mut of_job = holders.iter().filter(|(_, (held, _))| *held == job);
    of_job.next_back().map(|(fence, _)| *fence)
}

/// The orders jobs are looked for in say what the rows say.
fn consistent(state: &State) {
    let jobs = &state.jobs;
    let rows: Vec<_> = jobs.iter_after(None).collect();
    let waiting = jobs.waiting().count();
    let leased = jobs.leased().count();
    let finished = jobs.finished().count();
    assert_eq!(waiting + leased + finished, rows.len());
    assert_eq!(
        finished,
        rows.iter().filter(|(_, job)| job.finished()).count()
    );
    for (id, job) in rows.iter().filter(|(_, job)| !job.finished()) {
        for block in job.payload.blocks() {
            assert_eq!(jobs.of_block(&job.tenant, *block), Some(*id));
        }
        assert!(jobs.share(&job.tenant).open > 0);
    }
}

fn job_command() -> impl Strategy<Value = jobs::Command> {
    // Jobs are named after their commands: number times a thousand.
    let job = || (0_u128..120).prop_map(|number| JobId(Uuid::from_u128(number * 1000)));
    let fence = || (1_u64..20).prop_map(Fence);
    let tenant = prop::sample::select(vec!["a", "b"]);
    let draft = (tenant, 0_u128..6, 0_u8..3).prop_map(|(tenant, number, priority)| Draft {
        tenant: TenantId::new(tenant).unwrap(),
        payload: match number {
            0 => Payload::Retention,
            number => Payload::Compaction {
                blocks: [number, number + 1]
                    .map(|n| BlockId(Uuid::from_u128(n)))
                    .into(),
            },
        },
        batch: String::new(),
        priority,
        not_before: UnixNano(0),
        max_attempts: 2,
    });
    prop_oneof![
        4 => draft.prop_map(|draft| jobs::Command::Plan { jobs: vec![draft] }),
        4 => (node(), 1_u32..3).prop_map(|(worker, count)| jobs::Command::Lease {
            worker, kinds: BTreeSet::new(), count, ttl: Duration::from_secs(60),
        }),
        2 => (job(), fence()).prop_map(|(job, fence)| jobs::Command::Report {
            job, fence, progress: Progress::default(), ttl: Duration::from_secs(60),
        }),
        2 => (job(), fence()).prop_map(|(job, fence)| jobs::Command::Complete {
            job, fence, outcome: Outcome::default(),
        }),
        2 => (job(), fence(), any::<bool>()).prop_map(|(job, fence, permanent)| {
            jobs::Command::Fail { job, fence, error: "no".into(), permanent }
        }),
        3 => (job(), fence()).prop_map(|(job, fence)| jobs::Command::Expire { job, fence }),
        1 => job().prop_map(|job| jobs::Command::Cancel { job, if_match: None }),
        1 => job().prop_map(|job| jobs::Command::Retry { job, if_match: None }),
        1 => job().prop_map(|job| jobs::Command::Trim { jobs: vec![job] }),
    ]
}

fn ring_command() -> impl Strategy<Value = Command> {
    let partition = || 0_u32..3;
    let epoch = || (1_u64..20).prop_map(Epoch);
    let zone = || prop::sample::select(vec!["a", "b"]).prop_map(|text| Zone::new(text).unwrap());
    let wish = prop_oneof![
        2 => partition().prop_map(|number| Wish::Add(Added::Number(number))),
        4 => (partition(), node()).prop_map(|(partition, node)| Wish::Assign {
            partition, node, if_match: None,
        }),
        3 => (partition(), node()).prop_map(|(partition, to)| Wish::HandOver {
            partition, to, if_match: None,
        }),
        3 => (partition(), node(), epoch()).prop_map(|(partition, node, epoch)| Wish::TakeOver {
            partition, node, epoch,
        }),
        1 => (partition(), zone()).prop_map(|(partition, zone)| Wish::CancelHandover {
            partition, zone, if_match: None,
        }),
        1 => (partition(), zone()).prop_map(|(partition, zone)| Wish::Unassign {
            partition, zone, if_match: None,
        }),
        2 => partition().prop_map(|partition| Wish::Activate { partition, if_match: None }),
        1 => partition().prop_map(|partition| Wish::Deactivate { partition, if_match: None }),
        2 => (partition(), node(), epoch()).prop_map(|(partition, node, epoch)| Wish::Flushed {
            partition, node, epoch,
        }),
        1 => (partition(), any::<bool>()).prop_map(|(partition, abandon)| Wish::Remove {
            partition, abandon, if_match: None,
        }),
    ];
    let node_wish = prop_oneof![
        node().prop_map(|node| nodes::Command::Lose {
            node,
            incarnation: 1,
            last_heard: UnixNano(0),
        }),
        node().prop_map(join),
        node().prop_map(|node| nodes::Command::Drain {
            node,
            if_match: None,
        }),
    ];
    prop_oneof![
        5 => wish.prop_map(|wish| ring::Command { ring: Purpose::Ingest, wish }.into()),
        1 => node_wish.prop_map(Command::from),
    ]
}

/// Six nodes in two zones, and a ring.
fn setting() -> Vec<Command> {
    let mut commands: Vec<Command> = NODES
        .map(|text| join(NodeName::new(text).unwrap()).into())
        .into();
    let spec = Spec {
        min_wait: Duration::ZERO,
        lookback: Duration::ZERO,
        ..Spec::default()
    };
    let configure = Wish::Configure {
        spec,
        if_match: None,
    };
    commands.push(
        ring::Command {
            ring: Purpose::Ingest,
            wish: configure,
        }
        .into(),
    );
    commands
}

const NODES: [&str; 6] = ["a0", "a1", "a2", "b0", "b1", "b2"];

fn node() -> impl Strategy<Value = NodeName> {
    prop::sample::select(NODES.to_vec()).prop_map(|text| NodeName::new(text).unwrap())
}

fn join(node: NodeName) -> nodes::Command {
    let zone = Zone::new(&node.as_str()[..1]).unwrap();
    nodes::Command::Join {
        node,
        incarnation: 1,
        profile: Profile {
            roles: [Role::Ingester].into(),
            zone,
            build: String::new(),
            feature_level: 8,
            address: String::new(),
        },
    }
}
