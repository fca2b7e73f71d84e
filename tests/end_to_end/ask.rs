//! `takt query` of a server with spans.

use std::process::Output;

use serde_json::Value;
use takt_testkit::Server;
use tokio::process::Command;

use super::{LIVE, directory, send, shop, start};

/// Where the corpus lies in time.
const WINDOW: [&str; 4] = ["--start", "1790000000", "--end", "1790000660"];

async fn takt(endpoint: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_takt"))
        .args(["query", "--endpoint", endpoint])
        .args(arguments)
        .args(WINDOW)
        .output()
        .await
        .expect("the binary runs")
}

/// What an answer says, on standard output and beside it.
async fn ask(server: &Server, arguments: &[&str]) -> (String, String) {
    let output = takt(server.client().base(), arguments).await;
    let [said, beside] = [output.stdout, output.stderr]
        .map(|text| String::from_utf8(text).expect("answers are UTF-8"));
    assert!(output.status.success(), "{arguments:?}: {beside}");
    (said, beside)
}

async fn ask_json(server: &Server, arguments: &[&str]) -> (Value, String) {
    let (said, beside) = ask(server, &[arguments, &["-o", "json"]].concat()).await;
    let body = serde_json::from_str(&said).expect("the answer as it came");
    (body, beside)
}

#[tokio::test]
async fn every_kind_of_question_has_its_kind_of_answer() {
    let dir = directory();
    let server = start(&dir, LIVE).await;
    send(&server, &shop(), 0..5).await;

    let grouped = "{ } | by(resource.service.name) | count() > 0 | select(span.http.route)";
    let (table, _) = ask(&server, &[grouped]).await;
    let heading = table.lines().next().expect("a heading");
    for column in [
        "START",
        "TRACE",
        "by(resource.service.name)",
        "count()",
        "http.route",
    ] {
        assert!(heading.contains(column), "{heading}");
    }

    let (found, _) = ask_json(&server, &["{ }", "--limit", "1"]).await;
    let id = found["traces"][0]["traceID"].as_str().expect("a trace");
    let (tree, _) = ask(&server, &["trace", id]).await;
    assert!(tree.contains(" spans, ") && tree.contains("|="), "{tree}");

    let (chart, _) = ask(&server, &["{ } | rate()", "--step", "15s"]).await;
    assert!(
        chart.starts_with("rate  min 0") && chart.contains('└'),
        "{chart}"
    );
    let (map, _) = ask(&server, &["{ } | histogram_over_time(duration)"]).await;
    assert!(map.contains("≤ ") && map.contains('█'), "{map}");
    let counted = "{ } | count_over_time() by (resource.service.name)";
    let (numbers, _) = ask(&server, &[counted, "--instant"]).await;
    assert!(numbers.starts_with("VALUE  SERIES\n"), "{numbers}");
    assert!(numbers.contains("resource.service.name="), "{numbers}");
}

#[tokio::test]
async fn the_next_page_is_offered_and_continues() {
    let dir = directory();
    let server = start(&dir, LIVE).await;
    send(&server, &shop(), 0..5).await;
    let page = ["{ } | order by start", "--limit", "2"];
    let (first, beside) = ask_json(&server, &page).await;
    let token = beside
        .lines()
        .find_map(|line| line.strip_prefix("more with --page "))
        .expect("a token");
    let (second, _) = ask_json(&server, &[&page[..], &["--page", token]].concat()).await;
    for trace in second["traces"].as_array().expect("another page") {
        let again = first["traces"].as_array().expect("a page").contains(trace);
        assert!(!again, "{trace}");
    }
}

#[tokio::test]
async fn a_mistake_is_shown_without_a_server() {
    let output = takt("http://127.0.0.1:9", &["{ duration >> 2s }"]).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said.contains("\n  { duration >> 2s }\n  ") && said.contains('^'),
        "{said}"
    );
}
