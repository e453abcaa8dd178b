//! What the schemas of a document are called, and where its references point.
//!
//! Schemas are walked and data never is: what looks like `$id` in a `default`, an `enum` or an `x-` value names
//! nothing. A reference by JSON pointer may lead to where no keyword expects a schema (`#/components/A`); what stands
//! there is then walked as a schema too. Invariant: a reference resolves only where all readers of the document's
//! dialect agree; what is named twice, or lies in another document, does not.

use std::collections::HashMap;

use fluent_uri::{Uri, UriRef};
use serde_json::{Map, Value};

use crate::keywords::{self, Holds};

/// The keywords that refer to a schema.
pub const KEYWORDS: [&str; 3] = ["$ref", "$dynamicRef", "$recursiveRef"];

/// The base of a document that does not name itself.
const UNNAMED: &str = "json-schema:///";

/// Where a reference points.
#[derive(Clone, Copy, Debug)]
pub enum Target<'a> {
    /// At this schema.
    Schema(&'a Value),
    /// Into another document; the index is that of its address.
    Elsewhere(usize),
    /// Nowhere, or at several schemas.
    Nowhere,
}

/// A document's schemas by name, and its references by where they stand.
#[derive(Debug)]
pub struct Document<'a> {
    root: &'a Value,
    resources: Vec<Resource<'a>>,
    /// The resource of each schema, by the schema's address in memory.
    scopes: HashMap<usize, usize>,
    /// Resources by their URI; none when several share it.
    ids: HashMap<String, Option<usize>>,
    /// Schemas by resource and name; none when several share it.
    anchors: HashMap<(usize, String), Option<&'a Value>>,
    /// How many schemas have this dynamic name.
    dynamic: HashMap<String, usize>,
    /// Where each reference points, by its address in memory.
    targets: HashMap<usize, Target<'a>>,
    elsewhere: Vec<String>,
}

/// A schema with a base of its own.
#[derive(Debug)]
struct Resource<'a> {
    /// Without a fragment; none when it is no URI.
    base: Option<Uri<String>>,
    root: &'a Value,
    legacy: bool,
}

/// A reference as it is written, and the resource it stands in.
struct Reference<'a> {
    keyword: &'a str,
    text: &'a Value,
    resource: usize,
}

/// The address of a schema's keywords.
fn address(map: &Map<String, Value>) -> usize {
    std::ptr::from_ref(map).addr()
}

/// Whether a value, at any depth, holds something that may be a reference.
pub fn mentions(value: &Value) -> bool {
    match value {
        Value::Object(map) => {
            KEYWORDS.iter().any(|keyword| map.contains_key(*keyword)) || map.values().any(mentions)
        }
        Value::Array(items) => items.iter().any(mentions),
        _ => false,
    }
}

fn is_legacy(map: &Map<String, Value>) -> Option<bool> {
    let dialect = map.get("$schema")?.as_str()?;
    Some(["draft-03", "draft-04", "draft-06", "draft-07"].iter().any(|draft| dialect.contains(draft)))
}

/// The name by which a schema is found on the way: that of draft 2019-09 is the empty one.
fn dynamic(map: &Map<String, Value>) -> Option<&str> {
    let recursive = map.get("$recursiveAnchor") == Some(&Value::Bool(true));
    map.get("$dynamicAnchor").and_then(Value::as_str).or(recursive.then_some(""))
}

impl<'a> Document<'a> {
    /// Walks the document.
    pub fn new(root: &'a Value) -> Self {
        let mut document = Self {
            root,
            resources: Vec::new(),
            scopes: HashMap::new(),
            ids: HashMap::new(),
            anchors: HashMap::new(),
            dynamic: HashMap::new(),
            targets: HashMap::new(),
            elsewhere: Vec::new(),
        };
        let base = Uri::parse(UNNAMED.to_owned()).ok();
        let legacy = root.as_object().and_then(is_legacy).unwrap_or(false);
        document.add(Resource { base, root, legacy });
        let mut references = Vec::new();
        document.walk(root, 0, &mut references);
        document.follow(&mut references);
        let strays = document.strays(root);
        for reference in references {
            let target = match document.resolve(&reference) {
                // A name that data holds too: a lenient reader would find it there.
                Target::Elsewhere(_) if strays => Target::Nowhere,
                target => target,
            };
            document.targets.insert(std::ptr::from_ref(reference.text).addr(), target);
        }
        document
    }

    /// Whether a schema is of a draft in which `$ref` hides its siblings.
    pub fn is_legacy(&self, schema: &Map<String, Value>) -> bool {
        let resource = self.scopes.get(&address(schema)).copied().unwrap_or(0);
        self.resources[resource].legacy
    }

