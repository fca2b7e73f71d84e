//! The follower against a control plane that the test plays.

use std::sync::atomic::{AtomicU64, Ordering};

use futures::stream::{self, BoxStream, StreamExt as _};
use parking_lot::Mutex;
use takt_kit::ManualClock;
use takt_model::TenantId;
use takt_wire::takt::admin::v1::TenantState;
use takt_wire::takt::control::v1::control_service_server::{ControlService, ControlServiceServer};
use tonic::{Request, Response, Streaming};

use super::*;
use crate::held::tests::{tenant, update as told};

type Told = mpsc::Receiver<wire::SubscribeResponse>;

/// Hands out one prepared stream after the other; when there is none left it is away.
#[derive(Debug, Default)]
struct Played {
    streams: Mutex<Vec<Told>>,
    asked: AtomicU64,
    asked_after: AtomicU64,
    beats: Mutex<Vec<wire::Heartbeat>>,
}

struct Replica(Arc<Played>);

#[tonic::async_trait]
impl ControlService for Replica {
    type SubscribeStream = BoxStream<'static, Result<wire::SubscribeResponse, tonic::Status>>;

    async fn subscribe(
        &self,
        request: Request<Streaming<wire::SubscribeRequest>>,
    ) -> Result<Response<Self::SubscribeStream>, tonic::Status> {
        self.0.asked.fetch_add(1, Ordering::Relaxed);
        let mut said = request.into_inner();
        let Some(Said::Begin(begin)) = said.message().await?.and_then(|first| first.said) else {
            panic!("it begins with something else");
        };
        let revision = begin.after.unwrap_or_default().revision;
        self.0.asked_after.store(revision, Ordering::Relaxed);
        let Some(told) = self.0.streams.lock().pop() else {
            return Err(tonic::Status::unavailable("away"));
        };
        let played = Arc::clone(&self.0);
        let talk = stream::unfold((played, said, told), |(played, mut said, mut told)| async {
            let update = loop {
                tokio::select! {
                    update = told.recv() => break update?,
                    Ok(Some(message)) = said.message() => {
                        if let Some(Said::Heartbeat(beat)) = message.said {
                            played.beats.lock().push(beat);
                        }
                    }
                }
            };
            Some((Ok(update), (played, said, told)))
        });
        Ok(Response::new(talk.boxed()))
    }
}

struct Stage {
    played: Arc<Played>,
    elsewhere: Arc<Played>,
    clock: ManualClock,
    dir: tempfile::TempDir,
}

impl Stage {
    fn new() -> Self {
        Self {
            played: Arc::default(),
            elsewhere: Arc::default(),
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
            heartbeat: wire::Heartbeat {
                node: "n".into(),
                ..wire::Heartbeat::default()
            },
        };
        let replicas = [&self.played, &self.elsewhere];
        let sources = replicas.map(|played| ControlServiceServer::new(Replica(Arc::clone(played))));
        let clock = Arc::new(self.clock.clone());
        let following = follow(
            settings,
            sources.into(),
            clock,
            &tasks,
            &mut Registry::default(),
        )?;
        Ok((following, tasks))
    }

    fn stream(&self) -> mpsc::Sender<wire::SubscribeResponse> {
        let (tell, told) = mpsc::channel(8);
        self.played.streams.lock().push(told);
        tell
    }
}

fn suspended(revision: u64, name: &str) -> wire::SubscribeResponse {
    told(revision, vec![tenant(name, TenantState::Suspended)])
}

