//! The generated workflows: linted, and those that run this program carried out step by step, as a runner does it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::harness::{Sandbox, languages, skip};
use crate::snapshot::HOSTILE;
use crate::update::{Made, first};

const ACTIONLINT: &str = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12";
const SOURCE: &str = "https://example.com/tool's.git";

/// Builds actionlint below `target`, where Go is there.
fn actionlint() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("actionlint-1.7.12");
    let program = folder.join("actionlint");
    if !program.exists() {
        let built = Command::new("go").args(["install", ACTIONLINT]).env("GOBIN", &folder).output().ok()?;
        if !built.status.success() {
            eprintln!("{}", String::from_utf8_lossy(&built.stderr));
            return None;
        }
    }
    Some(program)
}

#[test]
fn actionlint_finds_nothing_whatever_the_answers_are() {
    let Some(actionlint) = actionlint() else { return skip("actionlint cannot be built: it takes Go") };
    for language in languages() {
        let sandbox = Sandbox::new();
        let source = format!("tool_source={SOURCE}");
        let hostile =
            HOSTILE.iter().filter(|(key, _)| *key != "name").map(|(key, value)| format!("{key}={value}"));
        let known = [source, "tool_revision=v1.2.3".to_owned()];
        for (name, set) in [("plain", vec![]), ("known", known.into()), ("hostile", hostile.collect())] {
            let set = set.iter().flat_map(|pair: &String| ["--set", pair.as_str()]);
            sandbox.new_server([name, "--lang", language]).args(set).ok();
            let workflows = sandbox.path(name).join(".github/workflows");
            let files = fs::read_dir(workflows).unwrap().map(|entry| entry.unwrap().path());
            let output = Command::new(&actionlint)
                .args(["-no-color", "-shellcheck=", "-pyflakes="])
                .args(files)
                .current_dir(sandbox.path(name))
                .output()
                .unwrap();
            assert!(
                output.status.success(),
                "{language} {name}: {}",
                String::from_utf8_lossy(&output.stdout)
            );
        }
    }
}

/// A runner with a checked-out repository, in which `cargo` and `gh` write down what is asked of them.
struct Runner<'a> {
    made: &'a Made,
    bin: PathBuf,
}

/// How a job went.
struct Ran {
    /// The output of the last step.
    last: Output,
    /// What was asked of `cargo install` and `gh`, a line each.
    calls: String,
    /// What the job says on its page.
    summary: String,
}

