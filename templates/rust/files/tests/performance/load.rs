//! Drives the fixture server over HTTP, tokens checked, against yardsticks of the same run, and holds the figures to
//! docs/outcomes.md.
//!
//! `PERF_SECONDS` and `PERF_CLIENTS` size the load; `PERF_P50_VS_LIVE=10` and the like override a limit; `PROFILE=1`
//! writes target/profile/cpu-profile.folded, stacks as flame graphs are drawn from. The program is also what it drives,
//! in processes of their own: the fixture server and the SDK's quick start.

#![allow(clippy::print_stdout, reason = "the figures are the answer")]

#[allow(
    dead_code,
    unused_imports,
    clippy::needless_pass_by_value,
    reason = "the other tests need more of it"
)]
#[path = "../fixtures/mod.rs"]
mod fixtures;
#[cfg(unix)]
mod profile;
mod quickstart;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use fixtures::{Client, Issuer, Server};
use regex::Regex;
use serde_json::{Value, json};

const ROUNDS: u32 = 3;
const WARM_UP: Duration = Duration::from_millis(500);

/// What clients do: mostly a tool that reads, some lists, a tool that writes.
const MIX: [&str; 10] =
    ["echo", "echo", "tools/list", "echo", "echo", "write", "echo", "tools/list", "echo", "echo"];

fn main() -> ExitCode {
    match env::args().nth(1).as_deref() {
        Some("fixture") => serve(),
        Some("quickstart") => quickstart::serve(),
        _ => return measure(),
    }
    ExitCode::SUCCESS
}

fn serve() {
    #[cfg(unix)]
    let _profile = env::var_os("PROFILE_TO").map(profile::Profile::start);
    fixtures::registry::serve();
}

fn setting(name: &str) -> Option<f64> {
    env::var(name).ok()?.parse().ok()
}

struct Limit {
    name: String,
    is_most: bool,
    value: f64,
}

/// The rows of docs/outcomes.md.
fn limits() -> Vec<Limit> {
    let text = fs::read_to_string("docs/outcomes.md").expect("docs/outcomes.md");
    let row = Regex::new(r"(?m)^\| `([a-z0-9_]+)` \| (at most|at least) \| ([0-9.]+) \|").expect("a form");
    let limits: Vec<_> = row
        .captures_iter(&text)
        .map(|row| Limit {
            name: row[1].to_owned(),
            is_most: &row[2] == "at most",
            value: setting(&format!("PERF_{}", row[1].to_uppercase()))
                .unwrap_or_else(|| row[3].parse().expect("a number")),
        })
        .collect();
    assert!(!limits.is_empty(), "docs/outcomes.md holds no limits");
    limits
}

/// Requests that are sent in turn, and how long each took.
struct Load {
    name: &'static str,
    port: u16,
    requests: Vec<Vec<u8>>,
    took: Vec<Duration>,
    errors: usize,
    seconds: f64,
}

impl Load {
    fn new(name: &'static str, port: u16, requests: Vec<Vec<u8>>) -> Self {
        Self { name, port, requests, took: Vec::new(), errors: 0, seconds: 0.0 }
    }

    /// Sends the requests in turn from so many clients.
    fn drive(&mut self, clients: usize, duration: Duration, counts: bool) {
        let (port, requests, end) = (self.port, &self.requests, Instant::now() + duration);
        let results: Vec<_> = thread::scope(|scope| {
            let running: Vec<_> = (0..clients)
                .map(|first| scope.spawn(move || one_client(port, requests, first, end)))
                .collect();
            running.into_iter().map(|client| client.join().expect("a client")).collect()
        });
        if counts {
            for (took, errors) in results {
                self.took.extend(took);
                self.errors += errors;
            }
            self.seconds += duration.as_secs_f64();
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "nobody sends 2^52 requests")]
    fn per_second(&self) -> f64 {
        self.took.len() as f64 / self.seconds
    }

    fn percentile(&self, percent: usize) -> f64 {
        self.took[(self.took.len() * percent / 100).min(self.took.len() - 1)].as_secs_f64()
    }
}

fn one_client(port: u16, requests: &[Vec<u8>], first: usize, end: Instant) -> (Vec<Duration>, usize) {
    let stream = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
    stream.set_nodelay(true).expect("an option");
    let mut stream = BufReader::new(stream);
    let (mut took, mut errors) = (Vec::new(), 0);
    for request in requests.iter().cycle().skip(first) {
        let began = Instant::now();
        if began >= end {
            break;
        }
        errors += usize::from(!send(&mut stream, request).unwrap_or(false));
        took.push(began.elapsed());
    }
    (took, errors)
}

