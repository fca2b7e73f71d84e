//! The follower against a control plane that the test plays.

use std::sync::atomic::{AtomicU64, Ordering};

use futures::stream::{self, BoxStream, StreamExt as _};
use parking_lot::Mutex;
use takt_kit::ManualClock;
use takt_model::TenantId;
use takt_wire::takt::control::v1::view_service_server::{ViewService, ViewServiceServer};
use tokio::sync::mpsc;
use tonic::{Request, Response};

use super::*;

type Told = mpsc::Receiver<wire::WatchResponse>;

/// Hands out one prepared stream after the other; when there is none left it is away.
#[derive(Debug, Default)]
struct Played {
    streams: Mutex<Vec<Told>>,
    asked_after: AtomicU64,
}

#[tonic::async_trait]
impl ViewService for Played {
    type WatchStream = BoxStream<'static, Result<wire::WatchResponse, tonic::Status>>;

    async fn watch(
        &self,
        request: Request<wire::WatchRequest>,
    ) -> Result<Response<Self::WatchStream>, tonic::Status> {
        self.asked_after
            .store(request.into_inner().after_revision, Ordering::Relaxed);
        let Some(told) = self.streams.lock().pop() else {
            return Err(tonic::Status::unavailable("away"));
        };
        let told = stream::unfold(told, |mut told| async {
            told.recv().await.map(|update| (Ok(update), told))
        });
        Ok(Response::new(told.boxed()))
    }
}

struct Stage {
    played: Arc<Played>,
    clock: ManualClock,
    dir: tempfile::TempDir,
}

impl Stage {
    fn new() -> Self {
        Self {
            played: Arc::default(),
            clock: ManualClock::at(UnixNano::from_secs(100)),
            dir: tempfile::tempdir().unwrap(),
        }
    }

    fn follow(&self, unknown: UnknownTenants) -> (Following, Tasks) {
        self.try_follow(unknown).unwrap()
    }

    fn try_follow(&self, unknown: UnknownTenants) -> Result<(Following, Tasks), DiskError> {
        let tasks = Tasks::default();
        let settings = Settings {
            dir: self.dir.path().join("view"),
            base: Limits::default(),
            unknown,
        };
        let source = ViewServiceServer::from_arc(Arc::clone(&self.played));
        let clock = Arc::new(self.clock.clone());
        let following = follow(settings, source, clock, &tasks, &mut Registry::default())?;
        Ok((following, tasks))
    }

    fn stream(&self) -> mpsc::Sender<wire::WatchResponse> {
        let (tell, told) = mpsc::channel(8);
        self.played.streams.lock().push(told);
        tell
    }
}

fn suspended(revision: u64, tenant: &str) -> wire::WatchResponse {
    wire::WatchResponse {
        revision,
        decided_at: 5,
        tenants: vec![wire::Tenant {
            tenant: tenant.to_owned(),
            state: wire::TenantState::Suspended.into(),
            overrides: None,
        }],
        ..wire::WatchResponse::default()
    }
}

fn quiet(revision: u64) -> wire::WatchResponse {
    wire::WatchResponse {
        revision,
        decided_at: 5,
        ..wire::WatchResponse::default()
    }
}

async fn reached(following: &Following, revision: u64) {
    let mut status = following.status.clone();
    status
        .wait_for(|status| status.revision == Revision(revision))
        .await
        .unwrap();
}

async fn stop(tasks: Tasks) {
    tasks.stop();
    assert_eq!(tasks.drain(Duration::from_secs(5)).await, [""; 0]);
}

fn id(text: &str) -> TenantId {
    TenantId::new(text).unwrap()
}

#[tokio::test]
async fn decisions_reach_the_view() {
    let stage = Stage::new();
    let tell = stage.stream();
    let (following, tasks) = stage.follow(UnknownTenants::Accept);
    assert!(following.view().load().admit_write(&id("a")).is_ok());
    tell.send(suspended(3, "a")).await.unwrap();
    reached(&following, 3).await;
    assert!(following.view().load().admit_write(&id("a")).is_err());
    assert_eq!(
        following.status(),
        Status {
            connected: true,
            revision: Revision(3),
            confirmed_at: Some(UnixNano::from_secs(100)),
        }
    );
    stop(tasks).await;
}

