//! What was acknowledged is there after the process was killed, after it was stopped, and as a block.

use std::collections::BTreeMap;
use std::time::Duration;

use takt_testkit::{Corpus, Replay, Server, spans_by_trace};

use super::{AT_ONCE, LIVE, UNBOUNDED, directory, send, shop, start};

const REQUESTS: usize = 5;

#[tokio::test]
async fn acknowledged_spans_outlive_the_process() {
    let dir = directory();
    let corpus = shop();
    let mut server = start(&dir, LIVE).await;
    send(&server, &corpus, 0..REQUESTS).await;
    let expected = expected(&corpus);
    there(&server, &expected, "at once").await;

    server.kill().expect("the server runs");
    server.run().await.expect("the server starts again");
    there(&server, &expected, "after it was killed").await;

    server.stop().await.expect("the server stops");
    server
        .configure(&format!("{UNBOUNDED}{AT_ONCE}"))
        .expect("the configuration is written");
    server.run().await.expect("the server starts again");
    let spans = expected.values().sum();
    let stored = server
        .stored(spans, Duration::from_secs(30))
        .await
        .expect("every span is stored");
    assert_eq!(stored.spans, spans, "nothing is stored twice");
    there(&server, &expected, "in blocks").await;
}

#[tokio::test]
async fn the_same_request_sent_twice_is_there_once() {
    let dir = directory();
    let corpus = shop();
    let server = start(&dir, AT_ONCE).await;
    send(&server, &corpus, 0..REQUESTS).await;
    let expected = expected(&corpus);
    server
        .stored(expected.values().sum(), Duration::from_secs(30))
        .await
        .expect("every span is stored");
    send(&server, &corpus, 0..REQUESTS).await;
    there(&server, &expected, "half stored and half live").await;
}

/// How many spans each trace of the first requests has.
fn expected(corpus: &Corpus) -> BTreeMap<String, usize> {
    let mut traces = BTreeMap::new();
    for index in 0..REQUESTS {
        let request = corpus.request(index, Replay::default());
        for (trace, spans) in spans_by_trace(&request).expect("the corpus is OTLP") {
            *traces.entry(trace).or_default() += spans;
        }
    }
    traces
}

async fn there(server: &Server, expected: &BTreeMap<String, usize>, when: &str) {
    let client = server.client();
    for (trace, spans) in expected {
        let found = client
            .span_ids(trace)
            .await
            .expect("a trace can be asked for");
        assert_eq!(found.len(), *spans, "trace {trace} {when}");
    }
}
