//! What clients may call. Each tool has one file, which holds all of it: its input and output, its function, its
//! declaration; and its name twice here. `tools` holds what they share.

mod cancel_operation;
mod check_operation_status;
mod lookup_record;
mod process_text;
mod start_operation;
#[allow(clippy::module_inception, reason = "what tools share is named as in the other languages")]
pub mod tools;

use crate::chassis::declare::Tool;

pub use self::tools::Uses;

/// The tools in the order in which clients see them.
#[must_use]
#[allow(unused_variables, reason = "a list may be empty")]
pub fn all(uses: &Uses) -> Vec<Tool> {
    vec![
        process_text::tool(uses),
        lookup_record::tool(uses),
        start_operation::tool(uses),
        check_operation_status::tool(uses),
        cancel_operation::tool(uses),
    ]
}
