//! Containment of JSON Schemas: is every value of one schema a value of another?
//!
//! `sub ⊆ sup` holds when no value satisfies `sub` and refutes `sup`; [`solve`] looks for one. Invariant: "yes" is a
//! proof, "no" comes with a value that a validator has confirmed, and the rest is "unknown".

mod array;
mod branch;
pub mod compile;
pub mod constant;
pub mod declared;
mod ecma;
mod evaluate;
mod evaluated;
pub mod node;
mod number;
mod object;
mod parts;
pub mod pattern;
mod product;
pub mod reference;
pub mod solve;
mod text;

use std::cell::OnceCell;
use std::collections::HashMap;

use serde_json::Value;

pub use compile::TooLarge;

use self::compile::Compiler;
use self::declared::Promise;
use self::node::{NodeId, Store, TRUE};
use self::reference::Document;
use self::solve::{Answer, Goal, Solver};

/// Whether all values of one schema are values of another.
#[derive(Clone, Debug, PartialEq)]
pub enum Containment {
    /// They are.
    Yes,
    /// They are not: the value shows it.
    No(Value),
    /// It could not be decided, and why.
    Unknown(&'static str),
}

/// Which of two documents.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Side {
    /// The one before.
    Old,
    /// The one after.
    New,
}

/// Two documents in one graph.
#[derive(Debug)]
pub struct Pair<'a> {
    old: &'a Value,
    new: &'a Value,
    documents: [Document<'a>; 2],
    solver: Solver,
    done: [HashMap<usize, NodeId>; 2],
    validators: [OnceCell<Option<jsonschema::Validator>>; 2],
}

/// Formats that only say how a number is stored.
#[must_use]
pub fn is_numeric_format(format: &str) -> bool {
    matches!(
        format,
        "int8"
            | "int16"
            | "int32"
            | "int64"
            | "int128"
            | "uint"
            | "uint8"
            | "uint16"
            | "uint32"
            | "uint64"
            | "uint128"
            | "int"
            | "float"
            | "double"
    )
}

/// The validator that witnesses are tried with: draft 2020-12 unless the schema says otherwise, formats asserted,
/// nothing fetched, patterns bounded.
///
/// # Errors
/// When the schema is none, or refers to another document.
pub fn validator(schema: &Value) -> Result<jsonschema::Validator, String> {
    let patterns = jsonschema::PatternOptions::fancy_regex().backtrack_limit(100_000).size_limit(1 << 20);
    let mut options = jsonschema::options().should_validate_formats(true).with_pattern_options(patterns);
    if schema.get("$schema").is_none() {
        options = options.with_draft(jsonschema::Draft::Draft202012);
    }
    options.build(schema).map_err(|error| error.to_string())
}

impl<'a> Pair<'a> {
    /// Two documents, not compiled yet.
    #[must_use]
    pub fn new(old: &'a Value, new: &'a Value) -> Self {
        let (done, validators) = Default::default();
        let documents = [Document::new(old), Document::new(new)];
        Self { old, new, documents, solver: Solver::default(), done, validators }
    }

    /// The node of a schema of one of the documents.
    ///
    /// # Errors
    /// When the schema is too deep or too large.
    pub fn node(&mut self, side: Side, schema: &'a Value) -> Result<NodeId, TooLarge> {
        self.compile(side, |compiler| compiler.schema(schema))
    }

    /// The node of those keywords of a schema that `keep` lets through.
    ///
    /// # Errors
    /// When the schema is too deep or too large.
    pub fn partial(
        &mut self,
        side: Side,
        schema: &'a Value,
        keep: &dyn Fn(&str) -> bool,
    ) -> Result<NodeId, TooLarge> {
        self.compile(side, |compiler| compiler.partial(schema, keep))
    }

    fn compile<T>(&mut self, side: Side, work: impl FnOnce(&mut Compiler<'a, '_>) -> T) -> T {
        let index = side as usize;
        let done = std::mem::take(&mut self.done[index]);
        let mut compiler = Compiler::new(&mut self.solver.store, &self.documents[index], side, done);
        let result = work(&mut compiler);
        self.done[index] = compiler.done();
        result
    }

    /// The node of the values that use only keys which the old schema promised.
    pub fn promised(&mut self, old: &'a Value, new: &'a Value) -> NodeId {
        let [before, after] = &self.documents;
        Promise::new(&mut self.solver.store, before, after).node(old, new)
    }

    /// The names of one of the documents.
    pub const fn document(&self, side: Side) -> &Document<'a> {
        &self.documents[side as usize]
    }

    /// All nodes, to build more.
    pub const fn store(&mut self) -> &mut Store {
        &mut self.solver.store
    }

    /// A value that satisfies the goal.
    pub fn find(&mut self, goal: Goal) -> Answer<Value> {
        self.solver.refill();
        self.solver.value(goal)
    }

    /// Whether every value of the whole old document (or the new one, when `from` says so) is one of the other, among
    /// those that also satisfy `within`.
    ///
    /// # Errors
    /// When a document is too deep or too large.
    pub fn contained(&mut self, from: Side, within: &[NodeId]) -> Result<Containment, TooLarge> {
        let (old, new) = (self.node(Side::Old, self.old)?, self.node(Side::New, self.new)?);
        let (sub, sup) = if from == Side::Old { (old, new) } else { (new, old) };
        let mut goal: Goal = vec![(sub, true), (sup, false)];
        goal.extend(within.iter().filter(|node| **node != TRUE).map(|node| (*node, true)));
        Ok(match self.find(goal) {
            Answer::Empty => Containment::Yes,
            Answer::Unknown(why) => Containment::Unknown(why),
            Answer::Found(value) => self.confirmed(from, value),
        })
    }

    fn confirmed(&self, from: Side, value: Value) -> Containment {
        let says = |side: Side| {
            let (schema, index) = if side == Side::Old { (self.old, 0) } else { (self.new, 1) };
            let validator = self.validators[index].get_or_init(|| validator(schema).ok());
            validator.as_ref().map(|validator| validator.is_valid(&value))
        };
        let (old, new) = (says(Side::Old), says(Side::New));
        let (sub, sup) = if from == Side::Old { (old, new) } else { (new, old) };
        if sub == Some(true) && sup == Some(false) {
            Containment::No(value)
        } else {
            Containment::Unknown("a value that seemed to show it was not confirmed by a validator")
        }
    }
}
