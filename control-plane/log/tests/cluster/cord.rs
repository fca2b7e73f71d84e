//! Connections that break when their node is cut off, as when a process dies or its cable is pulled, in both directions.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::{Stream, StreamExt as _};
use hyper_util::rt::TokioIo;
use takt_kit::Tasks;
use takt_log::{Dial, DialError, endpoint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::server::{Connected, TcpConnectInfo};
use tonic::transport::{Channel, Uri};
use tower::service_fn;

pub(crate) struct Cord {
    stream: TcpStream,
    stopped: Pin<Box<dyn Future<Output = ()> + Send>>,
}

pub(crate) fn accept(listener: TcpListener, tasks: Tasks) -> impl Stream<Item = io::Result<Cord>> {
    TcpListenerStream::new(listener).map(move |accepted| {
        let stopped = tasks.stopped();
        accepted.map(|stream| Cord {
            stream,
            stopped: Box::pin(stopped),
        })
    })
}

/// Reaches other nodes by connections that can be cut.
#[derive(Debug)]
pub(crate) struct CordDial(pub(crate) Tasks);

impl Dial for CordDial {
    fn dial(&self, address: &str) -> Result<Channel, DialError> {
        let endpoint = endpoint(&format!("http://{address}")).map_err(|source| {
            let address = address.to_owned();
            DialError::Address { address, source }
        })?;
        let tasks = self.0.clone();
        let connector = service_fn(move |to: Uri| {
            let stopped = tasks.stopped();
            async move {
                let stream = TcpStream::connect(to.authority().unwrap().as_str()).await?;
                let stopped = Box::pin(stopped);
                Ok::<_, io::Error>(TokioIo::new(Cord { stream, stopped }))
            }
        });
        Ok(endpoint.connect_with_connector_lazy(connector))
    }
}

impl Cord {
    fn intact(&mut self, cx: &mut Context<'_>) -> io::Result<&mut TcpStream> {
        match self.stopped.as_mut().poll(cx) {
            Poll::Ready(()) => Err(io::ErrorKind::ConnectionReset.into()),
            Poll::Pending => Ok(&mut self.stream),
        }
    }
}

impl Connected for Cord {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        self.stream.connect_info()
    }
}

impl AsyncRead for Cord {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(self.intact(cx)?).poll_read(cx, buf)
    }
}

impl AsyncWrite for Cord {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(self.intact(cx)?).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.intact(cx)?).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
