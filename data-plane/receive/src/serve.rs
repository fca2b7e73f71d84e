//! Accepts connections until told to stop.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use takt_kit::Tasks;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::connection;
use crate::receiver::{Receiver, Transport};

/// How long to wait when the machine has no more connections to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves OTLP over gRPC on a listener until `tasks` stop; connections then finish what they have begun.
///
/// # Errors
/// Never; the type is what [`Tasks::spawn`] takes.
pub async fn serve_grpc(
    listener: TcpListener,
    receiver: Receiver,
    tasks: Tasks,
) -> Result<(), Infallible> {
    serve(listener, Transport::Grpc, receiver, tasks).await;
    Ok(())
}

/// Serves OTLP over HTTP on a listener until `tasks` stop; connections then finish what they have begun.
///
/// # Errors
/// Never; the type is what [`Tasks::spawn`] takes.
pub async fn serve_http(
    listener: TcpListener,
    receiver: Receiver,
    tasks: Tasks,
) -> Result<(), Infallible> {
    serve(listener, Transport::Http, receiver, tasks).await;
    Ok(())
}

async fn serve(listener: TcpListener, transport: Transport, receiver: Receiver, tasks: Tasks) {
    let room = Arc::new(Semaphore::new(receiver.settings().max_connections));
    let open = receiver.metrics().connections(transport);
    let refused = receiver.metrics().refused_connections(transport);
    while let Some(stream) = next(&listener, &tasks).await {
        let Ok(place) = Arc::clone(&room).try_acquire_owned() else {
            refused.inc();
            continue;
        };
        let (open, receiver, group) = (open.clone(), receiver.clone(), tasks.clone());
        tasks.spawn("receive_connection", async move {
            open.inc();
            connection::serve(stream, transport, receiver, group).await;
            open.dec();
            drop(place);
            Ok::<(), Infallible>(())
        });
    }
}

/// The next connection; `None` when it is time to stop.
async fn next(listener: &TcpListener, tasks: &Tasks) -> Option<TcpStream> {
    loop {
        let accepted = tokio::select! {
            biased;
            () = tasks.stopped() => return None,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => return Some(stream),
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::select! {
                    () = tasks.stopped() => return None,
                    () = tokio::time::sleep(ACCEPT_PAUSE) => {}
                }
            }
        }
    }
}
