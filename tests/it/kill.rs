//! Killed at any moment, the command leaves nothing under the target's name or all of it, and the next run
//! clears up. Every single step is cut off in the unit tests of `write`; here it is the real process.

use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::harness::{Files, Sandbox, files};

const KILLS: u32 = 30;

fn start(sandbox: &Sandbox, target: &str, dir: &str) -> Child {
    let mut command = sandbox.command();
    command.args(["new", target, "--name", "x", "-y", "--vcs", "none"]).current_dir(sandbox.path(dir));
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// What a run writes.
fn reference() -> Files {
    let sandbox = Sandbox::new();
    sandbox.new_server(["x"]).ok();
    sandbox.files("x")
}

/// Runs and kills, each time a little later after the first folder has appeared in `dir`.
fn kill_all_along(sandbox: &Sandbox, target: &str, dir: &str, mut check: impl FnMut(u32)) {
    for step in 0..KILLS {
        let mut run = start(sandbox, target, dir);
        while step > 0 && sandbox.entries(dir).is_empty() && run.try_wait().unwrap().is_none() {
            sleep(Duration::from_micros(50));
        }
        sleep(Duration::from_micros(u64::from(step * step * 60)));
        run.kill().unwrap();
        run.wait().unwrap();
        check(step);
    }
}

#[test]
fn beside_the_target_it_is_all_or_nothing() {
    let sandbox = Sandbox::new();
    let whole = reference();
    let (mut nothing, mut staged, mut all) = (0, 0, 0);
    kill_all_along(&sandbox, "x", "", |step| {
        let target = sandbox.path("x");
        let stale = sandbox.entries("").iter().filter(|name| name.starts_with(".cargo-mcp-staging-")).count();
        staged += stale;
        if target.exists() {
            assert!(files(&target) == whole, "incomplete after kill {step}");
            all += 1;
            std::fs::remove_dir_all(target).unwrap();
        } else {
            nothing += 1;
        }
        // The next run has to sweep what this one left, and starts from an empty folder.
        if stale > 0 {
            sandbox.new_server(["x"]).ok();
            assert_eq!(sandbox.entries(""), ["x"]);
            std::fs::remove_dir_all(sandbox.path("x")).unwrap();
        }
    });
    assert!(
        nothing > 0 && staged > 0,
        "no kill came in time: {nothing} times nothing, {staged} staged, {all} all"
    );
}

#[test]
fn in_the_current_folder_the_next_run_finishes_it() {
    let sandbox = Sandbox::new();
    let whole = reference();
    std::fs::create_dir(sandbox.path("x")).unwrap();
    kill_all_along(&sandbox, ".", "x", |step| {
        if !sandbox.path("x/.cargo-mcp/manifest.toml").exists() {
            sandbox.new_server(["."]).dir(sandbox.path("x")).exits(0);
        }
        let mut found = sandbox.files("x");
        found.retain(|path, _| !path.starts_with(".cargo-mcp-"));
        assert!(found == whole, "incomplete after kill {step}: {:?}", sandbox.entries("x"));
        for name in sandbox.entries("x") {
            let path = sandbox.path("x").join(name);
            let removed =
                if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
            removed.unwrap();
        }
    });
}
