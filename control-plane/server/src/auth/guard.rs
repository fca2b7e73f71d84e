//! One layer around all services.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use http::HeaderMap;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use prometheus_client::registry::Registry;
use takt_domain::access::Access;
use takt_kit::{Clock, Code, Reject, Tasks};
use takt_log::Handle;
use takt_model::TenantId;
use takt_wire::methods::AdminMethod;
use tonic::Status;
use tonic_types::StatusExt as _;

use super::authoriser::{Authoriser, Casbin, Question, Remembering, Unanswered};
use super::caller::{Caller, Role};
use super::identify::Identify;
use super::oidc::{Fetch, Keys, NoKeys};
use super::refusals::{Refusal, Refusals};
use super::rules::{Rule, rule};
use super::settings::{Peer, Settings};
use super::uses::Uses;
use super::whose::{Requests, RuleError};
use crate::request::{Actor, Sees};

/// The longest request there may be.
pub const MAX_REQUEST_BYTES: usize = 4 << 20;

/// Lets calls in, or not. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Guard(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    log: Handle,
    clock: Arc<dyn Clock>,
    identify: Identify,
    authoriser: Box<dyn Authoriser>,
    requests: Requests,
    refusals: Refusals,
}

/// The rules of the program are broken.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    #[error(transparent)]
    Rules(#[from] RuleError),
    #[error(transparent)]
    Roles(#[from] Unanswered),
}

/// A call on its way in.
#[derive(Debug)]
struct Call {
    method: AdminMethod,
    actor: String,
    tenant: Option<TenantId>,
}

impl Call {
    fn of(method: AdminMethod) -> Self {
        Self {
            method,
            actor: "unknown".to_owned(),
            tenant: None,
        }
    }
}

/// Somebody we know, about to call a method in another form than the contract's.
#[derive(Debug)]
pub(crate) struct Known {
    call: Call,
    /// To be put into the calls that come of it: it is not asked for again.
    pub(crate) caller: Caller,
}

impl Guard {
    /// # Errors
    /// When the rules that are part of the program make no sense.
    pub async fn start(
        settings: Settings,
        fetch: Arc<dyn Fetch>,
        log: Handle,
        clock: Arc<dyn Clock>,
        tasks: &Tasks,
        registry: &mut Registry,
    ) -> Result<Self, GuardError> {
        let uses = Uses::default();
        let writing = uses.clone();
        tasks.spawn(
            "token_uses",
            writing.run(log.clone(), Arc::clone(&clock), tasks.clone()),
        );
        let keys = Keys::new(fetch, Arc::clone(&clock));
        Ok(Self(Arc::new(Inner {
            log,
            identify: Identify {
                settings,
                keys,
                clock: Arc::clone(&clock),
                uses,
            },
            clock,
            authoriser: Box::new(Remembering::new(Casbin::new().await?)),
            requests: Requests::describe()?,
            refusals: Refusals::register(registry),
        })))
    }

    /// Everybody may do everything: for a control plane nobody else can reach, as in tests.
    ///
    /// # Errors
    /// As [`Guard::start`].
    pub async fn open_to_all(
        log: Handle,
        clock: Arc<dyn Clock>,
        tasks: &Tasks,
    ) -> Result<Self, GuardError> {
        let settings = Settings {
            anonymous: Some(Role::Admin),
            ..Settings::default()
        };
        let keys = Arc::new(NoKeys);
        Self::start(settings, keys, log, clock, tasks, &mut Registry::default()).await
    }

    pub(crate) fn refusals(&self) -> &Refusals {
        &self.0.refusals
    }

    /// The layer: a call that may be made goes on with its [`Caller`]; what a handler then refuses is
    /// recorded, too.
    pub(crate) async fn pass(self, request: Request, next: Next) -> Response {
        let Some(method) = AdminMethod::of_path(request.uri().path()) else {
            // Nothing is served here that has no rule.
            return Status::unimplemented("there is no such method").into_http();
        };
        let mut call = Call::of(method);
        let (request, frame) = match self.admit(request, &mut call).await {
            Ok(admitted) => admitted,
            Err((status, reason)) => return self.refuse(call, status, reason),
        };
        let response = next.run(request).await;
        match Status::from_header_map(response.headers()) {
            Some(status) => self.refused_inside(call, status, frame.as_ref(), response),
            None => response,
        }
    }

    /// Who is about to call `method`, before anything of what they send is read. Where no tenant is part of
    /// the question, whether they may is answered here, too.
    ///
    /// # Errors
    /// A refusal, recorded.
    pub(crate) async fn known(
        &self,
        method: AdminMethod,
        headers: &HeaderMap,
        peer: Option<&Peer>,
    ) -> Result<Known, Status> {
        let state = self.0.log.state();
        let mut call = Call::of(method);
        let found = self.identify(&state.access, headers, peer, &mut call).await;
        let found = found.and_then(|caller| {
            let rule = rule(method);
            if rule.tenant.is_none() {
                self.authorise(&state.access, &caller, rule, None, &mut call)?;
            }
            Ok(caller)
        });
        match found {
            Ok(caller) => Ok(Known { call, caller }),
            Err((status, reason)) => {
                self.record(call, status.code(), reason.to_owned());
                Err(status)
            }
        }
    }

    /// What they sent could not become a call.
    pub(crate) fn not_called(&self, known: Known, status: &Status) {
        let details = status.get_error_details();
        let reason = details.error_info().map(|info| info.reason.clone());
        self.record(known.call, status.code(), reason.unwrap_or_default());
    }

    /// The request, with its caller in it, and its bytes if it is a single one.
    async fn admit(
        &self,
        mut request: Request,
        call: &mut Call,
    ) -> Result<(Request, Option<Bytes>), (Status, &'static str)> {
        let state = self.0.log.state();
        let peer = request.extensions().get::<Peer>().cloned();
        // Only this process can have put it there.
        let caller = match request.extensions_mut().remove::<Caller>() {
            Some(known) => {
                call.actor = known.to_string();
                known
            }
            None => {
                let headers = request.headers();
                self.identify(&state.access, headers, peer.as_ref(), call)
                    .await?
            }
        };
        let rule = rule(call.method);
        let frame = if self.0.requests.streams(call.method) {
            None
        } else {
            let (parts, body) = request.into_parts();
            let frame = collect(body).await?;
            request = Request::from_parts(parts, frame.clone().into());
            Some(frame)
        };
        let sees = self.authorise(&state.access, &caller, rule, frame.as_ref(), call)?;
        request.extensions_mut().insert(sees);
        request.extensions_mut().insert(Actor(caller.to_string()));
        request.extensions_mut().insert(caller);
        Ok((request, frame))
    }

    async fn identify(
        &self,
        access: &Access,
        headers: &HeaderMap,
        peer: Option<&Peer>,
        call: &mut Call,
    ) -> Result<Caller, (Status, &'static str)> {
        match self.0.identify.caller(access, headers, peer).await {
            Ok(caller) => {
                call.actor = caller.to_string();
                Ok(caller)
            }
            Err(unknown) => {
                call.actor = unknown.actor;
                Err((unauthenticated(), unknown.reason))
            }
        }
    }

    fn authorise(
        &self,
        access: &Access,
        caller: &Caller,
        rule: Rule,
        frame: Option<&Bytes>,
        call: &mut Call,
    ) -> Result<Sees, (Status, &'static str)> {
        if let Some(frame) = frame {
            let tenant = self.0.requests.tenant(call.method, frame);
            call.tenant = tenant.unwrap_or_default();
        }
        if self.may(access, caller, rule, call.tenant.clone())? {
            return Ok(Sees::All);
        }
        if rule.each {
            let mut theirs = BTreeSet::new();
            for tenant in caller.tenants() {
                if self.may(access, caller, rule, Some(tenant.clone()))? {
                    theirs.insert(tenant.clone());
                }
            }
            if !theirs.is_empty() {
                return Ok(Sees::Only(theirs));
            }
        }
        Err((denied(rule), "NOT_ALLOWED"))
    }

    fn may(
        &self,
        access: &Access,
        caller: &Caller,
        rule: Rule,
        about: Option<TenantId>,
    ) -> Result<bool, (Status, &'static str)> {
        let question = Question {
            since: access.version(),
            grants: Arc::clone(&caller.grants),
            kind: rule.kind,
            verb: rule.verb,
            about,
        };
        self.0.authoriser.may(&question).map_err(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "{error}");
            let reject = Reject::new(Code::Internal, "RULES_BROKEN", error.to_string());
            (reject.status(), "RULES_BROKEN")
        })
    }

    fn refuse(&self, call: Call, status: Status, reason: &str) -> Response {
        self.record(call, status.code(), reason.to_owned());
        status.into_http()
    }

    /// What a handler said no to. A request it could not even read is the caller's fault.
    fn refused_inside(
        &self,
        call: Call,
        status: Status,
        frame: Option<&Bytes>,
        response: Response,
    ) -> Response {
        let unread = status.code() == tonic::Code::Internal
            && frame.is_some_and(|frame| self.0.requests.read(call.method, frame).is_err());
        if unread {
            let reject = Reject::new(
                Code::Invalid,
                "REQUEST_MALFORMED",
                "the request is not the message this method takes",
            );
            return self.refuse(call, reject.status(), reject.reason);
        }
        let refusal = match status.code() {
            tonic::Code::InvalidArgument
            | tonic::Code::FailedPrecondition
            | tonic::Code::NotFound
            | tonic::Code::AlreadyExists
            | tonic::Code::OutOfRange
            | tonic::Code::PermissionDenied
            | tonic::Code::Unauthenticated
            | tonic::Code::ResourceExhausted => call.method.mutates(),
            tonic::Code::Ok
            | tonic::Code::Cancelled
            | tonic::Code::Unknown
            | tonic::Code::DeadlineExceeded
            | tonic::Code::Aborted
            | tonic::Code::Unimplemented
            | tonic::Code::Internal
            | tonic::Code::Unavailable
            | tonic::Code::DataLoss => false,
        };
        if refusal {
            let details = status.get_error_details();
            let reason = details.error_info().map(|info| info.reason.clone());
            self.record(call, status.code(), reason.unwrap_or_default());
        }
        response
    }

    fn record(&self, call: Call, code: tonic::Code, reason: String) {
        self.0.refusals.record(Refusal {
            at: self.0.clock.now(),
            actor: call.actor,
            method: call.method.path(),
            code,
            reason,
            tenant: call.tenant,
        });
    }
}

/// All of a body, if it is not longer than a request may be.
pub(crate) async fn collect(body: axum::body::Body) -> Result<Bytes, (Status, &'static str)> {
    match Limited::new(body, MAX_REQUEST_BYTES).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            let text = format!("the request has more than {MAX_REQUEST_BYTES} bytes");
            let reject = Reject::new(Code::Exhausted, "REQUEST_TOO_LARGE", text);
            Err((reject.status(), reject.reason))
        }
        Err(_) => {
            let reject = Reject::new(
                Code::Invalid,
                "REQUEST_BROKEN_OFF",
                "the request ended early",
            );
            Err((reject.status(), reject.reason))
        }
    }
}

/// The same for everybody: what exactly was wrong would tell guessers something.
fn unauthenticated() -> Status {
    let text = "who are you? present a token (`Authorization: Bearer …`; `takt ctl --token-file`)";
    Reject::new(Code::Unauthenticated, "UNAUTHENTICATED", text).status()
}

fn denied(rule: Rule) -> Status {
    let (verb, kind) = (rule.verb.name(), rule.kind.name());
    let text = format!("your token does not allow you to {verb} {kind} here");
    Reject::new(Code::Denied, "NOT_ALLOWED", text).status()
}
