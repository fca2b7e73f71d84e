//! Whole queries: pipelines, spansets, scalars, metrics, hints.

use super::{check, say};
use crate::{parse, parse_filter, warnings};

#[test]
fn pipelines_and_operators_between_spansets_are_read() {
    check(&[
        (
            "{} | {.a} | by(.b + 1) | coalesce() | select(name, span.x)",
            "{ } | { .a } | by(.b + 1) | coalesce() | select(name, span.x)",
        ),
        (
            "{.a} >> {.b} && {.c} > {.d}",
            "({ .a } >> { .b }) && ({ .c } > { .d })",
        ),
        ("{.a} || {.b} && {.c}", "({ .a } || { .b }) && { .c }"),
        ("({.a} < {.b})", "{ .a } < { .b }"),
        ("{} ~ {} !~ {} &~ {}", "{ } ~ { } !~ { } &~ { }"),
        (
            "{} !> {} !< {} !>> {} !<< {}",
            "{ } !> { } !< { } !>> { } !<< { }",
        ),
        (
            "{} &> {} &< {} &>> {} &<< {}",
            "{ } &> { } &< { } &>> { } &<< { }",
        ),
        ("{} << ({} | count() > 1)", "{ } << ({ } | count() > 1)"),
        ("(({} | count()>1)) >> ({})", "({ } | count() > 1) >> { }"),
        ("(count() > 1)", "(count() > 1)"),
        ("{.a} && !{.b} | !{.c}", "{ .a } && !{ .b } | !{ .c }"),
    ]);
}

#[test]
fn scalar_filters_calculate_their_literals() {
    check(&[
        ("count() > 2", "count() > 2"),
        ("{} | count() = 7 / 2", "{ } | count() = 3"),
        ("{} | avg(.a) = 7 / 2.0", "{ } | avg(.a) = 3.5"),
        ("{} | 1s < max(duration)", "{ } | 1s < max(duration)"),
        ("min(.a) >= -(2 + 3) * 2", "min(.a) >= -10"),
        ("min(.a) > minInt", "min(.a) > minInt"),
        (
            "sum(.a) + 2 * avg(.b) ^ 2 != max(.c - 1)",
            "(sum(.a) + (2 * (avg(.b) ^ 2))) != max(.c - 1)",
        ),
        (
            "count() > 10s * 2",
            "parse error at line 1, col 15: duration cannot be used in scalar arithmetic",
        ),
        (
            "count() > 1 / 0",
            "parse error at line 1, col 13: division by zero",
        ),
        (
            "count() > 1e300 * 1e300",
            "parse error at line 1, col 17: literal `1e300 * 1e300` is out of range",
        ),
        (
            "{ } | 3 > 2",
            "parse error at line 1, col 12: syntax error: unexpected $end",
        ),
        (
            "count() > 3 && { true }",
            "parse error at line 1, col 13: syntax error: unexpected &&",
        ),
        (
            "({ } | count()) > ({ } | count())",
            "scalar filters of pipelines are not yet supported",
        ),
    ]);
}

#[test]
fn metrics_functions_are_read() {
    check(&[
        ("{} | rate()", "{ } | rate()"),
        (
            "{} | count_over_time() by(name,span.b)",
            "{ } | count_over_time() by (name, span.b)",
        ),
        (
            "{}|quantile_over_time(duration,0,.9,1)by(.a)",
            "{ } | quantile_over_time(duration, 0.0, 0.9, 1.0) by (.a)",
        ),
        (
            "{} | min_over_time(.a) | topk(2) > 10 | bottomk(1) != 0.5",
            "{ } | min_over_time(.a) | topk(2) > 10.0 | bottomk(1) != 0.5",
        ),
        (
            "{} | max_over_time(duration) > 1500ms",
            "{ } | max_over_time(duration) > 1.5",
        ),
        ("{} | compare({.a})", "{ } | compare({ .a }, 10)"),
        ("{} | compare({.a}, 5, 0, 0)", "{ } | compare({ .a }, 5)"),
        (
            "{} | compare({.a}, 5, 10, 20)",
            "{ } | compare({ .a }, 5, 10, 20)",
        ),
        (
            "{ } | rate() | topk(-1)",
            "parse error at line 1, col 21: syntax error: unexpected -, expecting INTEGER",
        ),
        (
            "{ } | topk(10)",
            "parse error at line 1, col 7: syntax error: unexpected topk",
        ),
        (
            "{ } > 10",
            "parse error at line 1, col 7: syntax error: unexpected INTEGER, expecting { or (",
        ),
    ]);
}

