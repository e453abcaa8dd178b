//! What the command says of itself, pinned: people and scripts read it.

use cargo_mcp::error::Code;

use crate::harness::{Sandbox, languages};
use crate::snapshot::pin;

const COMMANDS: &[&str] = &["adopt", "completions", "contract", "new", "templates", "update"];

#[test]
fn the_help_of_every_subcommand_is_pinned_and_ends_in_an_example() {
    let sandbox = Sandbox::new();
    let mut listed = Vec::new();
    let top = sandbox.mcp(["--help"]).ok().stdout;
    for line in
        top.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty())
    {
        listed.extend(line.split_whitespace().next().filter(|name| *name != "help"));
    }
    assert_eq!(listed, COMMANDS);
    pin("help/cargo-mcp", &top);
    for command in COMMANDS {
        let help = sandbox.mcp([command, "--help"]).ok().stdout;
        let example = help.split("Example:\n").nth(1).unwrap_or_default();
        assert!(example.starts_with(&format!("  cargo mcp {command}")), "{help}");
        assert_eq!(example.trim_end().lines().count(), 1, "{help}");
        pin(&format!("help/{command}"), &help);
    }
    let contract = ["bump", "check", "diff", "export"].map(|command| ("contract", command));
    for (group, command) in contract.into_iter().chain([("templates", "check"), ("templates", "export")]) {
        let help = sandbox.mcp([group, command, "--help"]).ok().stdout;
        assert!(help.contains(&format!("Example:\n  cargo mcp {group} {command}")), "{help}");
        pin(&format!("help/{group}-{command}"), &help);
    }
}

#[test]
fn codes_of_errors_are_a_table() {
    let ids: Vec<_> = Code::ALL.iter().map(|code| code.id()).collect();
    assert!(ids.is_sorted_by(|a, b| a < b), "sorted and unique: {ids:?}");
    let mut table = String::new();
    for code in Code::ALL {
        assert!(code.meaning().ends_with('.') && code.meaning().len() > 10, "{code:?}");
        table += &format!("{}: {}\n", code.id(), code.meaning());
    }
    pin("error-codes", &table);
}

#[test]
fn cargo_runs_it_as_a_subcommand() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.mcp(["mcp", "--help"]).ok().stdout, sandbox.mcp(["--help"]).ok().stdout);
    assert_eq!(sandbox.mcp(["mcp", "-V"]).ok().stdout, format!("cargo-mcp {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn usage_errors_are_exit_code_2_and_json_when_asked_for() {
    let sandbox = Sandbox::new();
    for arguments in [&[][..], &["bogus"], &["new", "--bogus"], &["new", "a", "b"], &["new", "--vcs", "svn"]]
    {
        let output = sandbox.mcp(arguments).exits(2);
        assert_eq!(output.stdout, "");
        assert!(!output.stderr.is_empty());
    }
    sandbox.mcp(["new", "--bogus"]).fails("usage", "--bogus");
}

#[test]
fn templates_are_listed_with_their_questions() {
    let sandbox = Sandbox::new();
    let text = sandbox.mcp(["templates"]).ok().stdout;
    for language in languages() {
        assert!(text.contains(language), "{text}");
    }
    let listed = sandbox.mcp(["templates", "--format", "json"]).ok().json();
    assert_eq!(listed["templates"][0]["default"], true);
    let keys: Vec<_> =
        listed["templates"][0]["questions"].as_array().unwrap().iter().map(|q| &q["key"]).collect();
    assert_eq!(
        keys,
        [
            "name",
            "language",
            "description",
            "author",
            "license",
            "codeowners",
            "tool_source",
            "tool_revision"
        ]
    );
    pin("templates", &text);
}

#[test]
fn completions_exist_for_every_shell() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = sandbox.mcp(["completions", shell]).ok().stdout;
        assert!(script.contains("cargo-mcp") && script.contains("dry-run"), "{shell}");
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = command.args(["completions", "bash"]).stdout(writer).output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

#[test]
fn colour_is_for_terminals() {
    let sandbox = Sandbox::new();
    let shown =
        sandbox.mcp(["templates"]).ok().stdout + &sandbox.mcp(["new", "Bad Name", "-y"]).exits(2).stderr;
    assert!(!shown.contains('\u{1b}'), "{shown:?}");
}
