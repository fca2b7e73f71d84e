//! The HTTP API over a real journal, live store and blocks on disk.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests may fail loudly"
)]

mod house;
mod mcp;
mod queries;
mod streams;
mod traces;

use std::time::Duration;

use house::{Asked, House, Where, span};
use serde_json::{Value, json};
use takt_query::{SearchSettings, Settings};

/// Two services and three traces, one of which arrives in two requests.
pub(crate) fn shop() -> Vec<Vec<house::Span>> {
    vec![
        vec![
            span("1", 1)
                .named("GET /cart")
                .of("gateway")
                .kind(2)
                .at(100, 50)
                .with("http.status_code", 200),
            span("1", 2)
                .under(1)
                .named("load cart")
                .of("cart")
                .at(101, 20)
                .with("db.system", "redis"),
        ],
        vec![
            span("2", 1)
                .named("GET /cart")
                .of("gateway")
                .kind(2)
                .at(200, 500)
                .with("http.status_code", 500)
                .failed("no cart"),
            span("2", 2)
                .under(1)
                .named("load cart")
                .of("cart")
                .at(201, 400)
                .with("db.system", "redis")
                .failed("down"),
        ],
        vec![
            span("3", 2)
                .under(1)
                .named("late child")
                .of("cart")
                .at(301, 5)
                .with("a/b", "x y"),
        ],
        vec![
            span("3", 1)
                .named("POST /order")
                .of("gateway")
                .kind(2)
                .at(300, 100)
                .with("http.status_code", 201),
        ],
    ]
}

/// Every question whose answer must not depend on where the spans are.
const QUESTIONS: &[&str] = &[
    "/api/search?q=%7B%7D&start=0.1&end=1000&spss=10",
    "/api/search?q=%7B%20status%20%3D%20error%20%7D&spss=10",
    "/api/search?q=%7B%20resource.service.name%20%3D%20%22cart%22%20%7D&limit=2",
    "/api/search?q=%7B%20duration%20%3E%20100ms%20%7D",
    "/api/search?q=%7B%20.db.system%20%3D%20%22redis%22%20%26%26%20.none%20%3D%201%20%7D",
    "/api/search?tags=service.name%3Dgate&minDuration=1100ms",
    "/api/search?tags=http.status_code%3D200",
    "/api/search",
    "/api/traces/1",
    "/api/v2/traces/2",
    "/api/v2/traces/3",
    "/api/v2/traces/4",
    "/api/search/tags",
    "/api/search/tags?scope=resource",
    "/api/v2/search/tags",
    "/api/v2/search/tags?q=%7B%20name%20%3D%20%22late%20child%22%20%7D",
    "/api/search/tag/service.name/values",
    "/api/v2/search/tag/resource.service.name/values",
    "/api/v2/search/tag/.http.status_code/values?q=%7B%20status%20%3D%20error%20%7D",
    "/api/v2/search/tag/span.a%2Fb/values",
    "/api/v2/search/tag/name/values",
    "/api/v2/search/tag/status/values",
    "/api/v2/search/tag/rootServiceName/values",
];

/// An answer without what tells how it was found, and with sets in one order.
fn essence(asked: &Asked) -> Value {
    let mut body = asked.json();
    if let Some(body) = body.as_object_mut() {
        body.remove("metrics");
    }
    sort(&mut body);
    json!({ "status": asked.status, "body": body })
}

fn sort(value: &mut Value) {
    match value {
        Value::Array(items) => {
            items.iter_mut().for_each(sort);
            // Search results have an order of their own; nothing else here has.
            if items.iter().all(|item| item.get("traceID").is_none()) {
                items.sort_by_key(ToString::to_string);
            }
        }
        Value::Object(fields) => fields.values_mut().for_each(sort),
        _ => {}
    }
}

