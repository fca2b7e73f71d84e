//! The tools and documents over the Model Context Protocol, as a client without a session speaks it.

use serde_json::{Value, json};
use takt_query::Settings;

use crate::house::{Asked, House, Where};
use crate::shop;

const HEADERS: [(&str, &str); 4] = [
    ("accept", "application/json, text/event-stream"),
    ("content-type", "application/json"),
    ("mcp-protocol-version", "2025-06-18"),
    ("host", "takt.example:3200"),
];

fn enabled() -> Settings {
    Settings {
        mcp_server_enabled: true,
        ..Settings::default()
    }
}

async fn say(house: &House, method: &str, params: Value) -> Asked {
    let message = json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params});
    house.post("/api/mcp", &HEADERS, &message).await
}

async fn answer(house: &House, method: &str, params: Value) -> Value {
    let asked = say(house, method, params).await;
    assert_eq!(asked.status, 200, "{}", asked.text());
    let answer = asked.json();
    assert_eq!(
        (&answer["jsonrpc"], &answer["id"]),
        (&json!("2.0"), &json!(7)),
        "{answer}"
    );
    answer
}

async fn call(house: &House, tool: &str, arguments: Value) -> Value {
    let params = json!({"name": tool, "arguments": arguments});
    answer(house, "tools/call", params).await["result"].clone()
}

fn text(result: &Value) -> &str {
    result["content"][0]["text"].as_str().unwrap()
}

#[tokio::test]
async fn without_the_setting_there_is_no_server() {
    let house = House::open(Settings::default());
    assert_eq!(say(&house, "tools/list", json!({})).await.status, 404);
    house.close().await;
}

#[tokio::test]
async fn a_client_is_greeted_and_told_what_there_is() {
    let house = House::open(enabled());
    let hello = json!({
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    });
    let greeting = answer(&house, "initialize", hello).await;
    let greeting = &greeting["result"];
    assert_eq!(greeting["protocolVersion"], "2025-06-18");
    assert_eq!(
        (
            &greeting["serverInfo"]["name"],
            &greeting["serverInfo"]["version"]
        ),
        (&json!("tempo"), &json!("0.1.0"))
    );
    assert!(greeting["capabilities"].get("tools").is_some());
    let note = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    assert_eq!(house.post("/api/mcp", &HEADERS, &note).await.status, 202);

    let tools = answer(&house, "tools/list", json!({})).await;
    let tools: Vec<&str> = tools["result"]["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        tools,
        [
            "traceql-search",
            "traceql-metrics-instant",
            "traceql-metrics-range",
            "get-trace",
            "trace-diff",
            "get-attribute-names",
            "get-attribute-values",
            "docs-traceql",
            "docs-config",
        ]
    );
    let resources = answer(&house, "resources/list", json!({})).await;
    let resources = resources["result"]["resources"].as_array().unwrap().clone();
    assert_eq!(resources.len(), 7);
    for resource in resources {
        let uri = &resource["uri"];
        let read = answer(&house, "resources/read", json!({"uri": uri})).await;
        let contents = &read["result"]["contents"][0];
        assert_eq!(
            (&contents["uri"], &contents["mimeType"]),
            (uri, &json!("text/markdown"))
        );
        assert!(contents["text"].as_str().unwrap().starts_with("# "));
    }
    let unknown = answer(&house, "resources/read", json!({"uri": "docs://x"})).await;
    assert_eq!(
        unknown["error"]["message"],
        "there is no resource `docs://x`"
    );
    house.close().await;
}

#[tokio::test]
async fn tools_answer_what_the_paths_answer() {
    let house = House::open(enabled());
    house.fill(&shop(), Where::HalfAndHalf).await;
    let times = json!({"start": "1970-01-01T00:00:01Z", "end": "1970-01-01T01:00:00Z"});
    let with = |mut arguments: Value| {
        for (key, value) in times.as_object().unwrap() {
            arguments[key] = value.clone();
        }
        arguments
    };
    let found = call(
        &house,
        "traceql-search",
        with(json!({"query": "{ status = error }"})),
    )
    .await;
    assert_eq!(
        found["_meta"],
        json!({"type": "search-results", "encoding": "json", "version": "1"}),
        "{found}"
    );
    let traces: Value = serde_json::from_str(text(&found)).unwrap();
    assert_eq!(traces["traces"][0]["traceID"], "2");

    let trace = call(&house, "get-trace", json!({"trace_id": "1"})).await;
    assert_eq!(trace["_meta"]["type"], "trace");
    let trace: Value = serde_json::from_str(text(&trace)).unwrap();
    assert_eq!(trace["trace"]["services"][0]["serviceName"], "gateway");

    let diff = call(
        &house,
        "trace-diff",
        json!({"base_trace_id": "1", "compare_trace_id": "2"}),
    )
    .await;
    let diff: Value = serde_json::from_str(text(&diff)).unwrap();
    assert_eq!(diff["version"], "trace-summary-v0-composed");

    let names = call(&house, "get-attribute-names", json!({"scope": "resource"})).await;
    assert!(text(&names).contains("service.name"));
    let values =
        json!({"name": "resource.service.name", "filter-query": "{ name = \"late child\" }"});
    let values = call(&house, "get-attribute-values", values).await;
    let values: Value = serde_json::from_str(text(&values)).unwrap();
    assert_eq!(values["tagValues"], json!({"string": ["cart"]}));

    let document = call(&house, "docs-traceql", json!({"name": "structural"})).await;
    assert_eq!(document["_meta"]["encoding"], "markdown");
    let counted = house.get("/metrics").await.text();
    assert!(
        counted.contains(r#"tempo_query_frontend_mcp_calls_total{tool="traceql-search"} 1"#),
        "{counted}"
    );
    house.close().await;
}

#[tokio::test]
async fn what_a_tool_cannot_do_is_a_result_and_not_a_failure_of_the_protocol() {
    let house = House::open(enabled());
    let refused = call(&house, "traceql-search", json!({"query": "{} | rate()"})).await;
    assert_eq!(refused["isError"], true);
    assert!(text(&refused).starts_with("TraceQL metrics query received on traceql-search tool."));
    let failed = call(&house, "get-trace", json!({"trace_id": "xyz"})).await;
    assert_eq!(failed["isError"], true);
    assert!(text(&failed).starts_with(
        "tool failed with http status code 400 and reason trace IDs can only contain hex"
    ));
    let unknown = answer(&house, "tools/call", json!({"name": "drop-tables"})).await;
    assert_eq!(
        unknown["error"]["message"],
        "there is no tool `drop-tables`"
    );
    house.close().await;
}

#[tokio::test]
async fn tools_see_the_tenant_of_their_caller_only() {
    let house = House::open(Settings {
        multitenancy_enabled: true,
        ..enabled()
    });
    house.send("a", &shop()[0]).await;
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
        "name": "get-trace", "arguments": {"trace_id": "1"},
    }});
    let ask = async |tenant: Option<&str>| {
        let mut headers = HEADERS.to_vec();
        headers.extend(tenant.map(|tenant| ("x-scope-orgid", tenant)));
        house.post("/api/mcp", &headers, &message).await
    };
    assert_eq!(ask(None).await.status, 401);
    assert!(text(&ask(Some("a")).await.json()["result"]).contains("gateway"));
    assert_eq!(text(&ask(Some("b")).await.json()["result"]), "{}");
    house.close().await;
}
