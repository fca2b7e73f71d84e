//! `tempopb.StreamingQuerier`: the same queries over gRPC, with what is found so far on the way.
//!
//! - Every message brings progress. A diff brings what is new since the message before: traces to be
//!   replaced by their id, samples of times that are complete, names. The last one brings everything.
//! - A message that would be too large is split; progress is in every part.

mod split;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use futures::stream::{self, BoxStream, StreamExt as _};
use http::HeaderMap;
use takt_model::TenantId;
use takt_wire::tempopb::streaming_querier_server::{StreamingQuerier, StreamingQuerierServer};
use takt_wire::tempopb::{
    QueryInstantRequest, QueryInstantResponse, QueryRangeRequest, QueryRangeResponse,
    SearchRequest, SearchResponse, SearchTagValuesRequest, SearchTagValuesResponse,
    SearchTagValuesV2Response, SearchTagsRequest, SearchTagsResponse, SearchTagsV2Response,
};
use tokio::time::Instant;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status};

use crate::failure::{self, Failure};
use crate::frontend::Frontend;
use crate::params::Params;
use crate::request::{Metrics, Search, TagNames, TagValues};
use crate::search::SearchRun;
use crate::series::{MetricsRun, instant};
use crate::tenancy;
use crate::work::Admitted;
use split::Split;

/// The gRPC service over a frontend.
#[derive(Debug, Clone)]
pub struct Streaming(Frontend);

impl Streaming {
    #[must_use]
    pub fn new(frontend: Frontend) -> Self {
        Self(frontend)
    }

    /// The service, ready to be routed.
    #[must_use]
    pub fn server(self) -> StreamingQuerierServer<Self> {
        StreamingQuerierServer::new(self)
    }

    /// For whom a request asks, and its place among the queries under way.
    fn enter(&self, metadata: &MetadataMap) -> Result<(Vec<TenantId>, Admitted), Failure> {
        let headers: HeaderMap = metadata.clone().into_headers();
        let tenants = tenancy::tenants(&headers, self.0.settings(), &self.0.view())?;
        let admitted = self.0.admit(&tenants[0])?;
        Ok((tenants, admitted))
    }

    async fn start_search(
        &self,
        request: Request<SearchRequest>,
    ) -> Result<Stepping<SearchRun>, Failure> {
        let (tenants, admitted) = self.enter(request.metadata())?;
        let params = search_params(request.get_ref());
        let longest = self.0.limits(&tenants).max_search_duration;
        let search = Search::parse(&params, self.0.settings(), self.0.now(), longest)?;
        let run = self.0.start_search(&tenants, &search).await?;
        Ok(Stepping::new(&self.0, run, admitted))
    }

    async fn start_metrics<R: Steps>(
        &self,
        metadata: &MetadataMap,
        params: &Params,
        is_instant: bool,
        form: impl FnOnce(MetricsRun) -> R,
    ) -> Result<Stepping<R>, Failure> {
        let (tenants, admitted) = self.enter(metadata)?;
        let longest = self.0.limits(&tenants).max_metrics_duration;
        let parse = if is_instant {
            Metrics::instant
        } else {
            Metrics::range
        };
        let request = parse(params, self.0.settings(), self.0.now(), longest)?;
        let run = self.0.start_metrics(&tenants, request).await?;
        Ok(Stepping::new(&self.0, form(run), admitted))
    }

    /// An answer that comes as a whole.
    fn whole<T: Split>(&self, message: T) -> Response<Messages<T>> {
        let parts = message.parts(self.0.settings().max_grpc_streaming_packet_size);
        Response::new(stream::iter(parts.into_iter().map(Ok)).boxed())
    }
}

type Messages<T> = BoxStream<'static, Result<T, Status>>;

/// A query that can be looked at while it runs.
trait Steps: Send + 'static {
    type Message: Split;

    fn advance(&mut self) -> impl Future<Output = Result<bool, Failure>> + Send;
    fn diff(&mut self) -> impl Future<Output = Result<Self::Message, Failure>> + Send;
    fn last(self) -> impl Future<Output = Result<Self::Message, Failure>> + Send;
}

impl Steps for SearchRun {
    type Message = SearchResponse;

    async fn advance(&mut self) -> Result<bool, Failure> {
        Self::advance(self).await
    }

    async fn diff(&mut self) -> Result<SearchResponse, Failure> {
        Self::diff(self).await
    }

    async fn last(self) -> Result<SearchResponse, Failure> {
        Ok(self.answer().await?.message)
    }
}

impl Steps for MetricsRun {
    type Message = QueryRangeResponse;

    async fn advance(&mut self) -> Result<bool, Failure> {
        Self::advance(self).await
    }

    async fn diff(&mut self) -> Result<QueryRangeResponse, Failure> {
        self.range_diff()
    }

