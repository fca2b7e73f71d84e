//! The OpenTelemetry SDK of Python as a real client.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use takt_testkit::{Client, eventually};

use super::{AT_ONCE, directory, start};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/end_to_end/sdk.py");

#[tokio::test]
async fn spans_of_the_python_sdk_are_found_within_a_second_of_their_acknowledgement() {
    let Some(python) = python() else { return };
    let dir = directory();
    let server = start(&dir, AT_ONCE).await;
    for (protocol, endpoint) in [("grpc", server.otlp_grpc()), ("http", server.otlp_http())] {
        for round in 0..3 {
            let sent = export(&python, protocol, &endpoint);
            let trace = sent["trace_id"].as_str().expect("the trace's id");
            let order = sent["order"].as_str().expect("an attribute of its own");
            let client = server.client();
            eventually(Duration::from_secs(2), || found(&client, trace, order))
                .await
                .expect("the trace is found");
            let since = now() - sent["acknowledged"].as_u64().expect("a time");
            assert!(
                since < 1_000_000_000,
                "{protocol}, round {round}: found {since} ns after it was acknowledged"
            );
        }
    }
}

/// Both spans, by id and by an attribute only they have.
async fn found(client: &Client, trace: &str, order: &str) -> anyhow::Result<()> {
    let spans = client.span_ids(trace).await?;
    anyhow::ensure!(spans.len() == 2, "by id: {spans:?}");
    let traces = client
        .search(&format!("{{ span.order = \"{order}\" }}"), 10, 10)
        .await?;
    anyhow::ensure!(traces.len() == 1, "by search: {traces:?}");
    Ok(())
}

/// Sends one trace and says when it was acknowledged.
fn export(python: &str, protocol: &str, endpoint: &str) -> Value {
    let mut script = Command::new(python)
        .args([SCRIPT, protocol, endpoint])
        .stdout(Stdio::piped())
        .spawn()
        .expect("python runs");
    let mut line = String::new();
    let stdout = script.stdout.take().expect("its output is a pipe");
    BufReader::new(stdout)
        .read_line(&mut line)
        .expect("it says what it sent");
    let sent = serde_json::from_str(&line).expect("one line of JSON");
    // What it does while it ends is not waited for in the measured time.
    std::thread::spawn(move || script.wait());
    sent
}

/// A Python with the SDK in it, which `make test` provides.
#[expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "how `make test` tells where it is, and how its absence is told"
)]
fn python() -> Option<String> {
    let python = std::env::var("TAKT_TEST_PYTHON").ok();
    if python.is_none() {
        println!("not run: there is no TAKT_TEST_PYTHON; `make test` sets it");
    }
    python
}

#[expect(
    clippy::disallowed_methods,
    reason = "compared with the clock of the script"
)]
fn now() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a time after 1970");
    u64::try_from(since.as_nanos()).expect("a time before 2554")
}
