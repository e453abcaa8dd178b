//! Knows how long a connection has been at the head of a request.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;

/// How long a head may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How often it is looked at.
const LOOK: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, Default)]
enum State {
    #[default]
    Idle,
    Begun(Instant),
    Serving,
}

/// Where a connection stands.
#[derive(Clone, Default)]
pub struct Head(Arc<Mutex<State>>);

/// A request that is being served; afterwards the connection is idle.
pub struct Serving(Head);

impl Drop for Serving {
    fn drop(&mut self) {
        *self.0.lock() = State::Idle;
    }
}

impl Head {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn came(&self) {
        let mut state = self.lock();
        if matches!(*state, State::Idle) {
            *state = State::Begun(Instant::now());
        }
    }

    /// The head has come to its end.
    pub fn is_whole(&self) -> Serving {
        *self.lock() = State::Serving;
        Serving(self.clone())
    }

    /// Returns when a head takes too long.
    pub async fn is_late(&self) {
        loop {
            tokio::time::sleep(LOOK).await;
            if matches!(*self.lock(), State::Begun(begun) if begun.elapsed() >= TIMEOUT) {
                return;
            }
        }
    }
}

/// A stream that tells when something came.
pub struct Watched {
    pub stream: TcpStream,
    pub head: Head,
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.head.came();
        }
        polled
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
