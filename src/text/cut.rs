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

/// The paragraphs of a lock in the order of their names, as package managers write them: a project's own paragraph
/// belongs where its name does. What stands before the first named one stays there.
pub fn sorted_packages(lock: &str) -> String {
    let mut paragraphs: Vec<&str> = lock.trim_end().split("\n\n").collect();
    paragraphs.sort_by_key(|paragraph| {
        let name = paragraph.lines().find(|line| line.starts_with("name = "));
        name.map(|line| line.trim_end_matches('"'))
    });
    paragraphs.join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_stands_where_its_name_does() {
        let package =
            |name: &str, version: &str| format!("[[package]]\nname = \"{name}\"\nversion = \"{version}\"");
        let packages = [("a", "1"), ("a-b", "1"), ("b", "0.9.0"), ("b", "0.10.0")];
        let [a, ab, old, new] = packages.map(|(name, version)| package(name, version));
        let lock = [&ab, &old, &new, &a].map(String::as_str).join("\n\n");
        let sorted = ["# written by a tool", &a, &ab, &old, &new].join("\n\n");
        assert_eq!(sorted_packages(&format!("# written by a tool\n\n{lock}\n")), sorted);
    }

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
