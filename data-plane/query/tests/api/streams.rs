//! Streamed answers: what a client that only merges ends with is the answer itself.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::TryStreamExt as _;
use takt_query::{Settings, Streaming};
use takt_wire::tempopb::streaming_querier_server::StreamingQuerier as _;
use takt_wire::tempopb::{
    QueryInstantRequest, QueryRangeRequest, SearchRequest, SearchTagValuesRequest,
    SearchTagsRequest, TimeSeries,
};
use tonic::Request;

use crate::house::{House, Where};
use crate::shop;

/// A house that sends whatever is new, in small messages.
async fn house() -> (House, Streaming) {
    let house = House::open(Settings {
        stream_every: Duration::ZERO,
        max_grpc_streaming_packet_size: 64,
        concurrent_blocks: 1,
        ..Settings::default()
    });
    for request in shop() {
        house.fill(&[request], Where::Blocks).await;
    }
    let streaming = Streaming::new(house.frontend.clone());
    (house, streaming)
}

#[tokio::test]
async fn traces_of_all_messages_are_those_of_the_answer() {
    let (house, streaming) = house().await;
    for limit in [1, 2, 20] {
        let asked = SearchRequest {
            query: "{ }".into(),
            limit,
            spans_per_span_set: 10,
            ..SearchRequest::default()
        };
        let stream = streaming.search(Request::new(asked)).await.unwrap();
        let messages: Vec<_> = stream.into_inner().try_collect().await.unwrap();
        let merged: BTreeMap<_, _> = messages
            .iter()
            .flat_map(|message| &message.traces)
            .map(|trace| (trace.trace_id.clone(), trace.clone()))
            .collect();
        let last = house
            .get(&format!("/api/search?q=%7B%7D&spss=10&limit={limit}"))
            .await
            .json();
        let traces = last["traces"].as_array().unwrap();
        assert_eq!(traces.len(), merged.len(), "limit {limit}");
        for trace in traces {
            let mine = &merged[trace["traceID"].as_str().unwrap()];
            assert_eq!(&serde_json::to_value(mine).unwrap(), trace);
        }
        assert!(messages.len() > 1, "{} messages", messages.len());
        let done = |at: usize| messages[at].metrics.as_ref().unwrap().completed_jobs;
        assert!(
            (1..messages.len()).all(|at| done(at - 1) <= done(at)),
            "progress never goes back"
        );
        let sent: usize = messages[..messages.len() - merged.len()]
            .iter()
            .map(|message| message.traces.len())
            .sum();
        assert!(sent > 0 || limit == 1, "something came before the end");
    }
    house.close().await;
}

type Samples = BTreeMap<String, BTreeMap<i64, f64>>;

fn merge(merged: &mut Samples, series: &[TimeSeries]) {
    for series in series {
        let known = merged.entry(format!("{:?}", series.labels)).or_default();
        known.extend(
            series
                .samples
                .iter()
                .map(|sample| (sample.timestamp_ms, sample.value)),
        );
    }
}

#[tokio::test]
async fn samples_of_all_messages_are_those_of_the_answer() {
    let (house, streaming) = house().await;
    for query in [
        "{ } | rate() by (name)",
        "{ } | quantile_over_time(duration, .5)",
        "{ } | count_over_time() by (resource.service.name) | topk(1)",
        "({ status = error } | rate()) / ({ } | rate())",
    ] {
        let asked = || QueryRangeRequest {
            query: query.into(),
            start: 60_000_000_000,
            end: 360_000_000_000,
            step: 60_000_000_000,
            ..QueryRangeRequest::default()
        };
        let stream = streaming
            .metrics_query_range(Request::new(asked()))
            .await
            .unwrap();
        let messages: Vec<_> = stream.into_inner().try_collect().await.unwrap();
        let mut merged = Samples::new();
        messages
            .iter()
            .for_each(|message| merge(&mut merged, &message.series));
        let whole = streaming_off(&house)
            .metrics_query_range(Request::new(asked()))
            .await
            .unwrap();
        let whole: Vec<_> = whole.into_inner().try_collect().await.unwrap();
        assert_eq!(whole.len(), 1, "one message without diffs");
        let mut last = Samples::new();
        merge(&mut last, &whole[0].series);
        assert_eq!(merged, last, "{query}");
        assert!(!merged.is_empty(), "{query}");
        assert!(messages.len() > 2, "{query}: {} messages", messages.len());
    }
    house.close().await;
}

