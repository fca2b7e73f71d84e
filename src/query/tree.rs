//! A trace as a tree: indented by parent, with a bar that shows when each span ran.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use anyhow::Context as _;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use super::json::{any_value, items, number, text};
use super::units::duration;

const BAR: usize = 40;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    id: Vec<u8>,
    parent: Vec<u8>,
    service: String,
    name: String,
    start: u64,
    end: u64,
    /// The status message of a span that failed.
    error: Option<String>,
}

/// The spans of a version 2 answer, in the order of their start.
pub(super) fn spans(body: &Value) -> anyhow::Result<Vec<Span>> {
    let mut spans = Vec::new();
    for resource in items(&body["trace"], "resourceSpans") {
        let service = items(&resource["resource"], "attributes")
            .iter()
            .find(|attribute| text(attribute, "key") == "service.name")
            .map_or_else(
                || "?".to_owned(),
                |attribute| any_value(&attribute["value"]),
            );
        for span in items(resource, "scopeSpans")
            .iter()
            .flat_map(|scope| items(scope, "spans"))
        {
            let failed = text(&span["status"], "code") == "STATUS_CODE_ERROR";
            spans.push(Span {
                id: id(span, "spanId")?,
                parent: id(span, "parentSpanId")?,
                service: service.clone(),
                name: text(span, "name").to_owned(),
                start: number(span, "startTimeUnixNano"),
                end: number(span, "endTimeUnixNano"),
                error: failed.then(|| text(&span["status"], "message").to_owned()),
            });
        }
    }
    spans.sort_by_key(|span| span.start);
    Ok(spans)
}

fn id(span: &Value, key: &str) -> anyhow::Result<Vec<u8>> {
    BASE64_STANDARD
        .decode(text(span, key))
        .with_context(|| format!("`{key}` is not base64"))
}

/// One line a span.
pub(super) fn draw(spans: &[Span]) -> String {
    let order = order(spans);
    let start = spans.iter().map(|span| span.start).min().unwrap_or(0);
    let end = spans
        .iter()
        .map(|span| span.end)
        .max()
        .unwrap_or(0)
        .max(start + 1);
    let labels: Vec<String> = order
        .iter()
        .map(|(at, depth)| {
            format!(
                "{}{}: {}",
                "  ".repeat(*depth),
                spans[*at].service,
                spans[*at].name
            )
        })
        .collect();
    let width = labels
        .iter()
        .map(|label| label.chars().count())
        .max()
        .unwrap_or(0);
    let services: BTreeSet<&str> = spans.iter().map(|span| span.service.as_str()).collect();
    let errors = spans.iter().filter(|span| span.error.is_some()).count();
    let mut out = format!(
        "{} spans, {} services, {errors} errors, {}\n\n",
        spans.len(),
        services.len(),
        duration(end - start)
    );
    for ((at, _), label) in order.iter().zip(&labels) {
        let span = &spans[*at];
        let took = duration(span.end.saturating_sub(span.start));
        let padding = " ".repeat(width - label.chars().count());
        let _ = write!(
            out,
            "{label}{padding}  {took:>7}  |{}|",
            bar(span, start, end)
        );
        if let Some(message) = &span.error {
            let _ = write!(
                out,
                "  error: {}",
                if message.is_empty() {
                    "(no message)"
                } else {
                    message
                }
            );
        }
        out.push('\n');
    }
    out
}

/// Every span once, parents before children, with its depth. Spans whose parent is not there (or that
/// are their own ancestors) stand at the top.
fn order(spans: &[Span]) -> Vec<(usize, usize)> {
    let known: BTreeSet<&[u8]> = spans.iter().map(|span| span.id.as_slice()).collect();
    let mut children = BTreeMap::<&[u8], Vec<usize>>::new();
    let mut tops = Vec::new();
    for (at, span) in spans.iter().enumerate() {
        if span.parent != span.id && known.contains(span.parent.as_slice()) {
            children.entry(&span.parent).or_default().push(at);
        } else {
            tops.push(at);
        }
    }
    let mut out = Vec::with_capacity(spans.len());
    let mut seen = vec![false; spans.len()];
    // After the tops come those in circles, which no top leads to.
    for top in tops.into_iter().chain(0..spans.len()) {
        let mut stack = vec![(top, 0)];
        while let Some((at, depth)) = stack.pop() {
            if !std::mem::replace(&mut seen[at], true) {
                out.push((at, depth));
                let below = children
                    .get(spans[at].id.as_slice())
                    .map_or(&[][..], Vec::as_slice);
                stack.extend(below.iter().rev().map(|child| (*child, depth + 1)));
            }
        }
    }
    out
}

/// When a span ran within the trace.
fn bar(span: &Span, start: u64, end: u64) -> String {
    let cell = |moment: u64| {
        let part =
            u128::from(moment.clamp(start, end) - start) * BAR as u128 / u128::from(end - start);
        usize::try_from(part).unwrap_or(BAR)
    };
    let first = cell(span.start).min(BAR - 1);
    let last = cell(span.end).clamp(first + 1, BAR);
    let mark = if span.error.is_some() { "x" } else { "=" };
    format!(
        "{}{}{}",
        " ".repeat(first),
        mark.repeat(last - first),
        " ".repeat(BAR - last)
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn span(id: u8, parent: u8, start: u64, end: u64, status: &Value) -> Value {
        let code = |id: u8| BASE64_STANDARD.encode(if id == 0 { vec![] } else { vec![id; 8] });
        json!({"spanId": code(id), "parentSpanId": code(parent), "name": format!("s{id}"), "startTimeUnixNano": start.to_string(), "endTimeUnixNano": end.to_string(), "status": status})
    }

    #[test]
    fn a_trace_is_drawn_as_a_tree_with_bars() {
        let failed = json!({"code": "STATUS_CODE_ERROR", "message": "declined"});
        let body = json!({"trace": {"resourceSpans": [{
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]},
            "scopeSpans": [{"spans": [
                span(3, 2, 2_000_000, 3_000_000, &failed),
                span(1, 0, 0, 4_000_000, &json!({})),
                span(2, 1, 1_000_000, 4_000_000, &json!({})),
                span(4, 9, 3_000_000, 4_000_000, &json!({})),
            ]}],
        }]}});
        expect_test::expect![[r#"
            4 spans, 1 services, 1 errors, 4.00ms

            shop: s1       4.00ms  |========================================|
              shop: s2     3.00ms  |          ==============================|
                shop: s3   1.00ms  |                    xxxxxxxxxx          |  error: declined
            shop: s4       1.00ms  |                              ==========|
        "#]]
        .assert_eq(&draw(&spans(&body).unwrap()));
    }

    #[test]
    fn spans_in_a_circle_are_shown_once_each() {
        let body = json!({"trace": {"resourceSpans": [{"scopeSpans": [{"spans": [
            span(1, 2, 0, 1, &json!({})), span(2, 1, 0, 1, &json!({})), span(3, 3, 0, 1, &json!({})),
        ]}]}]}});
        let spans = spans(&body).unwrap();
        let mut shown: Vec<usize> = order(&spans).into_iter().map(|(at, _)| at).collect();
        shown.sort_unstable();
        assert_eq!(shown, [0, 1, 2]);
    }
}
