//! Killed at any moment, the command leaves nothing under the target's name or all of it, and the next run
//! clears up. Every single step is cut off in the unit tests of `write`; here it is the real process.

use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::harness::{Files, Sandbox, files};

const KILLS: u32 = 25;

fn start(sandbox: &Sandbox, target: &str, dir: &str) -> Child {
    let mut command = sandbox.command();
    command.args(["new", target, "--name", "x", "-y", "--vcs", "none"]).current_dir(sandbox.path(dir));
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// What a run writes, and how long it takes.
fn reference() -> (Files, Duration) {
    let sandbox = Sandbox::new();
    let started = Instant::now();
    assert!(start(&sandbox, "x", "").wait().unwrap().success());
    (sandbox.files("x"), started.elapsed())
}

/// Runs and kills, later each time; gives how often the target was missing and complete.
fn kill_all_along(sandbox: &Sandbox, target: &str, dir: &str, mut check: impl FnMut(u32)) {
    let (_, whole) = reference();
    for step in 0..KILLS {
        let mut run = start(sandbox, target, dir);
        sleep(whole * step / KILLS);
        run.kill().unwrap();
        run.wait().unwrap();
        check(step);
    }
}

#[test]
fn beside_the_target_it_is_all_or_nothing() {
    let sandbox = Sandbox::new();
    let (whole, _) = reference();
    let (mut nothing, mut staged) = (0, 0);
    kill_all_along(&sandbox, "x", "", |step| {
        let target = sandbox.path("x");
        staged += usize::from(sandbox.entries("").iter().any(|name| name.starts_with(".cargo-mcp-staging-")));
        if target.exists() {
            assert!(files(&target) == whole, "incomplete after kill {step}");
            std::fs::remove_dir_all(target).unwrap();
        } else {
            nothing += 1;
        }
    });
    assert!(nothing > 0 && staged > 0, "no kill came in time: {nothing} {staged}");
    sandbox.new_server(["x"]).ok();
    assert_eq!(sandbox.entries(""), ["x"]);
    assert!(sandbox.files("x") == whole);
}

#[test]
fn in_the_current_folder_the_next_run_finishes_it() {
    let sandbox = Sandbox::new();
    let (whole, _) = reference();
    std::fs::create_dir(sandbox.path("x")).unwrap();
    kill_all_along(&sandbox, ".", "x", |step| {
        if !sandbox.path("x/.cargo-mcp/manifest.toml").exists() {
            sandbox.new_server(["."]).dir(sandbox.path("x")).exits(0);
        }
        assert!(sandbox.files("x") == whole, "incomplete after kill {step}: {:?}", sandbox.entries("x"));
        for name in sandbox.entries("x") {
            let path = sandbox.path("x").join(name);
            let removed =
                if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
            removed.unwrap();
        }
    });
}
