//! Many repositories, side by side on all cores. One that fails stops no other, and of each only the outcome is kept.

use std::num::NonZero;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde::Serialize;

use crate::error::Error;
use crate::ops::update::decide::Fate;
use crate::ops::update::{Request, Status, Updated, run};

/// How one repository of many fared.
#[derive(Debug, Serialize)]
pub struct Outcome {
    /// The repository, as it was given.
    pub path: String,
    /// How its update ended; none when it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    /// The version of the template before.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub from: String,
    /// The version of the template now.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub to: String,
    /// How many files change.
    pub files: usize,
    /// The files that the user has to look at.
    pub conflicts: Vec<String>,
    /// What the user should know although all went well.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

impl Outcome {
    fn of(request: &Request) -> Self {
        let path = request.folder.to_string_lossy().into_owned();
        match run(request) {
            Ok(updated) => Self::ended(path, updated),
            Err(error) => Self {
                path,
                status: None,
                error: Some(error),
                from: String::new(),
                to: String::new(),
                files: 0,
                conflicts: Vec::new(),
                warnings: Vec::new(),
            },
        }
    }

    fn ended(path: String, updated: Updated) -> Self {
        let conflicts = updated.files.iter().filter(|file| matches!(file.fate, Fate::Conflict(_)));
        Self {
            path,
            status: Some(updated.status),
            error: None,
            conflicts: conflicts.map(|file| file.path.to_string()).collect(),
            from: updated.from,
            to: updated.to,
            files: updated.files.len(),
            warnings: updated.warnings,
        }
    }
}

/// Updates all repositories and tells `progress` of each that is done, with how many are. The outcomes are in the order
/// of the requests.
pub fn fleet(requests: &[Request], progress: impl Fn(usize, &Outcome) + Sync) -> Vec<Outcome> {
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::with_capacity(requests.len())));
    let work = || {
        while let Some((place, request)) = {
            let place = next.fetch_add(1, Ordering::Relaxed);
            requests.get(place).map(|request| (place, request))
        } {
            let outcome = Outcome::of(request);
            let mut done = done.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            progress(done.len() + 1, &outcome);
            done.push((place, outcome));
        }
    };
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        for _ in 0..cores.min(requests.len()) {
            scope.spawn(work);
        }
    });
    let mut done = done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    done.sort_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, outcome)| outcome).collect()
}
