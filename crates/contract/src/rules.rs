//! The rules: what a change is called, how grave it is, what it means and what to do.
//!
//! A rule is a constant, so that a wrong one is no program. Those of keywords follow from the families of keywords:
//! each family narrows and widens inputs and outputs. Invariant: ids are unique, and each has an example in
//! `tests/corpus`; a snapshot pins the table.

use std::sync::LazyLock;

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
    /// As reports and JSON say it.
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

/// A kind of change.
#[derive(Debug, Eq, PartialEq)]
pub struct Rule {
    /// Its stable name.
    pub id: &'static str,
    /// How grave it is.
    pub verdict: Verdict,
    /// What it means; `{}` stands for the name of what changed.
    pub meaning: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
}

/// Every rule, sorted by id.
pub static RULES: LazyLock<Vec<&'static Rule>> = LazyLock::new(|| {
    let mut rules = SINGLE.to_vec();
    rules.extend(FAMILIES.iter().flat_map(|family| family.rules.as_flattened()));
    rules.sort_by_key(|rule| rule.id);
    rules
});

/// Who relies on a schema.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Direction {
    /// Callers: what was accepted must be accepted.
    Input,
    /// Clients: what is answered must have been promised.
    Output,
}

/// What a change of some values does to all that a schema accepts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Effect {
    /// It accepts less: that hurts callers.
    Narrowed,
    /// It accepts more: that hurts clients.
    Widened,
}

impl Direction {
    /// What hurts.
    pub const fn harm(self) -> Effect {
        match self {
            Self::Input => Effect::Narrowed,
            Self::Output => Effect::Widened,
        }
    }

    /// What does not.
    pub const fn relief(self) -> Effect {
        match self {
            Self::Input => Effect::Widened,
            Self::Output => Effect::Narrowed,
        }
    }

    /// The rule of what could not be decided.
    pub const fn unproved(self) -> &'static Rule {
        self.pick(&INPUT_UNPROVED, &OUTPUT_UNPROVED)
    }

    /// One of two rules that say the same of inputs and of outputs.
    pub const fn pick(self, input: &'static Rule, output: &'static Rule) -> &'static Rule {
        match self {
            Self::Input => input,
            Self::Output => output,
        }
    }
}

/// Keywords that only mean something with one another: they are compared as one. Which they are stands in the table
/// of keywords.
#[derive(Debug)]
pub struct Family {
    /// By direction and effect.
    rules: [[Rule; 2]; 2],
}