#[test]
fn arithmetic_on_metrics_has_the_usual_precedence() {
    check(&[
        ("({}|rate())/({}|rate())", "({ } | rate()) / ({ } | rate())"),
        (
            "1 + 2 * ({}|rate()) - 6 / 3",
            "1.0 + (2.0 * ({ } | rate())) - 2.0",
        ),
        (
            "({}|rate()) + ({}|rate()) | topk(5) > 10",
            "(({ } | rate()) + ({ } | rate())) | topk(5) > 10.0",
        ),
        (
            "({}|rate() > 6) * 100 > 1 + 4",
            "(({ } | rate() > 6.0) * 100.0) > 5.0",
        ),
        ("({}|rate()) * -1.5", "({ } | rate()) * -1.5"),
        (
            "({ } | rate()) * 10s",
            "parse error at line 1, col 16: duration cannot be used as a scalar operand in metric arithmetic",
        ),
        (
            "({ } | rate()) % 10",
            "parse error at line 1, col 16: syntax error: unexpected %",
        ),
        (
            "5 + { } | rate()",
            "parse error at line 1, col 5: syntax error: unexpected {",
        ),
    ]);
}

#[test]
fn order_and_hints_follow_the_body() {
    check(&[
        ("{} | order by duration", "{ } | order by duration desc"),
        (
            "{} | count() > 1 | order by start asc with(most_recent=true)",
            "{ } | count() > 1 | order by start asc with(most_recent=true)",
        ),
        (
            "{} | rate() > 1 with(sample=0.1, exemplars = 10) with(x=\"y\")",
            "{ } | rate() > 1.0 with(x=`y`)",
        ),
        (
            "{ } | rate() | order by start",
            "parse error at line 1, col 14: syntax error: unexpected |",
        ),
        (
            "{ } | order by start | { }",
            "parse error at line 1, col 22: syntax error: unexpected |",
        ),
    ]);
    let query = parse("{} with(sample=0.1, job_size=5)").unwrap();
    assert_eq!(query.hint("job_size"), Some(&crate::Static::Int(5)));
    assert_eq!(query.hint("debug"), None);
}

#[test]
fn what_cannot_be_meant_is_refused_in_tempos_words() {
    let five = "by (.a, .b, .c, .d, .e)";
    assert_eq!(
        say(&format!("{{}} | rate() {five}")),
        format!("{{ }} | rate() {five}")
    );
    check(&[
        (
            "{} | rate() by (.a, .b, .c, .d, .e, .f)",
            "metrics group by 6 values not yet supported",
        ),
        (
            "{} | histogram_over_time(duration) by (.a, .b, .c, .d, .e)",
            "metrics group by 5 values not yet supported",
        ),
        (
            "{} | quantile_over_time(duration, 2)",
            "quantile must be between 0 and 1: 2",
        ),
        ("{} | rate() | topk(0)", "limit must be greater than 0"),
        (
            "{} | compare({}) | topk(1)",
            "`compare()` cannot be used with second stage functions",
        ),
        (
            "({} | compare({})) + ({} | rate())",
            "`compare()` cannot be used with second stage functions",
        ),
        (
            "{} | compare({}, 1001)",
            "compare() top number of values must be an integer between 1 and 1000",
        ),
        (
            "{} | compare({}, 1, 5, 5)",
            "compare() end timestamp must be greater than start timestamp",
        ),
        (
            "{} | compare({}, 1, 0, 5)",
            "compare() timestamps must be positive integer unix nanoseconds",
        ),
        (
            "{} | max(name) > 1",
            "aggregate field expressions must resolve to a number type: max(name)",
        ),
        (
            "{} | sum(3) > 1",
            "aggregate field expressions must reference the span: sum(3)",
        ),
        (
            "{} | by(1)",
            "grouping field expressions must reference the span: by(1)",
        ),
        ("{ parent }", "intrinsic (parent) not yet supported"),
        (
            "{ } | coalesce() | { duration = `x` }",
            "binary operations must operate on the same type: duration = `x`",
        ),
        (
            "coalesce()",
            "parse error at line 1, col 1: syntax error: unexpected coalesce",
        ),
    ]);
}

