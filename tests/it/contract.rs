//! `cargo mcp contract` as its user sees it: sources, formats, exit codes, versions, live servers.

use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{GIT_USER, Sandbox};
use crate::snapshot::pin;

fn tool(name: &str, output: &[&str]) -> Value {
    let properties: serde_json::Map<_, _> =
        output.iter().map(|key| ((*key).to_owned(), json!({"type": "string"}))).collect();
    json!({
        "name": name, "title": "T", "description": "Does.", "version": "1.0.0", "scope": "a", "sideEffects": "None.", "errors": [],
        "annotations": {"readOnlyHint": true},
        "inputSchema": {"type": "object", "properties": {"q": {"type": "string"}}, "additionalProperties": false},
        "outputSchema": {"type": "object", "properties": properties, "required": output}
    })
}

fn contract(sandbox: &Sandbox, path: &str, tool: &Value) {
    sandbox.write(path, serde_json::to_string_pretty(tool).unwrap());
}

/// Two folders: `new` has one output property less than `old`.
fn folders() -> Sandbox {
    let sandbox = Sandbox::new();
    contract(&sandbox, "old/tools/search.json", &tool("search", &["hits", "total"]));
    contract(&sandbox, "new/tools/search.json", &tool("search", &["hits"]));
    sandbox
}

fn git(sandbox: &Sandbox, arguments: &[&str]) {
    let mut command = Command::new("git");
    command.current_dir(sandbox.path("")).env("HOME", sandbox.home()).env("GIT_CONFIG_NOSYSTEM", "1");
    command.args(["-c", "user.email=a@example.com", "-c", &format!("user.name={GIT_USER}")]);
    let output = command.args(arguments).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_removed_output_property_is_explained_to_a_newcomer() {
    let sandbox = folders();
    pin("contract/human", &sandbox.mcp(["contract", "diff", "old", "new"]).exits(1).stdout);
    pin(
        "contract/markdown",
        &sandbox.mcp(["contract", "diff", "old", "new", "--format", "markdown"]).exits(1).stdout,
    );
    pin(
        "contract/sarif",
        &sandbox.mcp(["contract", "diff", "old", "new", "--format", "sarif"]).exits(1).stdout,
    );
}

#[test]
fn json_has_a_verdict_and_the_changes() {
    let sandbox = folders();
    let run = sandbox.mcp(["contract", "diff", "old", "new", "--format", "json"]).exits(1);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report["verdict"], "breaking");
    let change = &report["changes"][0];
    assert_eq!(change["rule"], "output-property-removed");
    assert_eq!(change["contract"], "tools/search");
    assert_eq!(change["pointer"], "/outputSchema/properties/total");
    assert_eq!(change["old"], json!({"type": "string"}));
    assert_eq!(change["new"], Value::Null);
    assert_eq!(change["witness"], json!({"hits": ""}));
}

#[test]
fn exit_codes_tell_harm_from_no_harm() {
    let sandbox = folders();
    sandbox.mcp(["contract", "diff", "old", "old"]).ok();
    sandbox.mcp(["contract", "diff", "new", "old"]).ok();
    sandbox.mcp(["contract", "diff", "old", "absent"]).fails("contract_invalid", "absent does not exist");
    sandbox.write("empty/readme", "");
    sandbox.mcp(["contract", "diff", "old", "empty"]).fails("contract_invalid", "no contracts in empty");
    sandbox.write("broken.json", "{");
    sandbox
        .mcp(["contract", "diff", "old", "broken.json"])
        .fails("contract_invalid", "broken.json is not JSON");
    sandbox.write("else.json", "{}");
    sandbox
        .mcp(["contract", "diff", "old", "else.json"])
        .fails("contract_invalid", "neither a contract nor a list");
}

#[test]
fn a_file_that_nests_too_deeply_is_refused() {
    let sandbox = Sandbox::new();
    let deep =
        format!("{{\"name\":\"t\",\"inputSchema\":{}{}}}", "{\"not\":".repeat(100_000), "}".repeat(100_000));
    sandbox.write("deep.json", deep.replacen(":}", ":{}}", 1));
    sandbox
        .mcp(["contract", "diff", "deep.json", "deep.json"])
        .fails("contract_invalid", "nests more than 127 levels deep");
}

