//! How long `cargo mcp new` takes, compared with `cp -r` of what it writes, turn by turn.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark prints, stops where it fails, and starts programs"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const ROUNDS: usize = 40;

fn main() {
    let root = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_cargo-mcp");
    let target = root.path().join("target");
    let new = |vcs: &str, target: &Path| {
        let mut command = Command::new(program);
        command.arg("new").arg(target).args(["--name", "my-server", "-y", "--author", "A", "--vcs", vcs]);
        command
    };
    let model = root.path().join("model");
    assert!(new("none", &model).stdout(Stdio::null()).status().unwrap().success());
    let mut copy = Command::new("cp");
    copy.arg("-r").arg(&model).arg(&target);
    let mut list = Command::new(program);
    list.arg("--version");
    let mut contestants = [
        ("cp -r", copy),
        ("new --vcs none", new("none", &target)),
        ("new (with git init)", new("git", &target)),
        ("--version", list),
    ];
    let mut times = [const { Vec::new() }; 4];
    for _ in 0..ROUNDS {
        for ((_, command), times) in contestants.iter_mut().zip(&mut times) {
            let _ = fs::remove_dir_all(&target);
            let started = Instant::now();
            let done = command.stdout(Stdio::null()).status().unwrap();
            times.push(started.elapsed());
            assert!(done.success());
        }
    }
    let medians = times.map(median);
    for ((name, _), median) in contestants.iter().zip(medians) {
        let ratio = median.as_secs_f64() / medians[0].as_secs_f64();
        println!("{name:20} {:6.2} ms  {ratio:5.2} × cp -r", median.as_secs_f64() * 1e3);
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
