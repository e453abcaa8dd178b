//! Lines that are answered or not, cancellation, and the end of a server on stdio.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::{env, thread};

use serde_json::{Value, json};

use crate::fixtures::{Process, SERVES};

/// The fixture server on stdio, and its other ends.
struct Speaker {
    process: Process,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Speaker {
    fn start(settings: &[(&str, &str)]) -> Self {
        let mut program = Command::new(env::current_exe().unwrap());
        program.args(SERVES).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = Process::start(program, settings);
        let (input, output) = (process.child.stdin.take(), process.child.stdout.take().unwrap());
        let mut speaker = Self { process, input, output: BufReader::new(output) };
        speaker.write(format!("\u{feff}{HELLO}\r"));
        assert_eq!(speaker.read().unwrap()["result"]["protocolVersion"], "2025-11-25");
        speaker
    }

    fn write(&mut self, line: impl AsRef<[u8]>) {
        let input = self.input.as_mut().unwrap();
        input.write_all(line.as_ref()).unwrap();
        input.write_all(b"\n").unwrap();
    }

    /// The next message. The harness that the fixture server runs in says a line or two of its own.
    fn read(&mut self) -> Option<Value> {
        let mut line = String::new();
        while self.output.read_line(&mut line).unwrap() > 0 {
            assert!(!line.contains('\u{2028}'), "clients split lines there: {line}");
            if line.starts_with('{') {
                return Some(serde_json::from_str(&line).unwrap());
            }
            line.clear();
        }
        None
    }
}

const HELLO: &str = concat!(
    r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","#,
    r#""capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#
);

fn call(id: u32, tool: &str, arguments: Value) -> String {
    let params = json!({ "name": tool, "arguments": arguments });
    json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params }).to_string()
}

/// The same call, which wants to hear of its progress.
fn call_in_sight(id: u32, tool: &str, arguments: Value) -> String {
    let params = json!({ "name": tool, "arguments": arguments, "_meta": { "progressToken": id } });
    json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params }).to_string()
}

#[test]
fn lines_are_answered_or_written_down() {
    let mut server = Speaker::start(&[("MCP_MAX_BODY_BYTES", "5000")]);
    let answered = [
        (r#"{"jsonrpc":"2.0","id":1}"#, -32600, json!(1)),
        (r#"{"id":"x","method":"ping"}"#, -32600, json!("x")),
        (r#"{"jsonrpc":"2.0","id":9007199254740993,"method":"ping"}"#, -32600, Value::Null),
        (r#"{"jsonrpc":"2.0","id":"\ud800","method":"ping"}"#, -32600, Value::Null),
        (r#"{"jsonrpc":"2.0","id":2,"method":"tools/list","params":[]}"#, -32602, json!(2)),
        (r#"{"jsonrpc":"2.0","id":3,"method":"tools/list","params":{"_meta":7}}"#, -32602, json!(3)),
        (
            r#"{"jsonrpc":"2.0","id":4,"method":"prompts/get","params":{"name":"ask","arguments":{"topic":7}}}"#,
            -32602,
            json!(4),
        ),
        (
            r#"{"jsonrpc":"2.0","id":5,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}"#,
            -32602,
            json!(5),
        ),
        (r#"{"jsonrpc":"2.0","id":6,"method":"burn"}"#, -32601, json!(6)),
        ("[]", -32600, Value::Null),
        ("42", -32600, Value::Null),
        (
            r#"{"jsonrpc":"2.0","id":7.0,"method":"tools/list","params":{"cursor":null,"_meta":null},"more":1}"#,
            0,
            json!(7),
        ),
        (r#"{"jsonrpc":"2.0","id":9,"method":"tools/list","params":null}"#, 0, json!(9)),
    ];
    for (line, code, id) in answered {
        server.write(line);
        let answer = server.read().unwrap();
        assert_eq!(
            (answer["error"]["code"].as_i64().unwrap_or(0), &answer["id"]),
            (code, &id),
            "{line}: {answer}"
        );
    }
    server.write("x".repeat(6000));
    assert_eq!(server.read().unwrap()["error"]["code"], -32600);
    server.write(call(8, "crash", Value::Null));
    assert_eq!(server.read().unwrap()["result"]["isError"], true);

    let deep = r#"{"a":"#.repeat(300);
    for silent in [
        "",
        "  ",
        "{",
        &deep,
        r#"{"jsonrpc":"1.0","method":"x"}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":{}}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":[1]}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled"}"#,
        r#"{"jsonrpc":"2.0","method":"tools/list"}"#,
    ] {
        server.write(silent);
    }
    server.write(b"\xff");
    server.write(call(10, "echo", json!({ "text": "still here\u{2028}" })));
    assert_eq!(server.read().unwrap()["id"], 10);
    for reason in ["body is not valid UTF-8", "body is nested too deeply", "line is larger than allowed"] {
        server.process.log.wait("stdio.malformed_line", &[("reason", json!(reason))]);
    }
}

#[test]
fn what_was_read_before_the_end_is_answered() {
    let mut server = Speaker::start(&[]);
    server.write(call(1, "slow", json!({ "pause": 500 })));
    server.write(call(2, "slow", json!({ "pause": 10_000 })));
    let last = call(3, "echo", json!({ "text": "last" }));
    let mut input = server.input.take().unwrap();
    input.write_all(last.as_bytes()).unwrap(); // no newline
    drop(input);
    let answered: BTreeSet<_> =
        std::iter::from_fn(|| server.read()).filter_map(|answer| answer["id"].as_i64()).collect();
    assert!(answered.contains(&1) && answered.contains(&3), "{answered:?}");
    assert!(server.process.ended().success());
    for event in ["server.stopping", "server.stopped"] {
        server.process.log.wait(event, &[]);
    }
}

#[cfg(unix)]
#[test]
fn a_signal_lets_what_runs_finish() {
    let mut server = Speaker::start(&[("MCP_RATE_LIMIT_PER_MINUTE", "1"), ("MCP_RATE_LIMIT_BURST", "1")]);
    server.write(call_in_sight(1, "slow", json!({ "pause": 2000 })));
    assert_eq!(server.read().unwrap()["method"], "notifications/progress");
    server.write(call(2, "echo", json!({ "text": "limited" })));
    let limited = server.read().unwrap();
    assert_eq!((&limited["id"], &limited["result"]["isError"]), (&json!(2), &json!(true)), "{limited}");
    server.process.signal("TERM");
    let finished = server.read().unwrap();
    assert_eq!(
        (&finished["id"], &finished["result"]["structuredContent"]["done"]),
        (&json!(1), &json!(true)),
        "{finished}"
    );
    assert!(server.process.ended().success());
}

#[test]
fn a_cancelled_call_is_stopped_and_a_closed_output_ends_it() {
    let mut server = Speaker::start(&[]);
    server.write(call_in_sight(1, "slow", json!({ "pause": 10_000 })));
    assert_eq!(server.read().unwrap()["method"], "notifications/progress");
    server.write(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#);
    server.process.log.wait("tool.failed", &[("error_code", json!("cancelled"))]);
    let Speaker { mut process, input, output } = server;
    drop(output);
    let mut input = input.unwrap();
    let line = call(2, "echo", json!({ "text": "x" })) + "\n";
    // It may have seen by then that nobody reads.
    let sent = thread::spawn(move || input.write_all(line.as_bytes()));
    process.ended();
    let _ = sent.join();
}