    async fn last(mut self) -> Result<QueryRangeResponse, Failure> {
        self.range_answer()
    }
}

/// A metrics query of one interval.
struct Instantly(MetricsRun);

impl Steps for Instantly {
    type Message = QueryInstantResponse;

    async fn advance(&mut self) -> Result<bool, Failure> {
        self.0.advance().await
    }

    async fn diff(&mut self) -> Result<QueryInstantResponse, Failure> {
        Ok(instant(self.0.range_diff()?))
    }

    async fn last(mut self) -> Result<QueryInstantResponse, Failure> {
        Ok(instant(self.0.range_answer()?))
    }
}

/// A query on its way to the client.
struct Stepping<R> {
    run: R,
    every: Duration,
    packet: usize,
    /// Counts among the queries under way until its stream ends.
    _admitted: Admitted,
}

impl<R: Steps> Stepping<R> {
    fn new(frontend: &Frontend, run: R, admitted: Admitted) -> Self {
        Self {
            run,
            every: frontend.settings().stream_every,
            packet: frontend.settings().max_grpc_streaming_packet_size,
            _admitted: admitted,
        }
    }

    /// Diffs, not more often than `every`, and then the whole answer.
    fn messages(self) -> Messages<R::Message> {
        let began = Instant::now();
        let start = (Some(self), VecDeque::new(), began);
        stream::try_unfold(start, |(mut running, mut ready, mut sent)| async move {
            loop {
                if let Some(message) = ready.pop_front() {
                    return Ok(Some((message, (running, ready, sent))));
                }
                let Some(mut stepping) = running.take() else {
                    return Ok(None);
                };
                if stepping.run.advance().await? {
                    if sent.elapsed() >= stepping.every {
                        ready.extend(stepping.run.diff().await?.parts(stepping.packet));
                        sent = Instant::now();
                    }
                    running = Some(stepping);
                } else {
                    let packet = stepping.packet;
                    ready.extend(stepping.run.last().await?.parts(packet));
                }
            }
        })
        .map(|message: Result<_, Failure>| message.map_err(|failure| failure::status(&failure)))
        .boxed()
    }
}

/// A query's own time limit, as the HTTP API has it.
fn within<T: Send + 'static>(limit: Duration, messages: Messages<T>) -> Messages<T> {
    if limit.is_zero() {
        return messages;
    }
    let end = Instant::now() + limit;
    let late = || failure::status(&Failure::TimedOut);
    stream::unfold(Some(messages), move |messages| async move {
        let mut messages = messages?;
        match tokio::time::timeout_at(end, messages.next()).await {
            Ok(message) => Some((message?, Some(messages))),
            Err(_) => Some((Err(late()), None)),
        }
    })
    .boxed()
}

#[tonic::async_trait]
impl StreamingQuerier for Streaming {
    type SearchStream = Messages<SearchResponse>;
    type SearchTagsStream = Messages<SearchTagsResponse>;
    type SearchTagsV2Stream = Messages<SearchTagsV2Response>;
    type SearchTagValuesStream = Messages<SearchTagValuesResponse>;
    type SearchTagValuesV2Stream = Messages<SearchTagValuesV2Response>;
    type MetricsQueryRangeStream = Messages<QueryRangeResponse>;
    type MetricsQueryInstantStream = Messages<QueryInstantResponse>;

    async fn search(
        &self,
        request: Request<SearchRequest>,
    ) -> Result<Response<Self::SearchStream>, Status> {
        let stepping = self.start_search(request).await.map_err(refused)?;
        Ok(Response::new(self.limited(stepping.messages())))
    }

    async fn search_tags(
        &self,
        request: Request<SearchTagsRequest>,
    ) -> Result<Response<Self::SearchTagsStream>, Status> {
        let found = async {
            let (tenants, _admitted) = self.enter(request.metadata())?;
            let names = self.names(request.get_ref())?;
            self.0.tag_names(&tenants, &names).await
        };
        Ok(self.whole(found.await.map_err(refused)?.version_1().message))
    }

    async fn search_tags_v2(
        &self,
        request: Request<SearchTagsRequest>,
    ) -> Result<Response<Self::SearchTagsV2Stream>, Status> {
        let found = async {
            let (tenants, _admitted) = self.enter(request.metadata())?;
            let names = self.names(request.get_ref())?;
            self.0.tag_names(&tenants, &names).await
        };
        Ok(self.whole(found.await.map_err(refused)?.version_2().message))
    }

    async fn search_tag_values(
        &self,
        request: Request<SearchTagValuesRequest>,
    ) -> Result<Response<Self::SearchTagValuesStream>, Status> {
        let found = async {
            let (tenants, _admitted) = self.enter(request.metadata())?;
            let values = self.values(request.get_ref())?;
            self.0.tag_values_v1(&tenants, &values).await
        };
        Ok(self.whole(found.await.map_err(refused)?.message))
    }

