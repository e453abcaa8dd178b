//! Serves on http until it is told to stop, then drains.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use super::gate::{Gate, Peer, router};
use super::head::{Head, Watched};
use crate::chassis::app::App;

/// How long a connection is kept that asks for nothing.
const IDLE_TIMEOUT: Duration = Duration::from_secs(75);
const MAX_HEAD: usize = 16 << 10;
/// How long requests that are no tool calls may take once those have ended.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// Serves until `stop`, then drains; what is left at `now` is cut off.
///
/// # Errors
/// The address cannot be listened on.
pub async fn serve(app: Arc<App>, stop: CancellationToken, now: CancellationToken) -> io::Result<()> {
    let settings = &app.settings;
    let (host, port) = (settings.host.as_str(), settings.port);
    let listener = TcpListener::bind((host, port))
        .await
        .map_err(|error| io::Error::new(error.kind(), format!("cannot listen on {host}:{port}: {error}")))?;
    let port = listener.local_addr()?.port();
    app.bound(port);
    let router = router(Gate::new(Arc::clone(&app)));
    let (connections, closing) = (TaskTracker::new(), CancellationToken::new());
    app.start();
    tracing::info!(transport = "http", host, port, "server.started");

    let accept = async {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    let open = app.metrics.open_connections.clone();
                    let served = connection(router.clone(), stream, closing.clone());
                    connections.spawn(async move {
                        open.inc();
                        served.await;
                        open.dec();
                    });
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await, // too many files are open
            }
        }
    };
    tokio::select! {
        () = accept => {}
        () = async { stop.cancelled().await; app.lifecycle.stop(&now).await } => {}
    }
    drop(listener);
    app.lifecycle.drain(&now).await;
    closing.cancel();
    connections.close();
    tokio::select! {
        () = connections.wait() => {}
        () = tokio::time::sleep(LAST_ANSWERS) => {}
        () = now.cancelled() => {}
    }
    app.close().await;
    tracing::info!("server.stopped");
    Ok(())
}

async fn connection(router: Router, stream: TcpStream, closing: CancellationToken) {
    let Ok(peer) = stream.peer_addr() else { return };
    let _ = stream.set_nodelay(true); // it is only slower without
    let head = Head::default();
    let service = service_fn(|mut request: Request<Incoming>| {
        let serving = head.is_whole();
        request.extensions_mut().insert(Peer(peer.ip()));
        let answered = router.clone().oneshot(request.map(Body::new));
        async move {
            let _serving = serving;
            answered.await
        }
    });
    let mut http1 = http1::Builder::new();
    http1.timer(TokioTimer::new()).header_read_timeout(IDLE_TIMEOUT).max_buf_size(MAX_HEAD);
    let mut served =
        std::pin::pin!(http1.serve_connection(TokioIo::new(Watched { stream, head: head.clone() }), service));
    tokio::select! {
        _ = served.as_mut() => {}
        () = head.is_late() => {}
        () = closing.cancelled() => {
            served.as_mut().graceful_shutdown();
            let _ = served.await; // however it ends, it is over
        }
    }
}
