//! The log itself over the wire: what was decided, what stood when, and all of it as one file.

use std::collections::{BTreeSet, VecDeque};
use std::pin::Pin;
use std::sync::Arc;

use futures::{Stream, StreamExt as _, TryStreamExt as _, stream};
use prost::Message as _;
use takt_domain::{Event, State, Subject};
use takt_kit::{Code, Reject};
use takt_log::{Handle, History, PastError, Recorded};
use takt_model::Revision;
use takt_views::{Filter, Heard, Moment};
use takt_wire::takt::admin::v1 as wire;
use takt_wire::takt::admin::v1::log_service_server::LogService;
use tokio::sync::watch;
use tonic::{Request, Response, Status};

use crate::refusal::{invalid, past, reading};
use crate::resources::entry;
use crate::rows::{self, Parts, page, subject_to_wire};

type Told<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// How many decisions are read at once.
const READ_MAX: usize = 256;
/// How many things are looked for at once.
const PAGE: usize = 1000;
/// Two revisions between which more things than this changed are too far apart to compare.
const CHANGED_MAX: usize = 1_000_000;

#[derive(Debug)]
pub(crate) struct LogApi {
    log: Handle,
}

impl LogApi {
    pub(crate) fn new(log: Handle) -> Self {
        Self { log }
    }

    async fn state_at(&self, revision: Revision) -> Result<Arc<State>, Status> {
        self.log
            .state_at(revision)
            .await
            .map_err(|error| past(&error))
    }

    /// The end of the last decision at or before a revision; of 0, where what is kept begins.
    async fn end_of(&self, asked: Revision) -> Result<Revision, Status> {
        let current = self.log.state().revision;
        if asked > current {
            return Err(past(&PastError::Future { asked, current }));
        }
        let oldest = self
            .log
            .kept_after()
            .await
            .map_err(|error| reading(&error))?;
        if asked == Revision(0) || asked == oldest {
            return Ok(oldest);
        }
        let last = self.log.before(Revision(asked.0 + 1), 1).await;
        let last = last.map_err(|error| reading(&error))?.pop();
        match last {
            Some(last) => Ok(last.revision),
            None => Err(past(&PastError::Forgotten { asked, oldest })),
        }
    }

    /// Everything that may stand differently at two revisions, by what was decided between them.
    async fn changed(
        &self,
        from: Revision,
        to: Revision,
        filter: &Filter,
    ) -> Result<BTreeSet<Subject>, Status> {
        let mut changed = BTreeSet::new();
        let mut after = from;
        while after < to {
            for recorded in read(&self.log, after).await? {
                after = recorded.revision;
                if after > to {
                    break;
                }
                let changes = recorded.batch.events.iter().flat_map(Event::changes);
                changed.extend(changes.filter(|subject| filter.admits(subject)));
            }
            if changed.len() > CHANGED_MAX {
                let text = "too much changed between the two; choose closer revisions, or one kind or tenant";
                return Err(Reject::new(Code::Exhausted, "DIFF_TOO_LARGE", text).status());
            }
        }
        Ok(changed)
    }
}

#[tonic::async_trait]
impl LogService for LogApi {
    type ShowLogStream = Told<wire::ShowLogResponse>;
    type AtStream = Told<wire::AtResponse>;
    type DiffStream = Told<wire::DiffResponse>;
    type BackupStream = Told<wire::BackupResponse>;

    async fn show_log(
        &self,
        request: Request<wire::ShowLogRequest>,
    ) -> Result<Response<Self::ShowLogStream>, Status> {
        let request = request.into_inner();
        let filter = rows::filter(&request.resources, &request.tenant, String::new())?;
        let after = self.end_of(Revision(request.after_revision)).await?;
        let showing = Showing {
            applied: self.log.applied(),
            log: self.log.clone(),
            after,
            filter,
            follow: request.follow,
            read: VecDeque::new(),
        };
        let told = stream::try_unfold(showing, |mut showing| async move {
            let next = showing.next().await?;
            Ok(next.map(|entry| (wire::ShowLogResponse { entry: Some(entry) }, showing)))
        });
        Ok(Response::new(Box::pin(told)))
    }

