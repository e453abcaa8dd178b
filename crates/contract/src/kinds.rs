//! The kinds of change: what each is called, how grave it is, what it means and what to do.
//!
//! Invariant: sorted, unique, and each with a failing example in `tests/corpus.json`; a snapshot pins the table.

use serde::Serialize;

/// How grave a change is, or the gravest of several.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// No change.
    None,
    /// Nobody is hurt.
    Additive,
    /// Nobody is refused, yet behaviour may differ.
    Warning,
    /// It could not be decided.
    Unknown,
    /// Somebody who kept to the old contract fails.
    Breaking,
}

impl Verdict {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Additive => "additive",
            Self::Warning => "warning",
            Self::Unknown => "unknown",
            Self::Breaking => "breaking",
        }
    }
}

/// One kind of change.
#[derive(Debug, Eq, PartialEq)]
pub struct ChangeKind {
    /// Its stable name.
    pub id: &'static str,
    /// How grave it is.
    pub verdict: Verdict,
    /// What it means; `{}` stands for the name of what changed.
    pub meaning: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
}

/// The kind with this id; the table is sorted.
#[must_use]
pub fn find(id: &str) -> Option<&'static ChangeKind> {
    KINDS.binary_search_by(|kind| kind.id.cmp(id)).ok().and_then(|place| KINDS.get(place))
}

const fn kind(id: &'static str, verdict: Verdict, meaning: &'static str, remedy: &'static str) -> ChangeKind {
    ChangeKind { id, verdict, meaning, remedy }
}

const ACCEPT: &str = "Accept what was accepted before, or release a new major version and tell callers.";
const PROMISE: &str = "Keep what was promised before, or release a new major version and tell clients.";
const MINOR: &str = "Release a new minor version.";

