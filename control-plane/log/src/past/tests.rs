//! Every revision that is kept can be brought back, here and from a backup.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt as _;
use prometheus_client::registry::Registry;
use takt_domain::{Command, CommandId, State, tenants};
use takt_kit::{ManualClock, Tasks};
use takt_model::{NodeId, Revision, TenantId, UnixNano};
use uuid::Uuid;

use super::PastError;
use crate::{Handle, Parts, Proposal, RestoreError, Settings, open, restore};

#[tokio::test(flavor = "multi_thread")]
async fn every_kept_revision_can_be_brought_back_and_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let (log, tasks) = start(settings(dir.path())).await;
    let states = fill(&log, 0..100).await;
    let mut kept = 0;
    for (revision, state) in &states {
        match log.state_at(Revision(*revision)).await {
            Ok(then) => {
                assert_eq!(&then, state);
                kept += 1;
            }
            Err(PastError::Forgotten { oldest, .. }) => assert!(oldest > Revision(*revision)),
            Err(other) => panic!("{other}"),
        }
    }
    assert!((40..100).contains(&kept), "{kept}");
    let ahead = log.state_at(Revision(101)).await;
    assert!(matches!(ahead, Err(PastError::Future { .. })));
    stop(log, tasks).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_log_has_the_state_the_history_and_goes_on() {
    let (old, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (log, tasks) = start(settings(old.path())).await;
    let states = fill(&log, 0..100).await;
    let backup: Vec<u8> = log.backup().try_collect::<Vec<_>>().await.unwrap().concat();
    let before = log.read().await.unwrap();
    stop(log, tasks).await;

    let target = new.path().join("control");
    let made = restore(backup.as_slice(), &target, NodeId(1), "in-process").unwrap();
    assert_eq!(made.newest, before.revision);
    let (log, tasks) = start(settings(&target)).await;
    assert_eq!(log.read().await.unwrap(), before);
    let earlier = made.oldest.0 + 1;
    let then = log.state_at(Revision(earlier)).await.unwrap();
    assert_eq!(then, states[&earlier]);
    let more = fill(&log, 100..120).await;
    assert_eq!(more.keys().next_back(), Some(&120));
    stop(log, tasks).await;

    let (log, tasks) = start(settings(&target)).await;
    assert_eq!(log.read().await.unwrap().revision, Revision(120));
    stop(log, tasks).await;
    let again = restore(backup.as_slice(), &target, NodeId(1), "in-process");
    assert!(matches!(again, Err(RestoreError::Exists(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_backup_is_refused_and_leaves_nothing() {
    let (old, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (log, tasks) = start(settings(old.path())).await;
    fill(&log, 0..30).await;
    let backup: Vec<u8> = log.backup().try_collect::<Vec<_>>().await.unwrap().concat();
    stop(log, tasks).await;
    let refused = |bytes: &[u8]| {
        let made = restore(bytes, new.path(), NodeId(1), "in-process");
        made.is_err() && std::fs::read_dir(new.path()).unwrap().next().is_none()
    };
    for cut in [0, 1, backup.len() / 2, backup.len() - 1] {
        assert!(refused(&backup[..cut]), "cut at {cut}");
    }
    for at in (0..backup.len()).step_by(backup.len() / 12) {
        let mut flipped = backup.clone();
        flipped[at] ^= 1;
        assert!(refused(&flipped), "flipped at {at}");
    }
    let whole = restore(backup.as_slice(), new.path(), NodeId(1), "in-process");
    assert_eq!(whole.unwrap().newest, Revision(30));
}

fn settings(dir: &Path) -> Settings {
    Settings {
        snapshot_every: 10,
        history_keep: 40,
        ..Settings::new(dir.into())
    }
}

/// The state after each revision.
async fn fill(log: &Handle, numbers: std::ops::Range<u64>) -> BTreeMap<u64, Arc<State>> {
    let mut states = BTreeMap::new();
    for number in numbers {
        let create = tenants::Command::create(TenantId::new(&format!("t{number}")).unwrap());
        let proposal = Proposal {
            id: CommandId(Uuid::from_u128(u128::from(number))),
            actor: "test".into(),
            command: Command::Tenant(create),
            dry_run: false,
        };
        let answer = log.propose(proposal).await.unwrap();
        states.insert(answer.revision.0, answer.state);
    }
    states
}

async fn start(settings: Settings) -> (Handle, Tasks) {
    let tasks = Tasks::default();
    let parts = Parts::new(Arc::new(ManualClock::at(UnixNano(1))));
    let log = open(settings, parts, &tasks, &mut Registry::default())
        .await
        .unwrap();
    (log, tasks)
}

async fn stop(log: Handle, tasks: Tasks) {
    tasks.stop();
    drop(log);
    assert_eq!(tasks.drain(Duration::from_secs(10)).await, [""; 0]);
}
