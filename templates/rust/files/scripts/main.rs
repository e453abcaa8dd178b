//! What the Makefile's targets do beside building and testing: one program, so that it is built once.

#![allow(clippy::print_stdout, reason = "what a target prints is its answer")]

mod api_docs;
mod contracts;
mod coverage;
mod sbom;
mod scan;

use std::error::Error;
use std::process::ExitCode;
use std::{env, fs};

/// What went wrong, in a line for whoever ran the target.
type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const USAGE: &str = "scripts contracts | coverage FOLDER | docs | sbom FILE | scan";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["contracts"] => contracts::rewrite("contracts"),
        ["coverage", folder] => coverage::check(folder),
        ["docs"] => docs(),
        ["sbom", file] => sbom::write(file),
        ["scan"] => scan::run(),
        _ => {
            eprintln!("usage: {USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn docs() -> Outcome {
    fs::write("docs/api.md", api_docs::render("contracts")?)?;
    Ok(())
}
