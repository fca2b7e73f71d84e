//! Ends a connection whose other side has said nothing for too long.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// A stream that fails a read once nothing has arrived for `patience`.
///
/// It covers what hyper's own timeouts do not: the time before the first byte, and an HTTP/2
/// preface that never ends.
#[derive(Debug)]
pub(super) struct IdleGuard<S> {
    stream: S,
    patience: Duration,
    last_read: Instant,
    /// Set to some time after `last_read`, and moved only when it fires: a read costs no timer.
    alarm: Pin<Box<Sleep>>,
}

impl<S> IdleGuard<S> {
    pub(super) fn new(stream: S, patience: Duration) -> Self {
        Self {
            stream,
            patience,
            last_read: Instant::now(),
            alarm: Box::pin(tokio::time::sleep(patience)),
        }
    }

    fn poll_alarm(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        loop {
            ready!(self.alarm.as_mut().poll(context));
            let due = self.last_read + self.patience;
            if due <= Instant::now() {
                let silent = format!("silent for {} s", self.patience.as_secs());
                return Poll::Ready(io::Error::new(io::ErrorKind::TimedOut, silent));
            }
            self.alarm.as_mut().reset(due);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for IdleGuard<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Poll::Ready(read) = Pin::new(&mut self.stream).poll_read(context, buffer) {
            self.last_read = Instant::now();
            return Poll::Ready(read);
        }
        self.poll_alarm(context).map(Err)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for IdleGuard<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
