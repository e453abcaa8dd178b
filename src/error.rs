//! Why a command stopped: a stable code, one message, and a hint at what to do.
//!
//! The codes are one table: scripts depend on them, so a snapshot test pins each with its meaning.

use std::fmt;

use serde::{Serialize, Serializer};

/// What every fallible function of this crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $code:ident = $id:literal,)+) => {
        /// A stable name for a kind of error.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub enum Code {
            $($(#[doc = $doc])+ $code,)+
        }

        impl Code {
            /// Every code, sorted by its id.
            pub const ALL: &[Self] = &[$(Self::$code),+];

            /// The code as scripts see it.
            pub const fn id(self) -> &'static str {
                match self { $(Self::$code => $id,)+ }
            }

            /// What the code means, in a line.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$code => concat!($($doc),+).trim_ascii(),)+ }
            }
        }
    };
}

codes! {
    /// An answer is not among the choices, unknown, or holds a control character.
    AnswerInvalid = "answer_invalid",
    /// The file given with `--answers` cannot be read or understood.
    AnswersFile = "answers_file",
    /// The archive of the files as they were generated is broken or unsafe.
    BaseBroken = "base_broken",
    /// A file or a server holds no contract, or one that cannot be understood.
    ContractInvalid = "contract_invalid",
    /// A file is no longer what a command found when it began.
    DiskChanged = "disk_changed",
    /// Some of several repositories could not be updated.
    Fleet = "fleet",
    /// Git is missing or failed, and was asked for.
    Git = "git",
    /// The user stopped the command at a prompt.
    Interrupted = "interrupted",
    /// Reading, writing or renaming failed in a way no other code names.
    Io = "io",
    /// What a killed run left behind cannot be understood.
    Journal = "journal",
    /// No such language.
    LanguageUnknown = "language_unknown",
    /// The repository is under management already.
    Managed = "managed",
    /// What a repository records of itself is broken or unsafe.
    ManifestBroken = "manifest_broken",
    /// What a repository records of itself was written by a later cargo-mcp.
    ManifestLater = "manifest_later",
    /// The server's name breaks the grammar, is reserved, or would shadow something.
    NameInvalid = "name_invalid",
    /// There is no terminal to ask for the name, and neither PATH nor `--name` was given.
    NameMissing = "name_missing",
    /// The file system has no space left.
    NoSpace = "no_space",
    /// The folder holds no repository that cargo-mcp wrote.
    NotGenerated = "not_generated",
    /// No update waits for its conflicts to be resolved.
    NothingPending = "nothing_pending",
    /// A path from a template or a manifest would leave the repository.
    PathUnsafe = "path_unsafe",
    /// The file system refused access.
    PermissionDenied = "permission_denied",
    /// A server did not start, did not answer in time, or answered wrongly.
    Server = "server",
    /// Another file stands where the repository should go.
    TargetNotADirectory = "target_not_a_directory",
    /// The target holds files already.
    TargetNotEmpty = "target_not_empty",
    /// The folder in which the repository should be made does not exist.
    TargetParentMissing = "target_parent_missing",
    /// A template is broken: a bug of whoever wrote it.
    Template = "template",
    /// A file of a repository is a link, a folder, or too long.
    Unreadable = "unreadable",
    /// Conflicts of an earlier update are not resolved.
    Unresolved = "unresolved",
    /// The command line is wrong.
    Usage = "usage",
    /// Files that an update would change are not committed.
    WorkTreeDirty = "work_tree_dirty",
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}

/// An error as the user sees it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Error {
    /// What kind of error it is.
    pub code: Code,
    /// What is wrong, in one line that starts in lower case.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Error {
    /// An error without a hint.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None }
    }

    /// The same error with a hint at what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl From<mcp_contract::Error> for Error {
    fn from(error: mcp_contract::Error) -> Self {
        Self { code: Code::ContractInvalid, message: error.message, hint: error.hint.map(str::to_owned) }
    }
}
