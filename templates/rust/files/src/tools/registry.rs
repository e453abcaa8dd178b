//! The tools in the order in which clients see them.

use super::tools::Uses;
use crate::chassis::declare::Tool;

#[must_use]
pub fn all(uses: &Uses) -> Vec<Tool> {
    vec![
        super::process_text::tool(uses),
        super::lookup_record::tool(uses),
        super::start_operation::tool(uses),
        super::check_operation_status::tool(uses),
        super::cancel_operation::tool(uses),
    ]
}
