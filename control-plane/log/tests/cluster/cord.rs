//! Connections that break when their node stops, as when a process dies. The server itself would keep those it
//! has accepted.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::{Stream, StreamExt as _};
use takt_kit::Tasks;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::server::{Connected, TcpConnectInfo};

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
