//! (base, yours, new) → one text. No line that only one side wrote is ever lost: it stands in the result, or between
//! the markers of a conflict.
//!
//! Texts are merged without their line ends; each line of yours then gets back the one that it had, and a line that is
//! new gets the one that most of yours have. What is no text is not merged.

use std::iter;

use diffy::{DiffOptions, Hunk, IncompleteHunkStyle, Line, MergeOptions};

/// How long the markers of a conflict are, as git makes them.
const MARKER: usize = 7;
/// A file with a NUL this early is no text, as git sees it.
const TEXT_PROBE: usize = 8000;
/// How the side of the user is called in markers.
const YOURS: &str = "yours";
/// What the name of a template's side begins with in markers.
const TEMPLATE: &str = "template ";

/// What became of a merge.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Merge {
    /// Both sides, where they do not meet.
    Clean(Vec<u8>),
    /// Both sides, marked where they meet.
    Conflict {
        /// The text with its markers.
        text: Vec<u8>,
        /// In how many places the sides meet.
        hunks: usize,
    },
    /// Not text: one of the sides has to be chosen.
    Binary,
}

/// The versions of the template whose names stand in markers.
#[derive(Clone, Copy, Debug)]
pub struct Versions<'a> {
    /// The one that wrote the base.
    pub base: &'a str,
    /// The one to update to.
    pub new: &'a str,
}

/// Merges what the user and the template each did to `base`.
pub fn three_way(base: &[u8], yours: &[u8], new: &[u8], versions: Versions<'_>) -> Merge {
    if yours == new || new == base {
        return Merge::Clean(yours.to_vec());
    }
    if yours == base {
        return Merge::Clean(new.to_vec());
    }
    if [base, yours, new].into_iter().any(is_binary) {
        return Merge::Binary;
    }
    let (base, plain, new) = (unix(base), unix(yours), unix(new));
    let length = longest_marker(&[&base, &plain, &new]) + 1;
    let mut options = MergeOptions::new();
    options.set_conflict_marker_length(length).set_incomplete_hunk_style(IncompleteHunkStyle::Git);
    match options.merge_bytes(&base, &plain, &new) {
        Ok(text) => Merge::Clean(with_ends_of(yours, &plain, text)),
        Err(text) => {
            let (text, hunks) = named(&text, length, versions);
            Merge::Conflict { text: with_ends_of(yours, &plain, text), hunks }
        }
    }
}

/// Marks each difference between `yours` and `new`: without a base nobody can tell which side wrote what.
pub fn two_way(yours: &[u8], new: &[u8], version: &str) -> Merge {
    if is_binary(yours) || is_binary(new) {
        return if yours == new { Merge::Clean(yours.to_vec()) } else { Merge::Binary };
    }
    let (plain, new) = (unix(yours), unix(new));
    let (mut text, mut hunks) = (Vec::new(), 0);
    let (mut mine, mut theirs) = (Vec::new(), Vec::new());
    let mut close = |text: &mut Vec<u8>, mine: &mut Vec<u8>, theirs: &mut Vec<u8>| {
        if mine.is_empty() && theirs.is_empty() {
            return;
        }
        hunks += 1;
        marker(text, '<', YOURS);
        text.append(mine);
        marker(text, '=', "");
        text.append(theirs);
        marker(text, '>', &format!("{TEMPLATE}{version}"));
    };
    compare(&plain, &new, |line| match line {
        Line::Context(line) => {
            close(&mut text, &mut mine, &mut theirs);
            text.extend_from_slice(line);
        }
        Line::Delete(line) => mine.extend_from_slice(line),
        Line::Insert(line) => theirs.extend_from_slice(line),
    });
    close(&mut text, &mut mine, &mut theirs);
    match hunks {
        0 => Merge::Clean(yours.to_vec()),
        hunks => Merge::Conflict { text: with_ends_of(yours, &plain, text), hunks },
    }
}

/// Whether one text may have come from the other: at least half of the longer one's lines stand in both.
pub fn akin(one: &[u8], other: &[u8]) -> bool {
    if is_binary(one) || is_binary(other) {
        return false;
    }
    let (one, other) = (unix(one), unix(other));
    let mut both = 0;
    compare(&one, &other, |line| both += usize::from(matches!(line, Line::Context(_))));
    both > 0 && both * 2 >= lines(&one).count().max(lines(&other).count())
}

/// The number of the first line that is a marker of ours.
pub fn left_over(text: &[u8]) -> Option<usize> {
    let starts = [
        format!("{} {YOURS}", "<".repeat(MARKER)),
        format!("{} {TEMPLATE}", "|".repeat(MARKER)),
        format!("{} {TEMPLATE}", ">".repeat(MARKER)),
    ];
    let ours = |line: &[u8]| starts.iter().any(|start| line.starts_with(start.as_bytes()));
    lines(text).position(ours).map(|before| before + 1)
}

