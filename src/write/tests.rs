//! Cuts writing off between any two steps, by an error and by sudden death, and looks at what is left.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io;
use std::path::Path;

use super::disk::{Disk, Real};
use super::{Target, create_on, resume_on};
use crate::error::Code;
use crate::path::RepoPath;
use crate::plan::Plan;
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

fn plan() -> Plan {
    let file = |path: &str| File { bytes: Cow::Owned(path.repeat(3).into_bytes()), mode: Mode::Plain };
    Plan::create(FILES.iter().map(|path| (RepoPath::new(*path).unwrap(), file(path))).collect())
}

/// All files below `root` with what they hold, and all folders.
fn listing(root: &Path) -> BTreeMap<String, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            found.insert(name, fs::read(&path).ok());
            if path.is_dir() {
                folders.push(path);
            }
        }
    }
    found
}

/// A target of each kind: missing, an empty folder, and a folder that must stay the same.
const KINDS: [(bool, bool); 3] = [(false, false), (true, false), (true, true)];

fn target(root: &Path, (exists, in_place): (bool, bool)) -> Target {
    let path = root.join("x");
    if exists && !path.exists() {
        fs::create_dir(&path).unwrap();
    }
    let mut target = Target::inspect(&path).unwrap();
    target.in_place |= in_place;
    target
}

fn whole(kind: (bool, bool)) -> BTreeMap<String, Option<Vec<u8>>> {
    let root = tempfile::tempdir().unwrap();
    create_on(&Real, &target(root.path(), kind), &plan(), &mut |_| Ok(())).unwrap();
    listing(root.path())
}

#[test]
fn an_error_at_any_step_leaves_the_disk_as_it_was() {
    for kind in KINDS {
        for at in 0.. {
            let root = tempfile::tempdir().unwrap();
            let target = target(root.path(), kind);
            let before = listing(root.path());
            let disk = Faulty::new(at, false);
            let result = create_on(&disk, &target, &plan(), &mut |_| Ok(()));
            if !disk.reached() {
                assert!(at > FILES.len(), "{at} steps");
                break;
            }
            match result {
                Err(error) => {
                    assert_eq!(error.code, Code::NoSpace, "{error}");
                    assert_eq!(listing(root.path()), before, "{kind:?}, step {at}");
                }
                // Only what does not matter may fail in silence, like giving the folder its old permissions.
                Ok(()) => {
                    let mut found = listing(root.path());
                    found.retain(|name, _| !name.contains(".cargo-mcp-ready-"));
                    assert_eq!(found, whole(kind), "{kind:?}, step {at}");
                }
            }
        }
    }
}

#[test]
fn death_at_any_step_leaves_nothing_or_all_and_the_next_run_clears_up() {
    for kind in KINDS {
        for at in 0.. {
            let root = tempfile::tempdir().unwrap();
            let disk = Faulty::new(at, true);
            let _ = create_on(&disk, &target(root.path(), kind), &plan(), &mut |_| Ok(()));
            if !disk.reached() {
                break;
            }
            let visible = listing(&root.path().join("..").join(root.path().file_name().unwrap()));
            let complete = visible.contains_key("x/.cargo-mcp/manifest.toml");
            if !kind.1 {
                assert!(
                    complete || !visible.keys().any(|name| name.starts_with("x/")),
                    "{kind:?}, step {at}: {visible:?}"
                );
            }
            if complete && !visible.keys().any(|name| name.contains(".cargo-mcp-")) {
                assert_eq!(visible, whole(kind));
            } else {
                resume_or_create(root.path(), kind);
            }
        }
    }
}

/// What the next run does: afterwards everything is there and nothing else.
fn resume_or_create(root: &Path, kind: (bool, bool)) {
    let target = target(root, kind);
    if target.is_unfinished() {
        resume_on(&Real, &target).unwrap();
    } else {
        create_on(&Real, &target, &plan(), &mut |_| Ok(())).unwrap();
    }
    assert_eq!(listing(root), whole(kind), "{kind:?}");
}

#[test]
fn what_the_last_word_refuses_is_not_written() {
    for kind in KINDS {
        let root = tempfile::tempdir().unwrap();
        let target = target(root.path(), kind);
        let before = listing(root.path());
        let refuse = &mut |_: &Path| Err(crate::error::Error::new(Code::Git, "no"));
        assert!(create_on(&Real, &target, &plan(), refuse).is_err());
        assert_eq!(listing(root.path()), before);
    }
}

#[test]
fn what_comes_into_being_meanwhile_is_not_overwritten() {
    let root = tempfile::tempdir().unwrap();
    let target = target(root.path(), (false, false));
    fs::create_dir(root.path().join("x")).unwrap();
    fs::write(root.path().join("x/mine"), "mine").unwrap();
    let error = create_on(&Real, &target, &plan(), &mut |_| Ok(())).unwrap_err();
    assert_eq!(error.code, Code::TargetNotEmpty);
    assert_eq!(listing(root.path()).len(), 2);
}
