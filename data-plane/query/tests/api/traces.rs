//! Traces in part, pruned, compared, and in the form for language models.

use serde_json::{Value, json};
use takt_query::{Settings, TraceByIdSettings};

use crate::house::{self, House, Where, span};
use crate::shop;

/// The names of the spans in an answer, sorted.
fn names(answer: &Value) -> Vec<&str> {
    let groups = answer["trace"]["resourceSpans"]
        .as_array()
        .into_iter()
        .flatten();
    let mut names: Vec<&str> = groups
        .flat_map(|group| group["scopeSpans"].as_array().into_iter().flatten())
        .flat_map(|scope| scope["spans"].as_array().into_iter().flatten())
        .map(|span| span["name"].as_str().unwrap_or_default())
        .collect();
    names.sort_unstable();
    names
}

/// A trace with two levels below its root, half of it late.
fn deep() -> Vec<Vec<house::Span>> {
    vec![
        vec![
            span("5", 1).named("root").of("gateway").at(100, 90),
            span("5", 3)
                .under(2)
                .named("query")
                .of("db")
                .at(102, 20)
                .with("db.system", "pg"),
        ],
        vec![
            span("5", 2)
                .under(1)
                .named("load")
                .of("cart")
                .at(101, 50)
                .failed("down"),
            span("5", 4)
                .under(1)
                .named("render")
                .of("gateway")
                .at(103, 5),
        ],
    ]
}

#[tokio::test]
async fn a_filter_keeps_what_matches_wherever_the_spans_are() {
    for place in [Where::Live, Where::Blocks, Where::HalfAndHalf] {
        let house = House::open(Settings::default());
        house.fill(&deep(), place).await;
        for (question, kept) in [
            ("q=%7B%20status%20%3D%20error%20%7D", vec!["load"]),
            (
                "q=%7B%20status%20%3D%20error%20%7D&keep_hierarchy=true",
                vec!["load", "root"],
            ),
            (
                "q=%7B%20status%20%3D%20error%20%7D&match_depth=1",
                vec!["load", "query"],
            ),
            (
                "q=%7B%20.db.system%20%3D%20%22pg%22%20%7D&keep_hierarchy=1&ancestor_depth=1",
                vec!["load", "query"],
            ),
            ("q=%7B%20name%20%3D%20%22none%22%20%7D", vec![]),
        ] {
            let asked = house.get(&format!("/api/v2/traces/5?{question}")).await;
            let answer = asked.json();
            assert_eq!(names(&answer), kept, "{place:?} {question}");
            assert_eq!(answer["status"], "PARTIAL");
            assert_eq!(
                answer["message"],
                "Trace filtered, only a subset of spans matching the filter is returned"
            );
            assert!(asked.partial.is_some());
        }
        let whole = house.get("/api/v2/traces/5?q=%7B%7D").await.json();
        assert_eq!(names(&whole).len(), 4);
        assert_eq!(whole.get("status"), None, "nothing was dropped");
        house.close().await;
    }
}

#[tokio::test]
async fn what_cannot_filter_one_trace_is_refused() {
    let house = House::open(Settings {
        max_query_expression_size_bytes: 100,
        ..Settings::default()
    });
    for (query, words) in [
        (
            "q=%7B%20name%20%3D%20%7D",
            "invalid TraceQL filter: failed to parse TraceQL spanset filter: parse error at line 1, col 10",
        ),
        (
            "q=%7B%7D%20%7C%20count()%20%3E%201",
            "invalid TraceQL filter: only a single TraceQL filter is supported: ",
        ),
        (
            "q=%7B%20rootName%20%3D%20%22x%22%20%7D",
            "invalid TraceQL filter: intrinsic is not supported by this filter: \"rootName\"",
        ),
        (
            "q=%7B%20parent.a%20%3D%201%20%7D",
            "invalid TraceQL filter: attribute scope is not supported by this filter",
        ),
        (
            "q=%7B%7D&match_depth=-2",
            "invalid value for match_depth: must be >= -1",
        ),
        (
            &format!("q=%7B%7D{}", "+".repeat(99)),
            "TraceQL query exceeds maximum length",
        ),
    ] {
        let asked = house.get(&format!("/api/v2/traces/5?{query}")).await;
        assert_eq!(asked.status, 400, "{query}");
        assert!(asked.text().starts_with(words), "{query}: {}", asked.text());
    }
    let missing = house.get("/api/v2/traces/5?q=%7B%7D").await;
    assert_eq!(
        (missing.status, missing.json()),
        (200, json!({"trace": {}, "metrics": {}}))
    );
    assert_eq!(
        house.get("/api/traces/5?q=nonsense").await.status,
        404,
        "version 1 has no `q`"
    );
    house.close().await;
}

