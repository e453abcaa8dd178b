//! `cargo mcp contract`: export, diff, check and bump.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cli::{
    Contract, ContractCheck, ContractDiff, ContractExport, ContractFormat, ContractServer, Patience as Asked,
};
use crate::client::Server;
use crate::commands::at;
use crate::commands::contract_report::{BumpReport, CheckReport, DiffReport, ExportReport};
use crate::error::{Code, Error, Result};
use crate::exit::Exit;
use crate::ops::contract::source::Patience;
use crate::ops::contract::{bump, check, export, source};
use crate::repo::Repository;
use crate::report::contract as render;
use crate::ui::{Report, Ui};
use mcp_contract::model::Contracts;
use mcp_contract::rules::Verdict;
use mcp_contract::{diff, normal};

/// Room for schemas that nest deeply.
const STACK: usize = 256 << 20;

/// Runs a subcommand of `contract`.
///
/// # Errors
/// Whatever stops it.
pub fn run(command: Contract, here: &Path, ui: &Ui) -> Result<Exit> {
    let (here, ui) = (here.to_owned(), *ui);
    let worker = std::thread::Builder::new().stack_size(STACK).spawn(move || match command {
        Contract::Bump(arguments) => set(&arguments, &here, &ui),
        Contract::Check(arguments) => hold(&arguments, &here, &ui),
        Contract::Diff(arguments) => compare(&arguments, &here, &ui),
        Contract::Export(arguments) => write(&arguments, &here, &ui),
    });
    let worker = worker.map_err(|error| Error::new(Code::Io, format!("cannot start a thread: {error}")))?;
    worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn compare(arguments: &ContractDiff, here: &Path, ui: &Ui) -> Result<Exit> {
    let patience = patience(&arguments.patience)?;
    let old = source::read(&arguments.old, here, &patience)?;
    let new = source::read(&arguments.new, here, &patience)?;
    let mut comparison = diff::sets(&old, &new);
    for name in comparison.acknowledge(&arguments.acknowledge) {
        ui.warn(format!("nothing to acknowledge is called {name}"));
    }
    let exit = if comparison.verdict >= Verdict::Unknown { Exit::Findings } else { Exit::Done };
    let (verdict, changes) = (comparison.verdict, comparison.changes.as_slice());
    let text = match arguments.format {
        ContractFormat::Markdown => Some(render::markdown(verdict, changes)),
        ContractFormat::Sarif => Some(normal::to_text(&render::sarif(changes))),
        ContractFormat::Human | ContractFormat::Json => None,
    };
    print(text, &DiffReport(&comparison), ui)?;
    Ok(exit)
}

fn hold(arguments: &ContractCheck, here: &Path, ui: &Ui) -> Result<Exit> {
    let checked = check::run(&request(arguments, here, ui)?)?;
    let exit = if checked.is_clean() { Exit::Done } else { Exit::Findings };
    let all = || [checked.drift.as_slice(), &checked.changes].concat();
    let text = match arguments.format {
        ContractFormat::Markdown => Some(CheckReport(&checked).markdown()),
        ContractFormat::Sarif => Some(normal::to_text(&render::sarif(&all()))),
        ContractFormat::Human | ContractFormat::Json => None,
    };
    print(text, &CheckReport(&checked), ui)?;
    Ok(exit)
}

fn set(arguments: &ContractCheck, here: &Path, ui: &Ui) -> Result<Exit> {
    let mut request = request(arguments, here, ui)?;
    request.server = None;
    let bumped = bump::run(&request, arguments.dry_run)?;
    ui.report(&BumpReport { bumped: &bumped, dry: arguments.dry_run })?;
    Ok(Exit::Done)
}

fn write(arguments: &ContractExport, here: &Path, ui: &Ui) -> Result<Exit> {
    let limit = Duration::from_secs(arguments.server.patience.timeout);
    let Some(server) = server(&arguments.server, here)? else {
        let error = Error::new(
            Code::Usage,
            "this is not a repository that cargo mcp wrote, so there is no server to start",
        );
        return Err(error.hint("say which server to ask: --cmd COMMAND or --url URL"));
    };
    let contracts = some(source::of_server(&server, limit)?)?;
    match &arguments.out {
        None => ui.text(&normal::to_text(&export::document(&contracts)))?,
        Some(folder) => ui.report(&ExportReport {
            folder: folder.clone(),
            contracts: export::write(&contracts, &at(here, folder))?,
        })?,
    }
    Ok(Exit::Done)
}

fn some(contracts: Contracts) -> Result<Contracts> {
    if contracts.is_empty() {
        return Err(Error::new(Code::ContractInvalid, "the server lists no tools, prompts or resources"));
    }
    Ok(contracts)
}

fn print(text: Option<String>, report: &impl Report, ui: &Ui) -> Result<()> {
    text.map_or_else(|| ui.report(report), |text| ui.text(&text))
}

fn request(arguments: &ContractCheck, here: &Path, ui: &Ui) -> Result<check::Request> {
    let folder: PathBuf = at(here, &arguments.path);
    let server = if arguments.offline { None } else { server(&arguments.server, &folder)? };
    if server.is_none() && !arguments.offline {
        ui.warn("no server to ask: the contracts are compared with the last release only");
    }
    Ok(check::Request {
        folder,
        server,
        baseline: arguments.baseline.clone(),
        acknowledged: arguments.acknowledge.clone(),
        patience: patience(&arguments.server.patience)?,
    })
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
