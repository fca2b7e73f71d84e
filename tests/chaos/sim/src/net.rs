//! Turmoil's network where the real one would be.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::pin::pin;
use std::time::Duration;

use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use takt_kit::Tasks;
use takt_log::{Dial, DialError, endpoint};
use tonic::service::Routes;
use tonic::transport::Channel;
use turmoil::net::{TcpListener, TcpStream};

/// Simulated TCP does not send again what the network lost: the connection is stuck, and a new one
/// has to be made soon.
const PATIENCE: Duration = Duration::from_millis(500);

/// Reaches nodes by the names of their hosts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SimDial;

impl Dial for SimDial {
    fn dial(&self, address: &str) -> Result<Channel, DialError> {
        let endpoint = endpoint(&format!("http://{address}")).map_err(|source| {
            let address = address.to_owned();
            DialError::Address { address, source }
        })?;
        let endpoint = endpoint
            .http2_keep_alive_interval(PATIENCE)
            .keep_alive_timeout(PATIENCE)
            // By the machine's clock, which must not decide anything.
            .http2_reset_stream_duration(Duration::MAX);
        Ok(endpoint.connect_with_connector_lazy(tower::service_fn(connect)))
    }
}

async fn connect(uri: http::Uri) -> io::Result<TokioIo<TcpStream>> {
    let host = uri.host().ok_or(io::ErrorKind::InvalidInput)?;
    let port = uri.port_u16().ok_or(io::ErrorKind::InvalidInput)?;
    tokio::time::timeout(PATIENCE, TcpStream::connect((host, port)))
        .await
        .unwrap_or_else(|_elapsed| Err(io::ErrorKind::TimedOut.into()))
        .map(TokioIo::new)
}

/// Listens on every address of the host.
pub(crate) async fn listen(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind((IpAddr::V4(Ipv4Addr::UNSPECIFIED), port)).await
}

/// Answers on a port until the group stops. Tonic's own server looks at the machine's clock for the
/// `date` of a response, where no layer reaches it; a deadline is left to the caller, who resets
/// the stream.
pub(crate) async fn serve(port: u16, routes: Routes, tasks: Tasks) -> io::Result<()> {
    let listener = listen(port).await?;
    loop {
        let (stream, _) = tokio::select! {
            biased;
            () = tasks.stopped() => return Ok(()),
            accepted = listener.accept() => accepted?,
        };
        let served = serve_connection(stream, routes.clone(), tasks.clone());
        tasks.spawn("connection", async {
            // A connection that breaks is one the other side makes again.
            let _ = served.await;
            Ok::<(), io::Error>(())
        });
    }
}

async fn serve_connection(stream: TcpStream, routes: Routes, tasks: Tasks) -> hyper::Result<()> {
    let connection = http2::Builder::new(TokioExecutor::new())
        .auto_date_header(false)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes));
    let mut connection = pin!(connection);
    tokio::select! {
        biased;
        () = tasks.stopped() => {}
        served = connection.as_mut() => return served,
    }
    connection.as_mut().graceful_shutdown();
    connection.await
}
