//! Cuts writing off between any two steps, by an error and by sudden death, and looks at what is left.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io;
use std::path::Path;

use super::disk::{Disk, Real};
use super::journal::Journal;
use super::{Resumed, Sink, Target, apply, apply_on, resume, resume_on};
use crate::error::Code;
use crate::path::RepoPath;
use crate::plan::{Action, Plan};
use crate::read;
use crate::tree::{File, Mode};

/// A disk on which the step with the number `at` goes wrong.
struct Faulty {
    at: usize,
    steps: Cell<usize>,
    /// Whether nothing works from then on, as if the process had been killed; otherwise only that step fails.
    dies: bool,
}

impl Faulty {
    fn new(at: usize, dies: bool) -> Self {
        Self { at, steps: Cell::new(0), dies }
    }

    fn step(&self) -> io::Result<()> {
        let step = self.steps.replace(self.steps.get() + 1);
        let fails = if self.dies { step >= self.at } else { step == self.at };
        if fails { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn reached(&self) -> bool {
        self.steps.get() > self.at
    }
}

impl Disk for Faulty {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.step().and_then(|()| Real.create_dir(path))
    }

    fn create_file(&self, path: &Path, bytes: &[u8], mode: Mode) -> io::Result<()> {
        // A file that fails is there in part.
        self.step().inspect_err(|_| drop(Real.create_file(path, &bytes[..bytes.len() / 2], mode)))?;
        Real.create_file(path, bytes, mode)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step().and_then(|()| Real.rename(from, to))
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.step().and_then(|()| Real.remove_file(path))
    }

    fn set_mode(&self, path: &Path, mode: Mode) -> io::Result<()> {
        self.step().and_then(|()| Real.set_mode(path, mode))
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.step().and_then(|()| Real.remove_dir(path))
    }

    fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
        self.step().and_then(|()| Real.remove_dir_all(path))
    }

    fn set_permissions(&self, path: &Path, permissions: Permissions) -> io::Result<()> {
        self.step().and_then(|()| Real.set_permissions(path, permissions))
    }
}

const FILES: [&str; 6] =
    [".cargo-mcp/manifest.toml", ".gitignore", "README.md", "a/b/c.txt", "a/b/d.txt", "a/e.txt"];

fn path(path: &str) -> RepoPath {
    RepoPath::new(path).unwrap()
}

fn file(text: &str) -> File {
    File { bytes: Cow::Owned(text.as_bytes().to_vec()), mode: Mode::Plain }
}

/// Where a plan is carried out.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    /// Where nothing is.
    Missing,
    /// In an empty folder.
    Empty,
    /// In an empty folder that must stay the same.
    Same,
    /// In a repository with files of its own.
    Repository,
}

const PLACES: [Place; 4] = [Place::Missing, Place::Empty, Place::Same, Place::Repository];

/// What is there before.
const BEFORE: [&str; 5] = ["README.md", "a/gone.txt", "tool.sh", "mine/kept.txt", "lonely/too/gone.txt"];

fn plan(place: Place) -> Plan {
    let mut plan = Plan::create(FILES.iter().map(|name| (path(name), file(&name.repeat(3)))).collect());
    if place == Place::Repository {
        let before = |name: &str| file(name).sha256();
        plan.actions.retain(|action| action.path() != "README.md");
        plan.actions.extend([
            Action::Write { path: path("README.md"), file: file("new"), before: before("README.md") },
            Action::Delete { path: path("a/gone.txt"), before: before("a/gone.txt") },
            Action::Delete { path: path("lonely/too/gone.txt"), before: before("lonely/too/gone.txt") },
            Action::Chmod { path: path("tool.sh"), mode: Mode::Executable, before: before("tool.sh") },
            Action::Keep { path: path("mine/kept.txt") },
        ]);
    }
    plan
}

