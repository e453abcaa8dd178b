//! JSON Schemas of Rust types: what schemars derives, in the form that every client takes.
//!
//! Doc comments describe, `#[schemars(…)]` narrows, serde's defaults make a field optional:
//!
//! ```ignore
//! #[derive(Deserialize, JsonSchema)]
//! struct Input {
//!     /// Text to process; not blank.
//!     #[schemars(length(min = 1, max = 1000), transform = not_blank)]
//!     text: String,
//! }
//! ```
//!
//! What is optional is not nullable. Lengths are counted in code points.

mod check;
mod form;
mod rules;

use schemars::{JsonSchema, Schema};
use serde::Deserialize as _;
use serde_json::{Map, Value};

use self::rules::Rules;

/// A schema as clients see it.
pub type Document = Map<String, Value>;

/// A word of our own, which is not published: no word of JSON Schema says so.
const NOT_BLANK: &str = "x-not-blank";

/// Narrows a text, as a `transform`, to more than white space.
pub fn not_blank(schema: &mut Schema) {
    schema.insert(NOT_BLANK.to_owned(), true.into());
}

/// What a tool takes. It is closed: nothing else is allowed.
#[derive(Clone, Debug)]
pub struct Input {
    document: Document,
    rules: Rules,
}

impl Input {
    /// Describes a type.
    ///
    /// # Panics
    /// Panics when its schema holds what cannot be checked, which is a mistake in the program.
    #[must_use]
    pub fn of<T: JsonSchema>() -> Self {
        let document = form::closed::<T>();
        let rules = Rules::deserialize(&document)
            .unwrap_or_else(|error| panic!("schema of {}: {error}", std::any::type_name::<T>()));
        Self { document: form::published(document), rules }
    }

    #[must_use]
    pub const fn document(&self) -> &Document {
        &self.document
    }
}

/// What a tool returns. It is open: more may come.
#[must_use]
pub fn output<T: JsonSchema>() -> Document {
    form::published(form::open::<T>())
}
