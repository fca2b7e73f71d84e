//! Beside the rules, the promise of the whole crate: whatever is printed parses back to the same tree.

mod arbitrary;
mod whole;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::{Query, format_duration, lenient, optimise, parse, parse_tag};

/// The canonical text of a query, or the words of its refusal.
fn say(query: &str) -> String {
    match parse(query) {
        Ok(query) => query.to_string(),
        Err(error) => error.to_string(),
    }
}

fn check(cases: &[(&str, &str)]) {
    for (query, expected) in cases {
        assert_eq!(say(query), *expected, "{query}");
    }
}

#[test]
fn precedence_is_tempos() {
    check(&[
        ("{}", "{ }"),
        (
            "{ .a = 1 || .b = 2 && .c = 3 }",
            "{ ((.a = 1) || (.b = 2)) && (.c = 3) }",
        ),
        (
            "{ .a + 2 * .b ^ 2 ^ 3 = 1 }",
            "{ (.a + (2 * (.b ^ (2 ^ 3)))) = 1 }",
        ),
        ("{ !.a = .b }", "{ (!.a) = .b }"),
        ("{ -.a ^ 2 = 4 }", "{ ((-.a) ^ 2) = 4 }"),
        ("{ .a - -5 = -(3) }", "{ (.a - -5) = -3 }"),
        ("({ ( .a = true ) })", "{ .a = true }"),
        ("{ nil = .a && .b != nil }", "{ (.a = nil) && (.b != nil) }"),
        ("{ nil != nil }", "{ false }"),
    ]);
}

#[test]
fn names_reach_to_the_next_delimiter_and_may_be_quoted() {
    check(&[
        ("{ .foo+1 = 2 }", "{ .foo+1 = 2 }"),
        ("{ span.\"a b\".c>5 }", "{ span.\"a b.c\" > 5 }"),
        (
            "{ span.foo.\"bar baz\" = 1 }",
            "{ span.\"foo.bar baz\" = 1 }",
        ),
        ("{ .a//b = 1 // comment\n }", "{ .a//b = 1 }"),
        ("{ /* here * too */ .a = 1 }", "{ .a = 1 }"),
        ("{ parent.kind = server }", "{ parent.kind = server }"),
        ("{ parent.\"kind\" = 1 }", "{ parent.\"kind\" = 1 }"),
        (
            "{ parent.span.http.route = `/x` && parent.resource.a = 1 && parent.b = 2}",
            "{ ((parent.span.http.route = `/x`) && (parent.resource.a = 1)) && (parent.b = 2) }",
        ),
        ("{ span:name = \"a\\\"`\\n\" }", "{ name = \"a\\\"`\\n\" }"),
    ]);
}

#[test]
fn literals_of_every_type_are_read() {
    check(&[
        (
            "{ .a = 0x1F || .b = 1_000 || .c = minInt || .d = maxInt }",
            "{ (((.a = 31) || (.b = 1000)) || (.c = minInt)) || (.d = 9223372036854775807) }",
        ),
        ("{ .a = .5 || .b = 1e3 }", "{ (.a = 0.5) || (.b = 1000.0) }"),
        ("{ duration > 1d2h }", "{ duration > 26h0m0s }"),
        (
            "{ status = error && kind != server }",
            "{ (status = error) && (kind != server) }",
        ),
        (
            "{ .a = 9223372036854775808 }",
            "parse error at line 1, col 8: literal `9223372036854775808` is out of range",
        ),
    ]);
}

