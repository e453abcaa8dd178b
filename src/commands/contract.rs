//! `cargo mcp contract`: export, diff, check and bump.

use std::path::{Path, PathBuf};
use std::time::Duration;

use mcp_contract::normal;

use crate::cli::{
    Contract, ContractBump, ContractCheck, ContractDiff, ContractExport, ContractServer, Patience as Asked,
    Since,
};
use crate::client::Server;
use crate::commands::at;
use crate::commands::contract_report::{BumpReport, ExportReport};
use crate::error::{Code, Error, Result};
use crate::exit::Exit;
use crate::ops::contract::source::Patience;
use crate::ops::contract::{bump, check, diff, export, source};
use crate::repo::Repository;
use crate::report;
use crate::ui::Ui;

/// Runs a subcommand of `contract`.
///
/// # Errors
/// Whatever stops it.
pub fn run(command: Contract, here: &Path, ui: &Ui) -> Result<Exit> {
    match command {
        Contract::Bump(arguments) => bump(&arguments, here, ui),
        Contract::Check(arguments) => check(&arguments, here, ui),
        Contract::Diff(arguments) => diff(arguments, here, ui),
        Contract::Export(arguments) => export(&arguments, here, ui),
    }
}

fn diff(arguments: ContractDiff, here: &Path, ui: &Ui) -> Result<Exit> {
    let patience = patience(&arguments.patience)?;
    let ContractDiff { old, new, acknowledge: acknowledged, format, .. } = arguments;
    let request = diff::Request { folder: here.to_owned(), old, new, acknowledged, patience };
    let (mut findings, comparison) = diff::run(&request)?;
    for note in findings.notes.drain(..) {
        ui.warn(note);
    }
    report::show(&findings, format, &comparison, ui)?;
    Ok(findings.exit())
}

fn check(arguments: &ContractCheck, here: &Path, ui: &Ui) -> Result<Exit> {
    let folder = at(here, &arguments.since.path);
    let server = if arguments.offline { None } else { server(&arguments.server, &folder)? };
    if server.is_none() && !arguments.offline {
        ui.warn("no server to ask: the contracts are compared with the last release only");
    }
    let checked =
        check::run(&request(&arguments.since, folder, server, patience(&arguments.server.patience)?))?;
    let findings = checked.findings();
    report::show(&findings, arguments.format, &checked, ui)?;
    Ok(findings.exit())
}

fn bump(arguments: &ContractBump, here: &Path, ui: &Ui) -> Result<Exit> {
    let folder = at(here, &arguments.since.path);
    let request = request(&arguments.since, folder, None, Patience::default());
    let bumped = bump::run(&request, arguments.dry_run)?;
    ui.report(&BumpReport { bumped: &bumped, dry: arguments.dry_run })?;
    Ok(Exit::Done)
}

fn export(arguments: &ContractExport, here: &Path, ui: &Ui) -> Result<Exit> {
    let Some(server) = server(&arguments.server, here)? else {
        let error = Error::new(
            Code::Usage,
            "this is not a repository that cargo mcp wrote, so there is no server to start",
        );
        return Err(error.hint("say which server to ask: --cmd COMMAND or --url URL"));
    };
    let contracts = source::of_server(&server, patience(&arguments.server.patience)?.limit)?;
    if contracts.is_empty() {
        return Err(Error::new(Code::ContractInvalid, "the server lists no tools, prompts or resources"));
    }
    match &arguments.out {
        None => ui.text(&normal::to_text(&export::document(&contracts)))?,
        Some(folder) => ui.report(&ExportReport {
            folder: folder.clone(),
            contracts: export::write(&contracts, &at(here, folder))?,
        })?,
    }
    Ok(Exit::Done)
}

fn request(since: &Since, folder: PathBuf, server: Option<Server>, patience: Patience) -> check::Request {
    check::Request {
        folder,
        server,
        baseline: since.baseline.clone(),
        acknowledged: since.acknowledge.clone(),
        patience,
    }
}

fn patience(arguments: &Asked) -> Result<Patience> {
    let limit = Duration::from_secs(arguments.timeout);
    let token = arguments.bearer_file.as_deref().map(source::token).transpose()?;
    Ok(Patience { limit, token })
}

/// The server that was named, else that of the repository, if it is one of ours.
fn server(arguments: &ContractServer, folder: &Path) -> Result<Option<Server>> {
    if let Some(url) = &arguments.url {
        let token = patience(&arguments.patience)?.token;
        return Ok(Some(Server::Url { url: url.clone(), token }));
    }
    if let Some(command) = &arguments.cmd {
        return Server::of_command(command, folder).map(Some);
    }
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    Repository::find(&folder)?.map(|repository| repository.server()).transpose()
}