/// What changes from `old` to `new`, as `git diff` prints it; none is an empty file.
pub fn patch(path: &str, old: Option<&[u8]>, new: Option<&[u8]>) -> String {
    if old.into_iter().chain(new).any(is_binary) {
        return format!("Binary file {path} differs\n");
    }
    let name = |side: char, text: Option<&[u8]>| match text {
        Some(_) => format!("{side}/{path}"),
        None => "/dev/null".to_owned(),
    };
    let mut options = DiffOptions::new();
    options.set_original_filename(name('a', old)).set_modified_filename(name('b', new));
    let patch = options.create_patch_bytes(old.unwrap_or_default(), new.unwrap_or_default());
    String::from_utf8_lossy(&patch.to_bytes()).into_owned()
}

fn is_binary(bytes: &[u8]) -> bool {
    bytes.iter().take(TEXT_PROBE).any(|byte| *byte == 0)
}

/// The lines of a text, each with its end.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|byte| *byte == b'\n')
}

/// The text with `\n` at the end of each line.
fn unix(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for line in lines(text) {
        match line.strip_suffix(b"\r\n") {
            Some(line) => {
                out.extend_from_slice(line);
                out.push(b'\n');
            }
            None => out.extend_from_slice(line),
        }
    }
    out
}

/// Gives each line of `merged` that stands in `yours`, which is `plain` without its line ends, the end that it has there.
fn with_ends_of(yours: &[u8], plain: &[u8], merged: Vec<u8>) -> Vec<u8> {
    let windows = lines(yours).filter(|line| line.ends_with(b"\r\n")).count();
    if windows == 0 {
        return merged;
    }
    let most = windows * 2 > lines(yours).filter(|line| line.ends_with(b"\n")).count();
    let mut yours = lines(yours);
    let mut out = Vec::with_capacity(merged.len() + windows);
    compare(plain, &merged, |line| {
        let (line, windows) = match line {
            Line::Delete(_) => {
                yours.next();
                return;
            }
            Line::Context(line) => (line, yours.next().is_some_and(|line| line.ends_with(b"\r\n"))),
            Line::Insert(line) => (line, most),
        };
        match line.strip_suffix(b"\n") {
            Some(line) if windows => {
                out.extend_from_slice(line);
                out.extend_from_slice(b"\r\n");
            }
            _ => out.extend_from_slice(line),
        }
    });
    out
}

/// Goes through all lines of both texts.
fn compare(old: &[u8], new: &[u8], visit: impl FnMut(Line<'_, [u8]>)) {
    if old == new {
        return lines(old).map(Line::Context).for_each(visit);
    }
    let patch = DiffOptions::new().set_context_len(old.len()).create_patch_bytes(old, new);
    patch.hunks().iter().flat_map(Hunk::lines).copied().for_each(visit);
}

/// The length of the longest line start in any of the texts that could be taken for a marker.
fn longest_marker(texts: &[&[u8]]) -> usize {
    let run = |line: &[u8]| match line.first() {
        Some(first) if b"<|=>".contains(first) => line.iter().take_while(|byte| *byte == first).count(),
        _ => 0,
    };
    texts.iter().flat_map(|text| lines(text)).map(run).chain(iter::once(MARKER)).max().unwrap_or_default()
}

/// The text with markers of the usual length that name the sides, and the number of its conflicts.
fn named(text: &[u8], length: usize, versions: Versions<'_>) -> (Vec<u8>, usize) {
    let sides = [
        ('<', " ours", YOURS.to_owned()),
        ('|', " original", format!("{TEMPLATE}{}", versions.base)),
        ('=', "", String::new()),
        ('>', " theirs", format!("{TEMPLATE}{}", versions.new)),
    ]
    .map(|(sign, name, label)| (format!("{}{name}\n", sign.to_string().repeat(length)), sign, label));
    let (mut out, mut hunks) = (Vec::with_capacity(text.len()), 0);
    for line in lines(text) {
        match sides.iter().find(|(whole, ..)| whole.as_bytes() == line) {
            Some((_, sign, label)) => {
                hunks += usize::from(*sign == '<');
                marker(&mut out, *sign, label);
            }
            None => out.extend_from_slice(line),
        }
    }
    (out, hunks)
}

/// Adds a marker on a line of its own.
fn marker(text: &mut Vec<u8>, sign: char, label: &str) {
    if text.last().is_some_and(|last| *last != b'\n') {
        text.push(b'\n');
    }
    let line = format!("{} {label}", sign.to_string().repeat(MARKER));
    text.extend_from_slice(line.trim_end().as_bytes());
    text.push(b'\n');
}
