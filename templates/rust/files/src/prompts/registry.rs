//! The prompts in the order in which clients see them.

use crate::chassis::declare::Prompt;

#[must_use]
pub fn all() -> Vec<Prompt> {
    vec![super::summarize_text::prompt()]
}