impl<'a> Runner<'a> {
    fn new(made: &'a Made) -> Self {
        let bin = made.sandbox.path("bin");
        let tool = env!("CARGO_BIN_EXE_cargo-mcp");
        let cargo = format!(
            "#!/bin/sh\ncase $1 in\n  install) echo \"cargo $*\" >>\"$CALLS\" ;;\n  mcp) exec '{tool}' \"$@\" ;;\n  *) exit 9 ;;\nesac\n"
        );
        let gh = "#!/bin/sh\necho \"gh $*\" >>\"$CALLS\"\nif [ \"$2\" = list ]; then cat \"$OPEN\"; fi\n";
        for (name, text) in [("cargo", cargo.as_str()), ("gh", gh)] {
            use std::os::unix::fs::PermissionsExt as _;
            let path = made.sandbox.write(&format!("bin/{name}"), text);
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        made.git("", &["clone", "--quiet", "--bare", "x", "origin"]);
        made.git("x", &["remote", "add", "origin", "../origin"]);
        Self { made, bin }
    }

    /// Runs the steps of a job until one fails. `open` is what `gh pr list` prints.
    fn run(&self, workflow: &str, job: &str, open: &str) -> Ran {
        let sandbox = &self.made.sandbox;
        for name in ["runner/calls", "runner/summary", "runner/output"] {
            sandbox.write(name, "");
        }
        sandbox.write("runner/open", open);
        let text = fs::read_to_string(sandbox.path("x/.github/workflows").join(workflow)).unwrap();
        let workflow: Value = serde_saphyr::from_str(&text).unwrap();
        let job = &workflow["jobs"][job];
        let mut known = BTreeMap::from([("github.token".to_owned(), "token".to_owned())]);
        let mut last = None;
        for step in job["steps"].as_array().unwrap() {
            if let Some(action) = step["uses"].as_str() {
                let (_, commit) = action.split_once('@').unwrap();
                assert!(commit.len() == 40, "{action} is not pinned");
                continue;
            }
            if step["if"].as_str().is_some_and(|condition| evaluate(condition, &known) != "true") {
                continue;
            }
            let mut command = Command::new("bash");
            command.args(["--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"].as_str().unwrap()]);
            command.current_dir(sandbox.path("x")).env_clear();
            let path = format!("{}:{}", self.bin.display(), std::env::var("PATH").unwrap());
            command.env("PATH", path).env("HOME", sandbox.home()).env("RUNNER_TEMP", sandbox.path("runner"));
            for (key, name) in [
                ("CALLS", "calls"),
                ("OPEN", "open"),
                ("GITHUB_STEP_SUMMARY", "summary"),
                ("GITHUB_OUTPUT", "output"),
            ] {
                command.env(key, sandbox.path("runner").join(name));
            }
            for env in [&workflow["env"], &job["env"], &step["env"]] {
                for (key, value) in env.as_object().into_iter().flatten() {
                    command.env(key, filled(value.as_str().unwrap(), &known));
                }
            }
            let output = command.output().unwrap();
            let failed = !output.status.success();
            last = Some(output);
            if failed {
                break;
            }
            let id = step["id"].as_str().unwrap_or_default();
            let outputs = fs::read_to_string(sandbox.path("runner/output")).unwrap();
            for (key, value) in outputs.lines().filter_map(|line| line.split_once('=')) {
                known.insert(format!("steps.{id}.outputs.{key}"), value.to_owned());
            }
        }
        let read = |name| fs::read_to_string(sandbox.path("runner").join(name)).unwrap();
        Ran { last: last.unwrap(), calls: read("calls"), summary: read("summary") }
    }

    /// Whether the branch of the offered update has been pushed.
    fn pushed(&self) -> bool {
        self.made.sandbox.path("origin/refs/heads/cargo-mcp/template-update").exists()
    }
}

impl Ran {
    #[track_caller]
    fn exits(&self, code: i32) -> String {
        let text = String::from_utf8_lossy(&self.last.stdout).into_owned();
        let said = format!("{text}{}", String::from_utf8_lossy(&self.last.stderr));
        assert_eq!(self.last.status.code(), Some(code), "{said}");
        text
    }
}

/// The value of an expression: `a`, `a || b` or `a == 'text'`; what is not known is empty.
fn evaluate(expression: &str, known: &BTreeMap<String, String>) -> String {
    let value = |name: &str| known.get(name.trim()).cloned().unwrap_or_default();
    if let Some((name, text)) = expression.split_once("==") {
        return (value(name) == text.trim().trim_matches('\'')).to_string();
    }
    expression.split("||").map(value).find(|value| !value.is_empty()).unwrap_or_default()
}

/// A text with the values of its expressions.
fn filled(text: &str, known: &BTreeMap<String, String>) -> String {
    let mut parts = text.split("${{");
    let mut out = parts.next().unwrap().to_owned();
    for part in parts {
        let (expression, rest) = part.split_once("}}").unwrap();
        out += &(evaluate(expression, known) + rest);
    }
    out
}

/// A server whose CI knows where to take the program from.
fn known(language: &str) -> Made {
    let made = Made::new(language);
    let source = format!("tool_source={SOURCE}");
    made.update(["--set", &source, "--set", "tool_revision=v1.2.3"]).ok();
    made.commit("x");
    made
}

