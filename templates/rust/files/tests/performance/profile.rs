//! A profile of this process, written when it ends.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use pprof::{ProfilerGuard, ProfilerGuardBuilder};

/// How often a second it looks where the process is.
const FREQUENCY: i32 = 499;

pub struct Profile {
    guard: ProfilerGuard<'static>,
    file: PathBuf,
}

impl Profile {
    pub fn start(file: OsString) -> Self {
        let guard = ProfilerGuardBuilder::default().frequency(FREQUENCY).build().expect("a profiler");
        Self { guard, file: file.into() }
    }
}

impl Drop for Profile {
    /// A line for each stack, from the outside in, and how often it was seen.
    fn drop(&mut self) {
        let report = self.guard.report().build().expect("a profile");
        let mut stacks = BTreeMap::new();
        for (frames, count) in &report.data {
            let names: Vec<_> = frames.frames.iter().rev().flatten().map(pprof::Symbol::name).collect();
            *stacks.entry(names.join(";")).or_insert(0) += count;
        }
        let lines: Vec<_> = stacks.iter().map(|(stack, count)| format!("{stack} {count}\n")).collect();
        fs::create_dir_all(self.file.parent().unwrap_or(Path::new("."))).expect("a folder for the profile");
        fs::write(&self.file, lines.concat()).expect("a file for the profile");
    }
}