#[tokio::test]
async fn answers_do_not_depend_on_where_the_spans_are() {
    let mut answers = Vec::new();
    for place in [Where::Live, Where::Blocks, Where::HalfAndHalf] {
        let house = House::open(Settings::default());
        house.fill(&shop(), place).await;
        let mut found = Vec::new();
        for question in QUESTIONS {
            found.push((question, essence(&house.get(question).await)));
        }
        answers.push((place, found));
        house.close().await;
    }
    let (_, live) = &answers[0];
    for (place, found) in &answers[1..] {
        for (a, b) in live.iter().zip(found) {
            // Resources of a trace in two places are two groups; only the spans count.
            let (left, right) = if a.0.contains("/traces/") {
                (json!(spans(&a.1)), json!(spans(&b.1)))
            } else {
                (a.1.clone(), b.1.clone())
            };
            assert_eq!(left, right, "{place:?} {}", a.0);
        }
    }
    let matched = |at: usize| live[at].1["body"]["traces"].as_array().map_or(0, Vec::len);
    assert_eq!(
        [
            matched(0),
            matched(1),
            matched(2),
            matched(3),
            matched(4),
            matched(5),
            matched(6),
            matched(7)
        ],
        [3, 1, 2, 1, 0, 1, 0, 3]
    );
}

fn spans(answer: &Value) -> Vec<String> {
    let body = &answer["body"];
    let groups = body["batches"]
        .as_array()
        .or_else(|| body["trace"]["resourceSpans"].as_array());
    let scopes = groups
        .into_iter()
        .flatten()
        .flat_map(|group| group["scopeSpans"].as_array().into_iter().flatten());
    let mut spans: Vec<String> = scopes
        .flat_map(|scope| scope["spans"].as_array().into_iter().flatten())
        .map(ToString::to_string)
        .collect();
    spans.sort();
    spans
}

#[tokio::test]
async fn a_result_shows_the_head_of_the_whole_trace() {
    let house = House::open(Settings::default());
    house.fill(&shop(), Where::HalfAndHalf).await;
    // The child that matches came first and is in a block; the root came later and is live.
    let found = house
        .get("/api/search?q=%7B%20name%20%3D%20%22late%20child%22%20%7D")
        .await
        .json();
    let trace = &found["traces"][0];
    assert_eq!(trace["traceID"], "3");
    assert_eq!(
        (
            &trace["rootServiceName"],
            &trace["rootTraceName"],
            &trace["durationMs"]
        ),
        (&json!("gateway"), &json!("POST /order"), &json!(1005))
    );
    assert_eq!(
        trace["serviceStats"],
        json!({"cart": {"spanCount": 1}, "gateway": {"spanCount": 1}})
    );
    assert_eq!(trace["spanSets"][0]["matched"], 1);
    house.close().await;
}

#[tokio::test]
async fn the_newest_come_first_and_a_reached_limit_is_said() {
    let house = House::open(Settings::default());
    house.fill(&shop(), Where::HalfAndHalf).await;
    let found = house.get("/api/search?q=%7B%7D&limit=2").await;
    let ids: Vec<Value> = found.json()["traces"]
        .as_array()
        .unwrap()
        .iter()
        .map(|trace| trace["traceID"].clone())
        .collect();
    assert_eq!(ids, ["3", "2"]);
    assert!(found.partial.unwrap().contains("limit of 2 traces"));
    assert_eq!(
        house.get("/api/search?q=%7B%7D&limit=3").await.partial,
        None
    );
    house.close().await;
}

