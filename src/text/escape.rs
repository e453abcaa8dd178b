//! Escaping that makes any text without control characters harmless in the place where it lands.
//!
//! Each is the whole defence for its place, and a filter of the template language: whoever writes a template chooses
//! it by the syntax around the value, never by what the value is expected to hold. Names and packages are safe by
//! their grammar.

use std::fmt::Write as _;

/// A double-quoted literal of JSON, which means the same in YAML, TOML and every language that has `\uXXXX`.
///
/// Characters that are invisible, reorder text or end lines are escaped, so that the file shows what it says.
/// Those beyond the basic plane stay raw: there is no escape for them in common.
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if (c.is_control() || is_deceptive(c)) && u32::from(c) <= 0xFFFF => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// One word of a POSIX shell, in single quotes.
pub fn sh(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// The value of a Makefile variable, up to the end of the line.
pub fn make(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut backslashes = 0;
    for c in text.chars() {
        match c {
            '$' => out.push_str("$$"),
            '#' => {
                out.extend(std::iter::repeat_n('\\', backslashes + 1));
                out.push('#');
            }
            c => out.push(c),
        }
        backslashes = if c == '\\' { backslashes + 1 } else { 0 };
    }
    if backslashes > 0 {
        out.push_str("$()");
    }
    out
}

/// The value of a `LABEL` in a Containerfile, in double quotes.
pub fn dockerfile(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        if matches!(c, '\\' | '"' | '$') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}

/// Text within a line of Markdown that shows as it is: no markup, no HTML, no reordering of what follows.
pub fn md(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let block_start = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(0);
    for (place, c) in text.char_indices() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '~' | '|' | '$' => out.extend(['\\', c]),
            '#' | '+' | '-' | '=' if place == 0 => out.extend(['\\', c]),
            '.' | ')' if place == block_start && place > 0 => out.extend(['\\', c]),
            '#' if text[place..].chars().all(|c| c == '#') => out.extend(['\\', c]),
            c if is_bidi(c) || is_line_end(c) => {
                let _ = write!(out, "&#x{:X};", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

/// Text within a comment of one line in any syntax; it stays readable rather than exact.
pub fn comment(text: &str) -> String {
    let text: String =
        text.chars().map(|c| if is_line_end(c) { ' ' } else { c }).filter(|c| !is_bidi(*c)).collect();
    let text = text
        .replace("*/", "* /")
        .replace("/*", "/ *")
        .replace("--", "- -")
        .replace("--", "- -")
        .replace("]]>", "]] >");
    text.trim_end_matches(['\\', ' ']).to_owned()
}

/// Format characters, line ends beyond the newline, and code points that stand for no character.
fn is_deceptive(c: char) -> bool {
    is_bidi(c)
        || is_line_end(c)
        || matches!(
            c,
            '\u{AD}'
                | '\u{600}'..='\u{605}'
                | '\u{6DD}'
                | '\u{70F}'
                | '\u{890}'..='\u{891}'
                | '\u{8E2}'
                | '\u{115F}'..='\u{1160}'
                | '\u{17B4}'..='\u{17B5}'
                | '\u{180B}'..='\u{180F}'
                | '\u{200B}'..='\u{200F}'
                | '\u{2060}'..='\u{206F}'
                | '\u{3164}'
                | '\u{FDD0}'..='\u{FDEF}'
                | '\u{FEFF}'
                | '\u{FFA0}'
                | '\u{FFF0}'..='\u{FFFB}'
                | '\u{FFFE}'..='\u{FFFF}'
        )
}

/// Characters that change the direction of the text after them.
const fn is_bidi(c: char) -> bool {
    matches!(c, '\u{61C}' | '\u{200E}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Characters other than the newline that some parsers take for the end of a line.
const fn is_line_end(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{B}' | '\u{C}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Text that has broken generators before: quoting, substitution, comments, direction, lines, clusters.
    const HOSTILE: &[&str] = &[
        "plain",
        r#"say "hi" and 'bye'"#,
        r"back\slash \n \u0041 \",
        "$(touch /tmp/pwned) `id` ${HOME} $$ $",
        "{{ x }} <{ y }> <% z %> ${{ github.token }}",
        r#"""" ''' */ /* --> <!-- ]]> # // ; & | < > !"#,
        "\u{202e}evil\u{202c} \u{2066}x\u{2069}",
        "a\u{2028}b\u{2029}c\u{feff}d\u{200b}e\u{ad}f\u{ffff}g",
        "👩‍🚀 🏴\u{e0067}\u{e0062}\u{e007f} é 日本語 \u{10ffff}",
        "- # > 1. * + = | ~~x~~ __y__ [z](http://e) @w :v:",
        "#hash",
        "-----",
        "***///**",
        "1. one",
        "-dash",
        "trailing \\",
        "\\#x",
        "\\\\#",
        "%s %(x)s %",
        "~",
        "null",
        "yes",
        "0x10",
        "",
    ];

    #[test]
    fn quoted_text_is_read_back_by_parsers_of_json_and_toml() {
        for text in HOSTILE {
            let quoted = quote(text);
            assert_eq!(serde_json::from_str::<String>(&quoted).as_deref().ok(), Some(*text), "{quoted}");
            let table: toml::Table = toml::from_str(&format!("x = {quoted}")).unwrap();
            assert_eq!(table["x"].as_str(), Some(*text), "{quoted}");
            assert!(quoted.chars().all(|c| u32::from(c) > 0xFFFF || !is_deceptive(c)), "{quoted}");
        }
    }

    #[test]
    fn shell_words_are_closed() {
        assert_eq!(sh("it's $(x)"), r"'it'\''s $(x)'");
    }

    #[test]
    fn make_values_keep_dollars_hashes_and_trailing_backslashes() {
        assert_eq!(make("$(x) # y"), r"$$(x) \# y");
        assert_eq!(make(r"a\#b"), r"a\\\#b");
        assert_eq!(make(r"end\"), r"end\$()");
    }

    #[test]
    fn labels_substitute_nothing() {
        assert_eq!(dockerfile(r#"a "b" \ ${c}"#), r#""a \"b\" \\ \${c}""#);
    }

    #[test]
    fn markdown_shows_what_was_written() {
        assert_eq!(
            md("An MCP server. It's 100 % fine (really)."),
            "An MCP server. It's 100 % fine (really)."
        );
        assert_eq!(
            md("<script>&amp; --> *b* _i_ `c` [l](u)"),
            r"&lt;script&gt;&amp;amp; --&gt; \*b\* \_i\_ \`c\` \[l\](u)"
        );
        assert_eq!(md("1. one"), r"1\. one");
        assert_eq!(md("# x #"), r"\# x \#");
        assert_eq!(md("\u{202e}x"), "&#x202E;x");
        assert_eq!(md("👩‍🚀"), "👩‍🚀");
    }

    #[test]
    fn comments_end_where_they_should() {
        for text in HOSTILE {
            let comment = comment(text);
            for end in ["*/", "-->", "--", "]]>", "\n", "\u{2028}", "\u{202e}"] {
                assert!(!comment.contains(end), "{end:?} in {comment:?}");
            }
            assert!(!comment.ends_with('\\'), "{comment:?}");
        }
    }
}
