//! The directory is what the state says, and a follower from any revision ends with the same.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests stop at the first surprise"
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::registry::Registry;
use takt_domain::{Command, CommandId, Layer, overrides, tenants};
use takt_kit::{ManualClock, Tasks};
use takt_log::{Handle, Proposal, Settings};
use takt_model::{Revision, TenantId, UnixNano};
use takt_views::{Change, Directory, Views};
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_hears_what_changed_and_only_that() {
    let dir = tempfile::tempdir().unwrap();
    let (log, views, tasks) = start(Settings::new(dir.path().into())).await;
    propose(&log, 1, create("a")).await;
    let mut watch = views.watch(Revision(0));
    assert_eq!(heard(until(&mut watch, 1).await), (false, vec!["a".into()]));

    propose(&log, 2, create("b")).await;
    assert_eq!(heard(watch.next().await), (false, vec!["b".into()]));
    propose(&log, 3, set(Layer::Tenant(id("a")))).await;
    assert_eq!(heard(watch.next().await), (false, vec!["a".into()]));
    propose(&log, 4, set(Layer::Defaults)).await;
    assert!(watch.next().await.unwrap().defaults.is_some());

    let mut late = views.watch(Revision(2));
    let change = late.next().await.unwrap();
    assert_eq!((change.revision, change.reset), (Revision(4), false));
    assert!(change.defaults.is_some());
    assert_eq!(heard(Some(change)).1, ["a"]);
    stop(log, tasks).await;
    assert_eq!(watch.next().await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_from_a_future_that_never_was_starts_anew() {
    let dir = tempfile::tempdir().unwrap();
    let (log, views, tasks) = start(Settings::new(dir.path().into())).await;
    propose(&log, 1, create("a")).await;
    until(&mut views.watch(Revision(0)), 1).await;
    let change = views.watch(Revision(99)).next().await;
    assert_eq!(heard(change), (true, vec!["a".into()]));
    stop(log, tasks).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_that_comes_back_after_a_restart_is_not_reset() {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings {
        snapshot_every: 5,
        history_keep: 0,
        ..Settings::new(dir.path().into())
    };
    let (log, _, tasks) = start(settings.clone()).await;
    for number in 0..30 {
        propose(&log, number, create(&format!("t{number}"))).await;
    }
    stop(log, tasks).await;
    let (log, views, tasks) = start(settings).await;
    let change = views.watch(Revision(29)).next().await;
    assert_eq!(heard(change), (false, vec!["t29".into()]));
    assert_eq!(
        *views.directory(),
        Directory::of(&log.read().await.unwrap())
    );
    stop(log, tasks).await;
}

async fn start(settings: Settings) -> (Handle, Views, Tasks) {
    let tasks = Tasks::default();
    let clock = Arc::new(ManualClock::at(UnixNano(7)));
    let log = takt_log::open(
        settings,
        takt_log::Parts::new(clock),
        &tasks,
        &mut Registry::default(),
    )
    .await
    .unwrap();
    let views = Views::start(log.clone(), &tasks);
    (log, views, tasks)
}

async fn stop(log: Handle, tasks: Tasks) {
    tasks.stop();
    drop(log);
    assert_eq!(tasks.drain(Duration::from_secs(10)).await, [""; 0]);
}

/// Collects changes until the revision is reached.
async fn until(watch: &mut takt_views::Watch, revision: u64) -> Option<Change> {
    loop {
        let change = watch.next().await?;
        if change.revision >= Revision(revision) {
            return Some(change);
        }
    }
}

fn heard(change: Option<Change>) -> (bool, Vec<String>) {
    let change = change.unwrap();
    let tenants = change.tenants.iter().map(|(id, _)| id.to_string());
    (change.reset, tenants.collect())
}

async fn propose(log: &Handle, number: u128, command: Command) {
    let id = CommandId(Uuid::from_u128(number));
    let actor = "test".into();
    let proposal = Proposal {
        id,
        actor,
        command,
        dry_run: false,
    };
    log.propose(proposal).await.unwrap();
}

fn id(text: &str) -> TenantId {
    TenantId::new(text).unwrap()
}

fn create(tenant: &str) -> Command {
    Command::Tenant(tenants::Command::create(id(tenant)))
}

fn set(layer: Layer) -> Command {
    Command::Overrides(overrides::Command {
        layer,
        wish: overrides::Wish::Change {
            set: BTreeMap::from([("read.left_pad_trace_ids".into(), "true".into())]),
            clear: std::collections::BTreeSet::new(),
        },
        if_match: None,
    })
}
