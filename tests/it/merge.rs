//! Merges, held against `git merge-file`, and against the one promise: no line that only one side wrote is lost.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use cargo_mcp::merge::{Merge, Versions, left_over, patch, three_way, two_way};
use tempfile::TempDir;

use crate::edits::Random;

const VERSIONS: Versions<'_> = Versions { base: "0.1.0", new: "0.2.0" };

fn merged(base: &str, yours: &str, new: &str) -> Merge {
    three_way(base.as_bytes(), yours.as_bytes(), new.as_bytes(), VERSIONS)
}

fn clean(text: &str) -> Merge {
    Merge::Clean(text.as_bytes().to_vec())
}

fn conflict(text: &str, hunks: usize) -> Merge {
    Merge::Conflict { text: text.as_bytes().to_vec(), hunks }
}

fn text_of(merge: &Merge) -> String {
    match merge {
        Merge::Clean(text) | Merge::Conflict { text, .. } => String::from_utf8(text.clone()).unwrap(),
        Merge::Binary => panic!("no text"),
    }
}

/// How often each line that stands in `side` but in neither of the others stands there.
fn only_in<'a>(side: &'a str, others: [&str; 2]) -> BTreeMap<&'a str, usize> {
    let mut lines = BTreeMap::new();
    for line in side.lines().filter(|line| !others.iter().any(|other| other.lines().any(|l| l == *line))) {
        *lines.entry(line).or_default() += 1;
    }
    lines
}

#[test]
fn no_line_that_only_one_side_wrote_is_ever_lost() {
    for seed in 0..1500 {
        let mut random = Random(seed);
        let base = random.text();
        let (mut yours, mut new) = (random.edited(&base, "yours"), random.edited(&base, "new"));
        if random.one_in(5) {
            yours = yours.replace('\n', "\r\n");
        }
        if random.one_in(9) {
            new = new.replace('\n', "\r\n");
        }
        for merge in [merged(&base, &yours, &new), two_way(yours.as_bytes(), new.as_bytes(), "0.2.0")] {
            let result = text_of(&merge);
            for (side, others) in [(&yours, [&*base, &new]), (&new, [&*base, &yours])] {
                for (line, times) in only_in(side, others) {
                    let found = result.lines().filter(|found| *found == line).count();
                    assert!(
                        found >= times,
                        "seed {seed}: {line:?} is lost\n{base}---\n{yours}---\n{new}---\n{result}"
                    );
                }
            }
        }
    }
}

/// What `git merge-file` makes of it: its exit code, which counts conflicts, and the text.
fn git(folder: &TempDir, base: &str, yours: &str, new: &str) -> Option<(i32, String)> {
    for (name, text) in [("base", base), ("yours", yours), ("new", new)] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let labels = ["-L", "yours", "-L", "template 0.1.0", "-L", "template 0.2.0"];
    let mut command = Command::new("git");
    command.args(["merge-file", "-p", "--diff3"]).args(labels).args(["yours", "base", "new"]);
    let output = command.current_dir(folder.path()).output().ok()?;
    Some((output.status.code()?, String::from_utf8(output.stdout).unwrap()))
}

/// Git's tie-breaks differ where a moved or repeated line can be matched in two ways: then one of the two may see a
/// conflict where the other sees none. Where both see none, they must agree.
#[test]
fn git_merges_alike() {
    const CASES: u64 = 300;
    let folder = TempDir::new().unwrap();
    let (mut alike, mut only_git, mut only_ours) = (0, 0, 0);
    for seed in 0..CASES {
        let mut random = Random(seed);
        let base = random.text();
        let (yours, new) = (random.edited(&base, "yours"), random.edited(&base, "new"));
        let Some((conflicts, text)) = git(&folder, &base, &yours, &new) else {
            return crate::harness::skip("there is no git");
        };
        match merged(&base, &yours, &new) {
            Merge::Clean(found) if conflicts == 0 => {
                assert_eq!(String::from_utf8(found).unwrap(), text, "seed {seed}");
                alike += 1;
            }
            Merge::Conflict { .. } if conflicts > 0 => alike += 1,
            Merge::Clean(_) => only_git += 1,
            Merge::Conflict { .. } => only_ours += 1,
            Merge::Binary => panic!("seed {seed}: text was taken for something else"),
        }
    }
    eprintln!("{alike} alike, {only_git} conflicts for git alone, {only_ours} for us alone");
    assert!(
        only_git + only_ours <= CASES / 50,
        "{only_git} conflicts for git alone, {only_ours} for us alone"
    );
}