/// The same spans, without anything sent before the end.
fn streaming_off(house: &House) -> Streaming {
    Streaming::new(house.another(Settings {
        stream_every: Duration::from_secs(3600),
        ..Settings::default()
    }))
}

#[tokio::test]
async fn values_and_names_are_those_of_the_answer() {
    let (house, streaming) = house().await;
    let asked = QueryInstantRequest {
        query: "{ } | count_over_time() by (name)".into(),
        start: 60_000_000_000,
        end: 360_000_000_000,
    };
    let stream = streaming
        .metrics_query_instant(Request::new(asked))
        .await
        .unwrap();
    let messages: Vec<_> = stream.into_inner().try_collect().await.unwrap();
    let merged: BTreeMap<_, _> = messages
        .iter()
        .flat_map(|message| &message.series)
        .map(|series| (format!("{:?}", series.labels), series.value))
        .collect();
    assert_eq!(merged.values().sum::<f64>(), 6.0);

    let names = SearchTagsRequest::default();
    let stream = streaming
        .search_tags(Request::new(names.clone()))
        .await
        .unwrap();
    let messages: Vec<_> = stream.into_inner().try_collect().await.unwrap();
    let merged: BTreeSet<_> = messages
        .iter()
        .flat_map(|message| &message.tag_names)
        .collect();
    let whole = house.get("/api/search/tags").await.json();
    assert_eq!(merged.len(), whole["tagNames"].as_array().unwrap().len());

    let stream = streaming.search_tags_v2(Request::new(names)).await.unwrap();
    let messages: Vec<_> = stream.into_inner().try_collect().await.unwrap();
    let mut merged = BTreeMap::<_, BTreeSet<_>>::new();
    for scope in messages.iter().flat_map(|message| &message.scopes) {
        merged.entry(&scope.name).or_default().extend(&scope.tags);
    }
    let whole = house.get("/api/v2/search/tags").await.json();
    for scope in whole["scopes"].as_array().unwrap() {
        let name = scope["name"].as_str().unwrap().to_owned();
        assert_eq!(
            merged[&name].len(),
            scope["tags"].as_array().unwrap().len(),
            "{name}"
        );
    }

    let values = |tag: &str| SearchTagValuesRequest {
        tag_name: tag.into(),
        ..SearchTagValuesRequest::default()
    };
    let stream = streaming
        .search_tag_values(Request::new(values("service.name")))
        .await
        .unwrap();
    let messages: Vec<_> = stream.into_inner().try_collect().await.unwrap();
    let merged: BTreeSet<_> = messages
        .iter()
        .flat_map(|message| &message.tag_values)
        .collect();
    assert_eq!(merged.into_iter().collect::<Vec<_>>(), ["cart", "gateway"]);
    let stream = streaming
        .search_tag_values_v2(Request::new(values("name")))
        .await
        .unwrap();
    let messages: Vec<_> = stream.into_inner().try_collect().await.unwrap();
    assert_eq!(
        messages
            .iter()
            .flat_map(|message| &message.tag_values)
            .count(),
        4
    );
    house.close().await;
}

#[tokio::test]
async fn what_is_refused_has_its_code() {
    let (house, streaming) = house().await;
    let asked = SearchRequest {
        query: "{ .a = }".into(),
        ..SearchRequest::default()
    };
    let refused = streaming.search(Request::new(asked)).await.err().unwrap();
    assert_eq!(refused.code(), tonic::Code::InvalidArgument);
    assert!(
        refused
            .message()
            .starts_with("invalid TraceQL query: parse error at line 1"),
        "{}",
        refused.message()
    );
    let values = SearchTagValuesRequest::default();
    let refused = streaming
        .search_tag_values(Request::new(values))
        .await
        .err()
        .unwrap();
    assert_eq!(refused.code(), tonic::Code::InvalidArgument);
    house.close().await;
}
