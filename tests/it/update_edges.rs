//! Where an update has to be careful: what is no plain text, where the base is, what git has not got.

use std::fs;
use std::os::unix::fs::symlink;

use crate::update::{Made, first};

#[test]
fn own_files_links_and_what_is_no_text_are_never_overwritten() {
    let made = Made::new(first());
    made.sandbox.write("x/docs/new.md", "mine\n");
    made.sandbox.write("x/docs/operations.md", "mine too\n");
    made.sandbox.write("x/docs/api", "not a folder\n");
    made.sandbox.write("outside/secret", "secret\n");
    fs::remove_file(made.sandbox.path("x/.editorconfig")).unwrap();
    symlink("../outside/secret", made.sandbox.path("x/.editorconfig")).unwrap();
    symlink("../outside", made.sandbox.path("x/linked")).unwrap();
    made.sandbox.write("x/Makefile", b"\0mine");
    made.commit("x");
    made.usual_release();
    made.release_again(|made| {
        made.sandbox.write("templates/shared/files/linked/secret", "new\n");
        made.sandbox.write("templates/shared/files/docs/api/x", "new\n");
        made.edit("templates/shared/parts/Makefile", |text| format!("{text}\n# new\n"));
    });
    let updated = made.update(["--format", "json"]).exits(1).json();
    let files = updated["files"].as_array().unwrap();
    let of =
        |path: &str| files.iter().find(|file| file["path"] == path).unwrap()["conflict"].as_str().unwrap();
    let paths =
        ["docs/new.md", "docs/operations.md", "docs/api/x", ".editorconfig", "linked/secret", "Makefile"]
            .map(of);
    assert_eq!(paths, ["marked", "occupied", "odd", "odd", "odd", "binary"]);
    assert_eq!(made.read("outside/secret"), "secret\n");
    assert_eq!(made.read("x/docs/new.md"), "<<<<<<< yours\nmine\n=======\nnew\n>>>>>>> template 0.2.0\n");
    assert_eq!(made.read("x/docs/operations.md"), "mine too\n");
    assert!(made.sandbox.path("x/docs/runbook.md").exists());
    assert_eq!(made.read("x/Makefile"), "\0mine");
    assert!(made.read("x/Makefile.template-0.2.0").ends_with("# new\n"));

    made.sandbox.write("x/docs/new.md", "both\n");
    made.update(["--continue"]).fails("unresolved", "Makefile.template-0.2.0");
    fs::rename(made.sandbox.path("x/Makefile.template-0.2.0"), made.sandbox.path("x/Makefile")).unwrap();
    made.update(["--continue"]).ok();
}

#[test]
fn line_ends_stay_as_the_user_has_them() {
    let made = Made::new(first());
    made.edit("x/.editorconfig", |text| text.replace('\n', "\r\n"));
    made.commit("x");
    made.usual_release();
    made.update([]).ok();
    let text = fs::read_to_string(made.sandbox.path("x/.editorconfig")).unwrap();
    assert!(text.contains("root = true # 2\r\n"), "{text:?}");
    assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
}

#[test]
fn what_git_has_not_got_is_not_changed() {
    let made = Made::new(first());
    made.usual_release();
    made.edit("x/.editorconfig", |text| format!("{text}# mine\n"));
    made.update([]).fails("work_tree_dirty", ".editorconfig is not committed");
    made.git("x", &["add", "--all"]);
    made.update([]).fails("work_tree_dirty", ".editorconfig is not committed");
    made.commit("x");
    made.sandbox.write("x/docs/new.md", "mine\n");
    made.update([]).fails("work_tree_dirty", "docs/new.md is not committed");
    fs::remove_file(made.sandbox.path("x/docs/new.md")).unwrap();
    made.sandbox.write("x/scratch", "mine\n");
    made.update([]).ok();
    assert_eq!(made.read("x/scratch"), "mine\n");

    fs::remove_dir_all(made.sandbox.path("x/.git")).unwrap();
    made.release_again(|made| made.edit("templates/shared/files/docs/new.md", |text| format!("{text}2\n")));
    made.update([]).fails("work_tree_dirty", "not under version control");
    made.update(["--allow-dirty"]).ok();
    assert_eq!(made.read("x/docs/new.md"), "new\n2\n");
}

