//! OTLP JSON: export requests (or `TracesData`, which looks the same).

use anyhow::Context as _;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::ResourceSpans;

pub(super) fn read(text: &[u8]) -> anyhow::Result<Vec<ResourceSpans>> {
    let mut all = Vec::new();
    for request in serde_json::Deserializer::from_slice(text).into_iter() {
        let request: ExportTraceServiceRequest = request.context("it is not OTLP JSON")?;
        all.extend(request.resource_spans);
    }
    Ok(all)
}