/// Every kind of change.
#[rustfmt::skip]
pub const KINDS: &[ChangeKind] = &[
    kind("annotation-loosened", Verdict::Breaking, "The tool claims less safety than before{}: hosts that let it run without asking may no longer.", "Keep the tool as safe as it was, or offer the new behaviour as a new tool."),
    kind("annotation-tightened", Verdict::Additive, "The tool claims more safety than before{}.", "Check that the claim is true; release a new minor version."),
    kind("argument-added", Verdict::Additive, "The prompt has a new optional argument{}.", MINOR),
    kind("argument-optional", Verdict::Additive, "The argument{} of the prompt need no longer be given.", MINOR),
    kind("argument-removed", Verdict::Breaking, "The prompt no longer has the argument{}.", "Keep the argument, or release a new major version."),
    kind("argument-required", Verdict::Breaking, "The argument{} of the prompt must now be given.", "Make the argument optional, or release a new major version."),
    kind("capability-added", Verdict::Breaking, "Callers need another client capability{}.", "Work without the capability when the client lacks it, or release a new major version."),
    kind("capability-removed", Verdict::Additive, "Callers need one client capability{} less.", MINOR),
    kind("default-changed", Verdict::Warning, "A default changed: callers that leave the value out get another behaviour.", "Keep the default, or tell callers."),
    kind("deprecated", Verdict::Warning, "The contract, or a part of it, is now deprecated, or its deprecation changed.", "Say in the changelog what replaces it."),
    kind("description-changed", Verdict::Warning, "The description changed: models may choose differently.", "Try the prompts that matter against the new text."),
    kind("error-added", Verdict::Warning, "The documented error{} is new: callers may not know how to handle it.", "Tell callers; release a new minor version."),
    kind("error-removed", Verdict::Additive, "The documented error{} no longer occurs.", MINOR),
    kind("field-changed", Verdict::Warning, "Another field of the contract changed.", "Check that callers do not depend on it."),
    kind("header-added", Verdict::Breaking, "An argument is now also expected as a header (x-mcp-header): clients that do not send it are refused.", "Leave the header out, or release a new major version."),
    kind("header-removed", Verdict::Warning, "An argument is no longer expected as a header (x-mcp-header).", "Tell the operators of proxies that read the header."),
    kind("input-additional-narrowed", Verdict::Breaking, "The input accepts less than before: which other keys an object may have changed.", ACCEPT),
    kind("input-additional-widened", Verdict::Additive, "The input accepts more than before: which other keys an object may have changed.", MINOR),
    kind("input-combination-narrowed", Verdict::Breaking, "The input accepts less than before: its alternatives (allOf, anyOf, oneOf, not, if) changed.", ACCEPT),
    kind("input-combination-widened", Verdict::Additive, "The input accepts more than before: its alternatives (allOf, anyOf, oneOf, not, if) changed.", MINOR),
    kind("input-count-narrowed", Verdict::Breaking, "The input accepts less than before: how many items or keys there may be changed.", ACCEPT),
    kind("input-count-widened", Verdict::Additive, "The input accepts more than before: how many items or keys there may be changed.", MINOR),
    kind("input-dependency-narrowed", Verdict::Breaking, "The input accepts less than before: which keys depend on others changed.", ACCEPT),
    kind("input-dependency-widened", Verdict::Additive, "The input accepts more than before: which keys depend on others changed.", MINOR),
    kind("input-enum-narrowed", Verdict::Breaking, "The input accepts less than before: the list of allowed values changed.", ACCEPT),
    kind("input-enum-widened", Verdict::Additive, "The input accepts more than before: the list of allowed values changed.", MINOR),
    kind("input-format-narrowed", Verdict::Breaking, "The input accepts less than before: the format of a string changed.", ACCEPT),
    kind("input-format-widened", Verdict::Additive, "The input accepts more than before: the format of a string changed.", MINOR),
    kind("input-items-narrowed", Verdict::Breaking, "The input accepts less than before: the items of an array changed.", ACCEPT),
    kind("input-items-widened", Verdict::Additive, "The input accepts more than before: the items of an array changed.", MINOR),
    kind("input-length-narrowed", Verdict::Breaking, "The input accepts less than before: the length of a string changed.", ACCEPT),
    kind("input-length-widened", Verdict::Additive, "The input accepts more than before: the length of a string changed.", MINOR),
    kind("input-pattern-narrowed", Verdict::Breaking, "The input accepts less than before: the pattern of a string changed.", ACCEPT),
    kind("input-pattern-widened", Verdict::Additive, "The input accepts more than before: the pattern of a string changed.", MINOR),
    kind("input-property-added", Verdict::Additive, "The optional input property{} is new.", MINOR),
    kind("input-property-removed", Verdict::Breaking, "The input property{} is gone: callers that send it are refused, or ignored without notice.", "Keep the property (mark it deprecated), or release a new major version. A renamed property is a removed one."),
    kind("input-range-narrowed", Verdict::Breaking, "The input accepts less than before: the range of a number changed.", ACCEPT),
    kind("input-range-widened", Verdict::Additive, "The input accepts more than before: the range of a number changed.", MINOR),
    kind("input-required-added", Verdict::Breaking, "The input property{} must now be sent: callers that do not send it are refused.", "Make the property optional with a default, or release a new major version."),
    kind("input-required-removed", Verdict::Additive, "The input property{} need no longer be sent.", MINOR),
    kind("input-rewritten", Verdict::Additive, "The input schema is written in another way; everything accepted before is still accepted.", MINOR),
    kind("input-schema-narrowed", Verdict::Breaking, "The input accepts less than before: the schema changed.", ACCEPT),
    kind("input-schema-widened", Verdict::Additive, "The input accepts more than before: the schema changed.", MINOR),
    kind("input-type-narrowed", Verdict::Breaking, "The input accepts less than before: the type changed.", ACCEPT),
    kind("input-type-widened", Verdict::Additive, "The input accepts more than before: the type changed.", MINOR),
    kind("input-unproved", Verdict::Unknown, "It cannot be proved that the input still accepts all that it accepted before.", "Compare the two schemas by hand. If nothing breaks, pass this rule or pointer to --acknowledge; else release a new major version."),
    kind("mime-type-changed", Verdict::Breaking, "A resource has another media type.", "Keep the media type, or offer the new one under another URI."),
    kind("output-additional-narrowed", Verdict::Additive, "The output promises more than before: which other keys an object may have changed.", MINOR),
    kind("output-additional-widened", Verdict::Breaking, "The output may hold values that it never held before: which other keys an object may have changed.", PROMISE),
    kind("output-combination-narrowed", Verdict::Additive, "The output promises more than before: its alternatives (allOf, anyOf, oneOf, not, if) changed.", MINOR),
    kind("output-combination-widened", Verdict::Breaking, "The output may hold values that it never held before: its alternatives (allOf, anyOf, oneOf, not, if) changed.", PROMISE),
    kind("output-count-narrowed", Verdict::Additive, "The output promises more than before: how many items or keys there may be changed.", MINOR),
    kind("output-count-widened", Verdict::Breaking, "The output may hold values that it never held before: how many items or keys there may be changed.", PROMISE),
    kind("output-dependency-narrowed", Verdict::Additive, "The output promises more than before: which keys depend on others changed.", MINOR),
    kind("output-dependency-widened", Verdict::Breaking, "The output may hold values that it never held before: which keys depend on others changed.", PROMISE),
    kind("output-enum-narrowed", Verdict::Additive, "The output promises more than before: the list of allowed values changed.", MINOR),
    kind("output-enum-widened", Verdict::Breaking, "The output may hold values that it never held before: the list of allowed values changed.", PROMISE),
    kind("output-format-narrowed", Verdict::Additive, "The output promises more than before: the format of a string changed.", MINOR),
    kind("output-format-widened", Verdict::Breaking, "The output may hold values that it never held before: the format of a string changed.", PROMISE),
    kind("output-items-narrowed", Verdict::Additive, "The output promises more than before: the items of an array changed.", MINOR),
    kind("output-items-widened", Verdict::Breaking, "The output may hold values that it never held before: the items of an array changed.", PROMISE),
    kind("output-length-narrowed", Verdict::Additive, "The output promises more than before: the length of a string changed.", MINOR),
    kind("output-length-widened", Verdict::Breaking, "The output may hold values that it never held before: the length of a string changed.", PROMISE),
    kind("output-pattern-narrowed", Verdict::Additive, "The output promises more than before: the pattern of a string changed.", MINOR),
    kind("output-pattern-widened", Verdict::Breaking, "The output may hold values that it never held before: the pattern of a string changed.", PROMISE),
    kind("output-property-added", Verdict::Additive, "The output property{} is new; clients that do not know it ignore it.", MINOR),
    kind("output-property-removed", Verdict::Breaking, "The output property{} is gone: clients that read it will fail.", "Keep the property until the next major version: fill it as before and mark it deprecated. A renamed property is a removed one."),
    kind("output-property-undeclared", Verdict::Breaking, "The output property{} is new in an object that was closed: clients that hold the old contract refuse it.", "Leave the property out until the next major version, and keep output objects open (no additionalProperties: false)."),
    kind("output-range-narrowed", Verdict::Additive, "The output promises more than before: the range of a number changed.", MINOR),
    kind("output-range-widened", Verdict::Breaking, "The output may hold values that it never held before: the range of a number changed.", PROMISE),
    kind("output-required-added", Verdict::Additive, "The output property{} could be missing and is now always there.", MINOR),
    kind("output-required-removed", Verdict::Breaking, "The output property{} was always there and may now be missing.", "Always send the property, or release a new major version."),
    kind("output-rewritten", Verdict::Additive, "The output schema is written in another way; everything answered fits the old schema.", MINOR),
    kind("output-schema-added", Verdict::Additive, "The tool now has an output schema.", MINOR),
    kind("output-schema-narrowed", Verdict::Additive, "The output promises more than before: the schema changed.", MINOR),
    kind("output-schema-removed", Verdict::Breaking, "The tool no longer says what it answers.", "Keep the output schema, or release a new major version."),
    kind("output-schema-widened", Verdict::Breaking, "The output may hold values that it never held before: the schema changed.", PROMISE),
    kind("output-type-narrowed", Verdict::Additive, "The output promises more than before: the type changed.", MINOR),
    kind("output-type-widened", Verdict::Breaking, "The output may hold values that it never held before: the type changed.", PROMISE),
    kind("output-unproved", Verdict::Unknown, "It cannot be proved that all that the output may hold was promised before.", "Compare the two schemas by hand. If nothing breaks, pass this rule or pointer to --acknowledge; else release a new major version."),
    kind("prompt-added", Verdict::Additive, "The prompt{} is new.", "Release a new minor version of the server."),
    kind("prompt-removed", Verdict::Breaking, "The prompt{} is gone: whoever uses it fails.", "Keep the prompt and deprecate it first, or release a new major version of the server. A renamed prompt is a removed one: keep the old name beside the new."),
    kind("resource-added", Verdict::Additive, "The resource{} is new.", "Release a new minor version of the server."),
    kind("resource-removed", Verdict::Breaking, "The resource{} is gone: whoever uses it fails.", "Keep the resource and deprecate it first, or release a new major version of the server. A renamed resource is a removed one: keep the old name beside the new."),
    kind("resource-renamed", Verdict::Breaking, "A resource has another name.", "Keep the name, or release a new major version."),
    kind("schema-text-changed", Verdict::Warning, "The description, examples or a note of a part of the schema changed: models may fill it in differently.", "Try the calls that matter against the new text."),
    kind("scope-added", Verdict::Breaking, "Callers need another scope{}: tokens that were good are refused.", "Keep the scope, or release a new major version and tell callers which scope to ask for."),
    kind("scope-removed", Verdict::Additive, "Callers need the scope{} no longer.", "Check that this is meant; release a new minor version."),
    kind("side-effects-changed", Verdict::Warning, "The described side effects changed.", "Check that the annotations still tell the truth; tell callers."),
    kind("title-changed", Verdict::Warning, "The title changed: people and models may choose differently.", "Check that the new title still says what it does."),
    kind("tool-added", Verdict::Additive, "The tool{} is new.", "Release a new minor version of the server."),
    kind("tool-removed", Verdict::Breaking, "The tool{} is gone: whoever uses it fails.", "Keep the tool and deprecate it first, or release a new major version of the server. A renamed tool is a removed one: keep the old name beside the new."),
];