#[test]
fn an_unknown_change_must_be_acknowledged() {
    let sandbox = Sandbox::new();
    let mut odd = tool("search", &["hits"]);
    contract(&sandbox, "old.json", &odd);
    odd["inputSchema"]["properties"]["q"]["pattern"] = json!("^(?!x)(?=.*[0-9]).+$");
    contract(&sandbox, "a.json", &odd);
    odd["inputSchema"]["properties"]["q"]["pattern"] = json!("^(?=.*[0-9])(?!x).+$");
    contract(&sandbox, "b.json", &odd);
    let diff = ["contract", "diff", "a.json", "b.json"];
    assert!(sandbox.mcp(diff).exits(1).stdout.contains("unknown"));
    for name in [
        "input-unproved",
        "/inputSchema/properties/q/pattern",
        "tools/search#/inputSchema/properties/q/pattern",
    ] {
        let run = sandbox.mcp(diff).args(["--acknowledge", name]).ok();
        assert!(run.stdout.contains("acknowledged"), "{}", run.stdout);
    }
    let run = sandbox.mcp(diff).args(["--acknowledge", "nothing"]).exits(1);
    assert!(run.stderr.contains("nothing to acknowledge is called nothing"), "{}", run.stderr);
    sandbox
        .mcp(["contract", "diff", "old.json", "a.json", "--acknowledge", "input-pattern-narrowed"])
        .exits(1);
}

#[test]
fn a_list_a_contract_and_history_are_sources() {
    let sandbox = folders();
    let wire = json!({"jsonrpc": "2.0", "id": 1, "result": {"tools": [tool("search", &["hits", "total"])]}});
    sandbox.write("list.json", wire.to_string());
    sandbox.mcp(["contract", "diff", "list.json", "old/tools/search.json"]).ok();
    git(&sandbox, &["init", "--quiet"]);
    git(&sandbox, &["add", "."]);
    git(&sandbox, &["commit", "--quiet", "-m", "x"]);
    git(&sandbox, &["tag", "v1.0.0"]);
    sandbox.mcp(["contract", "diff", "v1.0.0:old", "old"]).ok();
    sandbox.mcp(["contract", "diff", "v1.0.0:old", "v1.0.0:new"]).exits(1);
    sandbox.mcp(["contract", "diff", "v1.0.0:old/tools/search.json", "old"]).ok();
    sandbox.mcp(["contract", "diff", "v9.9.9:old", "old"]).fails("git", "git does not know v9.9.9:old");
    sandbox.mcp(["contract", "diff", "v1.0.0:none", "old"]).fails("git", "v1.0.0:none");
}

/// A repository with a server in `tools/`, released as v1.0.0, from which a prompt is then removed.
fn monorepo() -> Sandbox {
    let sandbox = Sandbox::new();
    let prompt = json!({"name": "ask", "arguments": [], "version": "1.0.0"});
    contract(&sandbox, "tools/contracts/tools/search.json", &tool("search", &["hits"]));
    contract(&sandbox, "tools/contracts/prompts/ask.json", &prompt);
    sandbox.write(".gitattributes", "* export-ignore\n");
    sandbox.write("tools/contracts/tools/.gitattributes", "* export-ignore\n");
    for arguments in
        [&["init", "--quiet"][..], &["add", "."], &["commit", "--quiet", "-m", "x"], &["tag", "v1.0.0"]]
    {
        git(&sandbox, arguments);
    }
    std::fs::remove_file(sandbox.path("tools/contracts/prompts/ask.json")).unwrap();
    sandbox
}

#[test]
fn history_is_read_from_any_folder() {
    let sandbox = monorepo();
    let removed = |folder: &str, old: &str, new: &str| {
        let diff = ["contract", "diff", old, new, "--format", "json"];
        let changes = sandbox.mcp(diff).dir(sandbox.path(folder)).exits(1).json()["changes"].take();
        assert_eq!(changes.as_array().map(Vec::len), Some(1), "{folder} {old}: {changes}");
        assert_eq!(changes[0]["contract"], "prompts/ask");
    };
    for top in ["v1.0.0:tools/contracts", "v1.0.0:tools", "v1.0.0:tools/contracts/"] {
        removed("", top, "tools/contracts");
        removed("tools", top, "contracts");
    }
    removed("", "v1.0.0:./tools", "tools");
    removed("tools", "v1.0.0:./contracts", ".");
    removed("tools", "v1.0.0:./", ".");
    removed("tools", "v1.0.0:.", ".");
    removed("tools/contracts", "v1.0.0:./", ".");
    removed("tools/contracts/tools", "v1.0.0:../", "..");
    let run = sandbox.mcp(["contract", "diff", "v1.0.0:contracts", "contracts"]).dir(sandbox.path("tools"));
    run.fails("git", "v1.0.0:./contracts");
}

