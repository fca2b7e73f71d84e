//! The block builder when it cannot write what it must: blocks are late, nothing ends, nothing is lost.
#![expect(clippy::unwrap_used, reason = "helpers of tests may fail loudly")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prometheus_client::registry::Registry;
use prost::Message as _;
use takt_control::ViewHandle;
use takt_ingest::Checkpoint;
use takt_ingest::builder::{BlockBuilder, Parts, Settings, metrics, settle};
use takt_journal::{Journal, Offset};
use takt_kit::{Budget, Clock as _, SystemClock, Tasks};
use takt_live::{CONSUMER, Live};
use takt_model::TenantId;
use takt_store::{BlockList, Store};

const WAIT: Duration = Duration::from_secs(20);

/// One run of the process over a directory.
struct Run {
    dir: PathBuf,
    journal: Journal,
    live: Live,
    blocks: BlockList,
    tasks: Tasks,
}

impl Run {
    async fn start(dir: &Path) -> Self {
        let mut registry = Registry::default();
        let store_metrics = takt_store::Metrics::register(&mut registry);
        let local = takt_store::Settings::local(dir.join("blocks"));
        let store = Store::open(&local, store_metrics.clone()).unwrap();
        let blocks = BlockList::new(store.clone(), store_metrics);
        blocks.poll().await.unwrap();
        let journal = Journal::open(
            takt_journal::Settings::in_dir(&dir.join("journal")),
            takt_journal::Metrics::register(&mut registry),
        )
        .unwrap();
        let mut checkpoint = Checkpoint::open(&dir.join("checkpoint")).unwrap();
        settle(&mut checkpoint, &store, journal.end())
            .await
            .unwrap();
        let live = Live::new(
            takt_live::Settings {
                max_bytes: 64 << 20,
                batch_bytes: 1 << 20,
                covered: checkpoint.covered(),
                from: journal.register(CONSUMER).unwrap(),
            },
            journal.clone(),
            ViewHandle::default(),
            Budget::new(64 << 20),
            takt_live::Metrics::register(&mut registry),
        );
        let tasks = Tasks::default();
        tasks.spawn("live", live.clone().run(tasks.child()));
        let settings = Settings {
            max_block_age: Duration::ZERO,
            trace_idle: Duration::ZERO,
            check_period: Duration::from_millis(5),
            ..Settings::default()
        };
        let parts = Parts {
            live: live.clone(),
            journal: journal.clone(),
            store,
            blocks: blocks.clone(),
            checkpoint,
            clock: Arc::new(SystemClock),
            metrics: metrics::Metrics::register(&mut registry),
        };
        tasks.spawn(
            "builder",
            BlockBuilder::new(settings, parts).run(tasks.child()),
        );
        Self {
            dir: dir.to_owned(),
            journal,
            live,
            blocks,
            tasks,
        }
    }

    async fn append(&self, trace: u8) {
        let (tenant, request) = (TenantId::single(), request(trace).into());
        let appended = self.journal.append(&tenant, SystemClock.now(), request);
        appended.await.unwrap();
        assert!(self.live.catch_up(WAIT).await);
    }

    fn live_spans(&self) -> usize {
        let segments = self.live.segments(&TenantId::single());
        segments
            .iter()
            .map(|segment| segment.read(|columns| columns.len()))
            .sum()
    }

    fn stored_spans(&self) -> u64 {
        let blocks = self.blocks.snapshot(&TenantId::single());
        blocks.iter().map(|meta| meta.takt.spans).sum()
    }

    /// Until everything is in blocks and the journal knows it.
    async fn stored(&self) {
        let done = async {
            while self.live_spans() > 0
                || self.journal.committed(CONSUMER) != Some(self.journal.end())
            {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(WAIT, done).await.unwrap();
    }

    /// Long enough for several attempts.
    async fn stays_live(&self, spans: usize) {
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert!(!self.tasks.is_stopped(), "a failure must not end the task");
        assert_eq!((self.live_spans(), self.stored_spans()), (spans, 0));
        assert_eq!(self.journal.committed(CONSUMER), Some(Offset(0)));
    }

    async fn stop(self) {
        self.tasks.stop();
        assert!(self.tasks.drain(WAIT).await.is_empty());
        self.journal.close();
    }
}

fn request(trace: u8) -> Vec<u8> {
    let span = Span {
        trace_id: vec![trace; 16],
        span_id: vec![trace; 8],
        start_time_unix_nano: 1_000,
        end_time_unix_nano: 2_000,
        ..Span::default()
    };
    let scope_spans = vec![ScopeSpans {
        spans: vec![span],
        ..ScopeSpans::default()
    }];
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            scope_spans,
            ..ResourceSpans::default()
        }],
    }
    .encode_to_vec()
}

/// Makes writing `path` fail, also for root: a directory is in the way.
struct Obstacle(PathBuf);

impl Obstacle {
    fn at(path: PathBuf) -> Self {
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn remove(self) {
        fs::remove_dir(self.0).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_that_cannot_be_written_delays_blocks_and_ends_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let obstacle = Obstacle::at(dir.path().join("checkpoint.new"));
    let run = Run::start(dir.path()).await;
    run.append(1).await;
    run.stays_live(1).await;
    obstacle.remove();
    run.stored().await;
    assert_eq!(run.stored_spans(), 1);
    run.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_refuses_delays_blocks_and_ends_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let run = Run::start(dir.path()).await;
    // Where the tenant's directory should be.
    let file = dir.path().join("blocks").join(TenantId::single().as_str());
    fs::write(&file, "in the way").unwrap();
    run.append(1).await;
    run.stays_live(1).await;
    fs::remove_file(file).unwrap();
    run.stored().await;
    assert_eq!(run.stored_spans(), 1);
    run.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_cannot_be_written_keeps_the_journal_and_ends_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let run = Run::start(dir.path()).await;
    let obstacle = Obstacle::at(run.dir.join("journal").join("commits.new"));
    run.append(1).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!run.tasks.is_stopped());
    assert_eq!((run.live_spans(), run.stored_spans()), (0, 1));
    assert_eq!(run.journal.committed(CONSUMER), Some(Offset(0)));
    run.stop().await;

    let again = Run::start(dir.path()).await;
    assert!(again.live.catch_up(WAIT).await);
    assert_eq!(
        (again.live_spans(), again.stored_spans()),
        (0, 1),
        "what is in a block is skipped"
    );
    obstacle.remove();
    again.stored().await;
    again.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_whose_end_was_not_written_down_is_found_by_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let checkpoint = dir.path().join("checkpoint");
    let run = Run::start(dir.path()).await;
    run.append(1).await;
    run.stored().await;
    let block = run.blocks.snapshot(&TenantId::single())[0].block;
    run.stop().await;

    // As a kill between the block and the checkpoint leaves it, with a full disk at the next start.
    let pending = format!(
        r#"{{"version":1,"tenants":{{"{}":[{{"block":"{block}","from":0,"to":1,"done":false}}]}}}}"#,
        TenantId::single()
    );
    fs::write(&checkpoint, pending).unwrap();
    fs::remove_file(dir.path().join("journal").join("commits")).unwrap();
    let obstacle = Obstacle::at(dir.path().join("checkpoint.new"));
    let again = Run::start(dir.path()).await;
    assert!(again.live.catch_up(WAIT).await);
    assert_eq!((again.live_spans(), again.stored_spans()), (0, 1));
    obstacle.remove();
    again.append(2).await;
    again.stored().await;
    assert_eq!(again.stored_spans(), 2);
    again.stop().await;
}
