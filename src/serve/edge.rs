//! Where the process meets the network: listeners, the HTTP and gRPC port, status pages, readiness.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use axum::extract::Request;
use axum::response::Response;
use axum::{Extension, Router};
use http::header::CONTENT_TYPE;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use parking_lot::Mutex;
use prometheus_client::registry::Registry;
use takt_control::Following;
use takt_journal::Offset;
use takt_kit::{Clock, Tasks};
use takt_live::Live;
use takt_query::{BuildInfo, Frontend, Pages, QuerierService, Streaming};
use takt_server::auth::Peer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tonic::service::Routes;
use tower::ServiceExt as _;

use super::shutdown::Stages;
use crate::config::{Config, Settings};

/// How long a client may take to send the head of a request; what a slow one can hold.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a client may take until it and the server agree on a key.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
const MAX_CONNECTIONS: usize = 4096;
/// How long to wait when the machine has no more connections to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Every listener, bound.
#[derive(Debug)]
pub(super) struct Ports {
    pub(super) http: TcpListener,
    pub(super) grpc: TcpListener,
    pub(super) otlp_grpc: TcpListener,
    pub(super) otlp_http: TcpListener,
    /// For the other nodes of the control plane.
    pub(super) nodes: Option<TcpListener>,
}

impl Ports {
    pub(super) async fn bind(settings: &Settings) -> Result<Self> {
        let nodes = match settings.control.nodes.listen {
            Some(listen) => Some(bind("control.listen_address", listen).await?),
            None => None,
        };
        Ok(Self {
            nodes,
            http: bind(
                "server.http_listen_address",
                settings.server.http_listen_address,
            )
            .await?,
            grpc: bind(
                "server.grpc_listen_address",
                settings.server.grpc_listen_address,
            )
            .await?,
            otlp_grpc: bind("receivers.otlp.grpc.endpoint", settings.receivers.grpc).await?,
            otlp_http: bind("receivers.otlp.http.endpoint", settings.receivers.http).await?,
        })
    }
}

async fn bind(field: &str, address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address} (`{field}`)"))
}

/// Whether the process should get traffic: not before it has found again what an earlier run had
/// acknowledged, and not while it stops.
#[derive(Debug, Clone)]
pub(super) struct Readiness {
    live: Live,
    replay_to: Offset,
    following: Following,
    clock: Arc<dyn Clock>,
    stopping: Arc<AtomicBool>,
}

impl Readiness {
    pub(super) fn new(
        live: Live,
        replay_to: Offset,
        following: Following,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            live,
            replay_to,
            following,
            clock,
            stopping: Arc::default(),
        }
    }

    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    fn check(&self) -> Result<String, String> {
        if self.stopping.load(Ordering::Relaxed) {
            return Err("Application is stopping".to_owned());
        }
        let consumed = self.live.consumed();
        if consumed < self.replay_to {
            return Err(format!(
                "LiveStore not ready: record {} of {} of the journal read again",
                consumed.0, self.replay_to.0
            ));
        }
        self.view()
    }

    /// How old the view is that everything is served on.
    fn view(&self) -> Result<String, String> {
        let status = self.following.status();
        let Some(age) = status.age(self.clock.now()) else {
            return Err(
                "Control plane not heard yet, and no earlier view on disk; see `control.addresses`"
                    .to_owned(),
            );
        };
        let (away, revision) = (
            if status.connected { "followed" } else { "away" },
            status.revision,
        );
        Ok(format!(
            "control plane {away}; view of revision {revision} confirmed {:.1} s ago\n",
            age.as_secs_f64()
        ))
    }
}

/// What the status pages tell.
pub(super) fn pages(
    config: &Config,
    stages: &Stages,
    registry: Arc<Mutex<Registry>>,
    ready: Readiness,
) -> Pages {
    let yaml = config.to_yaml();
    let states = stages.states();
    Pages {
        build: BuildInfo {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ..BuildInfo::default()
        },
        ready: Box::new(move || ready.check()),
        metrics: Box::new(move || {
            let mut text = String::new();
            match prometheus_client::encoding::text::encode(&mut text, &registry.lock()) {
                Ok(()) => text,
                Err(error) => format!("# metrics cannot be written: {error}\n"),
            }
        }),
        services: Box::new(move || {
            let line = |(name, tasks): &(&str, Tasks)| {
                format!(
                    "{name}: {}\n",
                    if tasks.is_stopped() {
                        "Stopping"
                    } else {
                        "Running"
                    }
                )
            };
            states.iter().map(line).collect()
        }),
        config: Box::new(move || yaml.clone()),
    }
}

