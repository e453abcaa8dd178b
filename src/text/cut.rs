//! Text that fits where little room is.

/// At most `n` characters; a text that was cut ends in an ellipsis.
pub fn truncate_chars(text: &str, n: usize) -> String {
    if text.chars().count() <= n {
        return text.to_owned();
    }
    let kept: String = text.chars().take(n.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// A project's name as a DNS label, which Kubernetes limits to 63 characters.
pub fn dns_label(name: &str) -> String {
    let label: String = name.chars().take(63).collect();
    label.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_long_names_are_cut_and_end_in_a_character() {
        assert_eq!(dns_label("my-server"), "my-server");
        assert_eq!(dns_label(&"a".repeat(64)), "a".repeat(63));
        assert_eq!(dns_label(&format!("{}-b", "a".repeat(62))), "a".repeat(62));
    }

    #[test]
    fn a_cut_counts_characters() {
        assert_eq!(truncate_chars("日本語", 3), "日本語");
        assert_eq!(truncate_chars("日本語x", 3), "日本…");
        assert_eq!(truncate_chars(&"é".repeat(200), 100).chars().count(), 100);
    }
}
