//! Trims a text, and counts.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::tools::{READ_ONLY, Uses};
use crate::chassis::context::Context;
use crate::chassis::declare::{About, Declaration, Tool};
use crate::chassis::fault::Fault;
use crate::chassis::schema::not_blank;
use crate::chassis::text;

#[derive(Deserialize, JsonSchema)]
struct Input {
    /// Text to process; not blank.
    #[schemars(length(min = 1, max = 1000), transform = not_blank)]
    text: String,
    /// How to process the text.
    #[serde(default)]
    options: Options,
}

#[derive(Deserialize, JsonSchema)]
#[serde(default)]
struct Options {
    /// Convert to upper case.
    uppercase: bool,
    /// Remove white space at both ends.
    trim: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { uppercase: false, trim: true }
    }
}

#[derive(Serialize, JsonSchema)]
struct Output {
    /// The processed text.
    result: String,
    /// Facts about the processing.
    metadata: Metadata,
}

#[derive(Serialize, JsonSchema)]
struct Metadata {
    /// When it was processed: RFC 3339, UTC.
    processed_at: DateTime<Utc>,
    /// Unicode code points in the text.
    input_length: usize,
    /// Unicode code points in the result.
    output_length: usize,
    /// Words in the result, separated by white space.
    word_count: usize,
}

pub(super) fn tool(uses: &Uses) -> Tool {
    let declaration = Declaration {
        about: About {
            name: "process_text",
            title: "Process text",
            description: "Trim a text, optionally convert it to upper case, and count its characters and words.",
            scope: "text:read",
            ..About::NEW
        },
        annotations: READ_ONLY,
        ..Declaration::NEW
    };
    declaration.does(uses, process)
}

async fn process(_: Uses, _: Context, Input { text, options }: Input) -> Result<Output, Fault> {
    let trimmed = if options.trim { text.trim() } else { &text };
    let result = if options.uppercase { trimmed.to_uppercase() } else { trimmed.to_owned() };
    let metadata = Metadata {
        processed_at: Utc::now(),
        input_length: text::length(&text),
        output_length: text::length(&result),
        word_count: result.split_whitespace().count(),
    };
    Ok(Output { result, metadata })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    async fn run(arguments: Value) -> Result<Value, Fault> {
        let Value::Object(arguments) = arguments else { panic!("no object") };
        tool(&Uses::default()).run(Context::default(), arguments).await
    }

    #[tokio::test]
    async fn texts() {
        for (arguments, result, words) in [
            (json!({ "text": " hello  world " }), "hello  world", 2),
            (json!({ "text": " hello ", "options": { "trim": false } }), " hello ", 1),
            (json!({ "text": "straße ﬃ ŉ", "options": { "uppercase": true } }), "STRASSE FFI ʼN", 3),
            (json!({ "text": "\u{a0}\u{3000}x\u{2028}\u{85}" }), "x", 1),
            (json!({ "text": "\u{feff}\u{200b}" }), "\u{feff}\u{200b}", 1),
            (json!({ "text": "😀" }), "😀", 1),
        ] {
            let output = run(arguments.clone()).await.unwrap();
            assert_eq!(output["result"], result);
            let metadata = &output["metadata"];
            assert_eq!(metadata["word_count"], words);
            assert_eq!(metadata["output_length"], result.chars().count());
            assert_eq!(metadata["input_length"], arguments["text"].as_str().unwrap().chars().count());
            assert!(metadata["processed_at"].as_str().unwrap().ends_with('Z'));
        }
    }

    #[tokio::test]
    async fn what_is_refused() {
        for arguments in [
            json!({}),
            json!({ "text": "" }),
            json!({ "text": " \u{3000}" }),
            json!({ "text": "x", "options": { "trim": "yes" } }),
            json!({ "text": "x", "more": 1 }),
        ] {
            assert_eq!(run(arguments).await.unwrap_err().code().name, "invalid_argument");
        }
    }
}
