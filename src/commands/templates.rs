//! `cargo mcp templates`: the languages, their questions and defaults.

use serde::Serialize;

use crate::error::Result;
use crate::exit::Exit;
use crate::ops::templates::{self, Listed};
use crate::template::Library;
use crate::ui::{Paint, Report, Ui};

/// Runs the command.
pub fn run(ui: &Ui) -> Result<Exit> {
    ui.report(&List { templates: templates::list(&Library::embedded())? })?;
    Ok(Exit::Done)
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
