//! A server as a process: its runtime, its signals, its stdout.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime;
use tokio_util::sync::CancellationToken;

use crate::chassis::app::App;
use crate::chassis::transport::{serve_http, serve_stdio};

/// Signals within it are one: a process group gets it, and make in it passes it on.
const SAME_SIGNAL: Duration = Duration::from_millis(500);

/// Serves an App until a signal, or until its input ends.
///
/// # Errors
/// Why it cannot serve.
pub fn run(build: impl FnOnce() -> Result<App, String>) -> Result<(), String> {
    let told = |error: io::Error| error.to_string();
    let stdout = claim_stdout().map_err(told)?;
    let runtime = runtime::Builder::new_multi_thread().enable_all().build().map_err(told)?;
    let served = runtime.block_on(async {
        let (stop, now) = (CancellationToken::new(), CancellationToken::new());
        tokio::spawn(follow_signals(stop.clone(), now.clone()));
        let app = Arc::new(build()?);
        if app.settings.transport == "http" {
            serve_http(app, stop, now).await.map_err(told)
        } else {
            serve_stdio(app, stop, now, io::stdin(), stdout).await;
            Ok(())
        }
    });
    runtime.shutdown_background();
    served
}

/// Takes stdout for the protocol; whatever else is printed goes to stderr.
#[cfg(unix)]
fn claim_stdout() -> io::Result<File> {
    use std::os::fd::AsFd as _;
    let stdout = io::stdout().as_fd().try_clone_to_owned()?;
    rustix::stdio::dup2_stdout(io::stderr().as_fd())?;
    Ok(File::from(stdout))
}

#[cfg(windows)]
fn claim_stdout() -> io::Result<File> {
    use std::os::windows::io::AsHandle as _;
    io::stdout().as_handle().try_clone_to_owned().map(File::from)
}

/// The first signal stops, the second ends at once.
async fn follow_signals(stop: CancellationToken, now: CancellationToken) {
    signal().await;
    stop.cancel();
    tokio::time::sleep(SAME_SIGNAL).await;
    signal().await;
    now.cancel();
}

#[cfg(unix)]
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminated), Ok(mut interrupted)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminated.recv() => {}
        _ = interrupted.recv() => {}
    }
}

#[cfg(windows)]
async fn signal() {
    let _ = tokio::signal::ctrl_c().await;
}
