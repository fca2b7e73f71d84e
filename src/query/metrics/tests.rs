//! Whole answers, drawn.

use expect_test::expect;
use serde_json::json;
use takt_traceql::Body;

use super::*;

fn metrics(query: &str) -> MetricsExpr {
    match takt_traceql::parse(query).unwrap().body {
        Body::Metrics(query) => query,
        Body::Search(_) => panic!("{query} is a search"),
    }
}

fn series(label: (&str, &Value), values: &[f64]) -> Value {
    let samples: Vec<Value> = (0..)
        .zip(values)
        .map(|(at, value)| json!({"timestampMs": (1_700_000_000_000_i64 + at * 60_000).to_string(), "value": value}))
        .collect();
    json!({"labels": [{"key": label.0, "value": label.1}], "samples": samples})
}

#[test]
fn a_series_is_drawn_with_its_axes() {
    let name = json!({"stringValue": "rate"});
    let mut rate = series(("__name__", &name), &[1.0, 2.0, 4.0, 3.5, 0.0, 0.5, 8.0]);
    // A zero comes without its value.
    rate["samples"][4].as_object_mut().unwrap().remove("value");
    let body = json!({"series": [rate]});
    let drawn = range(
        &body,
        &metrics("{ } | rate()"),
        &Screen::terminal(50, false),
    );
    expect![[r#"
        rate  min 0  max 8  last 8
        8 ┤                                        ⡜
          │                                       ⢰⠁
          │                                      ⢠⠃
          │                                      ⡎
          │             ⢀⣀                      ⡸
        4 ┤           ⡠⠒⠁ ⠉⠉⠒⠒⠢⠤⡀              ⢠⠃
          │        ⣀⠔⠉          ⠘⢄             ⡎
          │    ⣀⠤⠔⠊               ⠣⡀          ⡜
          │⠤⠒⠊⠉                    ⠘⢄        ⢰⠁
        0 ┤                          ⠣⣀⣀⠤⠤⠤⠔⠒⠃
          └─────────────────────────────────────────
           22:13:20                         22:19:20 UTC

    "#]]
    .assert_eq(&drawn);
}

#[test]
fn durations_are_shown_as_durations_and_gaps_stay_gaps() {
    let p = json!({"doubleValue": 0.99});
    let mut quantile = series(("p", &p), &[0.25; 8]);
    quantile["samples"].as_array_mut().unwrap().drain(2..6);
    let body = json!({"series": [quantile]});
    let query = metrics("{ } | quantile_over_time(duration, .99)");
    expect![[r#"
        p=0.99  min 250ms  max 250ms  last 250ms
        250ms ┤⠉⠉⠉⠉⠉⠁                         ⠈⠉⠉⠉⠉⠉
              │
              │
              │
              │
        125ms ┤
              │
              │
              │
           0s ┤
              └─────────────────────────────────────
               22:13:20                     22:20:20 UTC

    "#]]
    .assert_eq(&range(&body, &query, &Screen::terminal(50, false)));
}

#[test]
fn many_series_are_listed_after_the_highest() {
    let all: Vec<Value> = (0..10_u32)
        .map(|at| {
            series(
                ("name", &json!({"stringValue": format!("s{at}")})),
                &[f64::from(at)],
            )
        })
        .collect();
    let body = json!({ "series": all });
    let drawn = range(&body, &metrics("{ } | rate() by (name)"), &Screen::plain());
    let table: Vec<&str> = drawn
        .lines()
        .skip_while(|line| !line.starts_with("MIN"))
        .collect();
    assert_eq!(
        table,
        [
            "MIN  MAX  LAST  2 MORE SERIES",
            "  1    1     1  name=s1",
            "  0    0     0  name=s0",
        ]
    );
    assert!(
        drawn.starts_with("name=s9  min 9  max 9  last 9\n"),
        "{drawn}"
    );
}

#[test]
fn buckets_become_a_heat_map() {
    let bucket =
        |bound: f64, counts: &[f64]| series(("__bucket", &json!({"doubleValue": bound})), counts);
    let body = json!({"series": [
        bucket(0.001_024, &[0.0, 1.0, 4.0, 16.0]),
        bucket(0.002_048, &[16.0, 8.0, 0.0, 0.0]),
        bucket(0.008_192, &[0.0, 0.0, 0.0, 2.0]),
    ]});
    let query = metrics("{ } | histogram_over_time(duration)");
    expect![[r#"
        ≤ 8.19ms ┤                        ▒▒▒▒▒▒▒▒
        ≤ 2.05ms ┤████████▓▓▓▓▓▓▓▓
        ≤ 1.02ms ┤        ░░░░░░░░▒▒▒▒▒▒▒▒████████
                 └────────────────────────────────
                  22:12:20                22:16:20 UTC
                  ░▒▓█ up to 16

    "#]]
    .assert_eq(&range(&body, &query, &Screen::terminal(50, false)));
}

#[test]
fn an_instant_is_a_table_highest_first() {
    let value = |name: &str, value: &Value| json!({"labels": [{"key": "name", "value": {"stringValue": name}}], "value": value});
    let body = json!({"series": [value("low", &json!(0.5)), value("odd", &json!("NaN")), value("high", &json!(1.25))]});
    let query = metrics("{ } | max_over_time(duration) by (name)");
    expect![[r#"
        VALUE  SERIES
        1.25s  name=high
        500ms  name=low
          NaN  name=odd
    "#]]
    .assert_eq(&instant(&body, &query, &Screen::plain()));
    assert_eq!(instant(&json!({}), &query, &Screen::plain()), "no series");
}

#[test]
fn a_comparison_shows_what_differs_first() {
    let one = |kind: &str, key: &str, value: Value, count: u32| {
        json!({"labels": [{"key": "__meta_type", "value": {"stringValue": kind}}, {"key": key, "value": value}],
            "samples": [{"timestampMs": "1700000000000", "value": count}]})
    };
    let value = |text: &str| json!({ "stringValue": text });
    let body = json!({"series": [
        one("selection", "span.region", value("north"), 9), one("selection", "span.region", value("south"), 1),
        one("baseline", "span.region", value("north"), 20), one("baseline", "span.region", value("south"), 20),
        one("selection_total", "span.region", json!(null), 10), one("baseline_total", "span.region", json!(null), 40),
        one("baseline", "name", value("GET"), 40), one("baseline_total", "name", json!(null), 40),
    ]});
    let query = metrics("{ } | compare({ status = error })");
    expect![[r#"
        SELECTION  BASELINE  ATTRIBUTE    VALUE
             0.0%    100.0%  name         GET
            90.0%     50.0%  span.region  north
            10.0%     50.0%  span.region  south
    "#]]
    .assert_eq(&range(&body, &query, &Screen::plain()));
}

#[test]
fn units_follow_arithmetic() {
    for (query, expected) in [
        ("{ } | rate()", Unit::Number),
        ("({ } | max_over_time(duration)) * 2", Unit::Seconds),
        (
            "({ } | max_over_time(duration)) / ({ } | avg_over_time(duration))",
            Unit::Number,
        ),
        (
            "({ } | sum_over_time(duration)) / ({ } | count_over_time())",
            Unit::Seconds,
        ),
        ("{ } | max_over_time(span.bytes)", Unit::Number),
    ] {
        assert_eq!(unit(&metrics(query)), expected, "{query}");
    }
}
