//! The recorded answers of Tempo: from the live store, from blocks, and half and half.

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
    send(&server, &corpus, 0..corpus.len()).await;
    let golden = recorded(&dir);
    agree(&server, &golden, "live store");

    restart(&mut server, AT_ONCE).await;
    let stored = server
        .stored(corpus.spans(), Duration::from_secs(60))
        .await
        .expect("every span is stored");
    assert_eq!(stored.spans, corpus.spans(), "nothing is stored twice");
    restart(&mut server, AT_ONCE).await;
    agree(&server, &golden, "blocks");
}

#[tokio::test]
async fn answers_agree_with_tempo_across_the_seam() {
    let dir = directory();
    let corpus = shop();
    let mut server = start(&dir, AT_ONCE).await;
    // Every other request, so that most traces have a part in blocks and one in the live store.
    let (stored, live): (Vec<usize>, Vec<usize>) =
        (0..corpus.len()).partition(|index| index.is_multiple_of(2));
    let spans = stored.iter().map(|index| corpus.spans_of(*index)).sum();
    send(&server, &corpus, stored).await;
    server
        .stored(spans, Duration::from_secs(60))
        .await
        .expect("half of the spans are stored");
    restart(&mut server, LIVE).await;
    send(&server, &corpus, live).await;
    agree(&server, &recorded(&dir), "live store and blocks");
}

async fn restart(server: &mut Server, options: &str) {
    server.stop().await.expect("the server stops");
    server
        .configure(&format!("{UNBOUNDED}{options}"))
        .expect("the configuration is written");
    server.run().await.expect("the server starts again");
}

/// A copy of the recorded answers with the tag names that Tempo left out.
fn recorded(dir: &TempDir) -> PathBuf {
    let all =
        File::open(Path::new(GOLDEN).join("shop-3k/golden.json.gz")).expect("the recorded answers");
    let mut golden: Value =
        serde_json::from_reader(GzDecoder::new(all)).expect("the recorded answers are JSON");
    let rows = golden["rows"].as_array_mut().expect("a list of answers");
    rows.iter_mut().for_each(complete_tag_names);
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