    async fn search_tag_values_v2(
        &self,
        request: Request<SearchTagValuesRequest>,
    ) -> Result<Response<Self::SearchTagValuesV2Stream>, Status> {
        let found = async {
            let (tenants, _admitted) = self.enter(request.metadata())?;
            let values = self.values(request.get_ref())?;
            self.0.tag_values_v2(&tenants, &values).await
        };
        Ok(self.whole(found.await.map_err(refused)?.message))
    }

    async fn metrics_query_range(
        &self,
        request: Request<QueryRangeRequest>,
    ) -> Result<Response<Self::MetricsQueryRangeStream>, Status> {
        let params = range_params(request.get_ref());
        let stepping = self
            .start_metrics(request.metadata(), &params, false, |run| run)
            .await
            .map_err(refused)?;
        Ok(Response::new(self.limited(stepping.messages())))
    }

    async fn metrics_query_instant(
        &self,
        request: Request<QueryInstantRequest>,
    ) -> Result<Response<Self::MetricsQueryInstantStream>, Status> {
        let asked = request.get_ref();
        let params = Params::from_iter([
            ("q", asked.query.clone()),
            ("start", nanos(asked.start)),
            ("end", nanos(asked.end)),
        ]);
        let stepping = self
            .start_metrics(request.metadata(), &params, true, Instantly)
            .await
            .map_err(refused)?;
        Ok(Response::new(self.limited(stepping.messages())))
    }
}

impl Streaming {
    fn limited<T: Send + 'static>(&self, messages: Messages<T>) -> Messages<T> {
        within(self.0.settings().api_timeout, messages)
    }

    fn names(&self, asked: &SearchTagsRequest) -> Result<TagNames, Failure> {
        let params = Params::from_iter([
            ("scope", asked.scope.clone()),
            ("q", asked.query.clone()),
            ("start", given(asked.start)),
            ("end", given(asked.end)),
            ("limit", given(asked.max_tags_per_scope)),
        ]);
        Ok(TagNames::parse(&params, self.0.settings(), self.0.now())?)
    }

    fn values(&self, asked: &SearchTagValuesRequest) -> Result<TagValues, Failure> {
        let params = Params::from_iter([
            ("q", asked.query.clone()),
            ("start", given(asked.start)),
            ("end", given(asked.end)),
            ("limit", given(asked.max_tag_values)),
        ]);
        let settings = self.0.settings();
        Ok(TagValues::parse(
            &asked.tag_name,
            &params,
            settings,
            self.0.now(),
        )?)
    }
}

fn refused(failure: Failure) -> Status {
    failure::status(&failure)
}

/// A search's fields under the names the HTTP API has for them, so that one set of rules serves both.
fn search_params(asked: &SearchRequest) -> Params {
    let millis = |millis: u32| {
        if millis == 0 {
            String::new()
        } else {
            format!("{millis}ms")
        }
    };
    let tags: BTreeMap<_, _> = asked.tags.iter().collect();
    let tags: Vec<String> = tags
        .into_iter()
        .map(|(key, value)| format!("{key}={value:?}"))
        .collect();
    Params::from_iter([
        ("q", asked.query.clone()),
        ("tags", tags.join(" ")),
        ("minDuration", millis(asked.min_duration_ms)),
        ("maxDuration", millis(asked.max_duration_ms)),
        ("limit", given(asked.limit)),
        ("start", given(asked.start)),
        ("end", given(asked.end)),
        ("spss", given(asked.spans_per_span_set)),
    ])
}

fn range_params(asked: &QueryRangeRequest) -> Params {
    let step = Duration::from_nanos(asked.step).as_secs_f64();
    Params::from_iter([
        ("q", asked.query.clone()),
        ("start", nanos(asked.start)),
        ("end", nanos(asked.end)),
        (
            "step",
            if asked.step == 0 {
                String::new()
            } else {
                step.to_string()
            },
        ),
        ("exemplars", given(asked.exemplars)),
        ("maxSeries", given(asked.max_series)),
    ])
}

/// Zero is "not given".
fn given(number: u32) -> String {
    if number == 0 {
        String::new()
    } else {
        number.to_string()
    }
}

/// Nanoseconds in a form that no parameter takes for seconds.
fn nanos(moment: u64) -> String {
    if moment == 0 {
        return String::new();
    }
    let (seconds, rest) = (moment / 1_000_000_000, moment % 1_000_000_000);
    if moment >= 100_000_000_000 {
        moment.to_string()
    } else {
        format!("{seconds}.{rest:09}")
    }
}
