//! What templates and commands need to know of a language. One table: the struct, its keys and their meaning.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

macro_rules! facts {
    ($($(#[doc = $doc:literal])+ $(#[serde($($attribute:tt)+)])? $key:ident: $type:ty,)+) => {
        /// The facts of a language, their strings rendered or yet to be.
        #[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
        #[serde(deny_unknown_fields)]
        pub struct Facts {
            $($(#[doc = $doc])+ $(#[serde($($attribute)+)])? pub $key: $type,)+
        }

        impl Facts {
            /// Every key with its meaning, in order.
            pub const TABLE: &[(&str, &str)] = &[$((stringify!($key), concat!($($doc),+).trim_ascii())),+];
        }
    };
}

facts! {
    /// What was considered instead of the stack, and why not; one item a line of the architecture record.
    alternatives: Vec<String>,
    /// The arguments of `command`.
    args: Vec<String>,
    /// What `make build` makes, and where.
    artifact: String,
    /// A file that is there once the server can be started.
    built: String,
    /// What makes it.
    build_step: String,
    /// The arguments of `client_command`.
    client_args: Vec<String>,
    /// The program in a client's settings: `$PWD` is the repository, `$(…)` is run by a shell.
    client_command: String,
    /// The program that serves, from the repository; the same one by name, or a path in it.
    command: String,
    /// How calls run beside each other, in a paragraph.
    concurrency: String,
    /// The settings that switch every tool on, for `contract check` to see them all.
    contract_env: BTreeMap<String, String>,
    /// What Dependabot calls the language's packages.
    dependabot: String,
    /// What to know of the first build, in a sentence; empty when there is nothing.
    first_build: String,
    /// What `make lint` runs.
    lint_tools: String,
    /// The files that lock dependencies.
    lock: Vec<String>,
    /// The project file.
    manifest_file: String,
    /// The memory limit of a pod.
    memory_limit: String,
    /// The memory request of a pod.
    memory_request: String,
    /// Where things are: a name that documents use, and the path of the file or folder.
    paths: BTreeMap<String, String>,
    /// What the server uses at most under the load of `make test-perf`, in MiB.
    peak_memory_mib: String,
    /// Where packages are published, as the MCP registry calls it.
    registry: String,
    /// What must be installed to work on the server.
    runtime: String,
    /// What `make security-scan` runs.
    scan_tools: String,
    /// What the server is built on; one item a line of the architecture record.
    stack: Vec<String>,
    /// How a single test is run, NAME standing for it.
    test_one: String,
    /// The folder or file of each kind of test.
    tests: BTreeMap<String, String>,
    /// The language as people write it.
    title: String,
    /// Where the server's version stands.
    version_files: Vec<VersionFile>,
    /// The versions of the language that CI runs.
    versions: Vec<String>,
}

/// A place that states the server's version.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct VersionFile {
    /// The file: JSON, or TOML by its name.
    pub path: String,
    /// The JSON pointer of a string that is the version, or ends in it after a colon.
    pub key: String,
}
