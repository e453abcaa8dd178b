//! Asks for a summary of a text.

use crate::chassis::declare::{About, Argument, Prompt};

pub(super) fn prompt() -> Prompt {
    Prompt {
        about: About {
            name: "summarize_text",
            title: "Summarize a text",
            description: "Ask for a summary of a text in three sentences or fewer.",
            ..About::NEW
        },
        arguments: &[Argument { name: "text", description: "Text to summarize." }],
        render: |arguments| {
            let text = arguments.get("text").map_or("", String::as_str);
            format!("Summarize the following text in three sentences or fewer.\n\n{text}")
        },
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn the_text_comes_last() {
        let arguments = BTreeMap::from([("text".to_owned(), "the text".to_owned())]);
        assert!((prompt().render)(&arguments).ends_with("\n\nthe text"));
    }
}
