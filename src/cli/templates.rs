//! What can be typed after `templates`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::report;
use crate::ui::Format;

/// Arguments of `templates`.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Templates {
    /// What to do but list them.
    #[command(subcommand)]
    pub command: Option<TemplatesCommand>,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// The subcommands of `templates`.
#[derive(Debug, Subcommand)]
pub enum TemplatesCommand {
    /// Prove a template of your own: each text parsed, each variable known, each answer rendered
    #[command(after_help = "Exit code 1: it has flaws.\n\nExample:\n  cargo mcp templates check house")]
    Check(TemplatesCheck),
    /// Write a built-in template to a folder, to start one of your own from
    #[command(
        after_help = "To follow the built-in one where you do not differ, say `extends` in place of `language` in \
                      template.toml, and delete what you do not change.\n\n\
                      Example:\n  cargo mcp templates export LANGUAGE house"
    )]
    Export(TemplatesExport),
}

/// Arguments of `templates check`.
#[derive(Args, Debug)]
pub struct TemplatesCheck {
    /// The folder: a template, or a set of languages
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    pub format: report::Format,
}

/// Arguments of `templates export`.
#[derive(Args, Debug)]
pub struct TemplatesExport {
    /// The language
    #[arg(value_name = "LANGUAGE")]
    pub language: String,
    /// Where to write: a folder that does not exist or is empty
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

impl Templates {
    /// How results and errors are written.
    pub(super) const fn format(&self) -> Format {
        match &self.command {
            None => self.format,
            Some(TemplatesCommand::Export(arguments)) => arguments.format,
            Some(TemplatesCommand::Check(arguments)) => arguments.format.errors(),
        }
    }
}
