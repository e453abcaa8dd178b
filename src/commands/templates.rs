//! `cargo mcp templates`: lists the languages, exports one, proves a folder.

use std::path::Path;

use serde::Serialize;

use crate::cli::{Templates, TemplatesCheck, TemplatesCommand, TemplatesExport};
use crate::commands::at;
use crate::error::Result;
use crate::exit::Exit;
use crate::ops::templates::export::Exported;
use crate::ops::templates::{self, Listed, check, export};
use crate::report;
use crate::template::Library;
use crate::ui::{Paint, Report, Ui};

/// Runs the command in the folder `here`.
pub fn run(arguments: &Templates, here: &Path, ui: &Ui) -> Result<Exit> {
    match &arguments.command {
        None => ui.report(&List { templates: templates::list(&Library::embedded())? })?,
        Some(TemplatesCommand::Export(TemplatesExport { language, folder, .. })) => {
            ui.report(&Written(export::run(language, &at(here, folder))?))?;
        }
        Some(TemplatesCommand::Check(TemplatesCheck { folder, format })) => {
            let checked = check::run(&at(here, folder))?;
            let findings = checked.findings();
            report::show(&findings, *format, &checked, ui)?;
            return Ok(findings.exit());
        }
    }
    Ok(Exit::Done)
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Written(Exported);

impl Report for Written {
    fn human(&self, paint: Paint) -> String {
        let Exported { language, path, files } = &self.0;
        format!("{} {} ({language}, {files} files)\n", paint.good("Written:"), path.display())
    }
}

#[derive(Debug, Serialize)]
struct List {
    templates: Vec<Listed>,
}

impl Report for List {
    fn human(&self, paint: Paint) -> String {
        let mut out = String::new();
        for template in &self.templates {
            let default = if template.default { ", the default" } else { "" };
            let version = paint.dim(format!("(template {}{default})", template.version));
            out += &format!("{} {version}\n  {}\n", paint.good(&template.language), template.summary);
            let width =
                template.questions.iter().map(|question| question.key.len()).max().unwrap_or_default();
            for question in &template.questions {
                let key = paint.bold(format!("{:width$}", question.key));
                out += &format!("  {key}  {}", question.help);
                if !question.choices.is_empty() {
                    out += &format!("; one of {}", question.choices.join(", "));
                }
                if let Some(default) = &question.default {
                    out += &paint.dim(format!(" [default: {default}]"));
                }
                out.push('\n');
            }
            out.push('\n');
        }
        out + "Answer with --set KEY=VALUE, or in a file for --answers: KEY = \"VALUE\"\n"
    }
}
