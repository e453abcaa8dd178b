//! Texts that clients may ask for. Each has one file, and a line in the registry.

pub mod registry;
pub mod summarize_text;
