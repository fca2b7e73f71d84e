//! The admin API in the shapes of Grafana's enterprise products: HTTP and JSON under `/admin/api/v3`.
//!
//! A translation and nothing else. What comes in becomes a message of the contract and goes through the
//! guard, and to the leader, as if it had come in by gRPC; what comes back is shown. Every [`Route`] names the
//! method whose rule it falls under. The guard knows the caller before a byte of the body is read.

mod answer;
mod ask;
mod clusters;
mod json;
mod licenses;
mod policies;
mod precondition;
mod route;
mod tenants;
mod tokens;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::{any, on};
use takt_kit::{Clock, Code, Reject};
use tonic::Status;

use crate::auth::{Guard, Peer, collect};
use answer::Answer;
use ask::Ask;
use route::Route;

const BASE: &str = "/admin/api/v3";

/// Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct V3(Arc<V3Parts>);

#[derive(Debug)]
pub(crate) struct V3Parts {
    pub(crate) guard: Guard,
    /// The services, with the guard before them.
    pub(crate) grpc: Router,
    pub(crate) clock: Arc<dyn Clock>,
    /// What this installation is called.
    pub(crate) cluster: Arc<str>,
}

impl V3 {
    pub(crate) fn new(parts: V3Parts) -> Self {
        Self(Arc::new(parts))
    }

    pub(crate) fn router(self) -> Router {
        let nothing = any(|| async { answer::refusal(&nothing_there()) });
        let mut router = Router::new().route(&format!("{BASE}/{{*rest}}"), nothing);
        for route in Route::ALL {
            let api = self.clone();
            let serve = move |request| api.serve(route, request);
            let path = format!("{BASE}{}", route.path());
            router = router.route(&path, on(route.verb(), serve));
        }
        router
    }

    async fn serve(self, route: Route, request: Request) -> Response {
        match self.answer(route, request).await {
            Ok(answer) => answer.show(),
            Err(status) => answer::refusal_on(route, &status),
        }
    }

    async fn answer(self, route: Route, request: Request) -> Result<Answer, Status> {
        let (head, body) = request.into_parts();
        let peer = head.extensions.get::<Peer>().cloned();
        let guard = &self.0.guard;
        let known = guard
            .known(route.method(), &head.headers, peer.as_ref())
            .await?;
        let body = match collect(body).await {
            Ok(body) => body,
            Err((status, _)) => {
                guard.not_called(known, &status);
                return Err(status);
            }
        };
        let ask = Ask::new(&self.0, known.caller.clone(), peer, &head, body);
        match ask.carry_out(route).await {
            Ok(answer) => Ok(answer),
            Err(ask::Refused::Called(status)) => Err(status),
            Err(ask::Refused::NotCalled(status)) => {
                guard.not_called(known, &status);
                Err(status)
            }
        }
    }
}

fn nothing_there() -> Status {
    let text = "there is nothing at this path; see docs/admin-api.md";
    Reject::new(Code::NotFound, "PATH_UNKNOWN", text).status()
}
