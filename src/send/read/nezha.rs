//! Nezha's CSV: `TraceID,SpanID,ParentID,PodName,OperationName,StartTimeUnixNano,EndTimeUnixNano,Duration`.
//!
//! A pod is a resource with `k8s.pod.name`; its `service.name` is the pod's name without the last
//! two parts, which Kubernetes appends. A parent called `root` is none. There is no kind, status or
//! attribute to convert.

use std::io::Read;

use anyhow::Context as _;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span};
use serde::Deserialize;

use super::attributes::{Grouped, text};
use super::ids::{span_id, trace_id};

/// Rows that are converted together.
const PIECE: usize = 4096;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Row {
    #[serde(rename = "TraceID")]
    trace: String,
    #[serde(rename = "SpanID")]
    span: String,
    #[serde(rename = "ParentID")]
    parent: String,
    pod_name: String,
    operation_name: String,
    start_time_unix_nano: u64,
    end_time_unix_nano: u64,
}

/// Reads rows piece by piece.
pub(super) struct Rows<R: Read>(csv::DeserializeRecordsIntoIter<R, Row>);

impl<R: Read> Rows<R> {
    pub(super) fn new(file: R) -> anyhow::Result<Self> {
        let mut reader = csv::Reader::from_reader(file);
        let header = reader.headers().context("it has no header")?;
        anyhow::ensure!(
            header.iter().next() == Some("TraceID"),
            "its first column is not `TraceID`"
        );
        Ok(Self(reader.into_deserialize()))
    }
}

impl<R: Read> Iterator for Rows<R> {
    type Item = anyhow::Result<Vec<ResourceSpans>>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut grouped = Grouped::default();
        for row in self.0.by_ref().take(PIECE) {
            match row.context("a row is not a span of Nezha's") {
                Ok(row) => add(&mut grouped, &row),
                Err(error) => return Some(Err(error)),
            }
        }
        let piece = grouped.finish();
        (!piece.is_empty()).then_some(Ok(piece))
    }
}

fn add(grouped: &mut Grouped, row: &Row) {
    let resource = || {
        vec![
            text("service.name", service(&row.pod_name)),
            text("k8s.pod.name", &row.pod_name),
        ]
    };
    let parent = match row.parent.as_str() {
        "root" => "",
        parent => parent,
    };
    let span = Span {
        trace_id: trace_id(&row.trace),
        span_id: span_id(&row.span),
        parent_span_id: span_id(parent),
        name: row.operation_name.clone(),
        start_time_unix_nano: row.start_time_unix_nano,
        end_time_unix_nano: row.end_time_unix_nano,
        ..Span::default()
    };
    grouped.add(&row.pod_name, resource, ("", ""), span);
}

/// `frontend-579b9bff58-t2dbm` is a pod of `frontend`.
fn service(pod: &str) -> &str {
    let mut parts = pod.rsplitn(3, '-');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(_), Some(_), Some(service)) => service,
        _ => pod,
    }
}
