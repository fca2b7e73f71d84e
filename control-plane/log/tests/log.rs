//! The control log through its public face: one voter, a real file.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests stop at the first surprise"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::registry::Registry;
use takt_domain::{Command, CommandId, tenants};
use takt_kit::{ManualClock, Tasks};
use takt_log::{Handle, History, OpenError, Parts, Proposal, ProposeError, Settings, open};
use takt_model::{NodeId, Revision, TenantId, UnixNano};
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_is_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let (log, tasks) = start(dir.path()).await;
    for number in 0..20 {
        let answer = log.propose(create(number)).await.unwrap();
        assert_eq!(answer.revision, Revision(number + 1));
    }
    let before = log.read().await.unwrap();
    stop(log, tasks).await;

    let (log, tasks) = start(dir.path()).await;
    assert_eq!(log.read().await.unwrap(), before);
    assert_eq!(before.at, NOW);
    stop(log, tasks).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_answers_as_it_would_be_and_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (log, tasks) = start(dir.path()).await;
    let mut tried = create(0);
    tried.dry_run = true;
    let answer = log.propose(tried).await.unwrap();
    assert_eq!((answer.revision, answer.events.len()), (Revision(0), 1));
    assert!(answer.state.tenants.contains_key(&tenant(0)));
    assert!(!log.read().await.unwrap().tenants.contains_key(&tenant(0)));
    let carried_out = log.propose(create(0)).await.unwrap();
    assert_eq!(carried_out.revision, Revision(1));
    stop(log, tasks).await;
}

