//! All that a server can offer, in the order in which clients see it.

use std::collections::BTreeSet;

use super::{About, Needs, Prompt, Resource, Tool};

#[derive(Clone, Default)]
pub struct Registry {
    pub tools: Vec<Tool>,
    pub resources: Vec<Resource>,
    pub prompts: Vec<Prompt>,
}

impl Registry {
    /// Leaves out what is not set up or not wanted.
    #[must_use]
    pub fn offered(mut self, writes: bool, enabled: &[String], disabled: &[String]) -> Self {
        let is_offered = |needs: Needs| !needs.missing && (writes || !needs.writes);
        let names = |list: &[String], name: &str| list.iter().any(|wanted| wanted == name);
        self.tools.retain(|tool| {
            let name = tool.about.name;
            is_offered(tool.needs) && (enabled.is_empty() || names(enabled, name)) && !names(disabled, name)
        });
        self.resources.retain(|resource| is_offered(resource.needs));
        self
    }

    #[must_use]
    pub fn tool(&self, name: &str) -> Option<&Tool> {
        self.tools.iter().find(|tool| tool.about.name == name)
    }

    #[must_use]
    pub fn prompt(&self, name: &str) -> Option<&Prompt> {
        self.prompts.iter().find(|prompt| prompt.about.name == name)
    }

    /// The resource of a URI, and the value of its variable.
    #[must_use]
    pub fn resource<'a>(&self, uri: &'a str) -> Option<(&Resource, &'a str)> {
        self.resources.iter().find_map(|resource| Some((resource, resource.matches(uri)?)))
    }

    #[must_use]
    pub fn tool_names(&self) -> Vec<&'static str> {
        self.tools.iter().map(|tool| tool.about.name).collect()
    }

    /// Every scope that is asked for, sorted.
    #[must_use]
    pub fn scopes(&self) -> Vec<String> {
        let scopes: BTreeSet<_> =
            self.all().map(|(about, _)| about.scope).filter(|scope| !scope.is_empty()).collect();
        scopes.into_iter().map(str::to_owned).collect()
    }

    /// Finds two of a name.
    ///
    /// # Errors
    /// What is registered twice.
    pub fn check(&self) -> Result<(), String> {
        let mut seen = BTreeSet::new();
        match self.all().find(|(about, kind)| !seen.insert((*kind, about.name))) {
            Some((about, kind)) => Err(format!("{kind} {} is registered twice", about.name)),
            None => Ok(()),
        }
    }

    fn all(&self) -> impl Iterator<Item = (&About, &'static str)> {
        let tools = self.tools.iter().map(|tool| (&tool.about, "tool"));
        let resources = self.resources.iter().map(|resource| (&resource.about, "resource"));
        tools.chain(resources).chain(self.prompts.iter().map(|prompt| (&prompt.about, "prompt")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(name: &'static str, scope: &'static str) -> Prompt {
        Prompt { about: About { name, scope, ..About::NEW }, arguments: &[], render: |_| String::new() }
    }

    #[test]
    fn names_and_scopes() {
        let registry = Registry {
            prompts: vec![prompt("a", "z"), prompt("b", "y"), prompt("c", "")],
            ..Registry::default()
        };
        assert_eq!(registry.scopes(), ["y", "z"]);
        assert!(registry.check().is_ok());
        let twice = Registry { prompts: vec![prompt("a", ""), prompt("a", "")], ..Registry::default() };
        assert_eq!(twice.check().unwrap_err(), "prompt a is registered twice");
    }
}
