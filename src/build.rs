//! Rebuilds the crate when a template changes: the embedding macro alone does not notice new files.
#![allow(clippy::print_stdout, reason = "cargo reads a build script's standard output")]

fn main() {
    println!("cargo::rerun-if-changed=templates");
}
