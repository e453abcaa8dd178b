//! What a client takes.

use std::collections::HashMap;

/// Whether both types of answers may be sent; the most specific range decides.
pub fn accepts<'a>(lines: impl Iterator<Item = &'a str>) -> bool {
    let mut ranges = HashMap::new();
    for entry in lines.flat_map(|line| line.split(',')) {
        let mut parts = entry.split(';').map(|part| part.trim().to_ascii_lowercase());
        let kind = parts.next().unwrap_or_default();
        let quality =
            parts.find_map(|part| part.strip_prefix("q=").map(|quality| quality.trim().parse::<f64>()));
        ranges.insert(kind, !matches!(quality, Some(Ok(quality)) if quality <= 0.0));
    }
    let allows = |kinds: [&str; 3]| kinds.iter().find_map(|kind| ranges.get(*kind)).copied().unwrap_or(false);
    allows(["application/json", "application/*", "*/*"]) && allows(["text/event-stream", "text/*", "*/*"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        for line in
            ["application/json, text/event-stream", "*/*", "TEXT/*;q=0.5,Application/JSON", "x/y, */*;q=0.1"]
        {
            assert!(accepts(std::iter::once(line)), "{line}");
        }
        for line in
            ["", "application/json", "*/*;q=0", "*/*, application/json;q=0.0", "application/jsonx, text/*"]
        {
            assert!(!accepts(std::iter::once(line)), "{line}");
        }
        assert!(accepts(["application/json", "text/event-stream"].into_iter()));
        assert!(!accepts(std::iter::empty()));
    }
}
