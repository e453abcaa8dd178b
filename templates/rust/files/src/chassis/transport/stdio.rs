//! Serves one client over lines in and lines out. No line can end it.

use std::collections::HashMap;
use std::io::{BufReader, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rmcp::ErrorData;
use rmcp::model::ErrorCode;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::handler::Exchange;
use super::lines::{self, Line};
use super::message::{Malformed, Message, read_id};
use super::protocol::Protocol;
use super::reply;
use crate::chassis::app::App;
use crate::chassis::caller::Caller;
use crate::chassis::context::Progress;

/// How long what was read before the end of the input may still be answered.
const END_GRACE: Duration = Duration::from_secs(2);
/// How long the client may take for the last answers.
const WRITE_GRACE: Duration = Duration::from_secs(1);
/// How many lines are read ahead.
const AHEAD: usize = 64;

/// Serves until the input ends or `stop`; what was read before is answered, unless `now` comes first.
pub async fn serve(
    app: Arc<App>,
    stop: CancellationToken,
    now: CancellationToken,
    input: impl Read + Send + 'static,
    output: impl Write + Send + 'static,
) {
    let (send, written) = write_lines(output);
    let session = Arc::new(Session {
        scopes: app.offered.scopes(),
        protocol: Protocol::new(Arc::clone(&app)),
        running: Mutex::default(),
        send,
    });
    let mut lines = read_lines(input, app.settings.max_body_bytes);
    let tasks = TaskTracker::new();
    app.start();
    tracing::info!(transport = "stdio", host = None::<&str>, port = None::<u16>, "server.started");

    let told = async {
        stop.cancelled().await;
        app.lifecycle.stop(&now).await;
    };
    let reading = async {
        while let Some(line) = lines.recv().await {
            session.take(line, &tasks);
        }
    };
    let grace = tokio::select! {
        () = reading => {
            tracing::info!(calls_in_flight = tasks.len(), "server.stopping");
            END_GRACE
        }
        () = told => app.settings.shutdown_grace,
    };
    tasks.close();
    tokio::select! {
        () = tasks.wait() => {}
        () = tokio::time::sleep(grace) => {}
        () = now.cancelled() => {}
    }
    session.cancel_all();
    let _ = tokio::time::timeout(WRITE_GRACE, tasks.wait()).await;
    drop(session);
    let _ = tokio::time::timeout(WRITE_GRACE, written).await; // nobody reads the last answers
    app.close().await;
    tracing::info!("server.stopped");
}

fn read_lines(input: impl Read + Send + 'static, limit: usize) -> mpsc::Receiver<Line> {
    let (give, lines) = mpsc::channel(AHEAD);
    thread::spawn(move || {
        let mut input = BufReader::with_capacity(64 << 10, input);
        while let Ok(Some(line)) = lines::next(&mut input, limit) {
            if give.blocking_send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// What is sent is written in its order; the future ends when nothing more will come.
fn write_lines(mut output: impl Write + Send + 'static) -> (mpsc::UnboundedSender<String>, impl Future) {
    let (send, mut lines) = mpsc::unbounded_channel::<String>();
    let (done, written) = tokio::sync::oneshot::channel::<()>();
    thread::spawn(move || {
        let _done = done;
        while let Some(mut line) = lines.blocking_recv() {
            line.push('\n');
            if output.write_all(line.as_bytes()).and_then(|()| output.flush()).is_err() {
                return;
            }
        }
    });
    (send, written)
}

/// One client's.
struct Session {
    scopes: Vec<String>,
    protocol: Protocol,
    /// How to cancel what runs, by the request's id.
    running: Mutex<HashMap<String, CancellationToken>>,
    send: mpsc::UnboundedSender<String>,
}

impl Session {
    fn send(&self, line: String) {
        let _ = self.send.send(line); // whoever is gone needs no answer
    }

    fn take(self: &Arc<Self>, line: Line, tasks: &TaskTracker) {
        let line = match line {
            Line::Whole(line) => line,
            Line::TooLong => {
                let reason = "line is larger than allowed";
                tracing::warn!(reason, "stdio.malformed_line");
                let data = json!({ "message": reason });
                let error = ErrorData::new(ErrorCode::INVALID_REQUEST, "Invalid request", Some(data));
                return self.send(reply::encode(&Value::Null, &Err(error)));
            }
        };
        if line.iter().all(u8::is_ascii_whitespace) {
            return;
        }
        let message = match Message::parse(&line) {
            Ok(message) => message,
            Err(wrong) => return self.refuse(&wrong),
        };
        let Some(id) = message.id.clone() else { return self.notice(&message) };
        if let Some(error) = message.unsupported() {
            return self.send(reply::encode(&id, &Err(error)));
        }
        let cancelled = CancellationToken::new();
        self.running().insert(id.to_string(), cancelled.clone());
        let session = Arc::clone(self);
        tasks.spawn(async move {
            tokio::select! {
                () = session.answer(&id, message) => {}
                () = cancelled.cancelled() => {}
            }
            session.running().remove(&id.to_string());
        });
    }

    fn running(&self) -> std::sync::MutexGuard<'_, HashMap<String, CancellationToken>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cancel_all(&self) {
        self.running().values().for_each(CancellationToken::cancel);
    }

    async fn answer(&self, id: &Value, message: Message) {
        let progress = message.progress_token().map(|token| -> Progress {
            let send = self.send.clone();
            Arc::new(move |share| {
                let _ = send.send(reply::progress(&token, share)); // whoever is gone needs no news
            })
        });
        let exchange = Exchange {
            caller: Arc::new(Caller::local(self.scopes.clone())),
            slot: None,
            progress,
            trace: message.trace(),
        };
        let _in_flight = (message.method == "tools/call").then(|| self.protocol.app().lifecycle.enter());
        let answer = self.protocol.answer(message, exchange).await;
        self.send(reply::encode(id, &answer));
    }

    fn notice(&self, message: &Message) {
        if message.method == "notifications/cancelled" {
            let id = message.params.get("requestId").and_then(read_id);
            let running = id.and_then(|id| self.running().get(&id.to_string()).cloned());
            running.iter().for_each(CancellationToken::cancel);
        }
    }

    fn refuse(&self, wrong: &Malformed) {
        tracing::warn!(reason = wrong.reason, "stdio.malformed_line");
        if wrong.code != ErrorCode::PARSE_ERROR && !wrong.is_notification {
            let data = (wrong.title() != wrong.reason).then(|| json!({ "message": wrong.reason }));
            let error = ErrorData::new(wrong.code, wrong.title().to_owned(), data);
            self.send(reply::encode(&wrong.id, &Err(error)));
        }
    }
}
