//! What clients may call. Each tool has one file, which holds all of it: its input and output, its function, its
//! declaration; and a line in the registry. `tools` holds what they share.

pub mod cancel_operation;
pub mod check_operation_status;
pub mod lookup_record;
pub mod process_text;
pub mod registry;
pub mod start_operation;
mod tools;

pub use self::tools::Uses;
