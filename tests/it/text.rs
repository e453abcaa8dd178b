//! Any text comes out intact and harmless, as the real programs read it: Python, the shell, make.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use cargo_mcp::text::{cut, escape};

use crate::harness::{Sandbox, languages, skip};
use crate::snapshot::HOSTILE;

const TEXTS: &[&str] = &[
    "plain",
    r#"say "hi" & 'bye'"#,
    r"back\slash \n \u0041 \N{BULLET} \",
    r"\\",
    r"\#x \\#y # z",
    "$(touch pwned) `touch pwned` ${HOME} $HOME $$ $@ $(shell touch pwned)",
    "{{ x }} <{ y }> <% z %> ${{ github.token }} %s {0} %(x)s",
    r#"""" ''' */ /* --> <!-- ]]> // ; & | < > ! ~ * ?"#,
    "\u{202e}evil\u{202c} \u{2066}x\u{2069} a\u{2028}b\u{2029}c\u{feff}d\u{200b}e\u{ad}f",
    "👩\u{200d}🚀 🏴\u{e0067}\u{e0062}\u{e007f} é 日本語 \u{10ffff}",
    "trailing \\",
    "-n",
    "'; touch pwned; '",
    "endef",
    "null",
];

fn run(program: &str, arguments: &[&str], input: &str, sandbox: &Sandbox) -> Option<String> {
    let mut child = Command::new(program)
        .args(arguments)
        .env_remove("MAKEFLAGS")
        .env_remove("MAKELEVEL")
        .current_dir(sandbox.path(""))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{program} cannot read {input}");
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn quoted_text_is_read_back_by_python() {
    let sandbox = Sandbox::new();
    let literals: Vec<_> = TEXTS.iter().map(|text| escape::quote(text)).collect();
    let program = format!("# coding: utf-8\nimport json\nprint(json.dumps([{}]))\n", literals.join(", "));
    let Some(read) = run("python3", &["-"], &program, &sandbox) else { return skip("python3 is missing") };
    assert_eq!(serde_json::from_str::<Vec<String>>(&read).unwrap(), TEXTS);
}

#[test]
fn shell_words_are_read_back_by_the_shell() {
    let sandbox = Sandbox::new();
    for text in TEXTS {
        let script = format!("printf '%s\\n' {}", escape::sh(text));
        assert_eq!(run("sh", &["-s"], &script, &sandbox).unwrap(), format!("{text}\n"));
    }
    assert!(sandbox.entries("").is_empty());
}

#[test]
fn make_values_are_read_back_by_make() {
    let sandbox = Sandbox::new();
    for text in TEXTS {
        let makefile = format!("VALUE := {}\nexport VALUE\nall:\n\t@printenv VALUE\n", escape::make(text));
        let Some(read) = run("make", &["-sf-"], &makefile, &sandbox) else { return skip("make is missing") };
        assert_eq!(read, format!("{text}\n"), "{makefile}");
    }
    assert!(sandbox.entries("").is_empty());
}

#[test]
fn comments_are_comments_to_every_program() {
    let sandbox = Sandbox::new();
    for text in TEXTS {
        let comment = escape::comment(text);
        assert_eq!(run("sh", &["-s"], &format!("# {comment}\necho ok\n"), &sandbox).unwrap(), "ok\n");
        let makefile = format!("# {comment}\nall:\n\t@echo ok\n");
        assert_eq!(run("make", &["-sf-"], &makefile, &sandbox).unwrap(), "ok\n");
        let program = format!("# coding: utf-8\n# {comment}\nprint('ok')\n");
        assert_eq!(run("python3", &["-"], &program, &sandbox).unwrap(), "ok\n");
    }
    assert!(sandbox.entries("").is_empty());
}

#[test]
fn hostile_answers_come_out_intact_in_every_data_file() {
    for language in languages() {
        let sandbox = Sandbox::new();
        let set: Vec<_> = HOSTILE.iter().map(|(key, value)| format!("{key}={value}")).collect();
        sandbox.new_server(["x", "--lang", language]).args(set.iter().flat_map(|pair| ["--set", pair])).ok();
        let mut parsed = 0;
        for (path, (_, bytes)) in sandbox.files("x") {
            let extension = path.rsplit('.').next().unwrap();
            let Ok(text) = str::from_utf8(&bytes) else { continue };
            match extension {
                "json" => drop(
                    serde_json::from_str::<serde_json::Value>(text)
                        .unwrap_or_else(|error| panic!("{path}: {error}")),
                ),
                "toml" => drop(
                    toml::from_str::<toml::Table>(text).unwrap_or_else(|error| panic!("{path}: {error}")),
                ),
                _ => continue,
            }
            parsed += 1;
        }
        assert!(parsed > 10, "{language}: {parsed} files");
        let server: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(sandbox.path("x/server.json")).unwrap()).unwrap();
        assert_eq!(server["description"], cut::truncate_chars(HOSTILE[1].1, 100));
    }
}

#[test]
fn no_generated_file_deceives_its_reader() {
    // A licence holds the author as written, and a Containerfile has no escapes.
    for language in languages() {
        let sandbox = Sandbox::new();
        let set: Vec<_> = HOSTILE.iter().map(|(key, value)| format!("{key}={value}")).collect();
        sandbox.new_server(["x", "--lang", language]).args(set.iter().flat_map(|pair| ["--set", pair])).ok();
        for (path, (_, bytes)) in sandbox.files("x") {
            let Ok(text) = str::from_utf8(&bytes) else { continue };
            let deceptive =
                |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}');
            let line = text.lines().find(|line| line.contains(deceptive));
            assert!(
                line.is_none() || path == "LICENSE" || path == "Containerfile",
                "{language} {path}: {line:?}"
            );
        }
    }
}