#[test]
fn a_filter_is_one_pair_of_braces() {
    assert_eq!(parse_filter("({ .a })").unwrap().to_string(), "{ .a }");
    for query in [
        "{ } | { }",
        "{ } && { }",
        "!{ }",
        "{ } | rate()",
        "{ } with(a=1)",
        "{ } | order by start",
    ] {
        let error = parse_filter(query).unwrap_err().to_string();
        assert!(
            error.ends_with(" a filter is asked for are not yet supported"),
            "{error}"
        );
    }
}

#[test]
fn mixing_and_with_or_warns_and_says_how_it_was_read() {
    let read_as =
        |tree| format!("`&&` and `||` bind equally, from left to right; this was read as: {tree}");
    for (query, trees) in [
        ("{ .a || .b && .c }", vec!["(.a || .b) && .c"]),
        ("{ .a && (.b || .c) }", vec![]),
        ("{ .a && .b } || { .c }", vec![]),
        (
            "{ .a } || { .b } && { .c }",
            vec!["({ .a } || { .b }) && { .c }"],
        ),
        (
            "{ .a } > { (.x && .y || .z) = true } && { .c }",
            vec!["(.x && .y) || .z"],
        ),
        ("{ .a && }", vec![]),
    ] {
        let expected: Vec<String> = trees.into_iter().map(read_as).collect();
        assert_eq!(warnings(query), expected, "{query}");
    }
}

#[test]
fn an_error_is_explained_with_a_caret_and_a_near_name() {
    for (query, explanation) in [
        (
            "{ nme = `x` }",
            "parse error at line 1, col 3: unknown identifier: nme
  { nme = `x` }
    ^
did you mean `name`?",
        ),
        (
            "{\n  app = `x` }",
            "parse error at line 2, col 3: unknown identifier: app
    app = `x` }
    ^
attributes have a scope: `span.app`, `resource.app`, or `.app` for any; text has quotes",
        ),
        (
            "{ } | rte()",
            "parse error at line 1, col 7: syntax error: unexpected IDENTIFIER
  { } | rte()
        ^
expected spans (`{ … }`), an aggregate, `(`, or after a `|` a stage or a metrics function
did you mean `rate`?",
        ),
        (
            "{ trace:rootServiceName = `x` }",
            "parse error at line 1, col 9: syntax error: unexpected rootServiceName, expecting duration or rootName or rootService or id
  { trace:rootServiceName = `x` }
          ^
expected `duration` or `rootName` or `rootService` or `id`
did you mean `rootService`?",
        ),
        (
            "{ .a = 1",
            "parse error at line 1, col 9: syntax error: unexpected $end
  { .a = 1
          ^
expected an operator or `}`",
        ),
        (
            "{ span. = 1 and .b }",
            "parse error at line 1, col 9: syntax error: unexpected =, expecting IDENTIFIER
  { span. = 1 and .b }
          ^
expected a name",
        ),
        (
            "{ .a = 1 and .b = 'x' }",
            "parse error at line 1, col 19: syntax error: unexpected '
  { .a = 1 and .b = 'x' }
                    ^
expected text in double quotes or backquotes",
        ),
        (
            "{ .a = 1 and .b }",
            "parse error at line 1, col 10: syntax error: unexpected IDENTIFIER
  { .a = 1 and .b }
           ^
expected an operator or `}`
did you mean `&&`?",
        ),
        ("{ name = 1 }", "binary operations must operate on the same type: name = 1"),
    ] {
        assert_eq!(parse(query).unwrap_err().explain(query), explanation, "{query}");
    }
    let regex = "{ name =~ `(` }";
    let explained = parse(regex).unwrap_err().explain(regex);
    assert!(explained.starts_with("invalid regex: `(`\n"), "{explained}");
    assert!(explained.contains("unclosed group"), "{explained}");
}
