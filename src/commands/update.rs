//! `cargo mcp update`: one repository, or many side by side.

use std::path::Path;

use crate::cli::Update;
use crate::commands::{at, given};
use crate::error::{Code, Error, Result};
use crate::exit::Exit;
use crate::ops::update::{self, Request, Status, fleet, pending};
use crate::report::update::{Behind, Ended, Fleet};
use crate::ui::Ui;

/// Runs the command in the folder `here`.
pub fn run(arguments: &Update, here: &Path, ui: &Ui) -> Result<Exit> {
    let folders: Vec<_> = arguments.paths.iter().map(|path| at(here, path)).collect();
    let [folder] = &folders[..] else { return many(arguments, here, ui) };
    if arguments.r#continue {
        ui.report(&Ended::Resolved { files: pending::finish(folder)? })?;
        return Ok(Exit::Done);
    }
    if arguments.abort {
        ui.report(&Ended::Undone { files: pending::abort(folder)? })?;
        return Ok(Exit::Done);
    }
    let updated = update::run(&request(arguments, here, folder)?)?;
    updated.warnings.iter().for_each(|warning| ui.warn(warning));
    if arguments.check {
        ui.report(&Behind(&updated))?;
        return Ok(if updated.status == Status::UpToDate { Exit::Done } else { Exit::Findings });
    }
    ui.report(&updated)?;
    Ok(if updated.status == Status::Conflicts { Exit::Findings } else { Exit::Done })
}

fn many(arguments: &Update, here: &Path, ui: &Ui) -> Result<Exit> {
    if arguments.r#continue || arguments.abort {
        let error = Error::new(Code::Usage, "--continue and --abort take one repository");
        return Err(error.hint("resolve the conflicts of one repository at a time"));
    }
    let mut requests = Vec::new();
    for path in &arguments.paths {
        requests.push(request(arguments, here, &at(here, path))?);
    }
    let repositories =
        fleet::fleet(&requests, |done, outcome| ui.progress(done, requests.len(), &outcome.path));
    let fleet = Fleet { check: arguments.check, repositories };
    ui.report(&fleet)?;
    if fleet.failed() > 0 {
        let message = format!("{} of {} repositories failed", fleet.failed(), requests.len());
        return Err(Error::new(Code::Fleet, message).hint("each says why above"));
    }
    Ok(if fleet.found() { Exit::Findings } else { Exit::Done })
}

fn request(arguments: &Update, here: &Path, folder: &Path) -> Result<Request> {
    Ok(Request {
        folder: folder.to_owned(),
        given: given::gather(here, arguments.answers.as_ref(), &arguments.set)?,
        restore: arguments.restore.clone(),
        allow_dirty: arguments.allow_dirty,
        dry_run: arguments.dry_run || arguments.check,
        with_diff: arguments.check,
    })
}