#[test]
fn a_check_without_a_baseline_takes_the_last_release() {
    let sandbox = monorepo();
    let check = || sandbox.mcp(["contract", "check", "--offline", "tools", "--format", "json"]);
    assert_eq!(check().exits(1).json()["verdict"], "breaking");
    git(&sandbox, &["rm", "--quiet", "--cached", "-r", "tools/contracts"]);
    git(&sandbox, &["commit", "--quiet", "-m", "y"]);
    git(&sandbox, &["tag", "v1.0.1"]);
    let notes = check().ok().json()["notes"].to_string();
    assert!(notes.contains("v1.0.1 has no contracts/"), "{notes}");
    sandbox.write("tools/contracts/baseline/README.md", "Empty.");
    check().ok();
}

#[test]
fn a_history_that_cannot_be_read_is_never_an_all_clear() {
    let sandbox = monorepo();
    let diff = || sandbox.mcp(["contract", "diff", "v1.0.0:tools", "tools"]);
    let check = || sandbox.mcp(["contract", "check", "--offline", "tools"]);
    // As git sees a repository that belongs to somebody else.
    let owner = "GIT_TEST_ASSUME_DIFFERENT_OWNER";
    diff().env(owner, "1").fails("git", "safe.directory");
    check().env(owner, "1").fails("git", "dubious ownership");
    diff().env("PATH", "").fails("git", "git is not installed");
    check().env("PATH", "").fails("git", "git is not installed");
    git(&sandbox, &["checkout", "--quiet", "tools"]);
    git(&sandbox, &["commit", "--quiet", "--allow-empty", "-m", "y"]);
    git(
        &sandbox,
        &[
            "clone",
            "--quiet",
            "--depth=1",
            "--no-tags",
            &format!("file://{}", sandbox.path("").display()),
            "clone",
        ],
    );
    sandbox.mcp(["contract", "check", "--offline", "clone/tools"]).fails("git", "fetch-depth: 0");
}

#[test]
fn versions_are_held_to_the_verdict_and_bump_sets_them() {
    let sandbox = Sandbox::new();
    contract(&sandbox, "contracts/baseline/tools/search.json", &tool("search", &["hits", "total"]));
    contract(&sandbox, "contracts/tools/search.json", &tool("search", &["hits", "total"]));
    sandbox.mcp(["contract", "check", "--offline"]).ok();
    contract(&sandbox, "contracts/tools/search.json", &tool("search", &["hits"]));
    let run = sandbox.mcp(["contract", "check", "--offline"]).exits(1);
    assert!(
        run.stdout
            .contains("at 1.0.0; after 1.0.0 and a breaking or unproved change it must be 2.0.0 or higher")
    );
    let before = sandbox.files("contracts");
    assert!(
        sandbox.mcp(["contract", "bump", "--dry-run"]).ok().stdout.contains("would rise from 1.0.0 to 2.0.0")
    );
    assert_eq!(sandbox.files("contracts"), before);
    sandbox.mcp(["contract", "bump"]).ok();
    let run = sandbox.mcp(["contract", "check", "--offline", "--format", "json"]).ok();
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((&report["verdict"], &report["versions"][0]["ok"]), (&json!("breaking"), &json!(true)));
    assert!(sandbox.mcp(["contract", "bump"]).ok().stdout.contains("Every version is high enough"));
}

/// The levels of a SARIF log.
fn levels(sarif: &str) -> Vec<(String, String)> {
    let log: Value = serde_json::from_str(sarif).unwrap();
    let results = log["runs"][0]["results"].as_array().unwrap().clone();
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    results.iter().map(|result| (word(&result["ruleId"]), word(&result["level"]))).collect()
}

