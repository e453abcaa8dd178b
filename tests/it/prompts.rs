//! The questions, on a pseudo-terminal.

use std::time::Duration;

use rexpect::process::{Signal, WaitStatus};
use rexpect::session::{PtySession, spawn_command};

use crate::harness::{Sandbox, languages};

const PATIENCE: u64 = 20_000;
const DOWN: &str = "\u{1b}[B";

fn on_terminal(sandbox: &Sandbox, arguments: &[&str]) -> PtySession {
    let mut command = sandbox.command();
    command.env("NO_COLOR", "1").args(arguments);
    spawn_command(command, Some(PATIENCE)).unwrap()
}

fn code(session: &PtySession) -> i32 {
    match session.process().wait().unwrap() {
        WaitStatus::Exited(_, code) => code,
        other => panic!("{other:?}"),
    }
}

#[test]
fn it_asks_for_name_language_description_and_licence_and_checks_each_answer() {
    let sandbox = Sandbox::new();
    let mut session = on_terminal(&sandbox, &["new"]);
    session.exp_string("Name of the server").unwrap();
    session.send_line("Bad Name").unwrap();
    session.exp_string("try bad-name").unwrap();
    session.send_line("").unwrap();
    session.send_control('u').unwrap();
    session.exp_string("Name of the server").unwrap();
    drop(session);
    let mut session = on_terminal(&sandbox, &["new"]);
    session.exp_string("Name of the server").unwrap();
    session.send_line("asked").unwrap();
    session.exp_string("Language").unwrap();
    session.send(DOWN).unwrap();
    session.send_line("").unwrap();
    session.exp_string("sentence").unwrap();
    session.send_line("Typed \"text\" é").unwrap();
    session.exp_string("Licence").unwrap();
    session.send(DOWN).unwrap();
    session.send_line("").unwrap();
    let said = session.exp_eof().unwrap();
    assert!(said.contains("Created"), "{said}");
    assert_eq!(code(&session), 0);
    let manifest = std::fs::read_to_string(sandbox.path("asked/.cargo-mcp/manifest.toml")).unwrap();
    for line in ["description = \"Typed \\\"text\\\" é\"", "license = \"Apache-2.0\"", "name = \"asked\""] {
        assert!(manifest.contains(line), "{manifest}");
    }
    assert!(manifest.contains(&format!("language = \"{}\"", languages()[1])), "{manifest}");
}

#[test]
fn what_was_given_is_not_asked() {
    let sandbox = Sandbox::new();
    let arguments = ["new", "given", "--lang", &languages()[0], "--license", "none", "--description", "d"];
    let mut session = on_terminal(&sandbox, &arguments);
    let said = session.exp_eof().unwrap();
    assert!(said.contains("Created") && !said.contains("Licence"), "{said}");
    assert_eq!(code(&session), 0);
}

#[test]
fn a_path_that_gives_no_name_is_made_one() {
    let sandbox = Sandbox::new();
    let mut session =
        on_terminal(&sandbox, &["new", "Weather Service", "--lang", &languages()[0], "--license", "MIT"]);
    session.exp_string("[weather-service]").unwrap();
    session.send_line("").unwrap();
    session.exp_string("sentence").unwrap();
    session.send_line("").unwrap();
    session.exp_string("Created").unwrap();
    session.exp_eof().unwrap();
    assert_eq!(sandbox.entries(""), ["Weather Service"]);
}

#[test]
fn with_yes_nothing_is_asked() {
    let sandbox = Sandbox::new();
    let mut session = on_terminal(&sandbox, &["new", "x", "-y"]);
    session.exp_string("Created").unwrap();
    session.exp_eof().unwrap();
    assert_eq!(code(&session), 0);
}

#[test]
fn a_place_that_is_taken_is_refused_before_any_question() {
    let sandbox = Sandbox::new();
    sandbox.write("taken/file", "mine");
    let mut session = on_terminal(&sandbox, &["new", "taken"]);
    session.exp_string("error: taken is not empty").unwrap();
    session.exp_eof().unwrap();
    assert_eq!(code(&session), 2);
}

#[test]
fn ctrl_c_exits_130_leaves_nothing_and_restores_the_terminal() {
    for at_choice in [false, true] {
        let sandbox = Sandbox::new();
        let mut session = on_terminal(&sandbox, &["new"]);
        session.exp_string("Name of the server").unwrap();
        if at_choice {
            session.send_line("stopped").unwrap();
            session.exp_string("Language").unwrap();
        }
        std::thread::sleep(Duration::from_millis(200));
        session.send_control('c').unwrap();
        let said = session.exp_eof().unwrap();
        assert_eq!(code(&session), 130, "{said}");
        let hidden = said.rfind("\u{1b}[?25l").unwrap_or(0);
        assert!(
            said.rfind("\u{1b}[?25h").is_some_and(|shown| shown >= hidden),
            "the cursor stays hidden: {said:?}"
        );
        assert!(sandbox.entries("").is_empty());
    }
}

#[test]
fn a_signal_from_elsewhere_ends_it_as_ctrl_c_does() {
    let sandbox = Sandbox::new();
    let mut session = on_terminal(&sandbox, &["new"]);
    session.exp_string("Name of the server").unwrap();
    std::thread::sleep(Duration::from_millis(200));
    session.process_mut().signal(Signal::SIGINT).unwrap();
    session.exp_eof().unwrap();
    assert_eq!(code(&session), 130);
    assert!(sandbox.entries("").is_empty());
}