impl Family {
    /// The rule of a change of these keywords.
    pub const fn rule(&'static self, direction: Direction, effect: Effect) -> &'static Rule {
        &self.rules[direction as usize][effect as usize]
    }
}

const ACCEPT: &str = "Accept what was accepted before, or release a new major version and tell callers.";
const PROMISE: &str = "Keep what was promised before, or release a new major version and tell clients.";
const MINOR: &str = "Release a new minor version.";
const COMPARE: &str = "Compare the two schemas by hand. If nothing breaks, pass this rule or pointer to --acknowledge; else release a new major version.";
const SERVER: &str = "Release a new minor version of the server.";

macro_rules! families {
    ($($family:ident $name:literal, $what:literal;)+) => {
        $(#[doc = concat!("Keywords by which ", $what, " changes.")]
        pub static $family: Family = Family {
            rules: [
                [
                    Rule {
                        id: concat!("input-", $name, "-narrowed"),
                        verdict: Verdict::Breaking,
                        meaning: concat!("The input accepts less than before: ", $what, " changed."),
                        remedy: ACCEPT,
                    },
                    Rule {
                        id: concat!("input-", $name, "-widened"),
                        verdict: Verdict::Additive,
                        meaning: concat!("The input accepts more than before: ", $what, " changed."),
                        remedy: MINOR,
                    },
                ],
                [
                    Rule {
                        id: concat!("output-", $name, "-narrowed"),
                        verdict: Verdict::Additive,
                        meaning: concat!("The output promises more than before: ", $what, " changed."),
                        remedy: MINOR,
                    },
                    Rule {
                        id: concat!("output-", $name, "-widened"),
                        verdict: Verdict::Breaking,
                        meaning: concat!("The output may hold values that it never held before: ", $what, " changed."),
                        remedy: PROMISE,
                    },
                ],
            ],
        };)+
        /// Every family.
        pub static FAMILIES: &[&Family] = &[$(&$family),+];
    };
}

macro_rules! rules {
    ($($rule:ident $id:literal $verdict:ident, $meaning:expr, $remedy:expr;)+) => {
        $(#[doc = $meaning] pub static $rule: Rule =
            Rule { id: $id, verdict: Verdict::$verdict, meaning: $meaning, remedy: $remedy };)+
        /// The rules that no family has.
        static SINGLE: &[&Rule] = &[$(&$rule),+];
    };
}

#[rustfmt::skip]
families! {
    ADDITIONAL "additional", "which other keys an object may have";
    COMBINATION "combination", "its alternatives (allOf, anyOf, oneOf, not, if)";
    COUNT "count", "how many items or keys there may be";
    DEPENDENCY "dependency", "which keys depend on others";
    ENUM "enum", "the list of allowed values";
    FORMAT "format", "the format of a string";
    ITEMS "items", "the items of an array";
    LENGTH "length", "the length of a string";
    PATTERN "pattern", "the pattern of a string";
    RANGE "range", "the range of a number";
    SCHEMA "schema", "the schema";
    TYPE "type", "the type";
}

#[rustfmt::skip]
rules! {
    ANNOTATION_LOOSENED "annotation-loosened" Breaking, "The tool claims less safety than before{}: hosts that let it run without asking may no longer.", "Keep the tool as safe as it was, or offer the new behaviour as a new tool.";
    ANNOTATION_TIGHTENED "annotation-tightened" Additive, "The tool claims more safety than before{}.", "Check that the claim is true; release a new minor version.";
    ARGUMENT_ADDED "argument-added" Additive, "The prompt has a new optional argument{}.", MINOR;
    ARGUMENT_OPTIONAL "argument-optional" Additive, "The argument{} of the prompt need no longer be given.", MINOR;
    ARGUMENT_REMOVED "argument-removed" Breaking, "The prompt no longer has the argument{}.", "Keep the argument, or release a new major version.";
    ARGUMENT_REQUIRED "argument-required" Breaking, "The argument{} of the prompt must now be given.", "Make the argument optional, or release a new major version.";
    CAPABILITY_ADDED "capability-added" Breaking, "Callers need another client capability{}.", "Work without the capability when the client lacks it, or release a new major version.";
    CAPABILITY_REMOVED "capability-removed" Additive, "Callers need one client capability{} less.", MINOR;
    DEFAULT_CHANGED "default-changed" Warning, "A default changed: callers that leave the value out get another behaviour.", "Keep the default, or tell callers.";
    DEPRECATED "deprecated" Warning, "The contract, or a part of it, is now deprecated, or its deprecation changed.", "Say in the changelog what replaces it.";
    DESCRIPTION_CHANGED "description-changed" Warning, "The description changed: models may choose differently.", "Try the prompts that matter against the new text.";
    ERROR_ADDED "error-added" Warning, "The documented error{} is new: callers may not know how to handle it.", "Tell callers; release a new minor version.";
    ERROR_REMOVED "error-removed" Additive, "The documented error{} no longer occurs.", MINOR;
    FIELD_CHANGED "field-changed" Warning, "Another field of the contract changed.", "Check that callers do not depend on it.";
    HEADER_ADDED "header-added" Breaking, "An argument is now also expected as a header (x-mcp-header): clients that do not send it are refused.", "Leave the header out, or release a new major version.";
    HEADER_REMOVED "header-removed" Warning, "An argument is no longer expected as a header (x-mcp-header).", "Tell the operators of proxies that read the header.";
    INPUT_PROPERTY_ADDED "input-property-added" Additive, "The optional input property{} is new.", MINOR;
    INPUT_PROPERTY_REMOVED "input-property-removed" Breaking, "The input property{} is gone: callers that send it are refused, or ignored without notice.", "Keep the property (mark it deprecated), or release a new major version. A renamed property is a removed one.";
    INPUT_REQUIRED_ADDED "input-required-added" Breaking, "The input property{} must now be sent: callers that do not send it are refused.", "Make the property optional with a default, or release a new major version.";
    INPUT_REQUIRED_REMOVED "input-required-removed" Additive, "The input property{} need no longer be sent.", MINOR;
    INPUT_REWRITTEN "input-rewritten" Additive, "The input schema is written in another way; everything accepted before is still accepted.", MINOR;
    INPUT_UNPROVED "input-unproved" Unknown, "It cannot be proved that the input still accepts all that it accepted before.", COMPARE;
    MIME_TYPE_CHANGED "mime-type-changed" Breaking, "A resource has another media type.", "Keep the media type, or offer the new one under another URI.";
    OUTPUT_PROPERTY_ADDED "output-property-added" Additive, "The output property{} is new; clients that do not know it ignore it.", MINOR;
    OUTPUT_PROPERTY_REMOVED "output-property-removed" Breaking, "The output property{} is gone: clients that read it will fail.", "Keep the property until the next major version: fill it as before and mark it deprecated. A renamed property is a removed one.";
    OUTPUT_PROPERTY_UNDECLARED "output-property-undeclared" Breaking, "The output property{} is new in an object that was closed: clients that hold the old contract refuse it.", "Leave the property out until the next major version, and keep output objects open (no additionalProperties: false).";
    OUTPUT_REQUIRED_ADDED "output-required-added" Additive, "The output property{} could be missing and is now always there.", MINOR;
    OUTPUT_REQUIRED_REMOVED "output-required-removed" Breaking, "The output property{} was always there and may now be missing.", "Always send the property, or release a new major version.";
    OUTPUT_REWRITTEN "output-rewritten" Additive, "The output schema is written in another way; everything answered fits the old schema.", MINOR;
    OUTPUT_SCHEMA_ADDED "output-schema-added" Additive, "The tool now has an output schema.", MINOR;
    OUTPUT_SCHEMA_REMOVED "output-schema-removed" Breaking, "The tool no longer says what it answers.", "Keep the output schema, or release a new major version.";
    OUTPUT_UNPROVED "output-unproved" Unknown, "It cannot be proved that all that the output may hold was promised before.", COMPARE;
    PROMPT_ADDED "prompt-added" Additive, "The prompt{} is new.", SERVER;
    PROMPT_REMOVED "prompt-removed" Breaking, "The prompt{} is gone: whoever uses it fails.", "Keep the prompt and deprecate it first, or release a new major version of the server. A renamed prompt is a removed one: keep the old name beside the new.";
    RESOURCE_ADDED "resource-added" Additive, "The resource{} is new.", SERVER;
    RESOURCE_REMOVED "resource-removed" Breaking, "The resource{} is gone: whoever uses it fails.", "Keep the resource and deprecate it first, or release a new major version of the server. A renamed resource is a removed one: keep the old name beside the new.";
    RESOURCE_RENAMED "resource-renamed" Breaking, "A resource has another name.", "Keep the name, or release a new major version.";
    SCHEMA_TEXT_CHANGED "schema-text-changed" Warning, "The description, examples or a note of a part of the schema changed: models may fill it in differently.", "Try the calls that matter against the new text.";
    SCOPE_ADDED "scope-added" Breaking, "Callers need another scope{}: tokens that were good are refused.", "Keep the scope, or release a new major version and tell callers which scope to ask for.";
    SCOPE_REMOVED "scope-removed" Additive, "Callers need the scope{} no longer.", "Check that this is meant; release a new minor version.";
    SIDE_EFFECTS_CHANGED "side-effects-changed" Warning, "The described side effects changed.", "Check that the annotations still tell the truth; tell callers.";
    TITLE_CHANGED "title-changed" Warning, "The title changed: people and models may choose differently.", "Check that the new title still says what it does.";
    TITLE_ADDED "title-added" Additive, "A title is new: people see it in place of the name.", MINOR;
    TOOL_ADDED "tool-added" Additive, "The tool{} is new.", SERVER;
    TOOL_REMOVED "tool-removed" Breaking, "The tool{} is gone: whoever uses it fails.", "Keep the tool and deprecate it first, or release a new major version of the server. A renamed tool is a removed one: keep the old name beside the new.";
}
