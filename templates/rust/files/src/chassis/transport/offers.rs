//! What clients are told of an App, in the SDK's words. It does not change while the server runs.

use std::sync::Arc;

use rmcp::model::{
    Implementation, Prompt, PromptArgument, Resource, ResourceTemplate, ServerCapabilities, ServerConfig,
    Tool, ToolAnnotations,
};

use crate::chassis::app::App;
use crate::chassis::declare::{self, MIME_TYPE, Registry};

/// The lists.
pub struct Offers {
    pub tools: Vec<Tool>,
    pub resources: Vec<Resource>,
    pub templates: Vec<ResourceTemplate>,
    pub prompts: Vec<Prompt>,
}

impl Offers {
    pub fn of(registry: &Registry) -> Self {
        let (templates, resources): (Vec<_>, Vec<_>) =
            registry.resources.iter().partition(|resource| resource.is_template());
        Self {
            tools: registry.tools.iter().map(tool).collect(),
            resources: resources.into_iter().map(resource).collect(),
            templates: templates.into_iter().map(template).collect(),
            prompts: registry.prompts.iter().map(prompt).collect(),
        }
    }

    /// What the server tells of itself.
    pub fn info(app: &App) -> ServerConfig {
        let capabilities =
            ServerCapabilities::builder().enable_tools().enable_resources().enable_prompts().build();
        ServerConfig::new(capabilities)
            .with_server_info(Implementation::new(&app.settings.server_name, app.identity.version))
            .with_instructions(app.identity.instructions)
    }
}

fn tool(tool: &declare::Tool) -> Tool {
    let about = &tool.about;
    let hints = tool.annotations;
    Tool::new(about.name, about.full_description(), Arc::new(tool.input.document().clone()))
        .with_title(about.title)
        .with_raw_output_schema(Arc::new(tool.output.clone()))
        .with_annotations(ToolAnnotations::from_raw(
            None,
            Some(hints.read_only),
            Some(hints.destructive),
            Some(hints.idempotent),
            Some(hints.open_world),
        ))
}

fn resource(resource: &declare::Resource) -> Resource {
    let about = &resource.about;
    Resource::new(resource.uri, about.name)
        .with_title(about.title)
        .with_description(about.full_description())
        .with_mime_type(MIME_TYPE)
}

fn template(resource: &declare::Resource) -> ResourceTemplate {
    let about = &resource.about;
    ResourceTemplate::new(resource.uri, about.name)
        .with_title(about.title)
        .with_description(about.full_description())
        .with_mime_type(MIME_TYPE)
}

fn prompt(prompt: &declare::Prompt) -> Prompt {
    let about = &prompt.about;
    let arguments = prompt.arguments.iter().map(|argument| {
        PromptArgument::new(argument.name).with_description(argument.description).with_required(true)
    });
    Prompt::new(about.name, Some(about.full_description()), Some(arguments.collect())).with_title(about.title)
}