/// All files below `root` with what they hold and whether they can be run, and all folders.
fn listing(root: &Path) -> BTreeMap<String, Option<(Vec<u8>, bool)>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            let mode = read::mode(&path.metadata().unwrap());
            found.insert(name, fs::read(&path).ok().map(|bytes| (bytes, mode == Mode::Executable)));
            if path.is_dir() {
                folders.push(path);
            }
        }
    }
    found
}

fn target(root: &Path, place: Place) -> Target {
    let path = root.join("x");
    match place {
        Place::Missing => {}
        Place::Empty | Place::Same => drop(fs::create_dir(&path)),
        Place::Repository => {
            if !path.exists() {
                for name in BEFORE {
                    fs::create_dir_all(path.join(name).parent().unwrap()).unwrap();
                    fs::write(path.join(name), name).unwrap();
                }
            }
            return Target::open(&path).unwrap();
        }
    }
    let mut target = Target::inspect(&path).unwrap();
    target.in_place |= place == Place::Same;
    target
}

fn whole(place: Place) -> BTreeMap<String, Option<(Vec<u8>, bool)>> {
    let root = tempfile::tempdir().unwrap();
    apply_on(&Real, &target(root.path(), place), &plan(place)).unwrap();
    listing(root.path())
}

#[test]
fn a_plan_is_carried_out() {
    let whole = whole(Place::Repository);
    let text =
        |name: &str| whole.get(name).cloned().flatten().map(|(bytes, _)| String::from_utf8(bytes).unwrap());
    assert_eq!(text("x/README.md").as_deref(), Some("new"));
    assert_eq!(text("x/a/b/c.txt").as_deref(), Some("a/b/c.txta/b/c.txta/b/c.txt"));
    assert_eq!(text("x/mine/kept.txt").as_deref(), Some("mine/kept.txt"));
    assert!(!whole.contains_key("x/a/gone.txt"));
    assert!(!whole.contains_key("x/lonely"), "a folder is left that nothing is in");
    assert!(whole["x/tool.sh"].as_ref().unwrap().1, "not executable");
    assert!(!whole.keys().any(|name| name.contains(".cargo-mcp-")));
}

#[test]
fn an_error_at_any_step_leaves_the_disk_as_it_was() {
    for place in PLACES {
        for at in 0.. {
            let root = tempfile::tempdir().unwrap();
            let target = target(root.path(), place);
            let before = listing(root.path());
            let disk = Faulty::new(at, false);
            let result = apply_on(&disk, &target, &plan(place));
            if !disk.reached() {
                assert!(at > FILES.len(), "{at} steps");
                break;
            }
            match result {
                Err(error) => {
                    assert_eq!(error.code, Code::NoSpace, "{error}");
                    assert_eq!(listing(root.path()), before, "{place:?}, step {at}");
                }
                // Only what does not matter may fail in silence, like giving the folder its old permissions.
                Ok(_) => {
                    let mut found = listing(root.path());
                    found.retain(|name, _| !name.contains(".cargo-mcp-"));
                    assert_eq!(found, whole(place), "{place:?}, step {at}");
                }
            }
        }
    }
}

#[test]
fn death_at_any_step_leaves_nothing_or_all_and_the_next_run_clears_up() {
    for place in PLACES {
        for at in 0.. {
            let root = tempfile::tempdir().unwrap();
            let disk = Faulty::new(at, true);
            let _ = apply_on(&disk, &target(root.path(), place), &plan(place));
            if !disk.reached() {
                break;
            }
            let visible = listing(root.path());
            if matches!(place, Place::Missing | Place::Empty) {
                let some = visible.keys().any(|name| name.starts_with("x/"));
                let complete = visible.contains_key("x/.cargo-mcp/manifest.toml");
                assert!(complete || !some, "{place:?}, step {at}: {visible:?}");
            }
            if visible != whole(place) {
                resume_or_apply(root.path(), place);
            }
        }
    }
}

