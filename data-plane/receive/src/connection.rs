//! One connection, from its first byte to its last answer.

mod idle;

use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use takt_kit::Tasks;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::receiver::{Receiver, Transport};
use crate::{grpc, http};
use idle::IdleGuard;

/// The body of every answer.
pub(crate) type Answer = BoxBody<Bytes, Infallible>;

const MAX_STREAMS: u32 = 256;
const MAX_HEADER_BYTES: u32 = 16 << 10;
/// What a stream and a connection may send ahead of being read. Larger is faster over long
/// distances; this is memory outside the budget of bytes in flight.
const STREAM_WINDOW: u32 = 256 << 10;
const CONNECTION_WINDOW: u32 = 1 << 20;
const HTTP1_BUFFER: usize = 128 << 10;
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// Serves one connection until it ends, is silent for too long, or `tasks` stop and its last
/// request is answered.
pub(crate) async fn serve(
    stream: TcpStream,
    transport: Transport,
    receiver: Receiver,
    tasks: Tasks,
) {
    // Answers are small and awaited; a failure only costs latency.
    let _ = stream.set_nodelay(true);
    let Some(acceptor) = receiver.tls(transport).cloned() else {
        return drive(stream, transport, receiver, tasks).await;
    };
    let time = receiver.settings().read_timeout;
    match tokio::time::timeout(time, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => Box::pin(drive(stream, transport, receiver, tasks)).await,
        Ok(Err(error)) => tracing::debug!(%error, "TLS handshake failed"),
        Err(_) => tracing::debug!("TLS handshake took too long"),
    }
}

async fn drive<S>(stream: S, transport: Transport, receiver: Receiver, tasks: Tasks)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let settings = receiver.settings();
    let stream = TokioIo::new(IdleGuard::new(stream, settings.idle_timeout));
    let builder = protocol(transport, &receiver, &tasks);
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let receiver = receiver.clone();
        async move {
            Ok::<_, Infallible>(match transport {
                Transport::Grpc => grpc::answer(&receiver, request).await,
                Transport::Http => http::answer(&receiver, request).await,
            })
        }
    });
    let mut connection = std::pin::pin!(builder.serve_connection(stream, service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = tasks.stopped() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended early");
    }
}

fn protocol(transport: Transport, receiver: &Receiver, tasks: &Tasks) -> auto::Builder<Spawner> {
    let settings = receiver.settings();
    let mut builder = auto::Builder::new(Spawner(tasks.clone()));
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(settings.read_timeout)
        .max_buf_size(HTTP1_BUFFER);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEADER_BYTES)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .keep_alive_interval(settings.idle_timeout / 2)
        .keep_alive_timeout(PING_TIMEOUT);
    match transport {
        Transport::Grpc => builder.http2_only(),
        Transport::Http => builder,
    }
}

/// Lets HTTP/2 streams run as tasks of ours.
#[derive(Debug, Clone)]
struct Spawner(Tasks);

impl<F> hyper::rt::Executor<F> for Spawner
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    fn execute(&self, stream: F) {
        self.0.spawn("receive_stream", async move {
            stream.await;
            Ok::<(), Infallible>(())
        });
    }
}
