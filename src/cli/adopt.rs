//! What can be typed after `adopt`.

use std::path::PathBuf;

use clap::Args;

use crate::ui::Format;

/// Arguments of `adopt`.
#[derive(Args, Debug)]
pub struct Adopt {
    /// The repository
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// Language of the server [default: the one whose project file is there]
    #[arg(long, value_name = "LANGUAGE")]
    pub lang: Option<String>,
    /// Name of the server, like my-server [default: the name of the folder]
    #[arg(long)]
    pub name: Option<String>,
    /// Use a template of your own: a folder, or the address of a git repository
    #[arg(long, value_name = "DIR|URL")]
    pub template: Option<String>,
    /// Branch, tag or commit of a template that is a git repository [default: HEAD]
    #[arg(long = "ref", value_name = "REF", requires = "template")]
    pub reference: Option<String>,
    /// Take answers from a TOML file
    #[arg(long, value_name = "FILE.toml")]
    pub answers: Option<PathBuf>,
    /// Answer one question, over the answers file; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Print what would be added, and add nothing
    #[arg(long)]
    pub dry_run: bool,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}