    /// Where a reference points; `reference` is the value of its keyword, in this document.
    pub fn target(&self, reference: &Value) -> Target<'a> {
        self.targets.get(&std::ptr::from_ref(reference).addr()).copied().unwrap_or(Target::Nowhere)
    }

    /// The schema that a reference points at, if it is one of this document.
    pub fn schema(&self, reference: &Value) -> Option<&'a Value> {
        match self.target(reference) {
            Target::Schema(schema) => Some(schema),
            Target::Elsewhere(_) | Target::Nowhere => None,
        }
    }

    /// The address of what lies in another document.
    pub fn address(&self, index: usize) -> &str {
        &self.elsewhere[index]
    }

    fn add(&mut self, resource: Resource<'a>) -> usize {
        let index = self.resources.len();
        if let Some(base) = &resource.base {
            let once = self.ids.entry(base.normalize().into_string());
            once.and_modify(|index| *index = None).or_insert(Some(index));
        }
        self.resources.push(resource);
        index
    }

    /// Walks a schema and those in it, each once.
    fn walk(&mut self, schema: &'a Value, resource: usize, references: &mut Vec<Reference<'a>>) {
        let mut todo = vec![(schema, resource)];
        while let Some((schema, resource)) = todo.pop() {
            let list = match schema {
                Value::Array(schemas) => {
                    todo.extend(schemas.iter().map(|schema| (schema, resource)));
                    continue;
                }
                Value::Object(map) if !self.scopes.contains_key(&address(map)) => map,
                _ => continue,
            };
            let hidden = self.resources[resource].legacy && list.contains_key("$ref");
            let resource = if hidden && !std::ptr::eq(schema, self.root) {
                resource
            } else {
                self.name(schema, list, resource)
            };
            self.scopes.insert(address(list), resource);
            for (keyword, value) in list {
                if KEYWORDS.contains(&keyword.as_str()) {
                    references.push(Reference { keyword, text: value, resource });
                }
                match (keywords::holds(keyword), value) {
                    _ if hidden => {}
                    (Holds::Schemas, value) => todo.push((value, resource)),
                    (Holds::Named, Value::Object(schemas)) => {
                        todo.extend(schemas.values().map(|schema| (schema, resource)));
                    }
                    _ => {}
                }
            }
        }
    }

    /// Takes down what a schema is called; returns the resource that it and what is in it belong to.
    fn name(&mut self, schema: &'a Value, map: &'a Map<String, Value>, outer: usize) -> usize {
        let mut resource = outer;
        let mut anchors = Vec::new();
        let id = ["$id", "id"].iter().find_map(|key| map.get(*key).and_then(Value::as_str));
        if let Some(id) = id.filter(|_| map.contains_key("$id") || self.resources[outer].legacy) {
            let (id, name) = id.split_once('#').unwrap_or((id, ""));
            if !id.is_empty() {
                let base = self.joined(outer, id);
                let legacy = is_legacy(map).unwrap_or(self.resources[outer].legacy);
                resource = self.add(Resource { base, root: schema, legacy });
            }
            // The way in which draft 7 and before write an anchor.
            anchors.extend((!name.is_empty()).then_some(name));
        }
        let said = |keyword: &str| map.get(keyword).and_then(Value::as_str);
        anchors.extend(said("$anchor"));
        anchors.extend(said("$dynamicAnchor"));
        if let Some(name) = dynamic(map) {
            *self.dynamic.entry(name.to_owned()).or_default() += 1;
        }
        for name in anchors {
            let known = self.anchors.entry((resource, name.to_owned()));
            known
                .and_modify(|known| *known = known.filter(|known| std::ptr::eq(*known, schema)))
                .or_insert(Some(schema));
        }
        resource
    }

    /// The URI that `text`, which has no fragment, stands for in a resource.
    fn joined(&self, resource: usize, text: &str) -> Option<Uri<String>> {
        let base = self.resources[resource].base.as_ref()?;
        UriRef::parse(text).ok()?.resolve_against(base).ok()
    }

    /// Walks what references point at by pointer where no keyword holds a schema, and so on from there.
    fn follow(&mut self, references: &mut Vec<Reference<'a>>) {
        let mut done = 0;
        while done < references.len() {
            if let Some((target @ Value::Object(map), resource)) = self.pointed(&references[done])
                && !self.scopes.contains_key(&address(map))
            {
                self.walk(target, resource, references);
            }
            done += 1;
        }
    }

    /// What a reference by pointer leads to, and the innermost resource on the way.
    fn pointed(&self, reference: &Reference<'a>) -> Option<(&'a Value, usize)> {
        let (resource, fragment) = self.found(reference)?;
        let mut here = (self.resources[resource].root, resource);
        for token in fragment.split('/').skip(1) {
            let token = token.replace("~1", "/").replace("~0", "~");
            let next = match here.0 {
                Value::Object(map) => map.get(&token)?,
                Value::Array(items) => items.get(token.parse::<usize>().ok()?)?,
                _ => return None,
            };
            let scope = next.as_object().and_then(|map| self.scopes.get(&address(map)));
            here = (next, scope.copied().unwrap_or(here.1));
        }
        (fragment.is_empty() || fragment.starts_with('/')).then_some(here)
    }

    /// The resource of a reference, and its fragment without percent signs.
    fn found(&self, reference: &Reference<'a>) -> Option<(usize, String)> {
        let text = reference.text.as_str()?;
        let (before, fragment) = text.split_once('#').unwrap_or((text, ""));
        let resource = if before.is_empty() {
            reference.resource
        } else {
            let uri = self.joined(reference.resource, before)?.normalize();
            self.ids.get(uri.as_str()).copied().flatten()?
        };
        Some((resource, decoded(fragment)?))
    }

    fn resolve(&mut self, reference: &Reference<'a>) -> Target<'a> {
        let Some((resource, fragment)) = self.found(reference) else { return self.outside(reference) };
        let target = self.pointed(reference).map(|(target, _)| target);
        let target = target.or_else(|| self.anchors.get(&(resource, fragment.clone())).copied().flatten());
        let Some(target) = target else { return Target::Nowhere };
        // Which schema a dynamic reference means depends on the way to it, unless there is only one.
        let moves = reference.keyword != "$ref"
            && target.as_object().and_then(dynamic) == Some(fragment.as_str())
            && self.dynamic.get(&fragment).is_some_and(|count| *count > 1);
        if moves { Target::Nowhere } else { Target::Schema(target) }
    }

    /// The target of a reference whose URI no resource here has, or several have.
    fn outside(&mut self, reference: &Reference<'a>) -> Target<'a> {
        let uri = reference.text.as_str().and_then(|text| {
            let (before, fragment) = text.split_once('#').unwrap_or((text, ""));
            let uri = self.joined(reference.resource, before).filter(|_| !before.is_empty())?.normalize();
            (!self.ids.contains_key(uri.as_str())).then(|| format!("{uri}#{fragment}"))
        });
        let Some(uri) = uri else { return Target::Nowhere };
        self.elsewhere.push(uri);
        Target::Elsewhere(self.elsewhere.len() - 1)
    }

    /// Whether something that is no schema here has an `$id` all the same.
    fn strays(&self, value: &Value) -> bool {
        match value {
            Value::Object(map) => {
                let named = map.get("$id").is_some_and(Value::is_string);
                let hidden = || self.is_legacy(map) && map.contains_key("$ref");
                named && (!self.scopes.contains_key(&address(map)) || hidden())
                    || map.values().any(|value| self.strays(value))
            }
            Value::Array(items) => items.iter().any(|value| self.strays(value)),
            _ => false,
        }
    }
}

/// A schema, and those on the way to it that are nothing but a name for it.
#[derive(Debug)]
pub struct Resolved<'a> {
    /// What is at the end.
    pub schema: &'a Value,
    way: Vec<&'a Map<String, Value>>,
}

