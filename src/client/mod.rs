//! The MCP client: starts or reaches a server and asks what it offers.
//!
//! It reads answers as JSON and not as types: a contract is whatever a server says. Invariant: it ends. Everything
//! happens within one time limit, a server that it started is stopped, and what the server writes to stderr is kept
//! for the error message instead of reaching the terminal.

mod http;
mod protocol;
mod stdio;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use tokio::time::timeout;

use self::protocol::Session;
use crate::error::{Code, Error, Result};

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
    Url {
        /// Its address, `http://…` or `https://…`.
        url: String,
        /// What it asks for, if it asks for a token.
        token: Option<String>,
    },
}

impl Server {
    /// The server that a command line starts: words separated by spaces, quoted as in a shell, nothing else of one.
    ///
    /// # Errors
    /// When a quote is not closed or there is no word.
    pub fn of_command(command: &str, folder: &Path) -> Result<Self> {
        let words = words(command, cfg!(windows))
            .ok_or_else(|| Error::new(Code::Usage, format!("{command:?} is not a command line")))?;
        Ok(Self::Program { words, settings: BTreeMap::new(), folder: Some(folder.to_owned()) })
    }
}

/// The words of a command line; on Windows a backslash is what separates folders and escapes nothing.
fn words(command: &str, windows: bool) -> Option<Vec<String>> {
    // No argument can hold a zero byte, so that it can stand for the backslash meanwhile.
    let (letter, stand_in) = if windows { ("\\", "\0") } else { ("\0", "\0") };
    let words = shell_words::split(&command.replace(letter, stand_in)).ok()?;
    let words: Vec<String> = words.into_iter().map(|word| word.replace(stand_in, letter)).collect();
    (!words.is_empty()).then_some(words)
}

/// The largest answer that is read.
const LARGEST: usize = 32 << 20;
/// How long a server may take to stop before it is killed.
const CLOSING: Duration = Duration::from_secs(3);

/// What the server lists, as the results of its lists in one document.
///
/// # Errors
/// When it cannot be started or reached, does not answer in time, or answers wrongly.
pub fn list(server: &Server, limit: Duration) -> Result<Value> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| failure(format!("cannot start a client: {error}")))?;
    let answer = runtime.block_on(async {
        let mut line = Line::open(server)?;
        let answer = match timeout(limit, ask(&mut line, server, limit)).await {
            Ok(answer) => answer,
            Err(_) => Err(failure(format!("the server did not answer within {} seconds", limit.as_secs()))),
        };
        let said = line.close().await;
        answer.map_err(|error| explained(error, &said))
    });
    runtime.shutdown_timeout(CLOSING);
    answer
}

async fn ask(line: &mut Line, server: &Server, limit: Duration) -> Result<Value> {
    let session = Session::open(line, server, limit).await?;
    session.lists(line).await
}

/// The way to a server.
enum Line {
    Program(Box<stdio::Program>),
    Endpoint(http::Endpoint),
}

/// Why a request has no result.
#[derive(Debug)]
enum Fault {
    /// The server answered with an error of the protocol.
    Refused {
        /// JSON-RPC's code.
        code: i64,
        /// The server's words.
        message: String,
    },
    /// Something else answered, or the server in another way; asking otherwise may help.
    Unclear(Error),
    /// Asking again is in vain.
    Final(Error),
}

impl Line {
    fn open(server: &Server) -> Result<Self> {
        Ok(match server {
            Server::Program { words, settings, folder } => {
                Self::Program(Box::new(stdio::Program::start(words, settings, folder.as_deref())?))
            }
            Server::Url { url, token } => Self::Endpoint(http::Endpoint::new(url, token.as_deref())?),
        })
    }

    /// Sends a message; the result, when the message asks for one.
    async fn send(&mut self, message: &Value) -> std::result::Result<Value, Fault> {
        match self {
            Self::Program(program) => program.send(message).await,
            Self::Endpoint(endpoint) => endpoint.send(message).await,
        }
    }

    /// Ends the session; the last that the server said on stderr.
    async fn close(self) -> String {
        match self {
            Self::Program(program) => program.stop().await,
            Self::Endpoint(endpoint) => {
                endpoint.leave().await;
                String::new()
            }
        }
    }
}

/// The result in a response.
fn result(mut response: Value) -> std::result::Result<Value, Fault> {
    if let Some(error) = response.get("error").filter(|error| !error.is_null()) {
        let message = error.get("message").and_then(Value::as_str).unwrap_or("it did not say why");
        let code = error.get("code").and_then(Value::as_i64).unwrap_or_default();
        return Err(Fault::Refused { code, message: shown(message) });
    }
    match response.get_mut("result").map(Value::take) {
        Some(result @ Value::Object(_)) => Ok(result),
        _ => Err(Fault::Unclear(failure("the server's answer has neither a result nor an error".to_owned()))),
    }
}

fn failure(message: String) -> Error {
    Error::new(Code::Server, message)
}

/// The beginning of what came from outside, on one line.
fn shown(text: &str) -> String {
    const SHOWN: usize = 200;
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() <= SHOWN { text } else { text.chars().take(SHOWN).chain(['…']).collect() }
}

fn explained(error: Error, said: &str) -> Error {
    let last: Vec<&str> = said.lines().rev().map(str::trim).filter(|line| !line.is_empty()).take(3).collect();
    if last.is_empty() || error.hint.is_some() {
        return error;
    }
    error.hint(format!("the server said: {}", last.into_iter().rev().collect::<Vec<_>>().join(" | ")))
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn a_command_is_split_as_in_a_shell() {
        assert_eq!(words("a  b", false).unwrap(), ["a", "b"]);
        assert_eq!(words(r#"a 'b c' "d \" e" f"g"''"#, false).unwrap(), ["a", "b c", "d \" e", "fg"]);
        assert_eq!(
            words(r#"C:\new\server.exe "D:\my files\x" '\'"#, true).unwrap(),
            [r"C:\new\server.exe", r"D:\my files\x", r"\"]
        );
        for wrong in ["  ", "a 'b"] {
            assert!(words(wrong, false).is_none() && words(wrong, true).is_none());
        }
    }
}
