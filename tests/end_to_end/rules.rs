//! Rules of a running server, told to servers on loopback that stand for an Alertmanager and a Prometheus.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use parking_lot::Mutex;
use serde_json::Value;
use takt_kit::{Clock as _, SystemClock, Tasks};
use takt_testkit::{Replay, Server, eventually};
use tokio::net::TcpListener;

use super::{LIVE, directory, shop, start};

const RULES: &str = "
groups:
  - name: shop
    interval: 1s
    query_window: 24h
    query_offset: 0s
    rules:
      - alert: Traffic
        expr: '{ } | count_over_time() by (resource.service.name) > 0'
        for: 2s
        labels: { severity: page }
        annotations: { summary: '{{ $labels.resource.service.name }} has {{ $value }}' }
      - record: shop:spans:count
        expr: '{ } | count_over_time()'
";

/// Bodies of what a server on loopback was sent.
async fn listen() -> anyhow::Result<(String, Arc<Mutex<Vec<Bytes>>>)> {
    let seen = Arc::<Mutex<Vec<Bytes>>>::default();
    let keep = Arc::clone(&seen);
    let take = post(move |body: Bytes| async move { keep.lock().push(body) });
    let router = Router::new()
        .route("/api/v2/alerts", take.clone())
        .route("/api/v1/write", take);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let tasks = Tasks::default();
    tasks.spawn("listener", axum::serve(listener, router).into_future());
    Ok((url, seen))
}

/// Sends requests of the corpus as if its newest span were of this moment.
async fn send_as_of_now(server: &Server, requests: usize) {
    let corpus = shop();
    let shift = SystemClock.now().0.wrapping_sub(corpus.newest());
    let replay = Replay {
        salt: 0,
        shift: shift.cast_signed(),
    };
    let mut sender = server.sender().await.expect("OTLP is served");
    for index in 0..requests {
        let sent = sender.send(corpus.request(index, replay)).await;
        assert_eq!(sent.expect("a request is taken").rejected_spans, 0);
    }
}

fn ctl(server: &Server, arguments: &[&str]) {
    let output = Command::new(env!("CARGO_BIN_EXE_takt"))
        .args(["ctl", "--endpoint", server.client().base(), "--token-file"])
        .arg(server.data("control/admin.token"))
        .args(arguments)
        .output()
        .expect("the binary runs");
    assert!(output.status.success(), "{output:?}");
}

/// The alerts that were told, by service.
fn told(seen: &Mutex<Vec<Bytes>>) -> anyhow::Result<Vec<Value>> {
    let bodies = seen.lock();
    let parsed = bodies
        .iter()
        .map(|body| serde_json::from_slice::<Vec<Value>>(body));
    let alerts = parsed.collect::<Result<Vec<_>, _>>()?;
    Ok(alerts.into_iter().flatten().collect())
}

#[tokio::test]
async fn an_alert_on_traces_is_told_and_a_series_is_written() {
    let (alertmanager, alerts) = listen().await.expect("a listener");
    let (prometheus, writes) = listen().await.expect("a listener");
    let dir = directory();
    let ruler = format!(
        "{LIVE}ruler: {{ enabled: true, alertmanager_url: '{alertmanager}', remote_write_url: '{prometheus}/api/v1/write' }}\n"
    );
    let server = start(&dir, &ruler).await;
    send_as_of_now(&server, 20).await;

    let file = dir.path().join("rules.yaml");
    std::fs::write(&file, RULES).expect("a file in a temporary directory");
    ctl(&server, &["tenant", "create", "single-tenant"]);
    let file = file.display().to_string();
    ctl(&server, &["rules", "set", "single-tenant", "--file", &file]);

    let alert = eventually(Duration::from_secs(30), || async {
        let told = told(&alerts)?;
        told.into_iter().next().context("no alert yet")
    })
    .await
    .expect("the alert fires");
    let labels = &alert["labels"];
    assert_eq!(
        (&labels["alertname"], &labels["severity"]),
        (&"Traffic".into(), &"page".into())
    );
    let service = labels["resource_service_name"]
        .as_str()
        .expect("of a service");
    let summary = alert["annotations"]["summary"].as_str().expect("a summary");
    assert!(summary.starts_with(&format!("{service} has ")), "{alert}");

    eventually(Duration::from_secs(30), || async {
        let written = writes.lock();
        let body = written.first().context("nothing is written yet")?;
        ensure!(
            body.windows(16).any(|part| part == b"shop:spans:count"),
            "{body:?}"
        );
        Ok(())
    })
    .await
    .expect("the series is written");

    let shown = server.client().get("/prometheus/api/v1/rules").await;
    let shown = shown
        .and_then(|answer| answer.json())
        .expect("the rules are shown");
    let rules = &shown["data"]["groups"][0]["rules"];
    assert_eq!(
        (&rules[0]["state"], &rules[0]["health"]),
        (&"firing".into(), &"ok".into())
    );
    assert_eq!(rules[1]["health"], "ok");
}
