//! Lines of a bounded length; what is longer is skipped without being kept.

use std::io::{self, BufRead};

#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    Whole(Vec<u8>),
    TooLong,
}

/// The next line, the last one also without a newline; none at the end.
pub fn next(input: &mut impl BufRead, limit: usize) -> io::Result<Option<Line>> {
    let (mut line, mut is_too_long, mut is_empty) = (Vec::new(), false, true);
    loop {
        let chunk = match input.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            chunk => chunk?,
        };
        if chunk.is_empty() && is_empty {
            return Ok(None);
        }
        is_empty = false;
        let end = chunk.iter().position(|byte| *byte == b'\n');
        let part = &chunk[..end.unwrap_or(chunk.len())];
        is_too_long |= line.len() + part.len() > limit;
        if is_too_long {
            line = Vec::new();
        } else {
            line.extend_from_slice(part);
        }
        let is_last = chunk.is_empty();
        let used = end.map_or(chunk.len(), |end| end + 1);
        input.consume(used);
        if end.is_some() || is_last {
            return Ok(Some(if is_too_long { Line::TooLong } else { Line::Whole(line) }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let mut input = io::BufReader::with_capacity(3, &b"ab\n\n12345678\n1234567\nlast"[..]);
        let mut read = || next(&mut input, 7).unwrap();
        let whole = |text: &str| Some(Line::Whole(text.into()));
        assert_eq!((read(), read(), read()), (whole("ab"), whole(""), Some(Line::TooLong)));
        assert_eq!((read(), read(), read()), (whole("1234567"), whole("last"), None));
    }
}
