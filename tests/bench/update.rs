//! How long `cargo mcp update` takes: of one repository, in units of `new`; of many, by their number and by cores, and the
//! memory that it takes at most.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark prints, stops where it fails, and starts programs"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use walkdir::WalkDir;

const ROUNDS: usize = 20;
/// How many repositories a fleet has; `FLEET` sets the largest.
const FLEET: u32 = 1000;

/// A folder with templates that move on, and a server of each of their two versions.
struct Stage {
    root: tempfile::TempDir,
}

impl Stage {
    fn new() -> Self {
        let stage = Self { root: tempfile::tempdir().unwrap() };
        let templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
        run(Command::new("cp").arg("-r").arg(templates).arg(stage.path("templates")));
        stage.generate("old");
        let sources = WalkDir::new(stage.path("templates/shared/files")).into_iter().map(Result::unwrap);
        for file in sources.filter(|entry| entry.file_type().is_file()).take(20) {
            let text = fs::read_to_string(file.path()).unwrap();
            fs::write(file.path(), text + "\n").unwrap();
        }
        stage.generate("new");
        stage
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn mcp(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-mcp"));
        command.args(arguments).current_dir(self.root.path());
        command
    }

    fn generate(&self, name: &str) {
        run(&mut self.mcp(&[
            "new",
            name,
            "--name",
            "my-server",
            "-y",
            "--author",
            "A",
            "--template",
            "templates",
        ]));
        let git = |arguments: &[&str]| run(Command::new("git").args(arguments).current_dir(self.path(name)));
        git(&["add", "--all"]);
        git(&["-c", "user.name=A", "-c", "user.email=a@example.com", "commit", "--quiet", "--message", "A"]);
    }

    /// The medians of commands, turn by turn, each in a fresh copy of its model if it has one.
    fn times<const N: usize>(&self, contestants: [(Option<&str>, &[&str]); N]) -> [Duration; N] {
        let target = self.path("target");
        let mut times = [const { Vec::new() }; N];
        for _ in 0..ROUNDS {
            for ((model, arguments), times) in contestants.iter().zip(&mut times) {
                let _ = fs::remove_dir_all(&target);
                if let Some(model) = model {
                    run(Command::new("cp").arg("-a").arg(self.path(model)).arg(&target));
                }
                let started = Instant::now();
                run(&mut self.mcp(arguments));
                times.push(started.elapsed());
            }
        }
        times.map(|mut times| {
            times.sort_unstable();
            times[ROUNDS / 2]
        })
    }

    /// How long `size` repositories take, on one core or on all, and the most memory, in MiB.
    fn fleet(&self, size: u32, one_core: bool) -> (Duration, u64) {
        let names: Vec<_> = (0..size).map(|number| format!("server-{number}")).collect();
        for name in &names {
            let _ = fs::remove_dir_all(self.path(name));
            // Links: an update replaces files and never writes into them.
            run(Command::new("cp").arg("-al").arg(self.path("old")).arg(self.path(name)));
            run(Command::new("rm").arg("-rf").arg(self.path(name).join(".git")));
        }
        let mut command = Command::new(if one_core { "taskset" } else { "env" });
        command.args(if one_core { &["-c", "0"][..] } else { &[] });
        command.arg(env!("CARGO_BIN_EXE_cargo-mcp")).args(["update", "--allow-dirty"]).args(&names);
        let started = Instant::now();
        let mut child = command.current_dir(self.root.path()).stdout(Stdio::null()).spawn().unwrap();
        let mut peak = 0;
        while child.try_wait().unwrap().is_none() {
            peak = peak.max(resident(child.id()));
            sleep(Duration::from_millis(2));
        }
        let took = started.elapsed();
        assert!(child.wait().unwrap().success());
        (took, peak)
    }
}

fn run(command: &mut Command) {
    assert!(command.stdout(Stdio::null()).status().unwrap().success(), "{command:?}");
}

/// The most memory that a process has had so far, in MiB; 0 where the system does not tell.
fn resident(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).unwrap_or_default() / 1024
}

fn main() {
    let stage = Stage::new();
    let new = ["new", "target", "--name", "my-server", "-y", "--author", "A", "--template", "templates"];
    let contestants = [
        ("`new`", None, &new[..]),
        ("`update`, 20 files behind", Some("old"), &["update", "target"]),
        ("`update`, up to date", Some("new"), &["update", "target"]),
    ];
    let times = stage.times(contestants.map(|(_, model, arguments)| (model, arguments)));
    println!("| command | ms | in units of `new` |\n|---|--:|--:|");
    for ((name, ..), took) in contestants.iter().zip(times) {
        let ratio = took.as_secs_f64() / times[0].as_secs_f64();
        println!("| {name} | {:.1} | {ratio:.2} |", took.as_secs_f64() * 1e3);
    }
    let size = std::env::var("FLEET").ok().and_then(|size| size.parse().ok()).unwrap_or(FLEET);
    println!("\n| repositories | cores | s | ms each | peak memory |\n|--:|--:|--:|--:|--:|");
    for (size, one_core) in [(size / 4, true), (size / 4, false), (size / 2, false), (size, false)] {
        let (took, peak) = stage.fleet(size, one_core);
        let cores = if one_core { 1 } else { std::thread::available_parallelism().unwrap().get() };
        let each = took.as_secs_f64() * 1e3 / f64::from(size);
        println!("| {size} | {cores} | {:.1} | {each:.1} | {peak} MiB |", took.as_secs_f64());
    }
}