#[test]
fn what_is_no_traceql_is_refused_with_line_and_column() {
    check(&[
        (
            "",
            "parse error at line 1, col 1: syntax error: unexpected $end",
        ),
        (
            "{ span.foo = }",
            "parse error at line 1, col 14: syntax error: unexpected }",
        ),
        (
            "{ } | rate( | by ()",
            "parse error at line 1, col 13: syntax error: unexpected |, expecting )",
        ),
        (
            "{ trace:status = error }",
            "parse error at line 1, col 9: syntax error: unexpected status, expecting duration or rootName or rootService or id",
        ),
        (
            "{ } | count()",
            "parse error at line 1, col 14: syntax error: unexpected $end",
        ),
        (
            "{ .a = b }",
            "parse error at line 1, col 8: unknown identifier: b",
        ),
        (
            "{\n .a .b }",
            "parse error at line 2, col 5: syntax error: unexpected .",
        ),
        (
            "{ span. = 1 }",
            "parse error at line 1, col 9: syntax error: unexpected =, expecting IDENTIFIER",
        ),
        (
            "{ .a = 'x' }",
            "parse error at line 1, col 8: syntax error: unexpected '",
        ),
        (
            "{ .a = \"x }",
            "parse error at line 1, col 8: syntax error: unexpected \"",
        ),
        (
            "{ .a = 1 } x",
            "parse error at line 1, col 12: syntax error: unexpected IDENTIFIER",
        ),
    ]);
}

#[test]
fn types_that_do_not_fit_are_refused_in_tempos_words() {
    check(&[
        (
            "{ duration > \"x\" }",
            "binary operations must operate on the same type: duration > `x`",
        ),
        (
            "{ name > true }",
            "binary operations must operate on the same type: name > true",
        ),
        (
            "{ kind > server }",
            "illegal operation for the given types: kind > server",
        ),
        (
            "{ .a > nil }",
            "illegal operation for the given types: .a > nil",
        ),
        ("{ .a =~ .b }", "invalid type for =~ or !~: .b"),
        (
            "{ duration =~ \"x\" }",
            "illegal operation for the given types: duration =~ `x`",
        ),
        (
            "{ -name = 1 }",
            "illegal operation for the given types: -name",
        ),
        (
            "{ 1 + 1 }",
            "span filter field expressions must resolve to a boolean: 1 + 1",
        ),
        (
            "{ name = nil }",
            "name=nil is not valid because intrinsics cannot be nil",
        ),
    ]);
    assert!(say("{ .a =~ \"(\" }").starts_with("invalid regex: "));
    assert!(say("{ .a =~ \"a)(b\" }").starts_with("invalid regex: "));
    assert_eq!(
        say("{ duration > 1 && .a = 1.5 }"),
        "{ (duration > 1) && (.a = 1.5) }"
    );
}

#[test]
fn regular_expressions_have_a_common_budget() {
    let many = |count| format!("{{ {} }}", vec![".a =~ `[a-z]{5000}`"; count].join(" || "));
    assert!(parse(&many(3)).is_ok());
    assert!(say(&many(70)).ends_with("the regular expressions are too large together"));
    assert!(say("{ .a =~ `(\\w{1000}){1000}` }").starts_with("invalid regex: "));
}

/// Runs `check` with the stack that a thread has unless told otherwise.
fn on_a_thread(check: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(2 << 20);
    thread.spawn(check).unwrap().join().unwrap();
}

#[test]
fn an_endless_query_is_refused_and_overflows_no_stack() {
    on_a_thread(|| {
        for query in [
            format!("{{ {} .a = 1 }}", "!".repeat(100_000)),
            format!("{{ {}", "(".repeat(100_000)),
            "(".repeat(100_000),
            "({} | ".repeat(100_000),
            format!("{{ .a = 1 {} }}", "&& .b = 2 ".repeat(100_000)),
            format!("{{ }} {}", "| { } ".repeat(100_000)),
            format!("{{ }} {}", ">> { } ".repeat(100_000)),
            format!("{{ }} | rate() {}", "> 1 ".repeat(100_000)),
            format!("count() > {} 1", "-".repeat(100_000)),
            format!("count() > 1 {}", "+ 1 ".repeat(100_000)),
            format!("1 {} + ({{}} | rate())", "+ ({} | rate())".repeat(100_000)),
        ] {
            let said = parse(&query).unwrap_err().explain(&query);
            assert!(said.contains("too deep or too long"), "{said}");
            assert_eq!(lenient(&query).groups, 1);
        }
    });
}