/// The archive is gone, and so on down the ladder.
#[test]
fn the_base_comes_from_the_history_or_every_difference_is_marked() {
    let edited = |made: &Made| {
        made.edit("x/.editorconfig", |text| format!("{text}# mine\n"));
        fs::remove_file(made.sandbox.path("x/.cargo-mcp/base.tar.zst")).unwrap();
        made.commit("x");
        made.usual_release();
    };
    let made = Made::new(first());
    edited(&made);
    made.update([]).ok();
    assert!(made.read("x/.editorconfig").ends_with("# mine\n"));
    assert!(made.sandbox.path("x/.cargo-mcp/base.tar.zst").exists());

    // A squash import: the pristine file was never committed. And no history at all.
    for git in [true, false] {
        let made = Made::new(first());
        edited(&made);
        fs::remove_dir_all(made.sandbox.path("x/.git")).unwrap();
        if git {
            made.commit("x");
        }
        let updated = made.update(["--allow-dirty", "--format", "json"]).exits(1).json();
        let file =
            updated["files"].as_array().unwrap().iter().find(|file| file["path"] == ".editorconfig").unwrap();
        assert_eq!((&file["conflict"], &file["base"]), (&"marked".into(), &false.into()));
        assert!(
            made.read("x/.editorconfig").contains("<<<<<<< yours\n# mine\n=======\n>>>>>>> template 0.2.0\n")
        );
    }

    // A shallow clone has the archive.
    let made = Made::new(first());
    made.edit("x/.editorconfig", |text| format!("{text}# mine\n"));
    made.commit("x");
    let from = format!("file://{}", made.sandbox.path("x").display());
    made.git("", &["clone", "--quiet", "--depth=1", &from, "shallow"]);
    made.usual_release();
    made.sandbox.mcp(["update", "shallow"]).ok();
    assert!(made.read("shallow/.editorconfig").ends_with("# mine\n"));
}

#[test]
fn an_archive_that_was_tampered_with_is_no_base() {
    let made = Made::new(first());
    made.edit("x/.editorconfig", |text| format!("{text}# mine\n"));
    made.sandbox.write("x/.cargo-mcp/base.tar.zst", "junk");
    made.commit("x");
    made.usual_release();
    made.update([]).ok();
    assert!(made.read("x/.editorconfig").ends_with("# mine\n"), "the history has it");
    made.edit("x/.cargo-mcp/manifest.toml", |text| text.replacen("\".editorconfig\"", "\"../outside\"", 1));
    made.update([]).fails("manifest_broken", "");
}

#[test]
fn a_repository_that_is_newer_or_not_ours_is_left_alone() {
    let made = Made::new(first());
    made.edit("x/.cargo-mcp/manifest.toml", |text| {
        text.replacen("template_version = \"0.1.0\"", "template_version = \"9.0.0\"", 1)
    });
    made.update([]).fails("manifest_later", "9.0.0");
    made.sandbox.write("other/file", "1");
    made.sandbox.mcp(["update", "other"]).fails("not_generated", "no repository");
    made.sandbox.mcp(["update", "missing"]).fails("not_generated", "missing");
}

/// What a command writes again is merged too, but never marked: it would not be read by the command.
#[test]
fn what_a_command_writes_is_merged_or_left_for_the_command() {
    let made = Made::new(first());
    made.sandbox.write("templates/shared/files/locked", "1\n2\n3\n4\n5\n");
    made.edit("templates/shared/template.toml", |text| {
        text.replacen("name = \"lock\"\n", "name = \"lock\"\npaths = [\"locked\"]\n", 1)
    });
    made.update([]).ok();
    made.commit("x");
    made.edit("x/locked", |text| text.replace('1', "mine"));
    made.commit("x");
    made.sandbox.write("templates/shared/files/locked", "1\n2\n3\n4\nnew\n");
    let merged = made.update([]).ok().stdout;
    assert_eq!(made.read("x/locked"), "mine\n2\n3\n4\nnew\n");
    assert!(merged.contains("Next make lock && make install lint test"), "{merged}");
    made.commit("x");
    made.sandbox.write("templates/shared/files/locked", "newer\n2\n3\n4\nnew\n");
    let kept = made.update([]).ok().stdout;
    assert!(kept.contains("keep      locked (yours differs: make lock writes it again)"), "{kept}");
    assert_eq!(made.read("x/locked"), "mine\n2\n3\n4\nnew\n");
}
