//! The MCP client: starts or reaches a server and asks what it offers.
//!
//! Invariant: it ends. Everything happens within one time limit, a server that it started is stopped, and what the
//! server writes to stderr is kept for the error message instead of reaching the terminal.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rmcp::model::{ErrorCode, ProtocolVersion};
use rmcp::service::{ClientInitializeError, RunningService, ServiceError};
use rmcp::transport::{StreamableHttpClientTransport, TokioChildProcess};
use rmcp::{ClientLifecycleMode, ClientServiceExt as _, RoleClient};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;
use tokio::process::{ChildStderr, Command};

use crate::error::{Code, Error, Result};

const CLOSING: Duration = Duration::from_secs(5);
const KEPT: usize = 2_000;

/// A server to ask.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Server {
    /// A program that speaks MCP on its standard streams.
    Program {
        /// The program and its arguments.
        words: Vec<String>,
        /// Settings besides the environment's.
        settings: BTreeMap<String, String>,
        /// Where it runs.
        folder: Option<PathBuf>,
    },
    /// The endpoint of a server that runs.
    Url(String),
}

type Session = RunningService<RoleClient, ()>;

/// What the server lists, as the results of its lists in one document.
///
/// # Errors
/// When it cannot be started or reached, does not answer in time, or answers wrongly.
pub fn list(server: &Server, limit: Duration) -> Result<Value> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| failure(format!("cannot start a client: {error}")))?;
    let said = Arc::new(Mutex::new(String::new()));
    let answer = runtime.block_on(async {
        match tokio::time::timeout(limit, ask(server, &said)).await {
            Ok(answer) => answer,
            Err(_) => Err(failure(format!("the server did not answer within {} seconds", limit.as_secs()))),
        }
    });
    runtime.shutdown_timeout(CLOSING);
    answer.map_err(|error| explain(error, &said))
}

async fn ask(server: &Server, said: &Arc<Mutex<String>>) -> Result<Value> {
    let mut session = connect(server, said).await?;
    let answer = lists(&session).await;
    let _ = session.close_with_timeout(CLOSING).await;
    answer
}

/// Connects in the newest era that the server speaks; one that ends when asked for the new one is started again.
async fn connect(server: &Server, said: &Arc<Mutex<String>>) -> Result<Session> {
    let both = ClientLifecycleMode::Auto {
        preferred_versions: vec![ProtocolVersion::V_2026_07_28],
        legacy_version: None,
    };
    let first = open(server, both, said).await?;
    let session = match first {
        Err(_) if matches!(server, Server::Program { .. }) => {
            open(server, ClientLifecycleMode::Initialize, said).await?
        }
        other => other,
    };
    session.map_err(|error| {
        let text = error.to_string();
        match server {
            Server::Url(url) => {
                // The transport names its own types first; what happened stands at the end.
                let reason = text.rsplit("error: ").next().unwrap_or_default();
                failure(format!("{url} cannot be reached: {reason}"))
            }
            Server::Program { .. } => failure(format!("the server did not greet: {text}")),
        }
    })
}

async fn open(
    server: &Server,
    mode: ClientLifecycleMode,
    said: &Arc<Mutex<String>>,
) -> Result<std::result::Result<Session, ClientInitializeError>> {
    match server {
        Server::Url(url) => {
            Ok(().serve_with_lifecycle(StreamableHttpClientTransport::from_uri(url.as_str()), mode).await)
        }
        Server::Program { words, settings, folder } => {
            let (program, arguments) =
                words.split_first().ok_or_else(|| failure("the command is empty".to_owned()))?;
            let mut command = Command::new(program);
            command.args(arguments).envs(settings).kill_on_drop(true);
            if let Some(folder) = folder {
                command.current_dir(folder);
            }
            let spawned = TokioChildProcess::builder(command).stderr(Stdio::piped()).spawn();
            let (transport, stderr) =
                spawned.map_err(|error| failure(format!("{program} cannot be started: {error}")))?;
            if let Some(stderr) = stderr {
                tokio::spawn(keep(stderr, Arc::clone(said)));
            }
            Ok(().serve_with_lifecycle(transport, mode).await)
        }
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
            let cut = (excess..said.len()).find(|place| said.is_char_boundary(*place)).unwrap_or(0);
            said.drain(..cut);
        }
    }
}

async fn lists(session: &Session) -> Result<Value> {
    let tools = listed("tools", session.list_all_tools().await)?;
    let prompts = listed("prompts", session.list_all_prompts().await)?;
    let resources = listed("resources", session.list_all_resources().await)?;
    let templates = listed("resource templates", session.list_all_resource_templates().await)?;
    Ok(json!({"tools": tools, "prompts": prompts, "resources": resources, "resourceTemplates": templates}))
}

/// A list as JSON; a server that does not know the method offers nothing of the kind.
fn listed<T: Serialize>(what: &str, answer: std::result::Result<Vec<T>, ServiceError>) -> Result<Value> {
    match answer {
        Ok(list) => serde_json::to_value(list)
            .map_err(|error| failure(format!("the list of {what} is wrong: {error}"))),
        Err(ServiceError::McpError(error)) if error.code == ErrorCode::METHOD_NOT_FOUND => Ok(json!([])),
        Err(error) => Err(failure(format!("the server did not list its {what}: {error}"))),
    }
}

fn failure(message: String) -> Error {
    Error::new(Code::Server, message)
}

fn explain(error: Error, said: &Arc<Mutex<String>>) -> Error {
    let said = said.lock().map(|said| said.clone()).unwrap_or_default();
    let last: Vec<&str> = said.lines().rev().map(str::trim).filter(|line| !line.is_empty()).take(3).collect();
    if last.is_empty() || error.hint.is_some() {
        return error;
    }
    error.hint(format!("the server said: {}", last.into_iter().rev().collect::<Vec<_>>().join(" | ")))
}

/// The words of a command line: separated by spaces, quoted as in a shell, nothing else of a shell.
///
/// # Errors
/// When a quote is not closed or there is no word.
pub fn words(command: &str) -> Result<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut letters = command.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(open), letter) if letter == open => quote = None,
            (Some('"') | None, '\\') if !cfg!(windows) => word.get_or_insert_default().extend(letters.next()),
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, letter) if letter.is_whitespace() => words.extend(word.take()),
            (_, letter) => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    if quote.is_some() || words.is_empty() {
        return Err(Error::new(Code::Usage, format!("{command:?} is not a command line")));
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn a_command_is_split_as_in_a_shell() {
        assert_eq!(words("a  b").unwrap(), ["a", "b"]);
        assert_eq!(words(r#"a 'b c' "d \" e" f"g"''"#).unwrap(), ["a", "b c", "d \" e", "fg"]);
        assert!(words("  ").is_err());
        assert!(words("a 'b").is_err());
    }
}