impl<'a> Resolved<'a> {
    /// Follows a schema of the document.
    pub fn new(document: &Document<'a>, mut schema: &'a Value) -> Self {
        let mut way = Vec::new();
        // A chain of names that is longer is compared as it stands.
        while way.len() < 20
            && let Some(map) = schema.as_object()
        {
            let mut asserting = map.iter().filter(|(keyword, _)| keywords::asserts(keyword));
            match (asserting.next(), asserting.next()) {
                (Some((keyword, reference)), None) if KEYWORDS.contains(&keyword.as_str()) => {
                    match document.schema(reference) {
                        Some(next) => schema = next,
                        None => break,
                    }
                    way.push(map);
                }
                _ => break,
            }
        }
        Self { schema, way }
    }

    /// The keys of the annotations on the way and, when asked, at its end.
    pub fn notes(&self, end: bool) -> impl Iterator<Item = &'a String> {
        let end = self.schema.as_object().filter(|_| end);
        let maps = self.way.iter().copied().chain(end);
        maps.flat_map(Map::keys).filter(|key| keywords::annotates(key)).collect::<Vec<_>>().into_iter()
    }

    /// What is said first.
    pub fn said(&self, key: &str) -> Option<&'a Value> {
        self.way.iter().find_map(|map| map.get(key)).or_else(|| self.schema.get(key))
    }
}

/// A fragment without percent signs; letters that should have been escaped are taken as they are.
fn decoded(fragment: &str) -> Option<String> {
    let mut bytes = fragment.bytes();
    let mut out = Vec::with_capacity(fragment.len());
    while let Some(byte) = bytes.next() {
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        out.push(match byte {
            b'%' => u8::try_from(digit(bytes.next())? * 16 + digit(bytes.next())?).ok()?,
            byte => byte,
        });
    }
    String::from_utf8(out).ok()
}
