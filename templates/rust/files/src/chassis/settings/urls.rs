//! URLs as settings hold them.

use url::Url;

/// An absolute URL with a host; a port is none of 0.
#[must_use]
pub fn parse(raw: &str) -> Option<Url> {
    let has_space = raw.chars().any(char::is_whitespace);
    let (_, rest) = raw.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let url = Url::parse(raw).ok()?;
    let has_host = url.host_str().is_some_and(|host| !host.is_empty());
    (!has_space && has_host && !authority.ends_with(':') && url.port() != Some(0)).then_some(url)
}

#[must_use]
pub fn is_http(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
}

/// Drops user information, query and fragment; of what does not parse, everything.
#[must_use]
pub fn without_secrets(raw: &str) -> String {
    let Some((scheme, rest)) = raw.split_once("://") else { return raw.to_owned() };
    if Url::parse(raw).is_err() {
        return "(not shown)".to_owned();
    }
    let plain = rest.split(['?', '#']).next().unwrap_or_default();
    let end = plain.find('/').unwrap_or(plain.len());
    let (authority, path) = plain.split_at(end);
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        for wrong in
            ["", "x", "http://", "http://h:", "http://h:0", "http://h:99999", "http://a b", "mailto:x@y"]
        {
            assert!(parse(wrong).is_none(), "{wrong}");
        }
        assert!(parse("redis://h:1/2").is_some());
        assert_eq!(without_secrets("https://u:p@h:1/a?b=c#d"), "https://h:1/a");
        assert_eq!(without_secrets("redis://:p@[::1]:1"), "redis://[::1]:1");
        assert_eq!(without_secrets("http://u:p@h:99999"), "(not shown)");
    }
}
