//! The real binary, asked as its users ask it.

mod ask;
mod golden;
mod outage;
mod restart;
mod rules;
mod sdk;
mod self_tracing;
mod terminal;

use std::path::Path;

use takt_testkit::{Corpus, Replay, Server};
use tempfile::TempDir;

/// Where the corpus and the recorded answers are.
const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");

/// Lets every test ask for all spans of all traces, of any age.
const UNBOUNDED: &str = "
query: { search: { max_spans_per_span_set: 0, max_result_limit: 0 } }
overrides: { defaults: { compaction: { block_retention: 0 }, read: { max_search_duration: 0, max_metrics_duration: 0 }, ingestion: { rate_limit_bytes: 1GB, burst_size_bytes: 1GB } } }
";

/// Keeps spans in the live store for as long as a test takes.
const LIVE: &str = "ingest: { max_block_age: 1h }\n";

/// Brings spans into blocks at once.
const AT_ONCE: &str = "ingest: { max_block_age: 500ms, trace_idle: 100ms }\n";

async fn start(dir: &TempDir, options: &str) -> Server {
    let binary = Path::new(env!("CARGO_BIN_EXE_takt"));
    Server::start(binary, dir.path(), &format!("{UNBOUNDED}{options}"))
        .await
        .expect("the server starts")
}

fn directory() -> TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

fn shop() -> Corpus {
    Corpus::open(&Path::new(GOLDEN).join("shop-3k/shop-3k.otlp.zst")).expect("the corpus")
}

/// Sends some requests of the corpus as they were recorded.
async fn send(server: &Server, corpus: &Corpus, requests: impl IntoIterator<Item = usize>) {
    let mut sender = server.sender().await.expect("OTLP is served");
    for index in requests {
        let answer = sender
            .send(corpus.request(index, Replay::default()))
            .await
            .expect("a request is taken");
        assert_eq!(answer.rejected_spans, 0, "{}", answer.reason);
    }
}
