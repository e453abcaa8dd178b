//! Proof that an update loses nothing: random edits of real files on both sides, and runs that are killed.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::edits::Random;
use crate::harness::{Files, languages, skip};
use crate::update::{Made, first, same};

/// The parts of a merge, as git made it.
struct Git {
    conflicts: bool,
    text: Vec<u8>,
}

/// What `git merge-file` makes of three texts.
fn git(made: &Made, base: &[u8], yours: &[u8], new: &[u8]) -> Option<Git> {
    for (name, text) in [("base", base), ("yours", yours), ("new", new)] {
        made.sandbox.write(&format!("merge/{name}"), text);
    }
    let labels = ["-L", "yours", "-L", "template 0.1.0", "-L", "template 0.2.0"];
    let mut command = Command::new("git");
    command.args(["merge-file", "-p", "--diff3"]).args(labels).args(["yours", "base", "new"]);
    let output = command.current_dir(made.sandbox.path("merge")).output().ok()?;
    Some(Git { conflicts: output.status.code()? > 0, text: output.stdout })
}

fn unix(text: &[u8]) -> Vec<u8> {
    String::from_utf8_lossy(text).replace("\r\n", "\n").into_bytes()
}

fn lines(text: &[u8]) -> BTreeSet<String> {
    String::from_utf8_lossy(text).lines().map(str::to_owned).collect()
}

/// The files that a template renders without any statement in them: what a new version may change in them line by line.
fn plain_sources(made: &Made) -> Vec<String> {
    let templates = made.sandbox.files("templates");
    let folders = ["shared/files/", &format!("{}/files/", made.language)];
    let plain = |path: &str, text: &[u8]| {
        folders.iter().any(|folder| path.starts_with(folder)) && !String::from_utf8_lossy(text).contains("<%")
    };
    templates.into_iter().filter(|(path, (_, text))| plain(path, text)).map(|(path, _)| path).collect()
}

/// What people do to a file.
fn edited(random: &mut Random, text: &str) -> Option<String> {
    let changed = match random.below(12) {
        0 => return None,
        1 | 2 => text.to_owned(),
        3 => text.replace("    ", "\t"),
        _ => random.edited(text, "yours"),
    };
    Some(if random.one_in(8) { changed.replace('\n', "\r\n") } else { changed })
}

/// Both sides edit the files of a real server. Where git and the tool both see no conflict, they agree to the byte; what
/// only the user wrote is there in any case; seeds and what was deleted are not touched.
#[test]
fn random_edits_of_real_servers_are_merged_as_git_does() {
    for (seed, language) in languages().iter().enumerate() {
        let made = Made::new(language);
        let mut random = Random(40 + seed as u64);
        let base = made.repository();
        for (path, (_, bytes)) in base.iter().filter(|(path, _)| !path.starts_with(".cargo-mcp/")) {
            let Ok(text) = str::from_utf8(bytes) else { continue };
            match edited(&mut random, text) {
                // Without it, git calls every CRLF of the other files a change.
                None if path == ".gitattributes" => {}
                None => fs::remove_file(made.sandbox.path("x").join(path)).unwrap(),
                Some(text) => _ = made.sandbox.write(&format!("x/{path}"), text),
            }
        }
        made.commit("x");
        let yours = made.repository();
        made.release(|made| {
            for path in plain_sources(made) {
                let path = format!("templates/{path}");
                let text = made.read(&path);
                if !random.one_in(4) {
                    made.sandbox.write(&path, random.edited(&text, "new"));
                }
            }
        });
        made.generate("y");
        let new = made.sandbox.files("y");
        let updated = made.update(["--format", "json"]).exits(1).json();
        let stale: Vec<_> =
            updated["files"].as_array().unwrap().iter().filter(|f| f["action"] == "stale").collect();
        let stale = |path: &str| stale.iter().any(|file| file["path"] == path);
        let manifest = made.read("x/.cargo-mcp/manifest.toml");
        let seed = |path: &str| manifest.contains(&format!("\"{path}\" = {{ policy = \"seed\""));
        let after = made.repository();
        let (mut alike, mut only_git, mut only_ours) = (0, 0, 0);
        for (path, (_, base)) in base.iter().filter(|(path, _)| !path.starts_with(".cargo-mcp/")) {
            let Some((_, yours)) = yours.get(path) else {
                assert!(!after.contains_key(path), "{path} was deleted and is back");
                continue;
            };
            let (_, after) = &after[path];
            if seed(path) || stale(path) {
                assert!(after == yours, "{path} is not ours to change");
                continue;
            }
            let (_, new) = &new[path];
            let known: BTreeSet<_> = lines(base).union(&lines(new)).cloned().collect();
            let lost: Vec<_> =
                lines(yours).difference(&known).filter(|l| !lines(after).contains(*l)).cloned().collect();
            assert!(lost.is_empty(), "{path} lost {lost:?}");
            let Some(git) = git(&made, base, &unix(yours), new) else { return skip("there is no git") };
            let conflicts = String::from_utf8_lossy(after).contains("<<<<<<< yours\n");
            match (git.conflicts, conflicts || String::from_utf8_lossy(after).contains("<<<<<<< yours\r\n")) {
                (false, false) => {
                    assert!(unix(after) == git.text, "{path} is merged otherwise than by git");
                    alike += 1;
                }
                (true, true) => alike += 1,
                (true, false) => only_git += 1,
                (false, true) => only_ours += 1,
            }
        }
        eprintln!("{language}: {alike} alike, {only_git} conflicts for git alone, {only_ours} for us alone");
        assert!(
            alike > 60 && (only_git + only_ours) * 25 <= alike,
            "{language}: {alike} {only_git} {only_ours}"
        );
    }
}

