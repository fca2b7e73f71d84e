//! What every node follows.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, stream};
use takt_domain::{CommandId, Subject};
use takt_log::Handle;
use takt_model::Revision;
use takt_reconcile::Presence;
use takt_views::{Filter, Moment, Views, Watch};
use takt_wire::takt::control::v1 as wire;
use takt_wire::takt::control::v1::control_service_server::ControlService;
use takt_wire::takt::control::v1::subscribe_request::Said;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tonic::{Request, Response, Status, Streaming};
use uuid::Uuid;

use crate::behind::caught_up;
use crate::refusal::invalid;
use crate::rows::encoded::{Encoded, encode};
use crate::rows::{self, Part, Parts, Stands, subject_to_wire};

/// A node hears something at least this often.
pub(crate) const QUIET_MAX: Duration = Duration::from_secs(2);
/// How long a node that sent heartbeats may be silent.
const SILENCE_MAX: Duration = Duration::from_secs(30);
const BEGIN_WITHIN: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub struct ControlApi {
    log: Handle,
    views: Views,
    encoded: Arc<Encoded>,
    presence: Option<Presence>,
}

impl ControlApi {
    pub(crate) fn new(
        log: Handle,
        views: Views,
        encoded: Arc<Encoded>,
        presence: Option<Presence>,
    ) -> Self {
        Self {
            log,
            views,
            encoded,
            presence,
        }
    }
}

#[tonic::async_trait]
impl ControlService for ControlApi {
    type SubscribeStream =
        Pin<Box<dyn Stream<Item = Result<wire::SubscribeResponse, Status>> + Send>>;

    async fn subscribe(
        &self,
        request: Request<Streaming<wire::SubscribeRequest>>,
    ) -> Result<Response<Self::SubscribeStream>, Status> {
        let mut said = request.into_inner();
        let begin = begin(&mut said).await?;
        let filter = rows::filter(&begin.resources, &begin.tenant, String::new())?;
        let after = moment(begin.after)?;
        caught_up(&self.log, &self.views, after.revision).await?;
        let watch = self
            .views
            .watch(after, filter.clone())
            .map_err(|reject| reject.status())?;
        tracing::debug!(
            node = begin.node,
            after = after.revision.0,
            "a node follows"
        );
        let told = stream::unfold(
            Some(Telling {
                log: self.log.clone(),
                encoded: Arc::clone(&self.encoded),
                presence: self.presence.clone(),
                leases: None,
                filter,
                node: begin.node,
                watch,
                said: Some(said),
                silent_since: None,
                quiet_until: Instant::now(),
                parts: None,
                last: wire::SubscribeResponse::default(),
            }),
            |telling| async {
                let mut telling = telling?;
                match telling.next().await {
                    Ok(Some(told)) => Some((Ok(told), Some(telling))),
                    Ok(None) => None,
                    Err(status) => Some((Err(status), None)),
                }
            },
        );
        Ok(Response::new(Box::pin(told)))
    }
}

async fn begin(said: &mut Streaming<wire::SubscribeRequest>) -> Result<wire::Begin, Status> {
    let first = tokio::time::timeout(BEGIN_WITHIN, said.message()).await;
    let first = first.map_err(|_| Status::deadline_exceeded("nothing was said"))??;
    match first.and_then(|first| first.said) {
        Some(Said::Begin(begin)) => Ok(begin),
        Some(Said::Heartbeat(_)) | None => Err(invalid(
            "SUBSCRIBE_BEGIN_MISSING",
            "the first message must be `begin`: who follows and what it has",
        )),
    }
}

fn moment(position: Option<wire::Position>) -> Result<Moment, Status> {
    let Some(position) = position.filter(|position| position.revision > 0) else {
        return Ok(Moment::default());
    };
    let command = Uuid::from_slice(&position.command).map_err(|_| {
        let text = "the command of a position is 16 bytes, as it was told";
        invalid("POSITION_INVALID", text)
    })?;
    Ok(Moment {
        revision: Revision(position.revision),
        command: CommandId(command),
    })
}

fn position(moment: Moment) -> wire::Position {
    wire::Position {
        revision: moment.revision.0,
        command: moment.command.0.as_bytes().to_vec(),
    }
}

/// A stream under way. Nothing is made before the node has room for it.
struct Telling {
    log: Handle,
    encoded: Arc<Encoded>,
    presence: Option<Presence>,
    /// The answers to its heartbeats, once there was one.
    leases: Option<watch::Receiver<wire::Leases>>,
    filter: Filter,
    node: String,
    watch: Watch,
    /// `None` once the node has nothing more to say.
    said: Option<Streaming<wire::SubscribeRequest>>,
    /// The last heartbeat, if there ever was one.
    silent_since: Option<Instant>,
    quiet_until: Instant,
    parts: Option<Parts>,
    /// The last thing told, without its rows: what is said when nothing happens.
    last: wire::SubscribeResponse,
}