#[tokio::test]
async fn failures_have_tempos_codes_and_words() {
    let house = House::open(Settings::default());
    house.fill(&shop(), Where::Live).await;
    for (question, status, words) in [
        ("/api/traces/4", 404, ""),
        (
            "/api/traces/nothex",
            400,
            "trace IDs can only contain hex characters: invalid character 'n' at position 1",
        ),
        (
            "/api/search?q=%7B%20span.foo%20%3D%20%7D",
            400,
            "invalid TraceQL query: parse error at line 1, col 14: syntax error: unexpected }",
        ),
        (
            "/api/search?q=%7B%7D&limit=0",
            400,
            "invalid limit: must be a positive number",
        ),
        (
            "/api/search?q=%7B%7D&start=1",
            400,
            "please provide both start and end, or neither",
        ),
        (
            "/api/search/tags?scope=galaxy",
            400,
            "invalid scope: galaxy",
        ),
        (
            "/api/search/tag//values",
            400,
            "please provide a non-empty tagName",
        ),
        (
            "/api/v2/search/tag/nonsense/values",
            400,
            "please provide a valid tagName",
        ),
        (
            "/api/metrics/query_range?q=%7B%7D",
            400,
            "not a metrics query",
        ),
        (
            "/api/search?q=%7B%7D%20%7C%20rate()",
            400,
            "this is a metrics query",
        ),
        (
            "/api/metrics/query_range?q=%7B%7D%20%7C%20rate()&start=20&end=10",
            400,
            "end must be greater than start",
        ),
        (
            "/api/metrics/query_range?q=%7B%20%7D%20%7C%20rate(%20%7C%20by%20()",
            400,
            "parse error at line 1, col 13",
        ),
        ("/api/metrics/query", 400, "please provide a query in `q`"),
        ("/api/nowhere", 404, "404 page not found"),
    ] {
        let asked = house.get(question).await;
        assert_eq!(asked.status, status, "{question}: {}", asked.text());
        assert!(asked.text().contains(words), "{question}: {}", asked.text());
    }
    assert_eq!(
        house.get("/api/v2/traces/4").await.json(),
        json!({"trace": {}, "metrics": {}})
    );
    house.close().await;
}

#[tokio::test]
async fn a_trace_that_is_too_large_is_refused_or_cut_and_said_so() {
    let house = House::open(Settings::default());
    let many = (1..=50)
        .map(|n| {
            span("9", n)
                .named(&"x".repeat(100))
                .of("big")
                .at(100 + u64::from(n), 1)
        })
        .collect();
    house.fill(&[many], Where::Blocks).await;
    house.limit("global.max_bytes_per_trace", "4000");
    let v1 = house.get("/api/traces/9").await;
    assert_eq!(
        (v1.status, v1.text().as_str()),
        (422, "trace exceeds max size (max bytes: 4000)")
    );
    let v2 = house.get("/api/v2/traces/9").await.json();
    assert_eq!(
        (&v2["status"], &v2["message"]),
        (
            &json!("PARTIAL"),
            &json!("Trace exceeds maximum size of 4000 bytes, a partial trace is returned")
        )
    );
    let kept = spans(&json!({"body": v2})).len();
    assert!((10..50).contains(&kept), "{kept} spans");
    house.close().await;
}

#[tokio::test]
async fn tenants_are_apart_unless_asked_for_together() {
    let house = House::open(Settings {
        multitenancy_enabled: true,
        ..Settings::default()
    });
    house.send("a", &shop()[0]).await;
    house.send("b", &shop()[1]).await;
    let ids = |asked: Asked| asked.json()["traces"].as_array().map_or(0, Vec::len);
    let search = "/api/search?q=%7B%7D";
    assert_eq!(house.get(search).await.status, 401);
    assert_eq!(
        house.get("/api/echo").await.text(),
        "echo\n",
        "needs no tenant"
    );
    assert_eq!(ids(house.get_as("a", search).await), 1);
    assert_eq!(ids(house.get_as("a|b", search).await), 2);
    assert_eq!(ids(house.get_as("c", search).await), 0);
    assert_eq!(house.get_as("a", "/api/traces/2").await.status, 404);
    assert_eq!(house.get_as("b|a", "/api/traces/2").await.status, 200);
    house.close().await;
}

