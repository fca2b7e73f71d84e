//! Changes go to the node that leads, whichever node is asked.
//!
//! A command has no form on the wire, so the call itself travels: the same request with its headers, over the
//! connections between nodes. Who calls has been checked here and is told to the leader, which believes it because only voters
//! can say it on the port it comes in by: [`Forward::receive`] stands there. Nodes report on that port in their own name.

mod once;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
use takt_kit::{Clock, Code, Reject};
use takt_log::{Handle, Leader};
use takt_wire::methods::AdminMethod;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tonic::{ConnectError, Status};
use tonic_types::StatusExt as _;
use tower::ServiceExt as _;

use crate::refusal::NOT_LEADER;
use crate::request::Actor;
use crate::writer::fresh;

/// Which node passed the call on. A call is passed on once: two nodes that take each other for the leader are
/// not to play ball with it.
const BY: HeaderName = HeaderName::from_static("takt-forwarded-by");
/// Who calls, as the guard of that node found out.
const FOR: HeaderName = HeaderName::from_static("takt-forwarded-for");
const TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

const NO_LEADER: &str = "CONTROL_NO_LEADER";

/// How many changes are under way at once.
const CALLS_MAX: usize = 256;
/// How long a call waits for somebody to lead: an election takes less.
const LEADER_WITHIN: Duration = Duration::from_secs(2);
/// Until the leader is tried again that could not be reached.
const PAUSE: Duration = Duration::from_millis(50);
/// The longest request that is passed on; none is that long.
const REQUEST_MAX_BYTES: usize = 16 << 20;
/// How long a call may take whose caller named no deadline.
const CALL_WITHIN: Duration = Duration::from_secs(30);

/// Passes calls on. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Forward {
    log: Handle,
    clock: Arc<dyn Clock>,
    room: Arc<Semaphore>,
}

impl Forward {
    pub(crate) fn new(log: Handle, clock: Arc<dyn Clock>) -> Self {
        Self {
            log,
            clock,
            room: Arc::new(Semaphore::new(CALLS_MAX)),
        }
    }

    /// The layer around the services of a public port.
    pub(crate) async fn pass(self, mut request: Request, next: Next) -> Response {
        // Only nodes may say these, and not here.
        request.headers_mut().remove(BY);
        request.headers_mut().remove(FOR);
        let method = AdminMethod::of_path(request.uri().path());
        let Some(method) = method.filter(|method| leads(*method)) else {
            return next.run(request).await;
        };
        let deadline = Instant::now() + patience(request.headers());
        match self.leader(deadline).await {
            Leader::Unknown if self.log.belongs() => nobody_leads().into_http(),
            // It belongs to no cluster: the service says what to do about it.
            Leader::Unknown => next.run(request).await,
            Leader::Here | Leader::At { .. } => self.on(method, request, next, deadline).await,
        }
    }

    /// The layer around the services of the port between nodes: calls that were passed on, where this node leads, and
    /// what nodes report themselves.
    pub(crate) async fn receive(self, mut request: Request, next: Next) -> Response {
        // Only what a node reports in its own name has an actor already.
        if request.extensions().get::<Actor>().is_some() {
            return self.pass(request, next).await;
        }
        let Some(_by) = request.headers_mut().remove(BY) else {
            let text = "this port takes what nodes report and what voters pass on; call the HTTP or the gRPC port";
            return Status::permission_denied(text).into_http();
        };
        if self.log.leader() != Leader::Here {
            return nobody_leads().into_http();
        }
        let actor = request.headers_mut().remove(FOR);
        restore(&mut request, actor.as_ref());
        next.run(request).await
    }

    async fn leader(&self, deadline: Instant) -> Leader {
        if !self.log.belongs() {
            return Leader::Unknown;
        }
        let within = deadline.min(Instant::now() + LEADER_WITHIN);
        self.log.leader_within(within).await
    }

