//! Tracetest's JSON: `{ID, RootSpan: {ID, Name, StartTime, EndTime, Attributes, Children}}`.
//!
//! All attributes are texts. Those named `tracetest.span.*` repeat the span's own fields: times in
//! nanoseconds (`StartTime` has only milliseconds), kind and status are taken from them, the rest of
//! them is left out, and so is an empty `span.events`. `service.name` makes the resource.

use anyhow::Context as _;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span, Status};
use serde::Deserialize;
use std::collections::BTreeMap;

use super::attributes::{Grouped, text};
use super::ids::{span_id, trace_id};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Trace {
    #[serde(rename = "ID")]
    id: String,
    root_span: Node,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Node {
    #[serde(rename = "ID")]
    id: String,
    name: String,
    start_time: String,
    end_time: String,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    #[serde(default)]
    children: Option<Vec<Node>>,
}

const OWN: &str = "tracetest.span.";

pub(super) fn read(json: &[u8]) -> anyhow::Result<Vec<ResourceSpans>> {
    let mut grouped = Grouped::default();
    for value in super::values(json) {
        let trace: Trace =
            serde_json::from_value(value?).context("it is no trace of Tracetest's")?;
        let id = trace_id(&trace.id);
        let mut todo = vec![(String::new(), &trace.root_span)];
        while let Some((parent, node)) = todo.pop() {
            let service = node.attributes.get("service.name");
            let resource = || {
                service
                    .map(|name| text("service.name", name))
                    .into_iter()
                    .collect()
            };
            let span = span(&id, &parent, node)?;
            grouped.add(service.map_or("", String::as_str), resource, ("", ""), span);
            let children = node.children.iter().flatten();
            todo.extend(children.map(|child| (node.id.clone(), child)));
        }
    }
    Ok(grouped.finish())
}

fn span(trace: &[u8], parent: &str, node: &Node) -> anyhow::Result<Span> {
    let own = |name: &str| {
        node.attributes
            .get(&format!("{OWN}{name}"))
            .map(String::as_str)
    };
    let is_kept = |key: &str, value: &str| {
        !key.starts_with(OWN) && key != "service.name" && (key != "span.events" || value != "[]")
    };
    Ok(Span {
        trace_id: trace.to_vec(),
        span_id: span_id(&node.id),
        parent_span_id: span_id(parent),
        name: node.name.clone(),
        kind: kind(own("kind").unwrap_or_default()),
        start_time_unix_nano: time(own("start_time"), &node.start_time)?,
        end_time_unix_nano: time(own("end_time"), &node.end_time)?,
        attributes: node
            .attributes
            .iter()
            .filter(|(key, value)| is_kept(key, value))
            .map(|(key, value)| text(key, value))
            .collect(),
        status: own("status_code").map(|code| Status {
            code: match code {
                "STATUS_CODE_OK" => 1,
                "STATUS_CODE_ERROR" => 2,
                _ => 0,
            },
            message: own("status_description").unwrap_or_default().to_owned(),
        }),
        ..Span::default()
    })
}

fn kind(name: &str) -> i32 {
    match name.to_ascii_lowercase().as_str() {
        "internal" => 1,
        "server" => 2,
        "client" => 3,
        "producer" => 4,
        "consumer" => 5,
        _ => 0,
    }
}

fn time(nanos: Option<&str>, millis: &str) -> anyhow::Result<u64> {
    if let Some(nanos) = nanos {
        return nanos
            .parse()
            .with_context(|| format!("`{nanos}` is no time"));
    }
    let millis: u64 = millis
        .parse()
        .with_context(|| format!("`{millis}` is no time"))?;
    Ok(millis.saturating_mul(1_000_000))
}
