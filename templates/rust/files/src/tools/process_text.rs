//! Trims a text, and counts.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::tools::{READ_ONLY, Uses};
use crate::chassis::context::Context;
use crate::chassis::declare::{About, Declaration, Tool};
use crate::chassis::fault::Fault;
use crate::chassis::schema::{Described, Schema, boolean, integer, object, string, timestamp};
use crate::chassis::text;

#[derive(Deserialize)]
struct Input {
    text: String,
    #[serde(default)]
    options: Options,
}

#[derive(Deserialize)]
struct Options {
    uppercase: bool,
    trim: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { uppercase: false, trim: true }
    }
}

#[derive(Serialize)]
struct Output {
    result: String,
    metadata: Metadata,
}

#[derive(Serialize)]
struct Metadata {
    processed_at: String,
    input_length: usize,
    output_length: usize,
    word_count: usize,
}

impl Described for Input {
    fn schema() -> Schema {
        let options = object()
            .default("uppercase", boolean().describe("Convert to upper case."), false)
            .default("trim", boolean().describe("Remove white space at both ends."), true);
        let text =
            string().min_length(1).max_length(1000).not_blank().describe("Text to process; not blank.");
        object().field("text", text).optional("options", options.describe("How to process the text."))
    }
}

impl Described for Output {
    fn schema() -> Schema {
        let count = |what| integer().min(0).describe(what);
        let metadata = object()
            .field("processed_at", timestamp().describe("When it was processed: RFC 3339, UTC."))
            .field("input_length", count("Unicode code points in the text."))
            .field("output_length", count("Unicode code points in the result."))
            .field("word_count", count("Words in the result, separated by white space."));
        object()
            .field("result", string().describe("The processed text."))
            .field("metadata", metadata.describe("Facts about the processing."))
    }
}

pub(super) fn tool(_: &Uses) -> Tool {
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
    declaration.does(|_: Context, input: Input| std::future::ready(process(&input)))
}

fn process(input: &Input) -> Result<Output, Fault> {
    let trimmed = if input.options.trim { input.text.trim() } else { &input.text };
    let result = if input.options.uppercase { trimmed.to_uppercase() } else { trimmed.to_owned() };
    let metadata = Metadata {
        processed_at: OffsetDateTime::now_utc().format(&Rfc3339).map_err(Fault::internal)?,
        input_length: text::length(&input.text),
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
        let text = tool(&Uses::default()).run(Context::default(), arguments).await?;
        Ok(serde_json::from_str(&text).unwrap())
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
