//! The program: hands its arguments to the library and its answer to the system.

use std::process::ExitCode;

fn main() -> ExitCode {
    cargo_mcp::main(std::env::args_os())
}
