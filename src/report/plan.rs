//! How a plan prints: a line an action.

use crate::plan::{Action, Plan};
use crate::tree::Mode;
use crate::ui::Paint;

/// The plan for people.
pub fn human(plan: &Plan, paint: Paint) -> String {
    plan.actions.iter().map(|action| line(action, paint)).collect()
}

fn line(action: &Action, paint: Paint) -> String {
    let detail = match action {
        Action::GitInit(_) => "(git init, branch main)".to_owned(),
        Action::Chmod { mode: Mode::Executable, .. } => "(executable)".to_owned(),
        Action::Chmod { mode: Mode::Plain, .. } => "(not executable)".to_owned(),
        Action::Delete { .. } | Action::Keep { .. } => String::new(),
        Action::Create { file, .. } | Action::Write { file, .. } | Action::Conflict { file, .. } => {
            let mode = if file.mode == Mode::Executable { ", executable" } else { "" };
            format!("({} bytes{mode})", file.bytes.len())
        }
    };
    let word = match action {
        Action::Create { .. } | Action::GitInit(_) => paint.good("create"),
        Action::Keep { .. } => paint.dim("keep"),
        Action::Delete { .. } => paint.warning("delete"),
        Action::Conflict { .. } => paint.bad("conflict"),
        Action::Write { .. } | Action::Chmod { .. } => paint.bold(action.word()),
    };
    format!("{word} {} {}", action.path(), paint.dim(detail)).trim_end().to_owned() + "\n"
}