/// Whether a request is answered with a success.
fn send(stream: &mut BufReader<TcpStream>, request: &[u8]) -> std::io::Result<bool> {
    stream.get_mut().write_all(request)?;
    let (mut line, mut length, mut is_good) = (String::new(), None, None);
    while stream.read_line(&mut line)? > 2 {
        is_good.get_or_insert_with(|| line.starts_with("HTTP/1.1 200 "));
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok();
        }
        line.clear();
    }
    let mut body = vec![0; length.ok_or_else(|| std::io::Error::other("an answer of unknown length"))?];
    stream.read_exact(&mut body)?;
    let body = String::from_utf8_lossy(&body);
    Ok(is_good == Some(true) && !body.contains(r#""isError":true"#) && !body.contains(r#""error":"#))
}

/// The bytes of one request of the mix.
fn rpc(client: &Client, what: &str) -> Vec<u8> {
    let (method, name, params) = match what {
        "tools/list" => (what, "", Value::Null),
        "echo" => ("tools/call", what, json!({ "name": what, "arguments": { "text": "word ".repeat(8) } })),
        _ => ("tools/call", what, json!({ "name": what, "arguments": {} })),
    };
    let body = client.body(method, params);
    let headers = fixtures::wire::lines_of(&client.headers(method, name));
    let host = format!("host: 127.0.0.1:{}\r\n", client.port);
    format!("POST /mcp HTTP/1.1\r\n{host}{headers}content-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// What the server says of itself, in MiB.
fn memory(server: &Server) -> f64 {
    let text = server.get("/metrics").text;
    let line = text.lines().find_map(|line| line.strip_prefix("process_resident_memory_bytes "));
    line.and_then(|bytes| bytes.parse::<f64>().ok()).map_or(0.0, |bytes| bytes / 1_048_576.0)
}

fn start(role: &str, settings: &[(&str, &str)]) -> Server {
    let mut program = Command::new(env::current_exe().expect("this program"));
    program.arg(role).stdout(Stdio::null());
    Server::of(program, settings)
}

#[allow(clippy::cast_precision_loss, reason = "nobody sends 2^52 requests")]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few clients")]
fn measure() -> ExitCode {
    let clients = setting("PERF_CLIENTS").unwrap_or(8.0) as usize;
    let slice = Duration::from_secs_f64(setting("PERF_SECONDS").unwrap_or(9.0) / f64::from(ROUNDS) / 3.0);
    let issuer = Issuer::new();
    let mut settings = issuer.settings();
    settings.push(("MCP_MAX_QUEUE", "10000"));
    if env::var("PROFILE").is_ok_and(|wanted| wanted == "1") {
        settings.push(("PROFILE_TO", "target/profile/cpu-profile.folded"));
    }
    let (ours, quickstart) = (start("fixture", &settings), start("quickstart", &[]));
    let caller = ours.bearing(issuer.mint("fixture:read fixture:write", json!({})));
    let get = format!("GET /live HTTP/1.1\r\nhost: 127.0.0.1:{}\r\n\r\n", ours.port).into_bytes();
    let mut all = [
        Load::new("mix", ours.port, MIX.iter().map(|what| rpc(&caller, what)).collect()),
        Load::new("live", ours.port, vec![get]),
        Load::new("quick start", quickstart.port, vec![rpc(&quickstart, "echo")]),
    ];
    let mut peak = 0.0_f64;
    for round in 0..=ROUNDS {
        for load in &mut all {
            load.drive(clients, if round == 0 { WARM_UP } else { slice }, round > 0);
            peak = peak.max(memory(&ours));
        }
    }
    drop(ours);
    for load in &mut all {
        assert!(!load.took.is_empty(), "no answer: {}", load.name);
        load.took.sort_unstable();
    }
    let [mix, live, bare] = &all;
    println!(
        "{} calls from {clients} clients over http with JWT: 70 % a tool that reads, 20 % tools/list, 10 % a tool that \
         writes;\nbeside them {} GET /live, and {} calls of the SDK's quick start",
        mix.took.len(),
        live.took.len(),
        bare.took.len()
    );
    let errors = all.iter().map(|load| load.errors).sum::<usize>() as f64;
    judge(&[
        ("calls_vs_quickstart", mix.per_second() / bare.per_second()),
        ("p50_vs_live", mix.percentile(50) / live.percentile(50)),
        ("error_rate", errors / mix.took.len() as f64),
        ("peak_memory_mib", peak),
        ("p50_ms", mix.percentile(50) * 1e3),
        ("p95_ms", mix.percentile(95) * 1e3),
        ("p99_ms", mix.percentile(99) * 1e3),
        ("throughput_rps", mix.per_second()),
    ])
}

/// Prints what was measured beside what is allowed.
fn judge(measured: &[(&str, f64)]) -> ExitCode {
    let (limits, mut missed) = (limits(), Vec::new());
    for (name, value) in measured {
        let limit = limits.iter().find(|limit| limit.name == *name);
        let told = limit.map_or_else(String::new, |limit| {
            let is_kept = if limit.is_most { *value <= limit.value } else { *value >= limit.value };
            missed.extend((!is_kept).then_some(*name));
            let word = if limit.is_most { "at most" } else { "at least" };
            format!("  {word} {}{}", limit.value, if is_kept { "" } else { "  MISSED" })
        });
        println!("{name:<20} {value:>10.3}{told}");
    }
    if missed.is_empty() {
        ExitCode::SUCCESS
    } else {
        eprintln!("missed: {}", missed.join(", "));
        ExitCode::FAILURE
    }
}
