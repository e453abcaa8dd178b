//! What can be typed after `update`.

use std::path::PathBuf;

use clap::Args;

use crate::ui::Format;

/// Arguments of `update`.
#[derive(Args, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub struct Update {
    /// The repositories; several are updated side by side, and one that fails stops no other
    #[arg(default_value = ".", value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Change nothing, and print what would change; exit code 1 when something would
    #[arg(long, conflicts_with_all = ["dry_run", "continue", "abort"])]
    pub check: bool,
    /// Print what would be done, and do nothing
    #[arg(long, conflicts_with_all = ["continue", "abort"])]
    pub dry_run: bool,
    /// Finish the update after its conflicts were resolved
    #[arg(long = "continue", conflicts_with = "abort")]
    pub r#continue: bool,
    /// Take back an update that ended in conflicts: every file is as it was before
    #[arg(long)]
    pub abort: bool,
    /// Update although some of it is not committed, or there is no git to go back with
    #[arg(long)]
    pub allow_dirty: bool,
    /// Bring back a file that was deleted; may be repeated
    #[arg(long, value_name = "FILE")]
    pub restore: Vec<String>,
    /// Change answers: take them from a TOML file
    #[arg(long, value_name = "FILE.toml")]
    pub answers: Option<PathBuf>,
    /// Change one answer, over the answers file; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}