#[test]
fn an_update_becomes_a_pull_request() {
    for language in languages() {
        let made = known(language);
        let runner = Runner::new(&made);
        let run = |open: &str| runner.run("template-update.yml", "update", open);
        let current = run("");
        assert!(current.exits(0).contains("::notice::The repository has the newest template."));
        assert_eq!(current.calls, format!("cargo install --locked --git {SOURCE} --rev v1.2.3 cargo-mcp\n"));

        made.usual_release();
        let open = run("7\n");
        assert!(open.exits(0).contains("open already") && !runner.pushed());
        made.git("x", &["reset", "--quiet", "--hard"]);
        made.git("x", &["clean", "--quiet", "-d", "--force"]);

        let offered = run("");
        offered.exits(0);
        assert!(runner.pushed());
        let create = offered.calls.lines().find(|line| line.starts_with("gh pr create")).unwrap();
        let body = made.sandbox.path("runner/body.md");
        let expected =
            "gh pr create --head cargo-mcp/template-update --title Update to the newest template --body-file";
        assert_eq!(create, format!("{expected} {}", body.display()));
        let body = fs::read_to_string(body).unwrap();
        assert!(body.starts_with("````text\nUpdated ") && body.contains("update    .editorconfig"), "{body}");
        made.git("x", &["diff", "--quiet", "HEAD"]);
    }
}

#[test]
fn an_update_with_conflicts_becomes_a_draft_and_one_that_fails_none() {
    let made = known(first());
    made.edit("x/.editorconfig", |text| text.replacen("root = true", "root = false", 1));
    made.commit("x");
    let runner = Runner::new(&made);
    made.usual_release();
    let offered = runner.run("template-update.yml", "update", "");
    offered.exits(0);
    let draft = "gh pr create --draft --head cargo-mcp/template-update --title Update to the newest template (conflicts)";
    assert!(offered.calls.contains(draft) && runner.pushed(), "{}", offered.calls);
    assert!(made.read("runner/body.md").contains("conflict  .editorconfig"));
    // Its branch is gone on with like any other: what was pending is not in it.
    made.git("", &["clone", "--quiet", "--branch=cargo-mcp/template-update", "origin", "clone"]);
    assert!(!made.sandbox.path("clone/.cargo-mcp/pending").exists());
    assert!(made.read("clone/.editorconfig").contains("<<<<<<< yours"));

    let broken = known(first());
    broken.sandbox.write("x/.cargo-mcp/manifest.toml", "schema = 1");
    broken.commit("x");
    let runner = Runner::new(&broken);
    let failed = runner.run("template-update.yml", "update", "");
    failed.exits(2);
    assert!(!failed.calls.contains("gh ") && !runner.pushed());
}

#[test]
fn without_a_source_the_jobs_say_so_and_end() {
    let made = Made::new(first());
    let runner = Runner::new(&made);
    for (workflow, job) in [("template-update.yml", "update"), ("contracts.yml", "check")] {
        let ran = runner.run(workflow, job, "");
        assert!(
            ran.exits(0).contains("::notice::It is not known where to take cargo-mcp from"),
            "{workflow}"
        );
        assert_eq!(ran.calls, "");
    }
    assert!(!made.read("x/.github/workflows/ci.yml").contains("cargo mcp"));
}

#[test]
fn ci_fails_when_the_template_has_moved_on() {
    for language in languages() {
        let made = known(language);
        let runner = Runner::new(&made);
        runner.run("ci.yml", "template", "").exits(0);
        made.usual_release();
        let behind = runner.run("ci.yml", "template", "").exits(1);
        assert!(behind.contains("template 0.1.0 → 0.2.0") && behind.contains("+root = true # 2"), "{behind}");
    }
}

#[test]
fn a_contract_that_breaks_clients_fails_with_the_report_on_its_page() {
    for language in languages() {
        let made = known(language);
        let copied = |path: &str| {
            made.sandbox
                .write(&format!("x/contracts/baseline/{path}"), made.read(&format!("x/contracts/{path}")))
        };
        let path = "tools/process_text.json";
        copied(path);
        made.commit("x");
        let runner = Runner::new(&made);
        let kept = runner.run("contracts.yml", "check", "");
        kept.exits(0);
        assert!(kept.calls.contains(SOURCE), "{}", kept.calls);
        fs::remove_file(made.sandbox.path("x/contracts").join(path)).unwrap();
        let broken = runner.run("contracts.yml", "check", "");
        broken.exits(1);
        assert!(
            broken.summary.contains("process_text") && broken.summary.contains("## "),
            "{}",
            broken.summary
        );
    }
}
