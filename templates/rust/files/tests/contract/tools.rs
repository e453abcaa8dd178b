//! The rules for every registered tool; they hold without one, too.

use regex::Regex;

use super::contracts;

#[test]
fn every_tool_is_declared_in_full() {
    let name = Regex::new("^[a-z][a-z0-9_]{0,63}$").unwrap();
    let version = Regex::new(r"^\d+\.\d+\.\d+$").unwrap();
    for (path, tool) in contracts().into_iter().filter(|(path, _)| path.starts_with("tools/")) {
        let text = |key: &str| tool[key].as_str().unwrap_or_default().to_owned();
        assert!(name.is_match(&text("name")), "{path}: not a name that every client takes");
        assert!(version.is_match(&text("version")), "{path}: its version is no MAJOR.MINOR.PATCH");
        assert!(
            !text("scope").is_empty() && !text("sideEffects").is_empty(),
            "{path} lacks scope or side effects"
        );
        let hint = |key: &str| tool["annotations"][key] == true;
        assert!(!(hint("readOnlyHint") && hint("destructiveHint")), "{path} is read-only and destructive");
    }
}