    /// Tries again when the leader has just died or lost its office: a change, because it has an id, and any other call as
    /// long as it cannot have reached anybody. Whoever leads then may be this node.
    async fn on(
        &self,
        method: AdminMethod,
        request: Request,
        next: Next,
        deadline: Instant,
    ) -> Response {
        let Ok(_place) = self.room.try_acquire() else {
            return busy().into_http();
        };
        let (head, body) = request.into_parts();
        let Ok(body) = axum::body::to_bytes(body, REQUEST_MAX_BYTES).await else {
            return too_large().into_http();
        };
        let id = || fresh(self.clock.as_ref()).to_string();
        let named = once::is_change(method).then(|| once::identified(&body, id));
        let (body, may_repeat) = match named.flatten() {
            Some(body) => (body, true),
            None => (body, false),
        };
        let again = || Request::from_parts(head.clone(), axum::body::Body::from(body.clone()));
        let patient = deadline.min(Instant::now() + LEADER_WITHIN);
        loop {
            let (response, is_open) = match self.log.leader_within(patient).await {
                Leader::Here => {
                    let response = next.clone().run(again()).await;
                    let is_open = has_lost_office(&response);
                    (response, is_open)
                }
                Leader::At { address, .. } => {
                    let mut request = again();
                    carry(&mut request, self.log.status().node.0);
                    match self.call(request, &address, deadline).await {
                        Ok(response) => {
                            let is_open = has_lost_office(&response);
                            (response, is_open)
                        }
                        Err(Broken::Before) if Instant::now() < patient => {
                            tokio::time::sleep(PAUSE).await;
                            continue;
                        }
                        Err(_) => (unreachable().into_http(), true),
                    }
                }
                Leader::Unknown => return nobody_leads().into_http(),
            };
            if !(is_open && may_repeat && Instant::now() < patient) {
                return response;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn call(
        &self,
        request: Request,
        address: &str,
        deadline: Instant,
    ) -> Result<Response, Broken> {
        let channel = match self.log.line(address) {
            Ok(channel) => channel,
            Err(error) => return Ok(Status::internal(error.to_string()).into_http()),
        };
        let call = channel.oneshot(request.map(tonic::body::Body::new));
        match tokio::time::timeout_at(deadline, call).await {
            Ok(Ok(response)) => Ok(response.map(axum::body::Body::new)),
            Ok(Err(error)) => {
                tracing::debug!(%address, %error, "the leader does not take the call");
                Err(if unsent(&error) {
                    Broken::Before
                } else {
                    Broken::Meanwhile
                })
            }
            Err(_elapsed) => Ok(late().into_http()),
        }
    }
}

/// A connection broke before the call left this node, or when it may have been carried out.
enum Broken {
    Before,
    Meanwhile,
}

/// Whether the node that answered does not lead, or no longer: what becomes of the call is open.
fn has_lost_office(response: &Response) -> bool {
    let status = Status::from_header_map(response.headers());
    status.is_some_and(|status| {
        let details = status.get_error_details();
        let reason = details.error_info().map(|info| info.reason.as_str());
        matches!(reason, Some(NO_LEADER | NOT_LEADER))
    })
}

fn unsent(error: &(dyn std::error::Error + 'static)) -> bool {
    let chain = std::iter::successors(Some(error), |error| error.source());
    chain.into_iter().any(|error| error.is::<ConnectError>())
}

/// Whether a node says that it passes the call on for somebody.
pub(crate) fn is_passed_on(headers: &HeaderMap) -> bool {
    headers.contains_key(BY)
}

/// Calls that only the leader can answer.
fn leads(method: AdminMethod) -> bool {
    match method {
        AdminMethod::ClusterAddMember
        | AdminMethod::ClusterPromoteMember
        | AdminMethod::ClusterRemoveMember
        | AdminMethod::ClusterTransferLeader
        | AdminMethod::JobsCompleteJob
        | AdminMethod::JobsFailJob
        | AdminMethod::JobsLeaseJobs
        | AdminMethod::JobsReportJob => true,
        other => other.mutates(),
    }
}

fn carry(request: &mut Request, node: u64) {
    let actor = request.extensions().get::<Actor>();
    let actor = actor.and_then(|Actor(actor)| HeaderValue::from_bytes(actor.as_bytes()).ok());
    let headers = request.headers_mut();
    // It has opened the door here; the leader needs no secrets.
    headers.remove(AUTHORIZATION);
    headers.insert(BY, HeaderValue::from(node));
    if let Some(actor) = actor {
        headers.insert(FOR, actor);
    }
}

/// The connection is that of a node, and not of who calls.
fn restore(request: &mut Request, actor: Option<&HeaderValue>) {
    let actor = actor.map(|actor| String::from_utf8_lossy(actor.as_bytes()).into_owned());
    let actor = actor.unwrap_or_else(|| "unknown".to_owned());
    request.extensions_mut().insert(Actor(actor));
}

/// What the caller will wait.
fn patience(headers: &HeaderMap) -> Duration {
    let named = headers.get(TIMEOUT).and_then(|value| value.to_str().ok());
    named.and_then(timeout).unwrap_or(CALL_WITHIN)
}

/// gRPC's `grpc-timeout`: at most eight digits and a unit.
fn timeout(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let count: u64 = digits.parse().ok().filter(|_| digits.len() <= 8)?;
    Some(match unit {
        "H" => Duration::from_secs(count * 3600),
        "M" => Duration::from_secs(count * 60),
        "S" => Duration::from_secs(count),
        "m" => Duration::from_millis(count),
        "u" => Duration::from_micros(count),
        "n" => Duration::from_nanos(count),
        _ => return None,
    })
}

fn nobody_leads() -> Status {
    let text = "nobody leads the control plane at the moment";
    retry(Code::Unavailable, NO_LEADER, text)
}

fn unreachable() -> Status {
    let text =
        "the node that leads the control plane cannot be reached; it may still be carried out";
    retry(Code::Unavailable, "CONTROL_LEADER_UNREACHABLE", text)
}

fn late() -> Status {
    let text = "no answer in time; it may still be carried out";
    retry(Code::Unavailable, "CONTROL_TIMEOUT", text)
}

fn too_large() -> Status {
    let text = format!("the request has more than {REQUEST_MAX_BYTES} bytes, or ended early");
    Reject::new(Code::Invalid, "REQUEST_TOO_LARGE", text).status()
}

fn busy() -> Status {
    let text = "too many calls are on their way to the leader";
    retry(Code::Exhausted, "CONTROL_BUSY", text)
}

fn retry(code: Code, reason: &'static str, text: &str) -> Status {
    Reject::new(code, reason, text)
        .retry_after(Duration::from_millis(200))
        .status()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deadline_of_the_caller_is_understood() {
        assert_eq!(timeout("150m"), Some(Duration::from_millis(150)));
        assert_eq!(timeout("2S"), Some(Duration::from_secs(2)));
        for nonsense in ["", "S", "1", "123456789S", "1x", "-1S", "é"] {
            assert_eq!(timeout(nonsense), None, "{nonsense}");
        }
    }
}
