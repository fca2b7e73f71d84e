//! Every kind of thing, followed and looked back on, for people and their tools.

use std::pin::Pin;
use std::time::Duration;

use futures::{Stream, stream};
use prost::Message as _;
use takt_domain::Subject;
use takt_log::{Handle, Recorded};
use takt_model::Revision;
use takt_views::{Filter, Moment, Views, Watch};
use takt_wire::takt::admin::v1 as wire;
use takt_wire::takt::admin::v1::resource_service_server::ResourceService;
use tokio::time::timeout;
use tonic::{Request, Response, Status};

use crate::behind::{caught_up, reached};
use crate::refusal::{invalid, reading};
use crate::rows::{self, Part, Parts, Stands, subject_to_wire};

/// A watcher hears something at least this often.
const QUIET_MAX: Duration = Duration::from_secs(2);
const PAGE: usize = 100;
const PAGE_MAX: usize = 1000;
/// How many decisions are looked at for one page of a filtered history.
const LOOK_AT_MAX: usize = 10_000;

#[derive(Debug)]
pub(crate) struct ResourceApi {
    log: Handle,
    views: Views,
}

impl ResourceApi {
    pub(crate) fn new(log: Handle, views: Views) -> Self {
        Self { log, views }
    }

    /// Decisions that ended before a revision and meet the filter, and where to go on.
    async fn matching(
        &self,
        filter: &Filter,
        before: Revision,
        size: usize,
    ) -> Result<(Vec<wire::HistoryEntry>, Option<Revision>), Status> {
        let looked_at = self.before(before, LOOK_AT_MAX).await?;
        let end = looked_at.len() < LOOK_AT_MAX;
        let mut found = Vec::new();
        let mut last = None;
        for recorded in looked_at {
            if found.len() == size {
                return Ok((found, last));
            }
            last = Some(recorded.revision);
            found.extend(entry(recorded, filter));
        }
        Ok((found, last.filter(|_| !end)))
    }

    async fn before(&self, before: Revision, limit: usize) -> Result<Vec<Recorded>, Status> {
        let found = self.log.before(before, limit).await;
        found.map_err(|error| reading(&error))
    }

    /// Decisions about one thing, and where to go on.
    async fn about(
        &self,
        subject: &Subject,
        before: Revision,
        size: usize,
    ) -> Result<(Vec<wire::HistoryEntry>, Option<Revision>), Status> {
        let found = self.log.about(subject, before, size + 1).await;
        let mut found = found.map_err(|error| reading(&error))?;
        let more = found.len() > size;
        found.truncate(size);
        let last = found.last().filter(|_| more).map(|last| last.revision);
        let whole = Filter::default();
        let entries = found.into_iter();
        let entries = entries.filter_map(|recorded| entry(recorded, &whole));
        Ok((entries.collect(), last))
    }
}

#[tonic::async_trait]
impl ResourceService for ResourceApi {
    type WatchStream = Pin<Box<dyn Stream<Item = Result<wire::WatchResponse, Status>> + Send>>;

    async fn watch(
        &self,
        request: Request<wire::WatchRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let request = request.into_inner();
        let filter = rows::filter(&request.resources, &request.tenant, request.name)?;
        let after = match (request.from_now, Revision(request.after_revision)) {
            (true, Revision(0)) => Moment::of(&self.views.state()),
            (true, _) => {
                let text = "say either `from_now` or `after_revision`";
                return Err(invalid("WATCH_AMBIGUOUS", text));
            }
            (false, after) => {
                caught_up(&self.log, &self.views, after).await?;
                self.views.moment(after).unwrap_or_else(|| Moment {
                    revision: after,
                    ..Moment::default()
                })
            }
        };
        let watch = self
            .views
            .watch(after, filter.clone())
            .map_err(|reject| reject.status())?;
        let telling = Telling {
            filter,
            watch,
            parts: None,
            last: wire::WatchResponse::default(),
        };
        let told = stream::unfold(telling, |mut telling| async {
            let told = telling.next().await?;
            Some((Ok(told), telling))
        });
        Ok(Response::new(Box::pin(told)))
    }

    async fn list_history(
        &self,
        request: Request<wire::ListHistoryRequest>,
    ) -> Result<Response<wire::ListHistoryResponse>, Status> {
        let request = request.into_inner();
        reached(&self.views, Revision(request.min_revision)).await?;
        let before = match request.page_token.as_str() {
            "" => Revision(u64::MAX),
            token => Revision(token.parse().map_err(|_| {
                let text = "`page_token` is what the page before said, or empty";
                invalid("PAGE_TOKEN_INVALID", text)
            })?),
        };
        let size = match usize::try_from(request.page_size) {
            Ok(0) | Err(_) => PAGE,
            Ok(size) => size.min(PAGE_MAX),
        };
        let filter = rows::filter(&request.resources, &request.tenant, String::new())?;
        let (found, next) = match request.subject {
            Some(_) if filter != Filter::default() => {
                let text = "say either which thing, or which kinds and whose";
                return Err(invalid("HISTORY_AMBIGUOUS", text));
            }
            Some(subject) => self.about(&rows::subject(subject)?, before, size).await?,
            None => self.matching(&filter, before, size).await?,
        };
        Ok(Response::new(wire::ListHistoryResponse {
            entries: found,
            next_page_token: next.map(|next| next.to_string()).unwrap_or_default(),
        }))
    }
}

/// What a filter admits of a decision, which may be about several tenants at once; `None` if that is nothing.
pub(crate) fn entry(recorded: Recorded, filter: &Filter) -> Option<wire::HistoryEntry> {
    let mut batch = recorded.batch;
    batch.events.retain(|event| filter.admits(&event.subject()));
    if batch.events.is_empty() {
        return None;
    }
    Some(wire::HistoryEntry {
        revision: recorded.revision.0,
        decided_at: batch.at.0,
        actor: batch.actor,
        command_id: batch.command.to_string(),
        events: takt_log::events_to_wire(&batch.events),
    })
}

/// A stream under way.
struct Telling {
    filter: Filter,
    watch: Watch,
    parts: Option<Parts>,
    /// The last thing told, without its rows: what is said when nothing happens.
    last: wire::WatchResponse,
}

impl Telling {
    /// The next message; `None` when the control plane stops.
    async fn next(&mut self) -> Option<wire::WatchResponse> {
        if self.parts.is_none() {
            match timeout(QUIET_MAX, self.watch.next()).await {
                Ok(Some(heard)) => {
                    self.parts = Some(Parts::new(heard, self.watch.after(), &self.filter));
                }
                Ok(None) => return None,
                Err(_quiet) => return Some(self.last.clone()),
            }
        }
        let told = part(self.parts.as_mut()?);
        if !told.more {
            self.parts = None;
        }
        self.last = wire::WatchResponse {
            revision: told.revision,
            decided_at: told.decided_at,
            ..wire::WatchResponse::default()
        };
        Some(told)
    }
}

fn part(parts: &mut Parts) -> wire::WatchResponse {
    let Part { reset, more, rows } = parts.next(|state, subject| {
        let row = rows::find(state, subject)?;
        let size = row.encoded_len();
        Some((row, size))
    });
    wire::WatchResponse {
        revision: parts.moment.revision.0,
        decided_at: parts.state.at.0,
        reset,
        more,
        changes: rows
            .into_iter()
            .map(|(subject, stands)| wire::ResourceChange {
                subject: Some(subject_to_wire(&subject)),
                all: matches!(stands, Stands::AllGone),
                row: stands.here(),
            })
            .collect(),
    }
}