/// A root with six like queries.
fn repetitive() -> Vec<house::Span> {
    let mut spans = vec![span("6", 1).named("root").of("gateway").at(100, 900)];
    spans.extend((2..8).map(|n| {
        span("6", n)
            .under(1)
            .named("query")
            .of("gateway")
            .at(100 + u64::from(n), u64::from(n))
    }));
    spans
}

#[tokio::test]
async fn like_spans_are_pruned_only_where_that_is_enabled() {
    let house = House::open(Settings::default());
    house.fill(&[repetitive()], Where::Live).await;
    assert_eq!(
        names(&house.get("/api/v2/traces/6?span_pruning=true").await.json()).len(),
        7
    );
    house.close().await;

    let settings = Settings {
        trace_by_id: TraceByIdSettings {
            span_pruning_enabled: true,
            span_pruning_enabled_by_default: true,
        },
        ..Settings::default()
    };
    let house = House::open(settings);
    house.fill(&[repetitive()], Where::Blocks).await;
    let pruned = house.get("/api/v2/traces/6").await.json();
    assert_eq!(names(&pruned), ["query", "root"]);
    assert_eq!(pruned["status"], "PARTIAL");
    assert!(
        pruned
            .to_string()
            .contains(r#"{"key":"aggregation.span_count","value":{"intValue":"6"}}"#),
        "{pruned}"
    );
    let message = pruned["message"].as_str().unwrap();
    assert!(message.contains("span_pruning=false"), "{message}");
    let both = house
        .get("/api/v2/traces/6?q=%7B%20name%20%3D%20%22query%22%20%7D")
        .await
        .json();
    assert_eq!(names(&both), ["query"], "filtered first, then pruned");
    assert!(
        both["message"]
            .as_str()
            .unwrap()
            .contains("returned; like spans")
    );
    assert_eq!(
        names(
            &house
                .get("/api/v2/traces/6?span_pruning=false")
                .await
                .json()
        )
        .len(),
        7
    );
    assert_eq!(
        names(
            &house
                .get("/api/v2/traces/6?span_pruning_min_spans=7")
                .await
                .json()
        )
        .len(),
        7
    );
    assert_eq!(
        house
            .get("/api/v2/traces/6?span_pruning_min_spans=1")
            .await
            .status,
        400
    );
    house.close().await;
}

const DIFF: &str = "/api/v2/traces/diff";

#[tokio::test]
async fn two_traces_are_compared() {
    let house = House::open(Settings::default());
    house.fill(&shop(), Where::HalfAndHalf).await;
    let two = |format: &str| json!({"base": {"traceId": "1"}, "compare": {"traceId": "2"}, "format": format});
    let patch = house.post(DIFF, &[], &two("")).await;
    assert_eq!(
        (patch.status, patch.content_type.as_deref()),
        (200, Some("application/json"))
    );
    let patch = patch.json();
    assert_eq!(patch["version"], "trace-patch-v0");
    assert_eq!(
        patch["base"],
        json!({"traceId": format!("{:032x}", 1), "spanCount": 2})
    );
    assert_eq!(patch["stats"]["modifiedSpans"], 2);
    assert_eq!(
        patch["modified"][1]["span"],
        json!({"path": [0, 0], "service": "cart", "name": "load cart", "kind": "internal"})
    );
    let summary = house
        .post(DIFF, &[], &two("trace-summary-v0-native"))
        .await
        .json();
    assert_eq!(
        (&summary["signals"]["errors"], &summary["changedServices"]),
        (&json!("increased"), &json!(["cart", "gateway"]))
    );
    let composed = house
        .post(DIFF, &[], &two("trace-summary-v0-composed"))
        .await
        .json();
    assert_eq!(
        (&composed["summary"], &composed["patch"]),
        (&summary, &patch)
    );
    house.close().await;
}

#[tokio::test]
async fn a_comparison_that_cannot_be_made_says_why() {
    let house = House::open(Settings::default());
    house.fill(&shop(), Where::Blocks).await;
    let two = |base: &str, compare: &str| json!({"base": {"traceId": base}, "compare": {"traceId": compare}});
    let asked = house.get(DIFF).await;
    assert_eq!(
        (asked.status, asked.text().as_str()),
        (405, "Method Not Allowed")
    );
    for (body, status, words) in [
        (json!([]), 400, "invalid trace diff request body: "),
        (json!({}), 400, "base.traceId is required"),
        (
            two("1", "xyz"),
            400,
            "invalid compare.traceId: trace IDs can only contain hex characters",
        ),
        (two("1", "4"), 404, "Not Found"),
    ] {
        let asked = house.post(DIFF, &[], &body).await;
        assert_eq!(asked.status, status, "{body}");
        assert!(asked.text().starts_with(words), "{body}: {}", asked.text());
    }
    let size = house
        .ask("/api/traces/1", &[("accept", "application/protobuf")])
        .await
        .body
        .len();
    house.limit("global.max_bytes_per_trace", &(size + 40).to_string());
    let large = house.post(DIFF, &[], &two("1", "1")).await;
    assert_eq!(large.status, 429);
    assert_eq!(
        large.text(),
        format!(
            "trace diff input too large: combined trace size {} bytes exceeds limit {} bytes",
            2 * size,
            size + 40
        )
    );
    house.limit("global.max_bytes_per_trace", &(size - 1).to_string());
    let cut = house.post(DIFF, &[], &two("1", "1")).await;
    assert_eq!(cut.status, 422);
    assert!(
        cut.text()
            .contains("partial traces cannot be diffed: Trace exceeds maximum size"),
        "{}",
        cut.text()
    );
    house.close().await;
}

#[tokio::test]
async fn language_models_get_fewer_words() {
    const LLM: (&str, &str) = ("accept", "application/vnd.grafana.llm");
    let house = House::open(Settings::default());
    house.fill(&shop(), Where::Live).await;
    let trace = house.ask("/api/v2/traces/1", &[LLM]).await;
    assert_eq!(
        trace.content_type.as_deref(),
        Some("application/vnd.grafana.llm+json")
    );
    let trace = trace.json();
    assert_eq!(trace["status"], "COMPLETE");
    assert_eq!(trace["trace"]["traceId"], format!("{:032x}", 1));
    let root = &trace["trace"]["services"][0];
    assert_eq!(root["serviceName"], "gateway");
    assert_eq!(
        root["scopes"][0]["spans"][0]["attributes"],
        json!({"http.status_code": 200})
    );
    assert_eq!(root["scopes"][0]["spans"][0]["durationMs"], 50.0);
    assert_eq!(house.ask("/api/v2/traces/4", &[LLM]).await.text(), "{}");

    let values = house
        .ask("/api/v2/search/tag/.http.status_code/values", &[LLM])
        .await;
    assert_eq!(
        values.content_type.as_deref(),
        Some("application/vnd.grafana.llm+json")
    );
    let mut values = values.json();
    values["tagValues"]["int"]
        .as_array_mut()
        .unwrap()
        .sort_by_key(Value::to_string);
    assert_eq!(values["tagValues"], json!({"int": ["200", "201", "500"]}));

    // No such form of a search, and JSON first when both are accepted.
    let search = house.ask("/api/search?q=%7B%7D", &[LLM]).await;
    assert_eq!(search.content_type.as_deref(), Some("application/json"));
    let both = ("accept", "application/vnd.grafana.llm, application/json");
    assert!(
        house.ask("/api/v2/traces/1", &[both]).await.json()["trace"]
            .get("resourceSpans")
            .is_some()
    );
    let v1 = house.ask("/api/traces/1", &[LLM]).await;
    assert_eq!(
        v1.content_type.as_deref(),
        Some("application/vnd.grafana.llm+json")
    );
    assert!(v1.json().get("batches").is_some());
    house.close().await;
}
