//! The live store over a real journal: found at once, cut by idle traces, never twice after a restart.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests may fail loudly"
)]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prometheus_client::registry::Registry;
use prost::Message as _;
use takt_control::ViewHandle;
use takt_journal::{Journal, Offset};
use takt_kit::{Budget, Tasks};
use takt_live::{Covered, Cut, CutPolicy, CutRange, Live, Metrics, Settings};
use takt_model::{BlockId, TenantId, TraceId, UnixNano};

const WAIT: Duration = Duration::from_secs(5);

fn request(trace: u8, span: u8) -> Vec<u8> {
    let span = Span {
        trace_id: vec![trace; 16],
        span_id: vec![span; 8],
        name: format!("span {span}"),
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

fn journal(dir: &Path) -> Journal {
    Journal::open(
        takt_journal::Settings::in_dir(dir),
        takt_journal::Metrics::register(&mut Registry::default()),
    )
    .unwrap()
}

fn start(journal: &Journal, from: Offset, covered: Covered, tasks: &Tasks) -> Live {
    let settings = Settings {
        max_bytes: 64 << 20,
        batch_bytes: 1 << 20,
        covered: BTreeMap::from([(TenantId::single(), covered)]),
        from,
    };
    let live = Live::new(
        settings,
        journal.clone(),
        ViewHandle::default(),
        Budget::new(64 << 20),
        Metrics::register(&mut Registry::default()),
    );
    tasks.spawn("live", live.clone().run(tasks.clone()));
    live
}

async fn append(journal: &Journal, at_secs: u64, trace: u8, span: u8) {
    journal
        .append(
            &TenantId::single(),
            UnixNano::from_secs(at_secs),
            request(trace, span).into(),
        )
        .await
        .unwrap();
}

/// (trace, span) by their repeated byte, of all segments, sorted.
fn spans(live: &Live) -> Vec<(u8, u8)> {
    let mut found = Vec::new();
    for segment in live.segments(&TenantId::single()) {
        segment.read(|columns| {
            for row in 0..columns.len() {
                found.push((
                    columns.traces.id[columns.trace[row] as usize].0[0],
                    columns.span_id[row].0[0],
                ));
            }
        });
    }
    found.sort_unstable();
    found
}

fn cut_idle(live: &Live, now_secs: u64) -> Cut {
    let policy = CutPolicy {
        now: UnixNano::from_secs(now_secs),
        trace_idle: Duration::from_secs(5),
        max_age: Duration::from_secs(60),
        max_spans_to_split: 1000,
    };
    live.cut(
        &TenantId::single(),
        BlockId(uuid::Uuid::from_u128(u128::from(now_secs))),
        policy,
    )
    .unwrap_or_else(|| panic!("nothing was cut"))
}

#[tokio::test]
async fn what_is_acknowledged_is_found_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, tasks) = (journal(dir.path()), Tasks::default());
    let live = start(&journal, Offset(0), Covered::default(), &tasks);
    for span in 1..=20 {
        append(&journal, 100, 1, span).await;
        assert!(live.catch_up(WAIT).await);
        assert_eq!(spans(&live).len(), usize::from(span));
    }
    tasks.stop();
    assert!(tasks.drain(WAIT).await.is_empty());
}

#[tokio::test]
async fn a_cut_takes_idle_traces_and_leaves_active_ones_live() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, tasks) = (journal(dir.path()), Tasks::default());
    let live = start(&journal, Offset(0), Covered::default(), &tasks);
    append(&journal, 100, 1, 1).await;
    append(&journal, 101, 2, 2).await;
    append(&journal, 108, 2, 3).await;
    assert!(live.catch_up(WAIT).await);

    let cut = cut_idle(&live, 110);
    assert_eq!((cut.from, cut.to, cut.spans), (Offset(0), Offset(3), 1));
    assert_eq!(
        cut.carried.iter().copied().collect::<Vec<_>>(),
        [TraceId([2; 16])]
    );
    assert_eq!(
        spans(&live),
        [(1, 1), (2, 2), (2, 3)],
        "a cut changes nothing for readers"
    );
    assert_eq!(live.low_watermark(), Offset(0), "nothing is stored yet");

    live.release(&TenantId::single(), cut.block);
    assert_eq!(spans(&live), [(2, 2), (2, 3)]);
    assert_eq!(
        live.low_watermark(),
        Offset(1),
        "the carried trace began with the second record"
    );

    let rest = cut_idle(&live, 120);
    live.release(&TenantId::single(), rest.block);
    assert_eq!(
        (rest.from, rest.to),
        (Offset(3), Offset(3)),
        "no record came since, only what was carried"
    );
    assert_eq!(live.low_watermark(), Offset(3));
    tasks.stop();
    tasks.drain(WAIT).await;
}

#[tokio::test]
async fn a_replay_skips_what_is_in_blocks_and_keeps_what_was_carried() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, tasks) = (journal(dir.path()), Tasks::default());
    for (trace, span) in [(1, 1), (2, 2), (2, 3), (3, 4)] {
        append(&journal, 100, trace, span).await;
    }
    let carried = [TraceId([2; 16])].into();
    let covered = Covered::new(vec![CutRange {
        from: Offset(0),
        to: Offset(3),
        carried,
    }]);
    let live = start(&journal, Offset(0), covered, &tasks);
    assert!(live.catch_up(WAIT).await);
    assert_eq!(spans(&live), [(2, 2), (2, 3), (3, 4)]);

    let cut = cut_idle(&live, 200);
    assert_eq!(
        (cut.from, cut.to),
        (Offset(3), Offset(4)),
        "the next cut begins where the last one ended"
    );
    tasks.stop();
    tasks.drain(WAIT).await;
}

#[tokio::test]
async fn nothing_is_cut_before_what_an_earlier_run_left_live_is_back() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, tasks) = (journal(dir.path()), Tasks::default());
    let covered = Covered::new(vec![CutRange {
        from: Offset(0),
        to: Offset(4),
        carried: [TraceId([2; 16])].into(),
    }]);
    let settings = Settings {
        batch_bytes: 1,
        // A full store must not keep the rest from coming back either: only then is anything cut.
        max_bytes: 0,
        covered: BTreeMap::from([(TenantId::single(), covered)]),
        from: Offset(0),
    };
    let live = Live::new(
        settings,
        journal.clone(),
        ViewHandle::default(),
        Budget::new(64 << 20),
        Metrics::register(&mut Registry::default()),
    );
    let policy = CutPolicy {
        now: UnixNano::from_secs(200),
        trace_idle: Duration::from_secs(5),
        max_age: Duration::from_secs(60),
        max_spans_to_split: 1000,
    };
    tasks.spawn("live", live.clone().run(tasks.clone()));
    let block = BlockId(uuid::Uuid::from_u128(1));
    append(&journal, 100, 2, 1).await;
    append(&journal, 100, 1, 2).await;
    assert!(live.catch_up(WAIT).await);
    assert!(live.cut(&TenantId::single(), block, policy).is_none());
    append(&journal, 100, 2, 3).await;
    append(&journal, 100, 1, 4).await;
    assert!(live.catch_up(WAIT).await);
    assert_eq!(spans(&live), [(2, 1), (2, 3)]);

    let cut = live.cut(&TenantId::single(), block, policy).unwrap();
    assert_eq!(
        (cut.from, cut.to, cut.spans),
        (Offset(4), Offset(4), 2),
        "the last record read again is before the end of the earlier cut"
    );
    tasks.stop();
    tasks.drain(WAIT).await;
}
