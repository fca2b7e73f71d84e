//! Turmoil's network where the real one would be.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::Stream;
use hyper_util::rt::TokioIo;
use takt_log::{Dial, DialError, endpoint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tonic::transport::Channel;
use tonic::transport::server::Connected;
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

/// The connections of a listener, as tonic takes them.
pub(crate) fn incoming(listener: TcpListener) -> impl Stream<Item = io::Result<Accepted>> {
    futures::stream::unfold(listener, |listener| async move {
        let accepted = listener.accept().await;
        Some((accepted.map(|(stream, _)| Accepted(stream)), listener))
    })
}

/// A connection that came in.
#[derive(Debug)]
pub(crate) struct Accepted(TcpStream);

impl Connected for Accepted {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl AsyncRead for Accepted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Accepted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
