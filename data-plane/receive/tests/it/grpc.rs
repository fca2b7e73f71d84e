//! OTLP over gRPC, spoken by tonic as any exporter would.

use http::uri::PathAndQuery;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use std::time::Duration;
use takt_model::ByteSize;
use tonic::Code;
use tonic::codec::CompressionEncoding;
use tonic::transport::Channel;
use tonic_types::StatusExt as _;

use crate::world::{World, request, span};

async fn client(world: &World) -> TraceServiceClient<Channel> {
    TraceServiceClient::connect(format!("http://{}", world.grpc))
        .await
        .unwrap()
}

#[tokio::test]
async fn a_request_is_stored_and_answered() {
    let world = World::start().await;
    let answer = client(&world)
        .await
        .export(request(vec![span(1)]))
        .await
        .unwrap();
    assert_eq!(answer.into_inner(), ExportTraceServiceResponse::default());
    assert_eq!(
        world.stored(),
        [("single-tenant".to_owned(), request(vec![span(1)]))]
    );
    let metrics = world.metrics();
    let line = "tempo_receiver_accepted_spans{receiver=\"otlp\",transport=\"grpc\",tenant=\"single-tenant\"} 1";
    assert!(metrics.contains(line), "{line} is not in\n{metrics}");
}

#[tokio::test]
async fn compressed_messages_are_unpacked() {
    let world = World::start().await;
    let sent = request((1..50).map(span).collect());
    for encoding in [CompressionEncoding::Gzip, CompressionEncoding::Zstd] {
        let mut client = client(&world).await.send_compressed(encoding);
        client.export(sent.clone()).await.unwrap();
    }
    let stored = world.stored();
    assert_eq!(stored.len(), 2);
    assert!(stored.iter().all(|(_, stored)| *stored == sent));
}

#[tokio::test]
async fn partly_refused_requests_say_so() {
    let world = World::start().await;
    let mut bad = span(2);
    bad.span_id.clear();
    let answer = client(&world)
        .await
        .export(request(vec![span(1), bad]))
        .await
        .unwrap();
    let partial = answer.into_inner().partial_success.unwrap();
    assert_eq!(partial.rejected_spans, 1);
    assert!(
        partial.error_message.contains("span ids must be 64 bit"),
        "{partial:?}"
    );
}

#[tokio::test]
async fn over_the_rate_means_resource_exhausted_with_retry_info() {
    let world = World::start().await;
    world.limit(|limits| limits.ingestion_rate_limit = ByteSize(1));
    world.limit(|limits| {
        limits.ingestion_rate_limit = ByteSize(1);
        limits.ingestion_burst = ByteSize(80);
    });
    let mut client = client(&world).await;
    client.export(request(vec![span(1)])).await.unwrap();
    let status = client.export(request(vec![span(1)])).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert!(status.message().starts_with("RATE_LIMITED:"), "{status:?}");
    let retry = status.get_details_retry_info().unwrap();
    assert_eq!(retry.retry_delay, Some(Duration::from_secs(5)));
}

#[tokio::test]
async fn with_multitenancy_the_metadata_names_the_tenant() {
    let world = World::with(|settings| settings.multitenancy = true).await;
    let mut client = client(&world).await;
    let status = client.export(request(vec![span(1)])).await.unwrap_err();
    assert_eq!(
        (status.code(), status.message()),
        (Code::Unauthenticated, "no org id")
    );
    let mut named = tonic::Request::new(request(vec![span(1)]));
    named
        .metadata_mut()
        .insert("x-scope-orgid", "team-a".parse().unwrap());
    client.export(named).await.unwrap();
    assert_eq!(world.stored()[0].0, "team-a");
}

#[tokio::test]
async fn other_methods_are_unimplemented() {
    let world = World::start().await;
    let channel = Channel::from_shared(format!("http://{}", world.grpc))
        .unwrap()
        .connect()
        .await
        .unwrap();
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.unwrap();
    let path = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
    let codec: tonic_prost::ProstCodec<ExportTraceServiceRequest, ExportTraceServiceResponse> =
        tonic_prost::ProstCodec::default();
    let status = client
        .unary(
            tonic::Request::new(request(vec![])),
            PathAndQuery::from_static(path),
            codec,
        )
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
}

#[tokio::test]
async fn what_is_begun_is_finished_when_told_to_stop() {
    let world = World::start().await;
    let mut client = client(&world).await;
    client.export(request(vec![span(1)])).await.unwrap();
    world.tasks.stop();
    let late = world.tasks.drain(Duration::from_secs(5)).await;
    assert!(late.is_empty(), "{late:?}");
    client.export(request(vec![span(2)])).await.unwrap_err();
}