#[tokio::test]
async fn answers_come_as_protobuf_and_compressed_when_asked_for() {
    use prost::Message as _;
    use takt_wire::tempopb::{SearchResponse, SearchTagsResponse, Trace, TraceByIdResponse};
    let house = House::open(Settings::default());
    house.fill(&shop(), Where::Blocks).await;
    let proto = async |question: &str| {
        house
            .ask(question, &[("accept", "application/protobuf, */*")])
            .await
            .body
    };
    assert_eq!(
        SearchResponse::decode(proto("/api/search?q=%7B%7D").await)
            .unwrap()
            .traces
            .len(),
        3
    );
    assert_eq!(
        Trace::decode(proto("/api/traces/1").await)
            .unwrap()
            .resource_spans
            .len(),
        2
    );
    assert_eq!(
        TraceByIdResponse::decode(proto("/api/v2/traces/1").await)
            .unwrap()
            .trace
            .unwrap()
            .resource_spans
            .len(),
        2
    );
    assert!(
        SearchTagsResponse::decode(proto("/api/search/tags").await)
            .unwrap()
            .tag_names
            .contains(&"db.system".to_owned())
    );
    let zipped = house
        .ask("/api/search?q=%7B%7D", &[("accept-encoding", "gzip")])
        .await;
    assert_eq!(zipped.body[..2], [0x1f, 0x8b]);
    house.close().await;
}

#[tokio::test]
async fn a_live_store_that_lags_is_said_and_a_slow_answer_is_given_up() {
    let house = House::without_consumer(Settings {
        journal_wait: Duration::from_millis(20),
        ..Settings::default()
    });
    house.append("single-tenant", &shop()[0]).await;
    let asked = house.get("/api/search?q=%7B%7D").await;
    assert!(
        asked
            .partial
            .unwrap()
            .contains("newest spans may be missing")
    );
    house.close().await;

    let slow = Settings {
        journal_wait: Duration::from_secs(60),
        api_timeout: Duration::from_millis(20),
        ..Settings::default()
    };
    let house = House::without_consumer(slow);
    house.append("single-tenant", &shop()[0]).await;
    let asked = house.get("/api/search?q=%7B%7D").await;
    assert_eq!(
        (asked.status, asked.text().as_str()),
        (503, "unable to process request in the configured timeout")
    );
    house.close().await;
}

#[tokio::test]
async fn too_many_queries_and_too_much_memory_are_refused_with_a_hint() {
    let none = Settings {
        max_outstanding_per_tenant: 0,
        ..Settings::default()
    };
    let house = House::open(none);
    let asked = house.get("/api/search?q=%7B%7D").await;
    assert_eq!(
        (asked.status, asked.text().as_str()),
        (429, "job queue full")
    );
    house.close().await;

    let house = House::open(Settings {
        memory_bytes: 10,
        ..Settings::default()
    });
    house.fill(&shop(), Where::Blocks).await;
    let asked = house.get("/api/search?q=%7B%7D").await;
    assert_eq!(asked.status, 429);
    assert!(
        asked.text().contains("more memory than is left"),
        "{}",
        asked.text()
    );
    house.close().await;
}

#[tokio::test]
async fn operators_see_state_and_grafana_sees_a_version() {
    let settings = Settings {
        http_api_prefix: "/tempo".into(),
        search: SearchSettings::default(),
        ..Settings::default()
    };
    let house = House::open(settings);
    assert_eq!(house.get("/tempo/api/echo").await.text(), "echo\n");
    assert_eq!(
        house.get("/api/status/buildinfo").await.json()["version"],
        "1.2.3"
    );
    assert_eq!(house.get("/ready").await.text(), "ready\n");
    assert!(
        house
            .get("/metrics")
            .await
            .text()
            .contains("tempo_request_duration_seconds_bucket")
    );
    assert!(
        house
            .get("/status")
            .await
            .text()
            .contains("GET /status/config\n---\ntarget: all")
    );
    assert!(
        house
            .get("/status/runtime_config")
            .await
            .text()
            .contains("global.max_bytes_per_trace: 5000000")
    );
    assert!(
        house
            .get("/status/endpoints")
            .await
            .text()
            .contains("/tempo/api/search\n")
    );
    let overrides = house
        .ask(
            "/status/overrides/single-tenant",
            &[("accept", "application/json")],
        )
        .await
        .json();
    assert_eq!(
        overrides["using_default_or_wildcard_runtime_overrides"],
        json!(true)
    );
    house.close().await;
}
