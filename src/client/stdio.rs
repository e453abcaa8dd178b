//! A server on the standard streams of a program: a message a line.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::{CLOSING, Fault, LARGEST, failure, result, shown};
use crate::error::{Error, Result};

/// How much of stderr is kept.
const KEPT: usize = 2_000;
/// How long a server may go on after a line that is no message: some greet their users on standard output.
const GRACE: Duration = Duration::from_secs(2);
/// How long the last words of a server that has ended may take: a child of its own may hold the other end.
const LISTENING: Duration = Duration::from_secs(1);

/// A program that runs.
pub(super) struct Program {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    /// The beginning of a line whose end has not come yet.
    partial: Vec<u8>,
    said: Arc<Mutex<String>>,
    listener: Option<JoinHandle<()>>,
    ended: bool,
}

impl Program {
    pub(super) fn start(
        words: &[String],
        settings: &BTreeMap<String, String>,
        folder: Option<&Path>,
    ) -> Result<Self> {
        let (program, arguments) =
            words.split_first().ok_or_else(|| failure("the command is empty".to_owned()))?;
        let mut command = Command::new(program);
        command.args(arguments).envs(settings).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some(folder) = folder {
            command.current_dir(folder);
        }
        let unstartable =
            |error: &dyn std::fmt::Display| failure(format!("{program} cannot be started: {error}"));
        let mut child = command.spawn().map_err(|error| unstartable(&error))?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let stdout = stdout.ok_or_else(|| unstartable(&"it has no standard output"))?;
        let said = Arc::default();
        let listener = child.stderr.take().map(|stderr| tokio::spawn(keep(stderr, Arc::clone(&said))));
        let stdout = BufReader::new(stdout);
        Ok(Self { child, stdin, stdout, partial: Vec::new(), said, listener, ended: false })
    }

    /// Whether it has closed its standard output.
    pub(super) const fn has_ended(&self) -> bool {
        self.ended
    }

    pub(super) async fn send(&mut self, message: &Value) -> std::result::Result<Value, Fault> {
        let asked = self.write(message).await;
        let Some(id) = message.get("id") else { return asked.map(|()| Value::Null) };
        asked?;
        loop {
            let mut message = self.message().await?;
            let method = message.get("method").and_then(Value::as_str).map(str::to_owned);
            match (method, message.get("id").cloned()) {
                (Some(method), Some(theirs)) => self.answer(&method, &theirs).await?,
                (None, theirs) if theirs.as_ref() == Some(id) => return result(message.take()),
                // An error that could not be tied to a request can only be about ours.
                (None, None | Some(Value::Null)) if message.get("error").is_some() => {
                    return result(message.take());
                }
                _ => {}
            }
        }
    }

    /// What the server asks of a client that offers nothing.
    async fn answer(&mut self, method: &str, id: &Value) -> std::result::Result<(), Fault> {
        let answer = if method == "ping" {
            json!({"jsonrpc": "2.0", "id": id, "result": {}})
        } else {
            json!({"jsonrpc": "2.0", "id": id, "error": {"code": -32601, "message": "Method not found"}})
        };
        self.write(&answer).await
    }

    async fn write(&mut self, message: &Value) -> std::result::Result<(), Fault> {
        let line = format!("{message}\n");
        let written = match &mut self.stdin {
            Some(stdin) => match stdin.write_all(line.as_bytes()).await {
                Ok(()) => stdin.flush().await,
                error => error,
            },
            None => Ok(()),
        };
        // A server that has ended is told of by its standard output, which may still hold answers.
        if written.is_err() {
            self.stdin = None;
        }
        Ok(())
    }

    /// The next line that is a message.
    async fn message(&mut self) -> std::result::Result<Value, Fault> {
        let mut noise: Option<Error> = None;
        loop {
            let line = match &noise {
                None => self.line().await?,
                Some(error) => match timeout(GRACE, self.line()).await {
                    Ok(Ok(line)) => line,
                    Ok(Err(_)) | Err(_) => return Err(Fault::Unclear(error.clone())),
                },
            };
            let text = String::from_utf8_lossy(&line);
            let text = text.trim();
            match serde_json::from_str(text) {
                Ok(message @ Value::Object(_)) => return Ok(message),
                _ if text.is_empty() => {}
                _ => {
                    let message = format!(
                        "the server wrote what is no message on its standard output: {}",
                        shown(text)
                    );
                    let error = failure(message).hint("what a server logs belongs on its standard error");
                    if text.starts_with(['{', '[']) {
                        return Err(Fault::Unclear(error));
                    }
                    noise.get_or_insert(error);
                }
            }
        }
    }

    async fn line(&mut self) -> std::result::Result<Vec<u8>, Fault> {
        let limit = (LARGEST + 1).saturating_sub(self.partial.len()) as u64;
        let read = (&mut self.stdout).take(limit).read_until(b'\n', &mut self.partial).await;
        if self.partial.len() > LARGEST {
            return Err(Fault::Final(failure("the server's answer is larger than 32 MiB".to_owned())));
        }
        if read.is_ok() && !self.partial.is_empty() {
            return Ok(std::mem::take(&mut self.partial));
        }
        self.ended = true;
        let status = timeout(CLOSING, self.child.wait()).await;
        let how = match status {
            Ok(Ok(status)) => format!(" ({status})"),
            _ => String::new(),
        };
        Err(Fault::Unclear(failure(format!("the server ended before it answered{how}"))))
    }

    /// Closes its input, waits and then kills it; the last that it said on stderr.
    pub(super) async fn stop(mut self) -> String {
        drop(self.stdin.take());
        if timeout(CLOSING, self.child.wait()).await.is_err() {
            let _ = self.child.kill().await;
        }
        if let Some(listener) = self.listener {
            let _ = timeout(LISTENING, listener).await;
        }
        self.said.lock().map(|said| said.clone()).unwrap_or_default()
    }
}

/// Keeps the end of what the server says on stderr.
async fn keep(mut stderr: ChildStderr, said: Arc<Mutex<String>>) {
    let mut buffer = [0; 4_096];
    while let Ok(count) = stderr.read(&mut buffer).await {
        if count == 0 {
            break;
        }
        if let Ok(mut said) = said.lock() {
            said.push_str(&String::from_utf8_lossy(&buffer[..count]));
            let excess = said.len().saturating_sub(KEPT);
            let cut = (excess..said.len()).find(|index| said.is_char_boundary(*index)).unwrap_or(0);
            said.drain(..cut);
        }
    }
}
