//! Contracts as files, in history and on live servers: what `cargo mcp contract` does.

pub mod bump;
pub mod check;
pub mod diff;
pub mod export;
mod findings;
pub mod source;

/// The folder of a repository that holds its contracts.
const CONTRACTS: &str = "contracts";
/// The folder in it that holds those of the last release.
const BASELINE: &str = "contracts/baseline";

/// The file of a contract, from the repository's top.
fn file_of(contract: &str) -> String {
    format!("{CONTRACTS}/{contract}.json")
}
