//! What is asked for which arguments.

use super::*;

fn asked(arguments: &[&str]) -> String {
    let arguments = std::iter::once(&"query").chain(arguments);
    let args = Args::try_parse_from(arguments).unwrap();
    let question = question(&args).unwrap();
    let params: Vec<String> = question
        .params
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    format!("{} {}", question.path.join("/"), params.join("&"))
}

#[test]
fn a_query_is_asked_where_its_kind_is_answered() {
    for (arguments, expected) in [
        (
            &["{ }", "--limit", "5", "--page", "abc"][..],
            "api/search q={ }&limit=5&page=abc",
        ),
        (
            &["{ } | count() > 2", "--spans", "9"],
            "api/search q={ } | count() > 2&spss=9",
        ),
        (
            &["{ } | rate()", "--since", "2h", "--step", "30s"],
            "api/metrics/query_range q={ } | rate()&since=2h&step=30s",
        ),
        (
            &["({ } | rate()) * 2", "--instant"],
            "api/metrics/query q=({ } | rate()) * 2",
        ),
        (
            &["trace", "abc", "--since", "1h"],
            "api/v2/traces/abc since=1h",
        ),
        (
            &["--limit", "3", "tags", "--scope", "span"],
            "api/v2/search/tags limit=3&scope=span",
        ),
        (
            &["values", "span.a/b"],
            "api/v2/search/tag/span.a/b/values ",
        ),
    ] {
        assert_eq!(asked(arguments), expected);
    }
}

#[test]
fn what_makes_no_sense_is_refused_before_anybody_is_asked() {
    for arguments in [
        &["query"][..],
        &["query", "{ }", "--instant"],
        &["query", "{ }", "tags"],
        &["query", "{ } | rate()", "--instant", "--step", "1s"],
        &["query", "{ }", "--start", "1"],
    ] {
        let refused = match Args::try_parse_from(arguments) {
            Ok(args) => question(&args).is_err(),
            Err(_) => true,
        };
        assert!(refused, "{arguments:?}");
    }
}

#[test]
fn a_mistake_in_a_query_is_pointed_at() {
    let args = Args::try_parse_from(["query", "{ duration > 2s } | raet()"]).unwrap();
    let said = question(&args).map(|_| ()).unwrap_err().to_string();
    assert!(said.contains("\n  { duration > 2s } | raet()\n"), "{said}");
    assert!(
        said.contains('^') && said.contains("did you mean `rate`"),
        "{said}"
    );
}
