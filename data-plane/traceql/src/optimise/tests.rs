//! Each pass by what it makes of a query, and of what it keeps off.

use crate::{optimise, parse};

/// The canonical texts of queries after all passes.
fn check(cases: &[(&str, &str)]) {
    for (query, expected) in cases {
        let optimised = optimise(parse(query).unwrap());
        assert_eq!(optimised.to_string(), *expected, "{query}");
        let again = optimise(parse(expected).unwrap());
        assert_eq!(again, optimised, "{query} again");
    }
}

#[test]
fn literals_are_calculated() {
    check(&[
        ("{ .a > 2 * 3 + 1 }", "{ .a > 7 }"),
        ("{ duration > 2 * 1s }", "{ duration > 2s }"),
        (
            "{ .a = 2 ^ 3 || .b = 7 / 2.0 }",
            "{ (.a = 8) || (.b = 3.5) }",
        ),
        ("{ .a = 1 / 0 }", "{ .a = (1 / 0) }"),
        ("{ `abc` =~ `a.*` && .a = 1 }", "{ .a = 1 }"),
        ("{ 1 < 2 }", "{ }"),
        ("{ (1 < 2) = true }", "{ }"),
        ("{ !(1 = 1) }", "{ false }"),
        ("{ 1 = 1.5 }", "{ 1 = 1.5 }"),
        ("{ 5 != nil }", "{ }"),
    ]);
}

#[test]
fn what_decides_nothing_is_dropped_unless_a_field_would_be() {
    check(&[
        ("{ true && .a = 1 }", "{ .a = 1 }"),
        ("{ .a = 1 || false }", "{ .a = 1 }"),
        ("{ !!(.a = 1) }", "{ .a = 1 }"),
        // A missing `.a` is neither true nor false.
        ("{ !(true && .a) }", "{ !(true && .a) }"),
        ("{ !!.a }", "{ !(!.a) }"),
        ("{ .b && (.a && true) }", "{ .b && .a }"),
        ("{ !(true && (true && .a)) }", "{ !(true && .a) }"),
        ("{ false && (false && .a) }", "{ false && .a }"),
        ("{ .a && !!(.b && true && .c) }", "{ (.a && .b) && .c }"),
        // The answer shows `.a` where it is 1.
        ("{ true || .a = 1 }", "{ true || (.a = 1) }"),
        ("{ false && .a = 1 }", "{ false && (.a = 1) }"),
    ]);
}

#[test]
fn chains_on_one_field_become_one_question() {
    for (query, values) in [
        ("{ .a = 1 || 2 = .a || .a = `x` || .a = 1 }", 3),
        ("{ span.a != 1 && span.a != 2 }", 2),
        ("{ .a = 1 || (.a = 2 || .a = 3) }", 3),
    ] {
        let optimised = format!("{:?}", optimise(parse(query).unwrap()));
        assert_eq!(optimised.matches("In {").count(), 1, "{optimised}");
        assert_eq!(optimised.matches("Binary").count(), 0, "{optimised}");
        let literals = optimised.matches("Int(").count() + optimised.matches("String(").count();
        assert_eq!(literals, values, "{optimised}");
    }
    check(&[
        (
            "{ .a = 1 || .b = 2 || .a = 3 }",
            "{ ((.a = 1) || (.a = 3)) || (.b = 2) }",
        ),
        (
            "{ name =~ `x` || name =~ `y|z` }",
            "{ name =~ `(?:x)|(?:y|z)` }",
        ),
        (
            "{ name !~ `x` && name !~ `y` && name != `w` }",
            "{ (name !~ `(?:x)|(?:y)`) && (name != `w`) }",
        ),
        // Of several values one may differ from the first, another from the second.
        (
            "{ .a !~ `x` && .a !~ `y` }",
            "{ (.a !~ `x`) && (.a !~ `y`) }",
        ),
        (
            "{ name =~ `x` && name =~ `y` }",
            "{ (name =~ `x`) && (name =~ `y`) }",
        ),
    ]);
    let any = optimise(parse("{ .a != 1 && .a != 2 }").unwrap());
    assert!(!format!("{any:?}").contains("In {"));
}

