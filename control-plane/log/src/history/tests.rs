//! What the index says is what a search of the whole history would find.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt as _;
use prometheus_client::registry::Registry;
use takt_domain::{Command, CommandId, Resource, Subject, tenants};
use takt_kit::{ManualClock, Tasks};
use takt_model::{NodeId, Revision, TenantId, UnixNano};
use uuid::Uuid;

use crate::{Handle, Parts, Proposal, Recorded, Settings, open, restore};

const ALL: Revision = Revision(u64::MAX);

#[tokio::test(flavor = "multi_thread")]
async fn the_history_of_one_thing_is_found_over_restarts_trimming_and_restores() {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings {
        snapshot_every: 10,
        history_keep: 30,
        ..Settings::new(dir.path().join("a"))
    };
    let (log, tasks) = start(settings.clone()).await;
    fill(&log, 0..100).await;
    agree(&log).await;
    let backup: Vec<u8> = log.backup().try_collect::<Vec<_>>().await.unwrap().concat();
    stop(log, tasks).await;

    let (log, tasks) = start(settings).await;
    agree(&log).await;
    stop(log, tasks).await;

    let restored = dir.path().join("b");
    restore(backup.as_slice(), &restored, NodeId(1), "in-process").unwrap();
    let (log, tasks) = start(Settings::new(restored)).await;
    agree(&log).await;
    fill(&log, 100..110).await;
    agree(&log).await;
    stop(log, tasks).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_go_back_from_a_revision() {
    let dir = tempfile::tempdir().unwrap();
    let (log, tasks) = start(Settings::new(dir.path().into())).await;
    fill(&log, 0..20).await;
    let first = log.before(ALL, 5).await.unwrap();
    assert_eq!(revisions(&first), [20, 19, 18, 17, 16]);
    let second = log.before(first[4].revision, 5).await.unwrap();
    assert_eq!(revisions(&second), [15, 14, 13, 12, 11]);
    let subject = subject(0);
    let newest = log.about(&subject, ALL, 2).await.unwrap();
    let rest = log.about(&subject, newest[1].revision, 100).await.unwrap();
    let whole = log.about(&subject, ALL, 100).await.unwrap();
    assert_eq!([newest, rest].concat(), whole);
    stop(log, tasks).await;
}

/// Holds the index against the history, for every tenant there is and one there is not.
async fn agree(log: &Handle) {
    let all = log.before(ALL, 1000).await.unwrap();
    let mut found = BTreeSet::new();
    for number in 0..=TENANTS {
        let subject = subject(number);
        let about = |recorded: &&Recorded| {
            let mut events = recorded.batch.events.iter();
            events.any(|event| event.subject() == subject)
        };
        let expected: Vec<Recorded> = all.iter().filter(about).cloned().collect();
        assert_eq!(log.about(&subject, ALL, 1000).await.unwrap(), expected);
        found.extend(revisions(&expected));
    }
    assert_eq!(found.len(), all.len());
    assert!(!all.is_empty());
}

const TENANTS: u128 = 7;

fn subject(number: u128) -> Subject {
    Subject::of_tenant(Resource::Tenant, &tenant(number))
}

fn tenant(number: u128) -> TenantId {
    TenantId::new(&format!("t{number}")).unwrap()
}

fn revisions(recorded: &[Recorded]) -> Vec<u64> {
    recorded.iter().map(|one| one.revision.0).collect()
}

async fn start(settings: Settings) -> (Handle, Tasks) {
    let tasks = Tasks::default();
    let clock = Arc::new(ManualClock::at(UnixNano(7)));
    let mut registry = Registry::default();
    let log = open(settings, Parts::new(clock), &tasks, &mut registry)
        .await
        .unwrap();
    (log, tasks)
}

async fn stop(log: Handle, tasks: Tasks) {
    drop(log);
    tasks.stop();
    assert_eq!(tasks.drain(Duration::from_secs(10)).await, [""; 0]);
}

/// Creates the tenants, then renames them in turn.
async fn fill(log: &Handle, numbers: std::ops::Range<u128>) {
    for number in numbers {
        let tenant = tenant(number % TENANTS);
        let command = if number < TENANTS {
            tenants::Command::create(tenant)
        } else {
            tenants::Command::Update {
                tenant,
                change: tenants::Profile {
                    display_name: Some(format!("n{number}")),
                    ..tenants::Profile::default()
                },
                clear_labels: BTreeSet::new(),
                if_match: None,
            }
        };
        let proposal = Proposal {
            id: CommandId(Uuid::from_u128(number + 1)),
            actor: "test".into(),
            command: Command::Tenant(command),
            dry_run: false,
        };
        log.propose(proposal).await.unwrap();
    }
}