/// Lines that only the user wrote, in files that both sides edit at random: each is there afterwards.
#[test]
fn no_line_of_the_user_is_ever_missing() {
    const FILES: u64 = 200;
    let made = Made::new(first());
    let at = |seed: u64| format!("docs/random/{seed}.txt");
    let base = |seed: u64| Random(seed).text();
    for seed in 0..FILES {
        made.sandbox.write(&format!("templates/shared/files/{}", at(seed)), base(seed));
    }
    made.update([]).ok();
    let yours = |seed: u64| Random(seed + 1000).edited(&base(seed), "yours");
    for seed in 0..FILES {
        made.sandbox.write(&format!("x/{}", at(seed)), yours(seed));
    }
    made.commit("x");
    made.release(|made| {
        for seed in 0..FILES {
            let new = Random(seed + 2000).edited(&base(seed), "new");
            made.sandbox.write(&format!("templates/shared/files/{}", at(seed)), new);
        }
    });
    made.update([]).exits(1);
    for seed in 0..FILES {
        let result = made.read(&format!("x/{}", at(seed)));
        let only = |line: &&str| line.contains("yours");
        for line in yours(seed).lines().filter(only) {
            assert!(result.lines().any(|found| found == line), "{seed}: {line:?} is lost:\n{result}");
        }
    }
}

/// Kills an update of the repository `x` at many points, each a little later, until several came too late; `ended` looks at
/// what each has left.
fn kill_all_along(made: &Made, before: &Files, after: &Files, ended: impl Fn()) {
    let (mut nothing, mut all) = (0, 0);
    let mut delay = Duration::ZERO;
    while all < 3 {
        made.git("x", &["reset", "--quiet", "--hard"]);
        made.git("x", &["clean", "--quiet", "-d", "--force", "-x"]);
        let mut command = made.sandbox.command();
        command.args(["update", "x"]).stdout(Stdio::null()).stderr(Stdio::null());
        let mut run = command.spawn().unwrap();
        let staged = || made.sandbox.entries("x").iter().any(|name| name.starts_with(".cargo-mcp-"));
        while !delay.is_zero() && !staged() && run.try_wait().unwrap().is_none() {
            sleep(Duration::from_micros(50));
        }
        sleep(delay);
        run.kill().unwrap();
        run.wait().unwrap();
        let mut found = made.repository();
        found.retain(|path, _| !path.starts_with(".cargo-mcp-"));
        nothing += usize::from(found == *before);
        all += usize::from(found == *after);
        ended();
        delay = (delay + Duration::from_micros(200)).mul_f64(1.25);
    }
    assert!(nothing > 0, "no kill came in time");
}

/// Afterwards all is there, as without the kill.
#[test]
fn a_killed_update_is_ended_by_the_next() {
    let made = Made::new(first());
    made.edit("x/.editorconfig", |text| format!("{text}# mine\n"));
    made.commit("x");
    let before = made.repository();
    made.usual_release();
    made.update([]).ok();
    let after = made.repository();
    kill_all_along(&made, &before, &after, || {
        made.update(["--allow-dirty"]).exits(0);
        same(&made.repository(), &after);
    });
}

/// A killed run that would have ended in conflicts can be gone on with, and taken back to the byte.
#[test]
fn a_killed_update_with_conflicts_can_be_taken_back() {
    let made = Made::new(first());
    made.edit("x/.editorconfig", |text| text.replacen("root = true", "root = false", 1));
    made.sandbox.write("x/Makefile", b"\0mine");
    made.commit("x");
    let before = made.repository();
    made.usual_release();
    made.release_again(|made| {
        made.edit("templates/shared/parts/Makefile", |text| format!("{text}\n# new\n"));
    });
    made.update([]).exits(1);
    let after = made.repository();
    kill_all_along(&made, &before, &after, || {
        // Either it is done now, or what the killed run had done waits for its conflicts.
        if !made.sandbox.path("x/.cargo-mcp/pending").exists() || unfinished(&made.sandbox.path("x")) {
            made.update(["--allow-dirty"]).code();
        }
        same(&made.repository(), &after);
        made.update(["--abort"]).ok();
        same(&made.repository(), &before);
    });
}

fn unfinished(folder: &Path) -> bool {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    names.into_iter().any(|name| name.to_string_lossy().starts_with(".cargo-mcp-"))
}