#[test]
fn sides_that_meet_are_marked_with_their_names() {
    let found = merged("a\nb\nc\n", "a\nmine\nc\n", "a\ntheirs\nc\n");
    let marked =
        "a\n<<<<<<< yours\nmine\n||||||| template 0.1.0\nb\n=======\ntheirs\n>>>>>>> template 0.2.0\nc\n";
    assert_eq!(found, conflict(marked, 1));
    assert_eq!(left_over(marked.as_bytes()), Some(2));
    assert_eq!(left_over(b"a title\n=======\n<<<<<<< HEAD\n"), None);
}

#[test]
fn lines_that_look_like_markers_are_lines() {
    let base = "<<<<<<< ours\nb\n=======\nc\n>>>>>>> theirs\n<<<<<<<<<< ours\n";
    assert_eq!(merged(base, &base.replace('b', "mine"), &base.replace('c', "new")), {
        clean(&base.replace('b', "mine").replace('c', "new"))
    });
    let found = text_of(&merged(base, &base.replace('b', "mine"), &base.replace('b', "new")));
    assert!(found.starts_with("<<<<<<< ours\n<<<<<<< yours\nmine\n"), "{found}");
    assert!(
        found.ends_with(">>>>>>> template 0.2.0\n=======\nc\n>>>>>>> theirs\n<<<<<<<<<< ours\n"),
        "{found}"
    );
}

#[test]
fn each_line_keeps_its_end_and_new_ones_get_the_usual_one() {
    let (base, new) = ("a\nb\nc\nd\n", "a\nb\nnew\nc\nd\n");
    for (yours, result) in [
        ("a\r\nb\r\nc\r\nd\r\n", "a\r\nb\r\nnew\r\nc\r\nd\r\n"),
        ("a\r\nb\r\nc\r\nD\r\n", "a\r\nb\r\nnew\r\nc\r\nD\r\n"),
        ("a\r\nb\nc\r\nd\r\n", "a\r\nb\nnew\r\nc\r\nd\r\n"),
        ("a\nb\nc\r\nd", "a\nb\nnew\nc\r\nd"),
    ] {
        assert_eq!(merged(base, yours, new), clean(result), "{yours:?}");
    }
    let found = text_of(&merged("a\nb\n", "a\r\nmine\r\n", "a\nnew\n"));
    assert_eq!(found.matches('\n').count(), found.matches("\r\n").count(), "{found:?}");
    // Nothing of the template changed: not one byte of the user's does.
    assert_eq!(merged("a\nb\n", "a\r\nb\n\r\nc", "a\nb\n"), clean("a\r\nb\n\r\nc"));
}

#[test]
fn a_last_line_without_an_end_stays_so() {
    assert_eq!(merged("a\nb\nc", "A\nb\nc", "a\nb\nC"), merged("a\nb\nc", "A\nb\nc", "a\nb\nC"));
    assert_eq!(merged("a\nb\nc\nd", "A\nb\nc\nd", "a\nb\nc\nD"), clean("A\nb\nc\nD"));
    let found = merged("a", "mine", "new");
    assert_eq!(
        found,
        conflict("<<<<<<< yours\nmine\n||||||| template 0.1.0\na\n=======\nnew\n>>>>>>> template 0.2.0\n", 1)
    );
}

#[test]
fn what_is_no_text_is_not_merged_unless_one_side_left_it_alone() {
    let (a, b, c) = (b"\0a", b"\0b", b"\0c");
    assert_eq!(three_way(a, b, c, VERSIONS), Merge::Binary);
    assert_eq!(three_way(a, a, c, VERSIONS), Merge::Clean(c.to_vec()));
    assert_eq!(three_way(a, b, a, VERSIONS), Merge::Clean(b.to_vec()));
    assert_eq!(three_way(a, c, c, VERSIONS), Merge::Clean(c.to_vec()));
    assert_eq!(two_way(a, b, "0.2.0"), Merge::Binary);
    assert_eq!(two_way(a, a, "0.2.0"), Merge::Clean(a.to_vec()));
}

#[test]
fn without_a_base_every_difference_is_a_conflict() {
    let found = two_way(b"a\nmine\nb\n", b"a\nb\nnew\n", "0.2.0");
    let marked = "a\n<<<<<<< yours\nmine\n=======\n>>>>>>> template 0.2.0\nb\n<<<<<<< yours\n=======\nnew\n>>>>>>> template 0.2.0\n";
    assert_eq!(found, conflict(marked, 2));
    assert_eq!(two_way(b"a\r\n", b"a\n", "0.2.0"), clean("a\r\n"));
}

#[test]
fn a_patch_reads_as_git_prints_it() {
    assert_eq!(
        patch("x", Some(b"a\nb\n"), Some(b"a\nc\n")),
        "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n"
    );
    assert_eq!(patch("x", None, Some(b"a\n")), "--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+a\n");
    assert_eq!(patch("x", Some(b"\0"), None), "Binary file x differs\n");
}
