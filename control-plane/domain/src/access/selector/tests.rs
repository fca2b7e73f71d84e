//! What is read is what is written.

use proptest::prelude::*;

use super::*;

fn check(text: &str, canonical: &str) {
    let selector = Selector::parse(text).unwrap();
    assert_eq!(selector.to_string(), canonical, "{text}");
    assert_eq!(Selector::parse(canonical).unwrap(), selector, "{canonical}");
}

#[test]
fn every_kind_of_condition_is_read() {
    check(r#"{team="a"}"#, r#"{ resource.team = "a" }"#);
    check(
        r#"{ resource.team =~ "a|b", span.http.status_code >= 500, }"#,
        r#"{ resource.team =~ "a|b", span.http.status_code >= 500 }"#,
    );
    check(r#"{resource.team? != "a"}"#, r#"{ resource.team? != "a" }"#);
    check(
        r#"{span:duration > 250ms}"#,
        r#"{ span:duration > 250000000 }"#,
    );
    check(
        r#"{span.ratio<0.5,event.ok=true}"#,
        r#"{ span.ratio < 0.5, event.ok = true }"#,
    );
    check(r#"{link."a b"!~"x\"y"}"#, r#"{ link."a b" !~ "x\"y" }"#);
    check(
        r#"{instrumentation.name="\\d"}"#,
        r#"{ instrumentation.name = "\\d" }"#,
    );
    check(r#"{a=~"\d+"}"#, r#"{ resource.a =~ "\\d+" }"#);
    check(r#"{a=-3}"#, r#"{ resource.a = -3 }"#);
}

#[test]
fn what_makes_no_sense_is_refused_with_the_place() {
    for (text, why) in [
        ("", "expected `{` at byte 0, found the end"),
        (
            "{}",
            "a selector without a condition selects everything; leave it out",
        ),
        (r#"{a="b""#, "expected `,` at byte 6, found the end"),
        (
            r#"{a="b"} c"#,
            "expected nothing after the closing brace at byte 8, found `c`",
        ),
        (
            r#"{a="b}"#,
            "expected a closing quote at byte 3, found `\"b}`",
        ),
        (
            "{a=b}",
            "expected a quoted text, a number, a duration, true or false at byte 3, found `b}`",
        ),
        (
            "{a~1}",
            "expected one of = != =~ !~ > >= < <= at byte 2, found `~1}`",
        ),
        (r#"{a>"b"}"#, "`a`: only numbers are smaller or greater"),
        (
            "{a=~1}",
            "`a` is compared with a regular expression; quote it",
        ),
        (
            r#"{a=~"("}"#,
            "`(` is not a usable expression: unclosed group",
        ),
        (
            r#"{a=~"(?=x)"}"#,
            "`(?=x)` is not a usable expression: look-around, including look-ahead and look-behind, is not supported",
        ),
        (
            r#"{span:duration="x"}"#,
            "`duration` is never a value of this type",
        ),
        (
            r#"{span:rootName="x"}"#,
            "`rootName` is not a property of a span; there are name, kind, status, statusMessage, duration",
        ),
    ] {
        let refused = Selector::parse(text).unwrap_err();
        assert_eq!(refused, Rejection::SelectorInvalid(why.into()), "{text}");
    }
    let many = "a=1,".repeat(MAX_MATCHERS + 1);
    assert!(Selector::parse(&format!("{{{many}}}")).is_err());
    let wide = "(a{1000}){1000}";
    assert!(
        Selector::parse(&format!(r#"{{a=~"{wide}"}}"#)).is_err(),
        "a bomb"
    );
}

proptest! {
    #[test]
    fn reading_never_panics(text in ".{0,64}") {
        let _read = Selector::parse(&text);
    }

    #[test]
    fn any_text_survives_being_written(key in ".{1,16}", text in ".{0,16}", or_missing: bool) {
        let matcher = Matcher {
            place: Place::Span,
            key,
            or_missing,
            comparison: Comparison::Equal,
            value: Value::Text(text),
        };
        let selector = Selector::new(vec![matcher]).unwrap();
        prop_assert_eq!(Selector::parse(&selector.to_string()).unwrap(), selector);
    }
}
