//! The recorded answers of Tempo, once from the live store and once from blocks.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::Value;
use takt_testkit::Server;
use tempfile::TempDir;

use super::{AT_ONCE, GOLDEN, LIVE, UNBOUNDED, directory, send, shop, start};

/// What Takt answers today; metrics queries are not among it.
const KINDS: &[&str] = &[
    "trace", "trace2", "tags1", "tags2", "values1", "values2", "bad", "search",
];

/// Span attributes of the corpus that Tempo leaves out of tag names, because its block keeps them in
/// dedicated columns. Takt lists what is there (ADR 0010).
const LEFT_OUT_BY_TEMPO: [&str; 4] = [
    "http.request.method",
    "http.route",
    "server.address",
    "url.path",
];

#[tokio::test]
async fn answers_agree_with_tempo_from_the_live_store_and_from_blocks() {
    let dir = directory();
    let corpus = shop();
    let mut server = start(&dir, LIVE).await;
    send(&server, &corpus, corpus.len()).await;
    let golden = answerable(&dir);
    agree(&server, &golden, "live store");

    server.stop().await.expect("the server stops");
    server
        .configure(&format!("{UNBOUNDED}{AT_ONCE}"))
        .expect("the configuration is written");
    server.run().await.expect("the server starts again");
    let stored = server
        .stored(corpus.spans(), Duration::from_secs(60))
        .await
        .expect("every span is stored");
    assert_eq!(stored.spans, corpus.spans(), "nothing is stored twice");
    server.stop().await.expect("the server stops");
    server
        .run()
        .await
        .expect("the server starts from its blocks");
    agree(&server, &golden, "blocks");
}

/// A copy of the recorded answers with only the questions Takt answers today.
fn answerable(dir: &TempDir) -> PathBuf {
    let all =
        File::open(Path::new(GOLDEN).join("shop-3k/golden.json.gz")).expect("the recorded answers");
    let mut golden: Value =
        serde_json::from_reader(GzDecoder::new(all)).expect("the recorded answers are JSON");
    let rows = golden["rows"].as_array_mut().expect("a list of answers");
    rows.retain(|row| {
        let kind = row["kind"].as_str().unwrap_or_default();
        let question = row["arg"].as_str().unwrap_or_default();
        KINDS.contains(&kind) && (kind != "search" || is_single_filter(question))
    });
    rows.iter_mut().for_each(complete_tag_names);
    assert!(rows.len() > 80, "only {} questions are left", rows.len());
    let path = dir.path().join("golden.json.gz");
    let file = File::create(&path).expect("a file in a temporary directory");
    serde_json::to_writer(GzEncoder::new(file, Compression::fast()), &golden)
        .expect("the answers are written");
    path
}

/// Adds the tag names that Tempo left out to an answer that lists those of spans.
fn complete_tag_names(row: &mut Value) {
    let names = match row["kind"].as_str() {
        Some("tags1") => &mut row["answer"],
        Some("tags2") => &mut row["answer"]["span"],
        _ => return,
    };
    let names = names.as_array_mut().expect("a list of names");
    names.extend(LEFT_OUT_BY_TEMPO.map(Value::from));
    names.sort_by(|one, other| one.as_str().cmp(&other.as_str()));
}

/// One pair of braces and nothing beside it: no pipeline, no structure, no combination.
fn is_single_filter(query: &str) -> bool {
    query.starts_with('{') && query.ends_with('}') && query.matches('{').count() == 1
}

fn agree(server: &Server, golden: &Path, from: &str) {
    let output = Command::new("python3")
        .arg(Path::new(GOLDEN).join("oracle.py"))
        .args(["check", "--url", server.client().base(), "--golden"])
        .arg(golden)
        .output()
        .expect("python3 runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "answers from the {from} differ:\n{said}{}\n{}",
        String::from_utf8_lossy(&output.stderr),
        server.log()
    );
}