#[test]
fn sarif_and_the_exit_code_agree() {
    let sandbox = Sandbox::new();
    let check = |code: i32| {
        let run = sandbox.mcp(["contract", "check", "--offline", "--format", "sarif"]).exits(code);
        levels(&run.stdout)
    };
    let pair = |rule: &str, level: &str| (rule.to_owned(), level.to_owned());
    let mut now = tool("search", &["hits"]);
    contract(&sandbox, "contracts/baseline/tools/search.json", &tool("search", &["hits", "total"]));
    contract(&sandbox, "contracts/tools/search.json", &now);
    // Too low a version is a result of its own.
    assert_eq!(check(1), [pair("output-property-removed", "error"), pair("version-too-low", "error")]);
    now["version"] = json!("2.0.0");
    contract(&sandbox, "contracts/tools/search.json", &now);
    // What a version admits fails nobody's pull request.
    assert_eq!(check(0), [pair("output-property-removed", "warning")]);
    // Nor does an addition with too low a version, but for the version.
    contract(&sandbox, "contracts/tools/search.json", &tool("search", &["hits", "more", "total"]));
    assert_eq!(check(1), [pair("output-property-added", "note"), pair("version-too-low", "error")]);
    for (arguments, code) in [(&["old", "new"], 1), (&["new", "old"], 0)] {
        let sandbox = folders();
        let run = sandbox.mcp(["contract", "diff", "--format", "sarif"]).args(arguments).exits(code);
        let grave = levels(&run.stdout).iter().any(|(_, level)| level == "error");
        assert_eq!(grave, code == 1, "{}", run.stdout);
    }
}

#[test]
fn what_no_version_speaks_for_is_not_passed() {
    let sandbox = Sandbox::new();
    contract(&sandbox, "contracts/baseline/tools/search.json", &tool("search", &["hits"]));
    contract(&sandbox, "contracts/baseline/tools/other.json", &tool("other", &["hits"]));
    contract(&sandbox, "contracts/tools/search.json", &tool("search", &["hits"]));
    let run = sandbox.mcp(["contract", "check", "--offline"]).exits(1);
    assert!(run.stdout.contains("No version was looked at that admits what breaks"), "{}", run.stdout);
    // A version that is none admits nothing either.
    let mut odd = tool("search", &["hits"]);
    odd["version"] = json!("one");
    contract(&sandbox, "contracts/baseline/tools/search.json", &odd);
    odd["outputSchema"] = Value::Null;
    contract(&sandbox, "contracts/tools/search.json", &odd);
    contract(&sandbox, "contracts/tools/other.json", &tool("other", &["hits"]));
    let run = sandbox.mcp(["contract", "check", "--offline"]).exits(1);
    assert!(run.stdout.contains("it must be 1.0.0 or higher"), "{}", run.stdout);
}

#[test]
fn many_findings_of_a_rule_are_told_once() {
    let sandbox = Sandbox::new();
    for number in 0..9 {
        contract(
            &sandbox,
            &format!("old/tools/t{number}.json"),
            &json!({"name": format!("t{number}"), "inputSchema": {}}),
        );
        contract(
            &sandbox,
            &format!("new/tools/t{number}.json"),
            &json!({"name": format!("t{number}"), "title": "T", "inputSchema": {}}),
        );
        contract(
            &sandbox,
            &format!("old/resources/r{number}.json"),
            &json!({"name": format!("r{number}"), "uri": format!("r://{number}"), "mimeType": format!("a/{number}")}),
        );
    }
    let run = sandbox.mcp(["contract", "diff", "old", "new"]).exits(1);
    pin("contract/many", &run.stdout);
    let run = sandbox.mcp(["contract", "diff", "old", "new", "--format", "markdown"]).exits(1);
    assert_eq!(run.stdout.matches("What to do").count(), 1, "{}", run.stdout);
}

#[test]
fn no_flag_is_without_effect() {
    let sandbox = Sandbox::new();
    for (command, flag) in [
        ("check", "--dry-run"),
        ("bump", "--cmd=x"),
        ("bump", "--url=http://x"),
        ("bump", "--timeout=5"),
        ("bump", "--offline"),
        ("bump", "--format=sarif"),
        ("bump", "--format=markdown"),
    ] {
        let run = sandbox.mcp(["contract", command, flag]).exits(2);
        assert!(run.stderr.contains("--"), "{command} {flag}: {}", run.stderr);
    }
}