#[test]
fn a_filter_on_events_stays_as_it_is() {
    for query in [
        "{ (event.a = 1) || (event.a = 2) }",
        "{ ((link.a = 1) && true) && (name =~ `x`) }",
        "{ event:name = `x` } | { event.a = 1 }",
        "{ event:name = `x` } | { (.a = 1) || (.b = 1) }",
    ] {
        assert_eq!(optimise(parse(query).unwrap()), parse(query).unwrap());
    }
}

#[test]
fn filters_in_a_row_become_one() {
    check(&[
        ("{ .a } | { .b } | { } | { .c }", "{ (.a && .b) && .c }"),
        ("{ } | { event.a = 1 }", "{ } | { event.a = 1 }"),
        (
            "{ .a } > { .b } | { .c = 1 } | by(.d) | { .e } | { .f }",
            "{ .a } > { .b && (.c = 1) } | by(.d) | { .e && .f }",
        ),
        ("{ .a } !<< { .b } | { .c }", "{ .a } !<< { .b && .c }"),
        ("{ .a } && { .b } | { .c }", "{ .a } && { .b } | { .c }"),
        ("{ .a } &> { .b } | { .c }", "{ .a } &> { .b } | { .c }"),
        ("!{ .a } | { .c }", "!{ .a } | { .c }"),
        (
            "({ } | { .b } | rate()) / ({ 1 = 1 } | count_over_time())",
            "({ .b } | rate()) / ({ } | count_over_time())",
        ),
    ]);
}

#[test]
fn what_is_shown_as_it_was_written_is_left_alone() {
    check(&[(
        "{ } | by(.a + (1 + 1)) | max(.b + (2 * 3)) > 1 + 1",
        "{ } | by(.a + (1 + 1)) | max(.b + (2 * 3)) > 2",
    )]);
}

#[test]
fn a_query_that_can_never_match_is_known_as_such() {
    for query in [
        "{ false }",
        "{ 1 + 1 = 3 && .a = 1 }",
        "{ nil = nil && .a = 1 }",
        "{ false || `a` =~ `b` }",
        "{ .a } | { false } | count() > 1",
        "{ .a } && { false }",
        "{ false } || { false }",
        "{ false } >> { .a }",
        "{ .a } !>> { false }",
        "{ } >> ({ false } | count() > 1)",
        "!{ }",
        "{ name = `a` && name = `b` }",
        "{ name = `a` && .x = 1 && `a` != name }",
        "{ duration > 5s && 5s >= duration }",
        "{ span:childCount = 1 && span:childCount > 1 }",
        "{ parent.kind = server && parent.kind = client }",
        "{ kind = server && (status = ok && status = error) || 1 = 2 }",
        "{ false } | rate()",
        "({ false } | rate()) / ({ 1 = 2 } | rate())",
    ] {
        assert!(parse(query).unwrap().never_matches(), "{query}");
    }
    for query in [
        "{ }",
        "{ 2 ^ 3 = 8 }",
        "{ .a = 1 && .a = 2 }",
        "{ event:name = `a` && event:name = `b` }",
        "{ span:id = `1` && span:id = `01` }",
        "{ name = `a` || name = `b` }",
        "{ name = `a` && rootName = `b` }",
        "{ kind = server && parent.kind = client }",
        "{ duration >= 5s && duration <= 5s }",
        "{ name != `a` && name != `b` }",
        "{ false } || { .a }",
        "{ false } !>> { .a }",
        "!{ false }",
        "!{ .a }",
        "({ false } | rate()) + ({ } | rate())",
    ] {
        assert!(!parse(query).unwrap().never_matches(), "{query}");
    }
}
