use super::*;

#[test]
fn legal_values_become_canonical() {
    let cases = [
        ("ingestion.tenant_shard_size", " 007 ", "7"),
        ("metrics_generator.collection_interval", "60s", "1m"),
        (
            "metrics_generator.processors",
            "span-metrics, host-info",
            "host-info,span-metrics",
        ),
        (
            "metrics_generator.processor.span_metrics.histogram_buckets",
            "0.1, 1 ,2.50",
            "0.1,1,2.5",
        ),
        (
            "metrics_generator.native_histogram_bucket_factor",
            "1.10",
            "1.1",
        ),
        (
            "metrics_generator.processor.span_metrics.dimensions",
            "http.method,k8s.pod",
            "http.method,k8s.pod",
        ),
        (
            "cost_attribution.dimensions",
            r#"{ "team": "", "b": "x" }"#,
            r#"{"b":"x","team":""}"#,
        ),
        (
            "storage.parquet_dedicated_columns",
            r#"[{"name":"a"}]"#,
            r#"[{"name":"a","type":"string","scope":"span"}]"#,
        ),
        ("metrics_generator.processors", "", ""),
    ];
    for (name, text, canonical) in cases {
        let field = find(name).unwrap();
        assert_eq!(field.canonical(text).as_deref(), Ok(canonical), "{name}");
        assert_eq!(
            field.canonical(canonical).as_deref(),
            Ok(canonical),
            "{name} again"
        );
    }
}

#[test]
fn illegal_values_are_refused_with_the_reason() {
    let cases = [
        (
            "ingestion.tenant_shard_size",
            "-1".to_owned(),
            "whole number",
        ),
        (
            "ingestion.rate_strategy",
            "both".to_owned(),
            "local, global",
        ),
        (
            "metrics_generator.collection_interval",
            "1s".to_owned(),
            "between",
        ),
        (
            "metrics_generator.processors",
            "spanmetrics".to_owned(),
            "span-metrics",
        ),
        (
            "metrics_generator.processor.span_metrics.histogram_buckets",
            "2,1".to_owned(),
            "do not rise",
        ),
        (
            "metrics_generator.native_histogram_bucket_factor",
            "1".to_owned(),
            "above 1",
        ),
        (
            "metrics_generator.processor.service_graphs.dimensions",
            "a.b,a-b".to_owned(),
            "the same label",
        ),
        (
            "metrics_generator.processor.service_graphs.dimensions",
            "1a".to_owned(),
            "label",
        ),
        (
            "metrics_generator.trace_id_label_name",
            "a b".to_owned(),
            "label",
        ),
        (
            "storage.parquet_dedicated_columns",
            r#"[{"name":"a"},{"name":"a"}]"#.to_owned(),
            "twice",
        ),
        (
            "storage.parquet_dedicated_columns",
            r#"[{"name":"a","type":"float"}]"#.to_owned(),
            "string, int",
        ),
        ("forwarders", "a,a".to_owned(), "twice"),
    ];
    for (name, text, said) in cases {
        let refused = find(name).unwrap().canonical(&text).unwrap_err();
        assert!(refused.contains(said), "{name}: {refused}");
    }
}

#[test]
fn filter_policies_have_a_shape_and_expressions_that_compile() {
    let policies = "metrics_generator.processor.span_metrics.filter_policies";
    let regex = |pattern: &str| {
        format!(
            r#"[{{"include":{{"match_type":"regex","attributes":[{{"key":"span.a","value":"{pattern}"}}]}}}}]"#
        )
    };
    let cases = [
        (policies, regex("("), "span.a"),
        (policies, "[{}]".to_owned(), "nothing"),
        (
            policies,
            r#"[{"exclude":{"match_type":"strict","attributes":[{"key":"a","value":1}]}}]"#
                .to_owned(),
            "resource",
        ),
        (
            policies,
            r#"[{"exclude":{"match_type":"glob","attributes":[]}}]"#.to_owned(),
            "regex",
        ),
    ];
    for (name, text, said) in cases {
        let refused = find(name).unwrap().canonical(&text).unwrap_err();
        assert!(refused.contains(said), "{name}: {refused}");
    }
    assert!(find(policies).unwrap().canonical(&regex("a|b.*")).is_ok());
}

#[test]
fn every_name_is_there_once_and_none_is_a_limit() {
    let mut names: Vec<&str> = RECORDED.iter().map(|field| field.name).collect();
    names.extend(crate::Limits::fields().iter().map(|field| field.name));
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}