/// What the next run does: afterwards everything is there and nothing else.
fn resume_or_apply(root: &Path, place: Place) {
    let ended = whole(place);
    let found = || {
        let mut found = listing(root);
        found.retain(|name, _| !name.contains(".cargo-mcp-staging-"));
        found
    };
    if found() != ended {
        let target = target(root, place);
        if resume_on(&Real, &target).unwrap() == Resumed::Nothing {
            apply_on(&Real, &target, &plan(place)).unwrap();
        }
        assert_eq!(listing(root), ended, "{place:?}");
    }
}

#[test]
fn what_is_not_as_the_plan_expects_stops_it_in_a_dry_run_too() {
    for (name, text) in [("README.md", "changed"), ("a/gone.txt", "changed"), ("a/e.txt", "in the way")] {
        for sink in [Sink::DryRun, Sink::Disk] {
            let root = tempfile::tempdir().unwrap();
            let target = target(root.path(), Place::Repository);
            fs::write(target.path.join(name), text).unwrap();
            let before = listing(root.path());
            assert!(apply(&target, &plan(Place::Repository), sink).is_err(), "{name}");
            assert_eq!(listing(root.path()), before, "{name}");
        }
    }
}

#[test]
fn a_dry_run_changes_nothing() {
    for place in PLACES {
        let root = tempfile::tempdir().unwrap();
        let target = target(root.path(), place);
        let before = listing(root.path());
        apply(&target, &plan(place), Sink::DryRun).unwrap();
        assert_eq!(listing(root.path()), before);
    }
}

#[cfg(unix)]
#[test]
fn nothing_is_written_through_a_link() {
    let root = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    let target = target(root.path(), Place::Repository);
    std::os::unix::fs::symlink(outside.path(), target.path.join("link")).unwrap();
    let plan = Plan { actions: vec![Action::Create { path: path("link/x"), file: file("x") }] };
    assert!(apply(&target, &plan, Sink::Disk).is_err());
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
}

/// What a run leaves that is killed once its new files are complete.
fn killed_before_the_first_change() -> (tempfile::TempDir, Target) {
    let root = tempfile::tempdir().unwrap();
    let place = Place::Repository;
    let steps = Faulty::new(usize::MAX, true);
    let journal = target(root.path(), place);
    let staging = journal.path.join(".cargo-mcp-ready-0123456789abcdef");
    fs::create_dir(&staging).unwrap();
    Journal::write(&steps, &staging, &journal.path, &plan(place)).unwrap();
    let target = target(root.path(), place);
    (root, target)
}

#[test]
fn an_interrupted_run_is_taken_back_where_somebody_went_on_working() {
    let (root, target) = killed_before_the_first_change();
    fs::write(target.path.join("README.md"), "mine now").unwrap();
    assert_eq!(resume(&target), Ok(Resumed::Undone));
    let found = listing(root.path());
    assert_eq!(found["x/README.md"].as_ref().unwrap().0, b"mine now");
    assert!(found.contains_key("x/a/gone.txt") && !found.keys().any(|name| name.contains(".cargo-mcp")));
}

#[test]
fn a_journal_that_leads_out_of_the_repository_is_refused() {
    let (_root, target) = killed_before_the_first_change();
    let journal = target.unfinished.as_ref().unwrap().join("journal.json");
    let text = fs::read_to_string(&journal).unwrap();
    for lie in
        [text.replace("a/gone.txt", "../outside"), text.replace("a/gone.txt", ".git/config"), "{".into()]
    {
        fs::write(&journal, lie).unwrap();
        assert_eq!(resume(&target).unwrap_err().code, Code::Journal);
    }
}

#[test]
fn what_comes_into_being_meanwhile_is_not_overwritten() {
    let root = tempfile::tempdir().unwrap();
    let target = target(root.path(), Place::Missing);
    fs::create_dir(root.path().join("x")).unwrap();
    fs::write(root.path().join("x/mine"), "mine").unwrap();
    let error = apply_on(&Real, &target, &plan(Place::Missing)).unwrap_err();
    assert_eq!(error.code, Code::TargetNotEmpty);
    assert_eq!(listing(root.path()).len(), 2);
}
