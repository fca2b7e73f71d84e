//! What files become, what arrives at an endpoint, and what refusals do.

mod endpoint;
mod formats;
mod refusals;
mod shapes;

use std::path::PathBuf;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span};

use super::fresh::spans;
use super::{Replay, read};

fn data(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

/// Everything a file of test data holds.
fn resources(name: &str) -> Vec<ResourceSpans> {
    read_as(&data(name), None).unwrap()
}

fn read_as(
    path: &std::path::Path,
    format: Option<super::Format>,
) -> anyhow::Result<Vec<ResourceSpans>> {
    let mut all = Vec::new();
    for piece in read::open(path, format)? {
        all.extend(piece?);
    }
    Ok(all)
}

fn all_spans(requests: &[ExportTraceServiceRequest]) -> Vec<Span> {
    requests
        .iter()
        .flat_map(|request| spans(&request.resource_spans))
        .cloned()
        .collect()
}

/// A replay of test data with the defaults of the command.
fn replay_of(files: &[&str], endpoint: &str) -> Replay {
    Replay {
        files: files.iter().map(|name| data(name)).collect(),
        endpoint: endpoint.to_owned(),
        headers: std::collections::BTreeMap::new(),
        format: None,
        batch: 400,
        rate: None,
        concurrency: 2,
        repeat: 1,
        fresh_ids: false,
        end_now: false,
        retry_for: Duration::from_secs(10),
    }
}