/// HTTP and gRPC on one port: gRPC requests say so in their content type. Of the control plane there are both.
/// HTTP and gRPC on one port: gRPC requests say so in their content type. `admin` is absent where the control plane
/// is elsewhere.
pub(super) fn router(
    http: Router,
    frontend: &Frontend,
    admin: Option<&super::Admin>,
) -> Result<Router> {
    let (reporter, health) = tonic_health::server::health_reporter();
    drop(reporter);
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(takt_server::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()?;
    let grpc = match admin {
        Some(admin) => admin.services.routes(&admin.guard).add_service(health),
        None => Routes::new(health),
    };
    let mut grpc = grpc
        .add_service(reflection)
        .add_service(Streaming::new(frontend.clone()).server());
    if frontend.settings().serve_jobs {
        grpc = grpc.add_service(QuerierService::new(frontend.clone()).server());
    }
    let grpc = grpc.into_axum_router();
    let http = match admin {
        Some(admin) => http.merge(admin.services.v3(&admin.guard)),
        None => http,
    };
    Ok(Router::new().fallback(move |request: Request| {
        let router = if is_grpc(&request) {
            grpc.clone()
        } else {
            http.clone()
        };
        async move { answer(router, request).await }
    }))
}

fn is_grpc(request: &Request) -> bool {
    request
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|content| content.as_bytes().starts_with(b"application/grpc"))
}

async fn answer(router: Router, request: Request) -> Response {
    match router.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// What is behind a port, and how it is entered. Cheap to clone.
#[derive(Clone)]
pub(super) struct Door {
    pub(super) router: Router,
    /// Without it, connections are not encrypted.
    pub(super) tls: Option<TlsAcceptor>,
}

/// Serves until `tasks` stop; connections then finish what they have begun.
///
/// # Errors
/// Never; the type is what [`Tasks::spawn`] takes.
pub(super) async fn serve(
    listener: TcpListener,
    door: Door,
    tasks: Tasks,
) -> Result<(), Infallible> {
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = tasks.stopped() => break,
            accepted = listener.accept() => accepted,
        };
        match (accepted, Arc::clone(&room).try_acquire_owned()) {
            (Ok((stream, address)), Ok(place)) => {
                let connection = graceful.watcher();
                let (door, stopped) = (door.clone(), tasks.stopped());
                tasks.spawn("connection", async move {
                    enter(stream, address, door, connection, stopped).await;
                    drop(place);
                    Ok::<(), Infallible>(())
                });
            }
            // Full: the connection is closed by dropping it.
            (Ok(_), Err(_)) => {}
            (Err(error), _) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    graceful.shutdown().await;
    Ok(())
}

/// Greets a client as it is to be greeted, and finds out who it is as far as TLS knows.
async fn enter(
    stream: TcpStream,
    address: SocketAddr,
    door: Door,
    connection: Watcher,
    stopped: impl Future<Output = ()>,
) {
    // Answers are small and awaited; a failure only costs latency.
    let _ = stream.set_nodelay(true);
    let Door { router, tls } = door;
    let known = |certificate| {
        router.layer(Extension(Peer {
            address: address.ip(),
            certificate,
        }))
    };
    let Some(tls) = tls else {
        return speak(stream, known(None), connection).await;
    };
    let greeted = tokio::select! {
        biased;
        () = stopped => return,
        greeted = tokio::time::timeout(HANDSHAKE_TIMEOUT, tls.accept(stream)) => greeted,
    };
    match greeted {
        Ok(Ok(stream)) => {
            let shown = stream.get_ref().1.peer_certificates();
            let own = shown.and_then(|chain| chain.first());
            let own = own.map(|certificate| certificate.to_vec());
            speak(stream, known(own), connection).await;
        }
        Ok(Err(error)) => tracing::debug!(%error, "TLS handshake failed"),
        Err(_) => tracing::debug!("TLS handshake took too long"),
    }
}

async fn speak<S>(stream: S, router: Router, connection: Watcher)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(HEADER_TIMEOUT)
        .initial_connection_window_size(8 << 20);
    let service = TowerToHyperService::new(router);
    // Clients that vanish are everyday; what matters of a request is counted where it is answered.
    if let Err(error) = connection
        .watch(
            builder
                .serve_connection_with_upgrades(TokioIo::new(stream), service)
                .into_owned(),
        )
        .await
    {
        tracing::debug!(%error, "connection ended");
    }
}