#[test]
fn the_deepest_and_longest_queries_overflow_no_stack() {
    on_a_thread(|| {
        for query in [
            format!("{{ {} .a }}", "!".repeat(90)),
            format!("{{ {} .a = 1 {} }}", "(".repeat(90), ")".repeat(90)),
            format!("{{ .a = 2 {} }}", "^ .b ".repeat(90)),
            format!("{} {{ }} {}", "(".repeat(45), ")".repeat(45)),
            format!("{} {{ }} {}", "({} | {} >> ".repeat(30), ")".repeat(30)),
            format!("{{ .a = 1 {} }}", "&& .b = 2 ".repeat(450)),
            format!("{{ .a = 1 {} }}", "&& (.b = 2 || .a = 1) ".repeat(200)),
            format!("{{ .a + 1 {} = 1 }}", "+ 1 ".repeat(990)),
            format!("{{ .a = 1 {} }}", "&& .b = 2 || .c = 3 ".repeat(240)),
            format!("{{ {} .c {} }}", ".a && (.b || ".repeat(45), ")".repeat(45)),
            format!("{{ }} {}", "| { .a = 1 } ".repeat(450)),
            format!("{{ }} {}", ">> { .a } ".repeat(990)),
            format!("{{ }} | rate() {}", "> 1 ".repeat(990)),
            format!("count() > count() {}", "+ max(.a) ".repeat(900)),
            format!("1 {}", "+ ({} | rate())".repeat(450)),
        ] {
            let parsed = parse(&query).unwrap();
            assert_eq!(parse(&parsed.to_string()), Ok(parsed.clone()), "{query}");
            let optimised = optimise(parsed);
            assert!(!optimised.never_matches());
            assert!(parse(&optimised.to_string()).is_ok(), "{query}");
        }
    });
}

#[test]
fn an_unfinished_query_keeps_its_complete_matchers() {
    for (query, kept, groups) in [
        ("{ resource.cluster = }", "{ }", 1),
        ("", "{ }", 1),
        ("{ .a = 1", "{ .a = 1 }", 1),
        ("{ .a = 1 && .b = }", "{ .a = 1 }", 1),
        ("{ .a = 1 && .b = \"unfin", "{ .a = 1 }", 1),
        (
            "{ span. && .a = 1 && name =~ `x.*` }",
            "{ (.a = 1) && (name =~ `x.*`) }",
            1,
        ),
        ("{ .a = 1 || .b = 2 }", "{ (.a = 1) || (.b = 2) }", 2),
        ("{ .a = 1 || .b = }", "{ }", 1),
        (
            "{ .c = 3 && (.a = 1 || .b = 2",
            "{ (.c = 3) && ((.a = 1) || (.b = 2)) }",
            2,
        ),
        ("{ .c = 3 && (.a = 1 || .b = )}", "{ .c = 3 }", 1),
        ("{ .a = 1 } | rate()", "{ .a = 1 }", 1),
        ("{ .a = 1 } | { .b = 2 } | by(", "{ .a = 1 }", 1),
        ("{ .a = 1 } | compare({ .b = 2 && ", "{ .a = 1 }", 1),
        (
            "{ .a = 1 } >> { .b = 2 && span. }",
            "{ (.a = 1) || (.b = 2) }",
            2,
        ),
        ("{ .a = 1 } >> { .b = }", "{ }", 1),
        (
            "({ .a = 1 } | { .x = 1 }) && ({ .b = 2 | count() > 1) | { .c",
            "{ }",
            1,
        ),
        (
            "({ .a = 1 } | { .x = 1 }) && ({ .b = 2 } | count() > 1) | { .c",
            "{ (.a = 1) || (.b = 2) }",
            2,
        ),
        (
            "({ .a = 1 } | rate()) / ({ .b = 2 } | count",
            "{ (.a = 1) || (.b = 2) }",
            2,
        ),
        ("{ duration = \"x\" && .a = 1 }", "{ .a = 1 }", 1),
        (
            "{ (.a = 1 || .b = 2) && (.c = 1 || .d = 2) }",
            "{ ((.a = 1) || (.b = 2)) && ((.c = 1) || (.d = 2)) }",
            4,
        ),
    ] {
        let found = lenient(query);
        assert_eq!(
            (found.filter.to_string().as_str(), found.groups),
            (kept, groups),
            "{query}"
        );
    }
}

