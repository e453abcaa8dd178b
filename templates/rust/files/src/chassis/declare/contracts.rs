//! A declaration as its contract.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{About, MIME_TYPE, Registry, Tool};
use crate::chassis::fault;

/// Those of every tool.
const COMMON_ERRORS: [(fault::Code, &str); 9] = [
    (fault::INSUFFICIENT_SCOPE, "The token lacks the tool's scope."),
    (fault::INTERNAL, "An unexpected failure; quote the correlation id."),
    (fault::INVALID_ARGUMENT, "An argument is missing, unknown, of the wrong type or out of range."),
    (fault::OVERLOADED, "Too many calls are running and waiting."),
    (fault::RATE_LIMITED, "The caller's rate limit is used up."),
    (fault::RESULT_TOO_LARGE, "The result is larger than MCP_MAX_RESULT_BYTES."),
    (fault::SHUTTING_DOWN, "The server is stopping; call again."),
    (fault::TIMEOUT, "The call did not finish within MCP_TOOL_TIMEOUT_SECONDS."),
    (fault::UNAUTHENTICATED, "No valid bearer token was sent."),
];

impl Registry {
    /// The files below `contracts/`, by path: JSON with sorted keys, two spaces, one final newline.
    #[must_use]
    pub fn contracts(&self) -> BTreeMap<String, String> {
        let tools = self.tools.iter().map(|tool| file("tools", &tool.about, of_tool(tool)));
        let resources = self.resources.iter().map(|resource| {
            let key = if resource.is_template() { "uriTemplate" } else { "uri" };
            file("resources", &resource.about, json!({ key: resource.uri, "mimeType": MIME_TYPE }))
        });
        let prompts = self.prompts.iter().map(|prompt| {
            let arguments: Vec<_> = prompt
                .arguments
                .iter()
                .map(|argument| json!({ "name": argument.name, "description": argument.description, "required": true }))
                .collect();
            file("prompts", &prompt.about, json!({ "arguments": arguments }))
        });
        tools.chain(resources).chain(prompts).collect()
    }
}

fn of_tool(tool: &Tool) -> Value {
    let mut errors: BTreeMap<_, _> = COMMON_ERRORS.iter().map(|(code, when)| (code.name, *when)).collect();
    errors.extend(&tool.errors);
    let errors: Vec<_> =
        errors.into_iter().map(|(code, when)| json!({ "code": code, "description": when })).collect();
    json!({
        "annotations": tool.annotations,
        "inputSchema": tool.input.document(),
        "outputSchema": tool.output,
        "sideEffects": tool.side_effects,
        "errors": errors,
    })
}

fn file(folder: &str, about: &About, more: Value) -> (String, String) {
    let mut contract = more;
    contract["name"] = about.name.into();
    contract["title"] = about.title.into();
    contract["description"] = about.full_description().into();
    contract["version"] = about.version.into();
    if let Some(deprecated) = about.deprecated {
        contract["deprecated"] = json!(deprecated);
    }
    if !about.scope.is_empty() {
        contract["scope"] = about.scope.into();
    }
    let text = serde_json::to_string_pretty(&sorted(contract)).unwrap_or_default();
    (format!("{folder}/{}.json", about.name), text + "\n")
}

/// Sorts keys, whatever order a map keeps, and `required`, whose order means nothing.
fn sorted(tree: Value) -> Value {
    match tree {
        Value::Array(items) => items.into_iter().map(sorted).collect(),
        Value::Object(members) => {
            let members: BTreeMap<_, _> = members.into_iter().collect();
            let sort = |(key, member): (String, Value)| {
                let mut member = sorted(member);
                if let ("required", Some(names)) = (key.as_str(), member.as_array_mut()) {
                    names.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
                }
                (key, member)
            };
            Value::Object(members.into_iter().map(sort).collect::<Map<_, _>>())
        }
        other => other,
    }
}
