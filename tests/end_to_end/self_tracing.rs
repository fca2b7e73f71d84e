//! Takt's traces of its own work, sent to itself.

use std::time::Duration;

use anyhow::ensure;
use takt_testkit::eventually;

use super::{LIVE, UNBOUNDED, directory, start};

#[tokio::test]
async fn own_work_is_found_as_traces_of_the_tenant_takt() {
    let dir = directory();
    let mut server = start(&dir, LIVE).await;
    server.stop().await.expect("the server stops");
    let own = format!(
        "{UNBOUNDED}{LIVE}multitenancy: {{ enabled: true }}\ntelemetry: {{ self_tracing: {{ endpoint: \"{}\", sample_ratio: 1 }} }}\n",
        server.otlp_grpc()
    );
    server
        .configure(&own)
        .expect("the configuration is written");
    server.run().await.expect("the server starts again");
    let client = server.client().tenant("takt");
    eventually(Duration::from_secs(40), || async {
        let found = client.search(r#"{ name = "search" }"#, 20, 3).await?;
        ensure!(!found.is_empty(), "no search of ours is traced yet");
        Ok(())
    })
    .await
    .expect("a search becomes a trace");
}
