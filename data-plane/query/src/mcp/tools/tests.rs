use super::*;

const NOW: UnixNano = UnixNano::from_secs(1_700_000_000);

fn step(tool: Tool, arguments: Json) -> Result<String, String> {
    let Json::Object(arguments) = arguments else {
        panic!("arguments are an object");
    };
    tool.step(&arguments, NOW, 200).map(|step| match step {
        Step::Ask(request) => format!("{} {}", request.method(), request.uri()),
        Step::Read(document) => format!("{document:?}"),
    })
}

#[test]
fn calls_are_requests_to_the_api() {
    for (tool, arguments, request) in [
        (
            Tool::Search,
            json!({"query": "{ .a = \"é\" }"}),
            "GET /api/search?q=%7B%20.a%20%3D%20%22%C3%A9%22%20%7D&start=2023-11-14T21%3A13%3A20Z&end=2023-11-14T22%3A13%3A20Z",
        ),
        (
            Tool::MetricsInstant,
            json!({"query": "{} | rate()", "start": "2023-11-14T22:00:00Z", "end": "2023-11-14T23:00:00+01:00"}),
            "GET /api/metrics/query?q=%7B%7D%20%7C%20rate%28%29&start=2023-11-14T22%3A00%3A00Z&end=2023-11-14T22%3A00%3A00Z",
        ),
        (
            Tool::MetricsRange,
            json!({"query": "{} | rate()", "start": "1970-01-01T00:00:01Z"}),
            "GET /api/metrics/query_range?q=%7B%7D%20%7C%20rate%28%29&start=1970-01-01T00%3A00%3A01Z&end=2023-11-14T22%3A13%3A20Z",
        ),
        (
            Tool::GetTrace,
            json!({"trace_id": "a/b"}),
            "GET /api/v2/traces/a%2Fb?",
        ),
        (
            Tool::TraceDiff,
            json!({"base_trace_id": "1", "compare_trace_id": "2"}),
            "POST /api/v2/traces/diff",
        ),
        (Tool::AttributeNames, json!({}), "GET /api/v2/search/tags?"),
        (
            Tool::AttributeNames,
            json!({"scope": "span"}),
            "GET /api/v2/search/tags?scope=span",
        ),
        (
            Tool::AttributeValues,
            json!({"name": "span.a/b", "filter-query": "{ .c = 1 }"}),
            "GET /api/v2/search/tag/span.a%2Fb/values?q=%7B%20.c%20%3D%201%20%7D",
        ),
        (
            Tool::DocsTraceql,
            json!({"name": "structural"}),
            "Structural",
        ),
        (
            Tool::DocsConfig,
            json!({"name": "reference"}),
            "ConfigReference",
        ),
    ] {
        assert_eq!(step(tool, arguments).as_deref(), Ok(request));
    }
}

#[test]
fn what_cannot_be_asked_is_said_in_words_that_help() {
    for (tool, arguments, words) in [
        (
            Tool::Search,
            json!({}),
            "required argument \"query\" not found",
        ),
        (
            Tool::Search,
            json!({"query": 1}),
            "argument \"query\" is not a string",
        ),
        (
            Tool::Search,
            json!({"query": "{"}),
            "query parse error. Consult TraceQL docs tools: parse error at line 1",
        ),
        (
            Tool::Search,
            json!({"query": "{} | rate()"}),
            "TraceQL metrics query received on traceql-search tool.",
        ),
        (
            Tool::Search,
            json!({"query": format!("{{}}{}", " ".repeat(200))}),
            "TraceQL query exceeds maximum length",
        ),
        (
            Tool::Search,
            json!({"query": "{}", "start": "yesterday"}),
            "invalid start: ",
        ),
        (
            Tool::MetricsInstant,
            json!({"query": "{}"}),
            "TraceQL search query received on instant query tool.",
        ),
        (
            Tool::MetricsRange,
            json!({"query": "{}"}),
            "TraceQL search query received on range query tool.",
        ),
        (
            Tool::TraceDiff,
            json!({"base_trace_id": "1", "compare_trace_id": "2", "base_end": "2023-11-14T22:00:00Z"}),
            "arguments \"base_start\" and \"base_end\" must be provided together",
        ),
        (
            Tool::AttributeValues,
            json!({"name": "a", "filter-query": "{} | count() > 1"}),
            "filter-query invalid.",
        ),
        (
            Tool::DocsConfig,
            json!({"name": "all"}),
            "there is no document \"all\"; there are overview, reference",
        ),
    ] {
        let refusal = step(tool, arguments).unwrap_err();
        assert!(refusal.starts_with(words), "{refusal}");
    }
}

#[test]
fn a_query_with_a_slip_is_shown_with_the_near_name() {
    let slip = step(Tool::Search, json!({"query": "{ durration > 1s }"})).unwrap_err();
    assert!(
        slip.contains("\n") && slip.contains('^') && slip.contains("`duration`"),
        "{slip}"
    );
}

#[test]
fn definitions_name_their_arguments() {
    let schema = |tool: Tool| Json::Object(tool.definition().input_schema.as_ref().clone());
    assert_eq!(schema(Tool::Search)["required"], json!(["query"]));
    assert_eq!(
        schema(Tool::TraceDiff)["properties"]["format"]["enum"],
        json!([
            "trace-summary-v0-composed",
            "trace-patch-v0",
            "trace-summary-v0-native"
        ])
    );
    for tool in Tool::ALL {
        assert_eq!(Tool::named(tool.name()), Some(tool));
        let annotations = tool.definition().annotations.unwrap();
        assert_eq!(
            (annotations.read_only_hint, annotations.destructive_hint),
            (Some(true), Some(false))
        );
    }
}
