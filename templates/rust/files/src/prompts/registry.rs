//! Texts that clients may ask for. Each has one file, and its name twice here.

mod summarize_text;

use crate::chassis::declare::Prompt;

/// The prompts in the order in which clients see them.
#[must_use]
pub fn all() -> Vec<Prompt> {
    vec![summarize_text::prompt()]
}