impl Telling {
    /// The next message; `None` when the control plane stops.
    async fn next(&mut self) -> Result<Option<wire::SubscribeResponse>, Status> {
        loop {
            if let Some(parts) = self.parts.as_mut() {
                let told = part(parts, &self.encoded);
                if !told.more {
                    self.parts = None;
                }
                return Ok(Some(self.tell(told)));
            }
            tokio::select! {
                biased;
                heard = self.watch.next() => match heard {
                    Some(heard) => {
                        self.parts = Some(Parts::new(heard, self.watch.after(), &self.filter));
                    }
                    None => return Ok(None),
                },
                said = next_said(&mut self.said) => self.hear(said?)?,
                leases = next_leases(&mut self.leases) => {
                    let told = wire::SubscribeResponse {
                        leases: Some(leases),
                        ..self.last.clone()
                    };
                    return Ok(Some(self.tell(told)));
                }
                () = sleep_until(self.quiet_until) => {
                    self.still_there()?;
                    let told = self.last.clone();
                    return Ok(Some(self.tell(told)));
                }
            }
        }
    }

    fn tell(&mut self, mut told: wire::SubscribeResponse) -> wire::SubscribeResponse {
        told.led = self.log.status().leader.is_some();
        self.quiet_until = Instant::now() + QUIET_MAX;
        self.last = wire::SubscribeResponse {
            position: told.position.clone(),
            decided_at: told.decided_at,
            ..wire::SubscribeResponse::default()
        };
        told
    }

    fn hear(&mut self, said: Option<Said>) -> Result<(), Status> {
        match said {
            Some(Said::Heartbeat(heartbeat)) => {
                self.silent_since = Some(Instant::now());
                self.present(heartbeat);
            }
            Some(Said::Begin(_)) => {
                let text = "a stream begins once";
                return Err(invalid("SUBSCRIBE_BEGIN_TWICE", text));
            }
            None => self.said = None,
        }
        Ok(())
    }

    /// A node without a name follows and takes no part. What a heartbeat says must not cost a node its view.
    fn present(&mut self, heartbeat: wire::Heartbeat) {
        let Some(presence) = self.presence.as_ref() else {
            return;
        };
        if heartbeat.node.is_empty() {
            return;
        }
        match presence.heard(heartbeat) {
            Ok(name) if self.leases.is_none() => {
                let mut leases = presence.leases(&name);
                leases.mark_unchanged();
                self.leases = Some(leases);
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(
                    node = self.node,
                    error = &error as &dyn std::error::Error,
                    "a heartbeat makes no sense; the node is given no leases"
                );
            }
        }
    }

    fn still_there(&self) -> Result<(), Status> {
        match self.silent_since {
            Some(since) if since.elapsed() > SILENCE_MAX => {
                let node = &self.node;
                tracing::info!(node, "a node fell silent");
                Err(Status::deadline_exceeded("no heartbeat came in time"))
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// Waits for ever once the node has nothing more to say.
async fn next_said(
    said: &mut Option<Streaming<wire::SubscribeRequest>>,
) -> Result<Option<Said>, Status> {
    match said {
        Some(stream) => Ok(stream.message().await?.and_then(|message| message.said)),
        None => std::future::pending().await,
    }
}

/// Waits for ever while the node takes no part.
async fn next_leases(leases: &mut Option<watch::Receiver<wire::Leases>>) -> wire::Leases {
    if let Some(answers) = leases {
        if answers.changed().await.is_ok() {
            return answers.borrow_and_update().clone();
        }
        *leases = None;
    }
    std::future::pending().await
}

fn part(parts: &mut Parts, encoded: &Encoded) -> wire::SubscribeResponse {
    let whole = parts.is_whole();
    let Part { reset, more, rows } = parts.next(|state, subject| {
        // Everything at once is for this node alone; what changed, others want as well.
        let row = if whole {
            encode(state, subject)
        } else {
            encoded.row(state, subject)
        }?;
        let size = row.len();
        Some((row, size))
    });
    wire::SubscribeResponse {
        position: Some(position(parts.moment)),
        decided_at: parts.state.at.0,
        reset,
        more,
        changes: rows.into_iter().map(change).collect(),
        ..wire::SubscribeResponse::default()
    }
}

fn change((subject, stands): (Subject, Stands<Bytes>)) -> wire::RowChange {
    wire::RowChange {
        subject: Some(subject_to_wire(&subject)),
        all: matches!(stands, Stands::AllGone),
        row: stands.here(),
    }
}
