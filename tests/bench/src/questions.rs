//! Questions to a million stored spans, one at a time.

use std::time::Duration;

use anyhow::ensure;
use takt_testkit::Client;
use tokio::time::Instant;

/// Each matches few spans; together they touch every kind of column.
const SELECTIVE: &[&str] = &[
    r#"{ span.app.user_id = "u-0000012" }"#,
    r#"{ resource.service.name = "payment" && status = error }"#,
    r#"{ span.app.amount > 300.5 && span.app.currency = "EUR" }"#,
    r#"{ span.db.statement =~ "UPDATE.*" && duration > 20ms }"#,
    r#"{ event.exception.type = "PaymentDeclined" }"#,
];
const ROUNDS: usize = 20;

#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) trace_by_id: Vec<Duration>,
    pub(crate) search: Vec<Duration>,
}

pub(crate) async fn ask(client: &Client, traces: &[String]) -> anyhow::Result<Asked> {
    let mut asked = Asked {
        trace_by_id: Vec::new(),
        search: Vec::new(),
    };
    for trace in traces {
        let began = Instant::now();
        let answer = client.get(&format!("/api/traces/{trace}")).await?;
        asked.trace_by_id.push(began.elapsed());
        ensure!(
            answer.status == 200,
            "trace {trace}: status {}: {}",
            answer.status,
            answer.text()
        );
    }
    for query in SELECTIVE.iter().cycle().take(SELECTIVE.len() * ROUNDS) {
        let began = Instant::now();
        let found = client.search(query, 20, 3).await?;
        asked.search.push(began.elapsed());
        ensure!(!found.is_empty(), "{query} finds nothing");
    }
    Ok(asked)
}