#[test]
fn tags_of_the_api_are_single_fields() {
    for name in [
        "span.foo",
        "resource.service.name",
        ".foo",
        "name",
        "event:name",
        "span.\"a b\"",
    ] {
        assert_eq!(
            parse_tag(name).map(|f| f.to_string()).as_deref(),
            Some(name)
        );
    }
    for name in ["", "foo", "span.foo = 1", "5", "span.", "trace:status"] {
        assert_eq!(parse_tag(name), None, "{name}");
    }
}

/// The tree of a text that need not be sound.
fn read(text: &str) -> Query {
    let lexemes = crate::token::lex(text).unwrap();
    let mut parser = crate::parser::Parser::new(text, &lexemes);
    parser.query().unwrap()
}

/// Asks that optimising a query again, also once it was printed, changes nothing.
fn is_settled(query: Query) -> Result<(), TestCaseError> {
    let once = optimise(query);
    prop_assert_eq!(&optimise(once.clone()), &once);
    // A chain that became one question is read back as a chain, which the optimiser takes for the same.
    prop_assert_eq!(&optimise(read(&once.to_string())), &once);
    prop_assert!(!once.never_matches() || read(&once.to_string()).never_matches());
    Ok(())
}

/// Asks `property` of many trees, with more stack than threads of tests have: the trees are made by
/// recursion with large frames.
fn always<T, S>(strategy: fn() -> S, property: fn(T) -> Result<(), TestCaseError>)
where
    T: std::fmt::Debug + 'static,
    S: Strategy<Value = T> + 'static,
{
    let asked = move || {
        let config = ProptestConfig::with_source_file(file!());
        TestRunner::new(config).run(&strategy(), property)
    };
    let thread = std::thread::Builder::new().stack_size(32 << 20);
    let found = thread.spawn(move || asked().map_err(|error| error.to_string()));
    assert_eq!(found.unwrap().join().unwrap(), Ok(()));
}

#[test]
fn what_is_printed_parses_back_to_the_same_tree() {
    always(arbitrary::query, |query| {
        prop_assert_eq!(read(&query.to_string()), query);
        Ok(())
    });
}

/// Most trees are unsound, and have types that do not fit; the passes must bear them all the same.
#[test]
fn the_optimiser_has_done_all_it_can_at_once() {
    always(arbitrary::query, is_settled);
}

#[test]
fn the_optimiser_has_done_all_it_can_with_logic_at_once() {
    always(arbitrary::logic, |expr| {
        is_settled(read(&format!("{{ {expr} }}")))
    });
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in any::<String>(), pieces in proptest::collection::vec(
        proptest::sample::select(vec!["{", "}", "(", ")", ".a", "span.", "trace:", "id", "=", "!~", "\"x\"", "`", "&&", "||", "5s", "1", "-", "!", "|", "rate", "count", "by", "µ", " "]), 0..20)) {
        for text in [text, pieces.concat()] {
            let _ = (parse(&text).map_err(|e| e.explain(&text)), lenient(&text), parse_tag(&text));
        }
    }

    #[test]
    fn a_duration_is_read_as_it_was_written(nanos in 0..i64::MAX) {
        prop_assert_eq!(crate::parse_duration(&format_duration(nanos)), Some(nanos));
    }
}