#[tokio::test]
async fn without_the_control_plane_the_last_view_stands_over_a_restart_and_tells_its_age() {
    let stage = Stage::new();
    let tell = stage.stream();
    let (following, tasks) = stage.follow(UnknownTenants::Refuse);
    tell.send(suspended(3, "a")).await.unwrap();
    reached(&following, 3).await;
    stop(tasks).await;

    stage.clock.advance(Duration::from_secs(3600));
    let (following, tasks) = stage.follow(UnknownTenants::Refuse);
    assert!(!following.confirmed_within(Duration::from_millis(50)).await);
    let view = following.view().load();
    assert!(view.admit_write(&id("a")).is_err() && view.admit(&id("a")).is_ok());
    assert!(view.admit(&id("b")).is_err());
    assert_eq!(
        following.status().confirmed_at,
        Some(UnixNano::from_secs(100))
    );
    assert_eq!(stage.played.asked_after.load(Ordering::Relaxed), 3);
    stop(tasks).await;
}

#[tokio::test]
async fn an_unchanged_view_is_confirmed_without_being_published_again() {
    let stage = Stage::new();
    let tell = stage.stream();
    let (following, tasks) = stage.follow(UnknownTenants::Accept);
    tell.send(suspended(3, "a")).await.unwrap();
    reached(&following, 3).await;
    let view = following.view().load();
    stage.clock.advance(Duration::from_secs(7));
    let mut status = following.status.clone();
    tell.send(quiet(3)).await.unwrap();
    status
        .wait_for(|status| status.confirmed_at == Some(UnixNano::from_secs(107)))
        .await
        .unwrap();
    assert!(Arc::ptr_eq(&view, &following.view().load()));
    stop(tasks).await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_watch_is_taken_up_again_where_it_was() {
    let stage = Stage::new();
    let second = stage.stream();
    let first = stage.stream();
    let (following, tasks) = stage.follow(UnknownTenants::Accept);
    first.send(suspended(3, "a")).await.unwrap();
    reached(&following, 3).await;
    drop(first);
    second.send(suspended(4, "b")).await.unwrap();
    reached(&following, 4).await;
    assert_eq!(stage.played.asked_after.load(Ordering::Relaxed), 3);
    assert_eq!(following.view().load().tenants.len(), 2);
    stop(tasks).await;
}

#[tokio::test(start_paused = true)]
async fn a_silent_control_plane_counts_as_away() {
    let stage = Stage::new();
    let tell = stage.stream();
    let (following, tasks) = stage.follow(UnknownTenants::Accept);
    tell.send(suspended(3, "a")).await.unwrap();
    reached(&following, 3).await;
    let mut status = following.status.clone();
    let lost = status.wait_for(|status| !status.connected);
    assert!(tokio::time::timeout(SILENCE_MAX * 2, lost).await.is_ok());
    assert!(following.view().load().admit_write(&id("a")).is_err());
    stop(tasks).await;
}

#[tokio::test]
async fn a_control_plane_that_starts_anew_is_believed_only_when_it_says_so() {
    let stage = Stage::new();
    let tell = stage.stream();
    let (following, tasks) = stage.follow(UnknownTenants::Accept);
    tell.send(suspended(9, "a")).await.unwrap();
    reached(&following, 9).await;
    let anew = wire::WatchResponse {
        reset: true,
        ..suspended(1, "b")
    };
    tell.send(anew).await.unwrap();
    reached(&following, 1).await;
    let view = following.view().load();
    assert_eq!(view.tenants.keys().collect::<Vec<_>>(), [&id("b")]);
    stop(tasks).await;
}

#[tokio::test]
async fn a_damaged_view_on_disk_is_refused_with_the_way_out() {
    let stage = Stage::new();
    let dir = stage.dir.path().join("view");
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join("view.binpb"), b"junk").unwrap();
    let refused = stage.try_follow(UnknownTenants::Accept).unwrap_err();
    assert!(refused.to_string().contains("delete it"), "{refused}");
}
