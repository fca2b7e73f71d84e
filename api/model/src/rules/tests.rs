use super::*;

const ALERT: &str = r#"[{"name":"checkout","interval":"1m","query_window":"5m","rules":[
    {"alert":"Slow","expr":"{ } | rate() > 1","for":"90s","labels":{"severity":"page"},
     "annotations":{"summary":"{{ $labels.resource.service.name }} at {{$value}}"}},
    {"record":"shop:errors:rate","expr":"{ status = error } | rate()","labels":{"team":"a"}}]}]"#;

fn read(text: &str) -> Result<RuleGroups, RuleError> {
    text.parse()
}

/// One rule in a group of its own.
fn refused(rule: &str) -> String {
    read(&format!(r#"[{{"name":"g","rules":[{rule}]}}]"#))
        .unwrap_err()
        .to_string()
}

#[test]
fn rules_read_and_print_back_the_same() {
    let groups = read(ALERT).unwrap();
    let group = &groups[0];
    assert_eq!(group.interval, Some(Duration::from_secs(60)));
    assert_eq!(group.query_window, Some(Duration::from_secs(300)));
    assert_eq!(group.series_max(), DEFAULT_LIMIT);
    let Purpose::Alert(alert) = &group.rules[0].purpose else {
        panic!("{:?}", group.rules[0]);
    };
    assert_eq!(alert.hold, Duration::from_secs(90));
    assert_eq!(group.rules[1].name(), "shop:errors:rate");
    assert_eq!(read(&groups.to_string()).unwrap(), groups);
    assert!(groups.to_string().contains(r#""for":"1m30s""#), "{groups}");
}

#[test]
fn no_rules_are_an_empty_list() {
    assert_eq!(RuleGroups::default().to_string(), "[]");
    assert_eq!(read("[]").unwrap(), RuleGroups::default());
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    for (rule, says) in [
        (r#"{"alert":"A","record":"a","expr":"x"}"#, "exactly one"),
        (r#"{"expr":"x"}"#, "exactly one"),
        (r#"{"alert":"","expr":"x"}"#, "`alert` is empty"),
        (r#"{"alert":"A","expr":" "}"#, "`expr` is empty"),
        (r#"{"alert":"A","expr":"x","for":"soon"}"#, "`for`: `soon`"),
        (r#"{"alert":"A","expr":"x","for":"1ns"}"#, "milliseconds"),
        (r#"{"alert":"A","expr":"x","for":"1y"}"#, "from 0s to 168h"),
        (
            r#"{"record":"a.b","expr":"x"}"#,
            "`a.b` is not a metric name",
        ),
        (
            r#"{"record":"a","expr":"x","for":"1m"}"#,
            "`for` is for alerts",
        ),
        (
            r#"{"record":"a","expr":"x","labels":{"1":""}}"#,
            "label `1` is not",
        ),
        (
            r#"{"record":"a","expr":"x","labels":{"__name__":"b"}}"#,
            "label `__name__`",
        ),
        (
            r#"{"alert":"A","expr":"x","labels":{"alertname":"b"}}"#,
            "`alertname`",
        ),
        (
            r#"{"alert":"A","expr":"x","annotations":{"s":"{{ printf }}"}}"#,
            "annotation `s`: `{{ printf }}` cannot be filled in",
        ),
        (
            r#"{"alert":"A","expr":"x","annotations":{"s":"a {{ $value"}}"#,
            "`{{` at byte 2",
        ),
        (
            r#"{"alert":"A","expr":"x","unless":"y"}"#,
            "unknown field `unless`",
        ),
    ] {
        let error = refused(rule);
        assert!(error.contains(says), "{rule}: {error}");
    }
    assert!(refused(r#"{"alert":"A","expr":""}"#).starts_with("group `g`, rule 1 (`A`): "),);
}

#[test]
fn groups_are_bounded_and_named_once() {
    let twice = r#"[{"name":"g","rules":[]},{"name":"g","rules":[]}]"#;
    assert_eq!(read(twice), Err(RuleError::GroupTwice("g".into())));
    for field in [
        r#""interval":"10ms""#,
        r#""limit":0"#,
        r#""query_window":"0""#,
    ] {
        let text = format!(r#"[{{"name":"g",{field},"rules":[]}}]"#);
        assert!(
            matches!(read(&text), Err(RuleError::Group { .. })),
            "{field}"
        );
    }
    let many = |count, of: &str| format!("[{}]", vec![of; count].join(","));
    let rules = many(MAX_RULES + 1, r#"{"record":"a","expr":"x"}"#);
    assert_eq!(
        read(&format!(r#"[{{"name":"g","rules":{rules}}}]"#)),
        Err(RuleError::TooManyRules(MAX_RULES + 1))
    );
    let groups = many(MAX_GROUPS + 1, r#"{"name":"g"}"#);
    assert_eq!(read(&groups), Err(RuleError::TooManyGroups(MAX_GROUPS + 1)));
    let long = " ".repeat(MAX_BYTES + 1);
    assert_eq!(read(&long), Err(RuleError::TooLong(MAX_BYTES + 1)));
}

#[test]
fn templates_are_filled_in_by_the_names_labels_have_outside() {
    let template = Template::new("{{$labels.span.http.route}}={{ $value }}{{ $labels.x }}!".into());
    let template = template.unwrap();
    let label = |name: &str| (name == "span_http_route").then_some("/pay");
    assert_eq!(template.expand(0.25, label), "/pay=0.25!");
    assert_eq!(template.expand(f64::INFINITY, label), "/pay=+Inf!");
    assert_eq!(label_name("resource.service.name"), "resource_service_name");
    assert_eq!(label_name("0.5"), "_0_5");
}