    async fn at(
        &self,
        request: Request<wire::AtRequest>,
    ) -> Result<Response<Self::AtStream>, Status> {
        let request = request.into_inner();
        let filter = rows::filter(&request.resources, &request.tenant, request.name)?;
        let state = self.state_at(Revision(request.revision)).await?;
        let parts = Parts::new(Heard::Reset(state), Moment::default(), &filter);
        let told = stream::unfold(Some(parts), |parts| async {
            let mut parts = parts?;
            let part = parts.next(|state, subject| {
                let row = rows::find(state, subject)?;
                let size = row.encoded_len();
                Some((row, size))
            });
            let things = part.rows.into_iter().map(|(subject, stands)| wire::Thing {
                subject: Some(subject_to_wire(&subject)),
                row: stands.here(),
            });
            let told = wire::AtResponse {
                revision: parts.state.revision.0,
                decided_at: parts.state.at.0,
                things: things.collect(),
            };
            Some((Ok(told), part.more.then_some(parts)))
        });
        Ok(Response::new(Box::pin(told)))
    }

    async fn diff(
        &self,
        request: Request<wire::DiffRequest>,
    ) -> Result<Response<Self::DiffStream>, Status> {
        let request = request.into_inner();
        let filter = rows::filter(&request.resources, &request.tenant, request.name)?;
        let from = Revision(request.from_revision);
        let to = match request.to_revision {
            0 => self.log.state().revision,
            to => Revision(to),
        };
        if to < from {
            let text = format!("`to_revision` {to} is before `from_revision` {from}");
            return Err(invalid("REVISIONS_REVERSED", text));
        }
        let (before, after) = (self.state_at(from).await?, self.state_at(to).await?);
        let changed = self
            .changed(before.revision, after.revision, &filter)
            .await?;
        let differences = changed.into_iter().flat_map(move |subject| {
            let subjects = if subject.is_all() {
                all_of(&subject, &filter, [&before, &after])
            } else {
                [subject].into()
            };
            let (before, after) = (Arc::clone(&before), Arc::clone(&after));
            let differences = subjects.into_iter().filter_map(move |subject| {
                let (before, after) = (rows::find(&before, &subject), rows::find(&after, &subject));
                (before != after).then(|| wire::DiffResponse {
                    subject: Some(subject_to_wire(&subject)),
                    before,
                    after,
                })
            });
            differences.map(Ok)
        });
        Ok(Response::new(Box::pin(stream::iter(differences))))
    }

    async fn backup(
        &self,
        _: Request<wire::BackupRequest>,
    ) -> Result<Response<Self::BackupStream>, Status> {
        let pieces = self.log.backup();
        let told = pieces
            .map_ok(|piece| wire::BackupResponse {
                piece: piece.into(),
            })
            .map_err(|error| Status::internal(format!("the log file cannot be read: {error}")));
        Ok(Response::new(told.boxed()))
    }
}

/// A log that is being shown.
struct Showing {
    log: Handle,
    applied: watch::Receiver<Revision>,
    after: Revision,
    filter: Filter,
    follow: bool,
    read: VecDeque<Recorded>,
}

impl Showing {
    async fn next(&mut self) -> Result<Option<wire::HistoryEntry>, Status> {
        loop {
            while let Some(recorded) = self.read.pop_front() {
                self.after = recorded.revision;
                if let Some(entry) = entry(recorded, &self.filter) {
                    return Ok(Some(entry));
                }
            }
            let newest = *self.applied.borrow_and_update();
            if self.after < newest {
                self.read = read(&self.log, self.after).await?.into();
            } else if !self.follow || self.applied.changed().await.is_err() {
                return Ok(None);
            }
        }
    }
}

async fn read(log: &Handle, asked: Revision) -> Result<Vec<Recorded>, Status> {
    match log.history(asked, READ_MAX).await {
        Ok(History::Batches(batches)) => Ok(batches),
        // It was forgotten while it was being read.
        Ok(History::TooOld(_)) => {
            let oldest = log.kept_after().await.map_err(|error| reading(&error))?;
            Err(past(&PastError::Forgotten { asked, oldest }))
        }
        Err(error) => Err(reading(&error)),
    }
}

/// All of a kind and tenant that stands in any of the states.
fn all_of<const N: usize>(
    all: &Subject,
    filter: &Filter,
    states: [&Arc<State>; N],
) -> BTreeSet<Subject> {
    let mut found = BTreeSet::new();
    for state in states {
        let mut last = None;
        loop {
            let page = page(
                state,
                all.resource,
                all.tenant.as_ref(),
                last.as_ref(),
                PAGE,
            );
            last = page.last().cloned();
            if last.is_none() {
                break;
            }
            found.extend(page.into_iter().filter(|subject| filter.admits(subject)));
        }
    }
    found
}
