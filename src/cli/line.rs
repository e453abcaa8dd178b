//! The command line as it comes in, and what clap says of one that does not parse.

use std::ffi::OsString;

use crate::error::{Code, Error};

/// Cargo starts `cargo mcp new` as `cargo-mcp mcp new`: drops that `mcp`, so that both ways are one.
pub fn normalise(arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
    arguments
        .enumerate()
        .filter(|(place, word)| !(*place == 1 && word == "mcp"))
        .map(|(_, word)| word)
        .collect()
}

/// Whether a command line that did not parse asked for JSON.
pub fn wants_json(arguments: &[OsString]) -> bool {
    arguments.iter().any(|word| word == "--format=json")
        || arguments.windows(2).any(|pair| pair[0] == "--format" && pair[1] == "json")
}

/// Clap's first line as an error of this program.
pub fn usage_error(stop: &clap::Error) -> Error {
    let text = stop.to_string();
    let message = text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ").trim();
    Error::new(Code::Usage, message).hint("see cargo mcp --help")
}
