//! Make targets of a generated repository that need nothing installed.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use crate::harness::{Sandbox, languages};

/// A folder whose name means something to a shell, to make, and to printf.
const ODD: &str = "it's $HOME \"of\" my server %s";

#[track_caller]
fn make(sandbox: &Sandbox, folder: &str, target: &str) -> String {
    let output = Command::new("make")
        .args(["--silent", "--no-print-directory", target])
        .current_dir(sandbox.path(folder))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_line_of_activate_works_wherever_the_repository_lies() {
    for language in languages() {
        let sandbox = Sandbox::new();
        sandbox.new_server([ODD, "--name", "x", "--lang", language]).ok();
        let folder = sandbox.path(ODD).canonicalize().unwrap();
        for tools in [".venv/bin", "node_modules/.bin", "bin", "target/release"] {
            let probe = sandbox.write(&format!("{ODD}/{tools}/probe"), "#!/bin/sh\n");
            fs::set_permissions(probe, Permissions::from_mode(0o755)).unwrap();
        }
        let line = make(&sandbox, ODD, "activate");
        let output =
            Command::new("sh").args(["-c", &format!("{line}command -v probe")]).current_dir(&folder).output();
        let found = String::from_utf8(output.unwrap().stdout).unwrap();
        assert!(found.starts_with(folder.to_str().unwrap()), "{language}: {line}gives {found:?}");
    }
}

#[test]
fn the_baseline_becomes_what_the_contracts_are() {
    for language in languages() {
        let sandbox = Sandbox::new();
        sandbox.new_server(["x", "--lang", language]).ok();
        sandbox.write("x/contracts/tools/added one.json", "{}");
        sandbox.write("x/contracts/baseline/tools/gone.json", "{}");
        sandbox.write("x/contracts/baseline/README.md", "kept");
        make(&sandbox, "x", "baseline");
        let mut baseline = sandbox.files("x/contracts/baseline");
        assert_eq!(baseline.remove("README.md").unwrap().1, b"kept");
        baseline.remove(".gitkeep");
        let mut contracts = sandbox.files("x/contracts");
        contracts.retain(|path, _| !path.starts_with("baseline/"));
        assert_eq!(baseline, contracts, "{language}");
    }
}