/// A copy of the file of a running node is what `kill -9` leaves behind.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_survives_a_kill_at_that_moment() {
    let dir = tempfile::tempdir().unwrap();
    let (log, tasks) = start(dir.path()).await;
    for number in 0..10 {
        log.propose(create(number)).await.unwrap();
        let killed = tempfile::tempdir().unwrap();
        copy(dir.path(), killed.path());
        let (after, its_tasks) = start(killed.path()).await;
        let state = after.read().await.unwrap();
        assert_eq!(state.revision, Revision(number + 1));
        assert!(state.tenants.contains_key(&tenant(number)));
        stop(after, its_tasks).await;
    }
    stop(log, tasks).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_sent_twice_is_carried_out_once_over_restarts_too() {
    let dir = tempfile::tempdir().unwrap();
    let (log, tasks) = start(dir.path()).await;
    let first = log.propose(create(0)).await.unwrap();
    log.propose(create(1)).await.unwrap();
    let again = log.propose(create(0)).await.unwrap();
    assert_eq!(again.revision, first.revision);
    stop(log, tasks).await;

    let (log, tasks) = start(dir.path()).await;
    let again = log.propose(create(0)).await.unwrap();
    assert_eq!(again.revision, first.revision);
    assert!(again.repeated && !first.repeated);
    assert_eq!(again.events, first.events);
    assert_eq!(again.state.revision, Revision(2));
    stop(log, tasks).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejection_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (log, tasks) = start(dir.path()).await;
    log.propose(create(0)).await.unwrap();
    let mut other = create(0);
    other.id = CommandId(Uuid::from_u128(999));
    assert_eq!(
        log.propose(other).await.unwrap_err(),
        ProposeError::Rejected(tenants::Rejection::Exists(tenant(0)).into())
    );
    assert_eq!(log.read().await.unwrap().revision, Revision(1));
    stop(log, tasks).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_are_all_carried_out_in_one_order() {
    let dir = tempfile::tempdir().unwrap();
    let (log, tasks) = start(dir.path()).await;
    let answers =
        futures::future::join_all((0..200).map(|number| log.propose(create(number)))).await;
    let mut revisions: Vec<u64> = answers
        .into_iter()
        .map(|answer| answer.unwrap().revision.0)
        .collect();
    revisions.sort_unstable();
    assert_eq!(revisions, (1..=200).collect::<Vec<u64>>());
    stop(log, tasks).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_may_wait_is_refused_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings {
        queue: 4,
        ..Settings::new(dir.path().into())
    };
    let (log, tasks) = start_with(settings).await;
    let answers =
        futures::future::join_all((0..100).map(|number| log.propose(create(number)))).await;
    let done = answers.iter().filter(|answer| answer.is_ok()).count();
    let busy = answers
        .iter()
        .filter(|answer| matches!(answer, Err(ProposeError::Busy)))
        .count();
    assert!(done >= 4 && busy > 0 && done + busy == 100, "{done} {busy}");
    stop(log, tasks).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn history_is_told_from_any_revision_without_a_hole() {
    let dir = tempfile::tempdir().unwrap();
    let (log, tasks) = start(dir.path()).await;
    for number in 0..5 {
        log.propose(create(number)).await.unwrap();
    }
    let told = |after, limit| {
        let log = log.clone();
        async move {
            match log.history(Revision(after), limit).await.unwrap() {
                History::Batches(batches) => batches.iter().map(|b| b.revision.0).collect(),
                History::TooOld(_) => vec![u64::MAX],
            }
        }
    };
    assert_eq!(told(0, 100).await, [1, 2, 3, 4, 5]);
    assert_eq!(told(2, 2).await, [3, 4]);
    assert_eq!(told(5, 100).await, [0; 0]);
    assert_eq!(told(6, 100).await, [u64::MAX]);
    stop(log, tasks).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn snapshots_shorten_the_log_and_a_restart_from_one_is_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings {
        snapshot_every: 10,
        history_keep: 5,
        ..Settings::new(dir.path().into())
    };
    let (log, tasks) = start_with(settings.clone()).await;
    for number in 0..100 {
        log.propose(create(number)).await.unwrap();
    }
    forgotten(&log, Revision(1)).await;
    let before = log.read().await.unwrap();
    stop(log, tasks).await;

    let (log, tasks) = start_with(settings).await;
    assert_eq!(log.read().await.unwrap(), before);
    let again = log.propose(create(50)).await.unwrap();
    assert_eq!(
        again.revision,
        Revision(51),
        "commands outlive the snapshot"
    );
    assert!(again.repeated && again.events.is_empty(), "and the history");
    stop(log, tasks).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_has_one_owner() {
    let dir = tempfile::tempdir().unwrap();
    let (log, tasks) = start(dir.path()).await;
    let settings = Settings::new(dir.path().into());
    assert!(matches!(
        try_start(settings).await,
        Err(OpenError::InUse(_))
    ));
    stop(log, tasks).await;
    let other = Settings {
        node: NodeId(2),
        ..Settings::new(dir.path().into())
    };
    match try_start(other).await {
        Err(OpenError::OtherNode { found, .. }) => assert_eq!(found, NodeId(1)),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leads_can_be_asked() {
    let dir = tempfile::tempdir().unwrap();
    let (log, tasks) = start(dir.path()).await;
    log.propose(create(0)).await.unwrap();
    let status = log.status();
    assert_eq!(
        (
            status.leader,
            status.voters,
            status.revision,
            status.decided_at
        ),
        (Some(NodeId(1)), vec![NodeId(1)], Revision(1), NOW)
    );
    stop(log, tasks).await;
}

const NOW: UnixNano = UnixNano(1_700_000_000_000_000_000);

async fn start(dir: &Path) -> (Handle, Tasks) {
    start_with(Settings::new(dir.into())).await
}

async fn start_with(settings: Settings) -> (Handle, Tasks) {
    try_start(settings).await.unwrap()
}

async fn try_start(settings: Settings) -> Result<(Handle, Tasks), OpenError> {
    let tasks = Tasks::default();
    let clock = Arc::new(ManualClock::at(NOW));
    let log = open(
        settings,
        Parts::new(clock),
        &tasks,
        &mut Registry::default(),
    )
    .await?;
    Ok((log, tasks))
}

async fn stop(log: Handle, tasks: Tasks) {
    tasks.stop();
    drop(log);
    assert_eq!(tasks.drain(Duration::from_secs(10)).await, [""; 0]);
}

async fn forgotten(log: &Handle, revision: Revision) {
    for _ in 0..500 {
        if let History::TooOld(_) = log.history(revision, 1).await.unwrap() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("history was never trimmed");
}

fn copy(from: &Path, to: &Path) {
    for file in std::fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

fn tenant(number: u64) -> TenantId {
    TenantId::new(&format!("t{number}")).unwrap()
}

fn create(number: u64) -> Proposal {
    Proposal {
        id: CommandId(Uuid::from_u128(u128::from(number))),
        actor: "test".into(),
        command: Command::Tenant(tenants::Command::create(tenant(number))),
        dry_run: false,
    }
}
