//! Found traces as a table: a row for each spanset, below it the spans shown of it.

use std::collections::BTreeMap;

use console::Alignment;
use serde_json::Value;

use super::json::{attributes, items, number, text};
use super::screen::{Ink, Screen};
use super::table::Table;
use super::units::{duration, moment};

pub(super) fn traces(body: &Value, screen: &Screen) -> String {
    let traces = items(body, "traces");
    if traces.is_empty() {
        return "no trace matches".to_owned();
    }
    let of_sets = keys(traces.iter().flat_map(|trace| items(trace, "spanSets")));
    let of_spans = keys(traces.iter().flat_map(spans));
    let mut table = Table::new(headings(&of_sets, &of_spans));
    for trace in traces {
        for (at, set) in items(trace, "spanSets").iter().enumerate() {
            let mut row = if at == 0 {
                of_trace(trace)
            } else {
                vec![String::new(); 4]
            };
            row.push(number(set, "matched").to_string());
            row.extend(values(set, &of_sets));
            table.push(row, Some(Ink::Strong));
            for span in items(set, "spans") {
                let mut row = of_span(span);
                row.resize(row.len() + 1 + of_sets.len(), String::new());
                row.extend(values(span, &of_spans));
                table.push(row, None);
            }
        }
        if items(trace, "spanSets").is_empty() {
            table.push(of_trace(trace), Some(Ink::Strong));
        }
    }
    table.draw(screen)
}

fn headings(of_sets: &[&str], of_spans: &[&str]) -> Vec<(String, Alignment)> {
    let fixed = [
        ("START", Alignment::Left),
        ("DURATION", Alignment::Right),
        ("TRACE", Alignment::Left),
        ("NAME", Alignment::Left),
        ("MATCHED", Alignment::Right),
    ];
    let more = of_sets.iter().chain(of_spans);
    fixed
        .into_iter()
        .chain(more.map(|key| (*key, Alignment::Left)))
        .map(|(name, alignment)| (name.to_owned(), alignment))
        .collect()
}

fn of_trace(trace: &Value) -> Vec<String> {
    let service = text(trace, "rootServiceName");
    let name = match text(trace, "rootTraceName") {
        "" => service.to_owned(),
        name => format!("{service}: {name}"),
    };
    vec![
        moment(number(trace, "startTimeUnixNano")),
        duration(number(trace, "durationMs").saturating_mul(1_000_000)),
        text(trace, "traceID").to_owned(),
        name,
    ]
}

fn of_span(span: &Value) -> Vec<String> {
    vec![
        String::new(),
        duration(number(span, "durationNanos")),
        format!("  {}", text(span, "spanID")),
        format!("  {}", text(span, "name")),
    ]
}

fn spans(trace: &Value) -> impl Iterator<Item = &Value> {
    let sets = items(trace, "spanSets").iter();
    sets.flat_map(|set| items(set, "spans"))
}

/// Keys of the attributes of all, in the order they are met.
fn keys<'a>(all: impl Iterator<Item = &'a Value>) -> Vec<&'a str> {
    let mut keys = Vec::new();
    for (key, _) in all.flat_map(|one| attributes(one, "attributes")) {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}

fn values(of: &Value, keys: &[&str]) -> Vec<String> {
    let mut values: BTreeMap<&str, String> = attributes(of, "attributes").collect();
    keys.iter()
        .map(|key| values.remove(key).unwrap_or_default())
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn traces_show_their_root_their_spansets_and_the_spans_of_these() {
        let span = json!({"spanID": "00000000000000ad", "name": "POST /pay", "durationNanos": "2500", "attributes": [{"key": "http.method", "value": {"stringValue": "POST"}}]});
        let set = |matched: u32, service: &str| {
            json!({"matched": matched, "spans": [span], "attributes": [
                {"key": "by(resource.service.name)", "value": {"stringValue": service}},
                {"key": "count()", "value": {"intValue": matched.to_string()}},
            ]})
        };
        let body = json!({"traces": [
            {"traceID": "bad", "rootServiceName": "shop", "rootTraceName": "GET /", "startTimeUnixNano": "1700000000000000000", "durationMs": 15,
             "spanSets": [set(2, "cart"), set(1, "pay")]},
            {"traceID": "f00", "rootServiceName": "<root span not yet received>", "startTimeUnixNano": "1700000000000000000"},
        ]});
        expect_test::expect![[r#"
            START                     DURATION  TRACE               NAME                          MATCHED  by(resource.service.name)  count()  http.method
            2023-11-14T22:13:20.000Z    15.0ms  bad                 shop: GET /                         2  cart                       2
                                        2.50us    00000000000000ad    POST /pay                                                                POST
                                                                                                        1  pay                        1
                                        2.50us    00000000000000ad    POST /pay                                                                POST
            2023-11-14T22:13:20.000Z       0ns  f00                 <root span not yet received>
        "#]]
        .assert_eq(&traces(&body, &Screen::plain()));
        assert_eq!(traces(&json!({}), &Screen::plain()), "no trace matches");
    }
}