#[test]
fn the_servers_version_is_held_to_its_release_tag() {
    let sandbox = Sandbox::new();
    sandbox.new_server(["my-server"]).ok();
    let here = sandbox.path("my-server");
    let check = || sandbox.mcp(["contract", "check", "--offline"]).dir(&here);
    assert!(check().ok().stdout.contains("no release is tagged"));
    let nested = |arguments: &[&str]| git(&sandbox, &[&["-C", "my-server"], arguments].concat());
    nested(&["init", "--quiet"]);
    nested(&["add", "."]);
    nested(&["commit", "--quiet", "-m", "x"]);
    nested(&["tag", "v0.1.0"]);
    check().ok();
    let path = here.join("contracts/tools/process_text.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let mut process: Value = serde_json::from_str(&text).unwrap();
    process["outputSchema"]["properties"]["metadata"]["required"] = json!([]);
    std::fs::write(&path, process.to_string()).unwrap();
    let run = check().exits(1);
    assert!(run.stdout.contains("at 0.1.0; after 0.1.0"), "{}", run.stdout);
    assert!(run.stdout.contains("it must be 0.2.0 or higher"), "{}", run.stdout);
    sandbox.mcp(["contract", "bump"]).dir(&here).ok();
    check().ok();
    sandbox.mcp(["contract", "diff", "v0.1.0:contracts", "contracts"]).dir(&here).exits(1);
}

/// A command that serves `document`, misbehaving as `mood` says.
fn server(sandbox: &Sandbox, document: &Value, mood: &str) -> Option<String> {
    if Command::new("python3").arg("--version").output().is_err() {
        crate::harness::skip("there is no python3 to serve with");
        return None;
    }
    let listed = sandbox.write("listed.json", document.to_string());
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/contracts/server.py");
    Some(format!("python3 '{program}' '{}' {mood}", listed.display()))
}

#[test]
fn a_live_server_is_exported_and_compared() {
    let sandbox = Sandbox::new();
    let mut wire = tool("search", &["hits"]);
    wire["inputSchema"]["title"] = json!("SearchArguments");
    wire["inputSchema"]["properties"]["n"] = json!({"type": "integer", "format": "int64", "title": "N"});
    for key in ["version", "scope", "sideEffects", "errors"] {
        wire.as_object_mut().unwrap().remove(key);
    }
    for mood in ["", "exits"] {
        let Some(command) = server(&sandbox, &json!({"tools": [wire]}), mood) else { return };
        let printed = sandbox.mcp(["contract", "export", "--cmd", &command]).ok().stdout;
        pin("contract/export", &printed);
        contract(&sandbox, "kept/tools/search.json", &tool("search", &["hits"]));
        sandbox.mcp(["contract", "export", "--cmd", &command, "--out", "kept"]).ok();
        let kept = std::fs::read_to_string(sandbox.path("kept/tools/search.json")).unwrap();
        assert!(kept.contains("\"version\": \"1.0.0\"") && kept.contains("\"n\""), "{kept}");
        sandbox.mcp(["contract", "diff", "kept", &format!("cmd:{command}")]).ok();
    }
    let Some(command) = server(&sandbox, &json!({"tools": [wire]}), "") else { return };
    for written in [true, false] {
        let run = sandbox.mcp([
            "contract",
            "export",
            "--cmd",
            &command,
            "--out",
            "yet/to be/made",
            "--format",
            "json",
        ]);
        assert_eq!(run.ok().json()["contracts"], json!([{"path": "tools/search.json", "written": written}]));
        assert!(sandbox.path("yet/to be/made/tools/search.json").is_file());
    }
}

#[test]
fn a_server_that_misbehaves_is_an_error_and_never_hangs() {
    let sandbox = Sandbox::new();
    let Some(command) = server(&sandbox, &json!({"tools": []}), "silent") else { return };
    let export = |command: &str| sandbox.mcp(["contract", "export", "--cmd", command]);
    export(&command).args(["--timeout", "2"]).fails("server", "did not answer within 2 seconds");
    let command = server(&sandbox, &json!({"tools": []}), "crash").unwrap();
    let run = export(&command).fails("server", "the server ended before it answered");
    assert!(run.stderr.contains("no database") && !run.stderr.contains('\x1b'), "{}", run.stderr);
    export("no-such-program-anywhere x").fails("server", "cannot be started");
    let command = server(&sandbox, &json!({"tools": []}), "").unwrap();
    export(&command).fails("contract_invalid", "lists no tools");
    sandbox
        .mcp(["contract", "export", "--url", "http://127.0.0.1:9/mcp"])
        .fails("server", "cannot be reached");
    sandbox.mcp(["contract", "export"]).fails("usage", "not a repository that cargo mcp wrote");
}

#[test]
fn kinds_of_change_are_a_pinned_table() {
    let lines = mcp_contract::rules::RULES.iter();
    let text = lines.fold(String::new(), |text, kind| {
        text + &format!("{} ({}): {} {}\n", kind.id, kind.verdict.word(), kind.meaning, kind.remedy)
    });
    pin("contract/kinds", &text);
}
