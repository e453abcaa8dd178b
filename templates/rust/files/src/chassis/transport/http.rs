//! Serves on http until it is told to stop, then drains.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::gate::Gate;
use super::head::{Head, Watched};
use super::protocol::Protocol;
use crate::chassis::app::App;
use crate::chassis::observe::Level;

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
    let log = app.log.named("server");
    let settings = &app.settings;
    let (host, port) = (settings.host.as_str(), settings.port);
    let listener = TcpListener::bind((host, port))
        .await
        .map_err(|error| io::Error::new(error.kind(), format!("cannot listen on {host}:{port}: {error}")))?;
    let port = listener.local_addr()?.port();
    app.bound(port);
    let gate = Arc::new(Gate::new(Protocol::new(Arc::clone(&app))));
    let (connections, closing) = (TaskTracker::new(), CancellationToken::new());
    app.start();
    log.tell(Level::Info, "server.started", json!({ "transport": "http", "host": host, "port": port }));

    let accept = async {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    connections.spawn(connection(Arc::clone(&gate), stream, closing.clone()));
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
    log.tell(Level::Info, "server.stopped", json!({}));
    Ok(())
}

async fn connection(gate: Arc<Gate>, stream: TcpStream, closing: CancellationToken) {
    let Ok(peer) = stream.peer_addr() else { return };
    let _ = stream.set_nodelay(true); // it is only slower without
    let open = gate.open_connections();
    open.inc();
    let head = Head::default();
    let service = service_fn(|request| {
        let (gate, head) = (Arc::clone(&gate), head.clone());
        async move {
            let _serving = head.is_whole();
            Ok::<_, Infallible>(gate.serve(request, peer.ip()).await)
        }
    });
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(IDLE_TIMEOUT).max_buf_size(MAX_HEAD);
    let mut served = std::pin::pin!(
        server.serve_connection(TokioIo::new(Watched { stream, head: head.clone() }), service)
    );
    tokio::select! {
        _ = served.as_mut() => {}
        () = head.is_late() => {}
        () = closing.cancelled() => {
            served.as_mut().graceful_shutdown();
            let _ = served.await; // however it ends, it is over
        }
    }
    open.dec();
}