fn quiet(revision: u64) -> wire::SubscribeResponse {
    told(revision, Vec::new())
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
    assert!(timeout(SILENCE_MAX * 2, lost).await.is_ok());
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
    let anew = wire::SubscribeResponse {
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
async fn a_damaged_view_on_disk_is_put_aside_and_fetched_anew() {
    let stage = Stage::new();
    let dir = stage.dir.path().join("view");
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join("view.bin"), b"junk").unwrap();
    let tell = stage.stream();
    let (following, tasks) = stage.follow(UnknownTenants::Accept);
    assert_eq!(following.status().confirmed_at, None);
    tell.send(suspended(3, "a")).await.unwrap();
    reached(&following, 3).await;
    assert_eq!(stage.played.asked_after.load(Ordering::Relaxed), 0);
    stop(tasks).await;
    assert_eq!(std::fs::read(dir.join("view.damaged")).unwrap(), b"junk");
    let (following, tasks) = stage.follow(UnknownTenants::Accept);
    assert_eq!(following.status().revision, Revision(3));
    stop(tasks).await;
}

#[tokio::test]
async fn an_update_in_parts_is_seen_whole_or_not_at_all() {
    let stage = Stage::new();
    let second = stage.stream();
    let first = stage.stream();
    let (following, tasks) = stage.follow(UnknownTenants::Accept);
    first.send(suspended(3, "a")).await.unwrap();
    reached(&following, 3).await;
    let part = |name, reset, more| wire::SubscribeResponse {
        reset,
        more,
        ..suspended(9, name)
    };
    first.send(part("b", true, true)).await.unwrap();
    first.send(part("c", false, true)).await.unwrap();
    drop(first);
    second.send(part("x", true, true)).await.unwrap();
    second.send(part("y", false, true)).await.unwrap();
    assert_eq!(following.view().load().revision, Revision(3));
    second.send(part("z", false, false)).await.unwrap();
    reached(&following, 9).await;
    let view = following.view().load();
    let tenants: Vec<&str> = view.tenants.keys().map(TenantId::as_str).collect();
    assert_eq!(tenants, ["x", "y", "z"]);
    stop(tasks).await;
}

#[tokio::test(start_paused = true)]
async fn another_replica_is_asked_when_one_is_away_or_leaderless() {
    let stage = Stage::new();
    let (tell, told) = mpsc::channel(8);
    stage.elsewhere.streams.lock().push(told);
    let (following, tasks) = stage.follow(UnknownTenants::Accept);
    tell.send(suspended(3, "a")).await.unwrap();
    reached(&following, 3).await;
    assert_eq!(stage.played.asked.load(Ordering::Relaxed), 1);

    let next = stage.stream();
    let leaderless = wire::SubscribeResponse {
        led: false,
        ..quiet(3)
    };
    for _ in 0..6 {
        stage.clock.advance(Duration::from_secs(2));
        tokio::time::sleep(Duration::from_secs(2)).await;
        let _lost = tell.send(leaderless.clone()).await;
    }
    assert_eq!(
        following.status().confirmed_at,
        Some(UnixNano::from_secs(100)),
        "who has no leader confirms nothing"
    );
    next.send(suspended(4, "b")).await.unwrap();
    reached(&following, 4).await;
    assert_eq!(stage.played.asked.load(Ordering::Relaxed), 2);
    stop(tasks).await;
}

#[tokio::test(start_paused = true)]
async fn heartbeats_say_who_lives_and_bring_leases_which_end_with_the_connection() {
    let stage = Stage::new();
    let tell = stage.stream();
    let (following, tasks) = stage.follow(UnknownTenants::Accept);
    tell.send(suspended(3, "a")).await.unwrap();
    reached(&following, 3).await;
    tokio::time::sleep(Duration::from_millis(4500)).await;
    following.say(|heartbeat| heartbeat.leaving = true);
    tokio::time::sleep(Duration::from_millis(10)).await;
    let beats = stage.played.beats.lock().clone();
    assert_eq!(beats.len(), 4, "at once, twice, and when something changed");
    let heartbeat = beats.last().unwrap();
    assert_eq!(
        (heartbeat.sequence, heartbeat.revision, heartbeat.leaving),
        (4, 3, true)
    );
    assert_eq!(heartbeat.node, "n");

    let granted = wire::SubscribeResponse {
        leases: Some(wire::Leases {
            sequence: 4,
            node: "n".into(),
            ttl_milliseconds: 8000,
            ..wire::Leases::default()
        }),
        ..quiet(3)
    };
    tell.send(granted).await.unwrap();
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert!(following.leases().current().is_some());
    drop(tell);
    tokio::time::sleep(Duration::from_millis(7900)).await;
    assert!(following.leases().current().is_some());
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(following.leases().current().is_none());
    stop(tasks).await;
}

#[tokio::test(start_paused = true)]
async fn after_a_long_time_away_a_decision_arrives_within_a_second() {
    let stage = Stage::new();
    let (following, tasks) = stage.follow(UnknownTenants::Accept);
    tokio::time::sleep(Duration::from_secs(600)).await;
    let back = Instant::now();
    let tell = stage.stream();
    tell.send(suspended(3, "a")).await.unwrap();
    reached(&following, 3).await;
    assert!(
        back.elapsed() < Duration::from_secs(1),
        "{:?}",
        back.elapsed()
    );
    stop(tasks).await;
}
