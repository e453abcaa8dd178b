//! Reads the environment, one way for every kind of value. All problems are found before any is reported; each is one
//! line that names the variable.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use url::Url;

use super::secret::Secret;
use super::urls;
use crate::chassis::text;

const MAX_COUNT: u32 = 1_000_000_000;
const MAX_SECONDS: f64 = 86_400.0;

pub(super) const LINK_PROBLEM: &str =
    "this looks like a Kubernetes service link; set enableServiceLinks: false or rename the Service";

/// Reads settings, and keeps the problems it met.
#[derive(Debug)]
pub struct Reader {
    environment: BTreeMap<String, String>,
    problems: Vec<String>,
    known: BTreeSet<String>,
    values: Map<String, Value>,
}

/// Removes white space and byte order marks at both ends, which editors and shells leave there.
pub(super) fn trim(value: &str) -> &str {
    value.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}')
}

pub(super) fn is_service_link(value: &str) -> bool {
    value.starts_with("tcp://") || value.starts_with("udp://")
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl Reader {
    /// Reads the pairs of an environment.
    pub fn new(environment: impl Iterator<Item = (String, String)>) -> Self {
        let trimmed = environment.map(|(name, value)| (name, trim(&value).to_owned()));
        let environment = trimmed.filter(|(_, value)| !value.is_empty()).collect();
        Self { environment, problems: Vec::new(), known: BTreeSet::new(), values: Map::new() }
    }

    /// Reads this process's.
    #[must_use]
    pub fn of_process() -> Self {
        Self::new(std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.to_string_lossy().into_owned()))
        }))
    }

    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    /// The effective values by name, without secrets.
    #[must_use]
    pub fn values(&self) -> &Map<String, Value> {
        &self.values
    }

    /// A variable's value, unless it is empty.
    #[must_use]
    pub fn raw(&self, name: &str) -> Option<String> {
        self.environment.get(name).cloned()
    }

    pub(super) fn complain(&mut self, problem: String) {
        self.problems.push(problem);
    }

    pub(super) fn know(&mut self, name: &str) {
        self.known.insert(name.to_owned());
    }

    /// Reports a value that fits its kind, but not the others.
    pub fn problem(&mut self, name: &str, value: &str, expected: &str) {
        self.problems.push(format!("{name}={}: {expected}", printable(value)));
    }

    fn read<T: Clone>(
        &mut self,
        name: &str,
        fallback: T,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> T
    where
        Value: From<T>,
    {
        self.know(name);
        let mut value = fallback;
        if let Some(raw) = self.raw(name) {
            match parse(&raw) {
                Some(parsed) => value = parsed,
                None if is_service_link(&raw) => self.problem(name, &raw, LINK_PROBLEM),
                None => self.problem(name, &raw, expected),
            }
        }
        self.values.insert(name.to_owned(), value.clone().into());
        value
    }

    /// Text of at most so many code points.
    pub fn text(&mut self, name: &str, fallback: &str, longest: usize) -> String {
        let expected = format!("expected at most {longest} characters");
        self.read(name, fallback.to_owned(), &expected, |raw| {
            (text::length(raw) <= longest).then(|| raw.to_owned())
        })
    }

    /// Text that is null in the published settings while unset.
    pub fn optional(&mut self, name: &str, longest: usize) -> Option<String> {
        let value = self.text(name, "", longest);
        if value.is_empty() {
            self.values.insert(name.to_owned(), Value::Null);
        }
        Some(value).filter(|value| !value.is_empty())
    }

    /// One of a few words, in any case.
    pub fn choice(&mut self, name: &str, fallback: &str, choices: &[&str]) -> String {
        let (last, first) = choices.split_last().unwrap_or((&"", &[]));
        let expected = format!("expected {} or {last}", first.join(", "));
        self.read(name, fallback.to_owned(), &expected, |raw| {
            choices.iter().find(|choice| choice.eq_ignore_ascii_case(raw)).map(|choice| (*choice).to_owned())
        })
    }

    /// Digits only, from least to most.
    pub fn integer<T>(&mut self, name: &str, fallback: T, least: T, most: T) -> T
    where
        T: Copy + Display + FromStr + PartialOrd,
        Value: From<T>,
    {
        let expected = format!("expected an integer from {least} to {most}");
        self.read(name, fallback, &expected, |raw| {
            let value = is_digits(raw).then(|| raw.parse::<T>().ok()).flatten()?;
            (value >= least && value <= most).then_some(value)
        })
    }

    /// An integer from least to a thousand million.
    pub fn count<T>(&mut self, name: &str, fallback: u32, least: u32) -> T
    where
        T: TryFrom<u32>,
    {
        let value = self.integer(name, fallback, least, MAX_COUNT);
        T::try_from(value).unwrap_or_else(|_| unreachable!("a count fits every type that counts"))
    }

    /// Seconds, which may have a fraction.
    pub fn seconds(&mut self, name: &str, fallback: f64, least: f64) -> Duration {
        let expected = format!("expected a number from {least} to {MAX_SECONDS}");
        let seconds = self.read(name, fallback, &expected, |raw| {
            let (whole, fraction) = raw.split_once('.').unwrap_or((raw, "0"));
            let value =
                (is_digits(whole) && is_digits(fraction)).then(|| raw.parse::<f64>().ok()).flatten()?;
            (value >= least && value <= MAX_SECONDS).then_some(value)
        });
        Duration::from_secs_f64(seconds)
    }

    pub fn boolean(&mut self, name: &str, fallback: bool) -> bool {
        self.read(name, fallback, "expected true or false", |raw| match raw.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Some(true),
            "false" | "0" | "no" | "off" => Some(false),
            _ => None,
        })
    }

    /// Items that commas separate; empty ones are dropped.
    pub fn list(&mut self, name: &str) -> Vec<String> {
        self.read(name, Vec::new(), "expected a comma list", |raw| Some(split(raw)))
    }

    /// Addresses or networks, separated by commas.
    pub fn networks(&mut self, name: &str) -> Vec<Network> {
        let expected = "expected a comma list of addresses or networks";
        let items = self.read(name, Vec::new(), expected, |raw| {
            let items = split(raw);
            items.iter().all(|item| Network::parse(item).is_some()).then_some(items)
        });
        items.iter().filter_map(|item| Network::parse(item)).collect()
    }

    /// An absolute http or https URL. A bare one has no user information, query or fragment, since it is published or
    /// others are made of it.
    pub fn url(&mut self, name: &str, bare: bool) -> Option<Url> {
        self.know(name);
        self.values.insert(name.to_owned(), Value::Null);
        let raw = self.raw(name)?;
        let more = if bare { " without user information, query and fragment" } else { "" };
        let expected = format!("expected an http or https URL{more}");
        if is_service_link(&raw) {
            self.problem(name, &raw, LINK_PROBLEM);
            return None;
        }
        let Some(url) = urls::parse(&raw) else {
            self.problems.push(format!("{name}: {expected}")); // what is no URL may hold a secret anywhere
            return None;
        };
        let is_plain =
            url.username().is_empty() && url.password().is_none() && !raw.contains(['?', '#', '@']);
        if !urls::is_http(&url) || bare && !is_plain {
            self.problem(name, &raw, &expected);
            return None;
        }
        self.values.insert(name.to_owned(), urls::without_secrets(&raw).into());
        Some(url)
    }

    /// `NAME` or `NAME_FILE`. The check returns what is expected instead of a value that cannot be used; the value
    /// itself is never shown.
    pub fn secret(
        &mut self,
        name: &'static str,
        check: fn(&str) -> Option<&'static str>,
    ) -> Option<Arc<Secret>> {
        let file = format!("{name}_FILE");
        self.know(name);
        self.know(&file);
        let made = match (self.raw(name), self.raw(&file)) {
            (None, None) => return None,
            (Some(_), Some(_)) => Err(format!("{name}: expected only one of {name} and {file}")),
            (Some(value), None) => {
                Secret::of_value(name, value, check).map_err(|problem| format!("{name}: {problem}"))
            }
            (None, Some(path)) => Secret::of_file(name, &path, check).map_err(|problem| match problem {
                Some(problem) => format!("{file}: {problem}"),
                None => format!("{file}={}: expected a readable file", printable(&path)),
            }),
        };
        made.map_err(|problem| self.problems.push(problem)).ok().map(Arc::new)
    }

    /// The variables that look like settings and are none, each with the nearest that is.
    #[must_use]
    pub fn unknown(&self) -> Vec<(&str, &str)> {
        let is_unknown =
            |name: &&String| name.starts_with("MCP_") && !self.known.contains(*name) && !is_foreign(name);
        let nearest = |name: &String| self.known.iter().min_by_key(|known| distance(name, known));
        let unknown = self.environment.keys().filter(is_unknown);
        unknown.filter_map(|name| Some((name.as_str(), nearest(name)?.as_str()))).collect()
    }
}

/// What client programs and Kubernetes set.
fn is_foreign(name: &str) -> bool {
    name == "MCP_TIMEOUT"
        || name == "MCP_TOOL_TIMEOUT"
        || name.ends_with("_SERVICE_HOST")
        || name.contains("_PORT")
}

fn split(raw: &str) -> Vec<String> {
    raw.split(',').map(trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

/// The number of edits from one name to the other.
fn distance(from: &str, to: &str) -> usize {
    let mut previous: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.bytes().enumerate() {
        let mut current = vec![i + 1];
        for (j, b) in to.bytes().enumerate() {
            let substitution = previous[j] + usize::from(a != b);
            current.push(substitution.min(current[j] + 1).min(previous[j + 1] + 1));
        }
        previous = current;
    }
    previous[to.len()]
}

/// What a message may show of a value: nothing of a URL's secrets, nothing that moves a cursor.
fn printable(value: &str) -> String {
    let value = if value.contains("//") { urls::without_secrets(value) } else { value.to_owned() };
    let is_odd = |c: char| c.is_control() || c == '\u{fffd}' || text::clean(&c.to_string()).is_empty();
    let shown: String = value.chars().map(|c| if is_odd(c) { '?' } else { c }).take(100).collect();
    if text::length(&value) > 100 { shown + "…" } else { shown }
}

/// Addresses that have a beginning in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// An address, or `ADDRESS/BITS`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (address, bits) =
            text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Some(most), |bits| is_digits(bits).then(|| bits.parse().ok()).flatten())?;
        (bits <= most).then_some(Self { address, bits })
    }

    #[must_use]
    pub fn contains(&self, other: IpAddr) -> bool {
        let prefix = |bits: u128, width: u8| bits.checked_shr(u32::from(width - self.bits)).unwrap_or(0);
        match (self.address, other) {
            (IpAddr::V4(a), IpAddr::V4(b)) => {
                prefix(u128::from(a.to_bits()), 32) == prefix(u128::from(b.to_bits()), 32)
            }
            (IpAddr::V6(a), IpAddr::V6(b)) => prefix(a.to_bits(), 128) == prefix(b.to_bits(), 128),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(value: &str) -> Reader {
        Reader::new([("MCP_X".to_owned(), value.to_owned())].into_iter())
    }

    #[test]
    fn kinds() {
        assert_eq!(reader("\u{feff} 7 ").integer("MCP_X", 1_u32, 0, 9), 7);
        assert_eq!(reader(" ").integer("MCP_X", 1_u32, 0, 9), 1);
        for wrong in ["10", "-1", "+1", "1.0", "٣", "x"] {
            let mut r = reader(wrong);
            r.integer("MCP_X", 1_u32, 0, 9);
            assert_eq!(r.problems(), [format!("MCP_X={wrong}: expected an integer from 0 to 9")]);
        }
        assert_eq!(reader("0.5").seconds("MCP_X", 1.0, 0.0), Duration::from_millis(500));
        assert!(reader("TRUE").boolean("MCP_X", false));
        assert_eq!(reader(" a, ,b,").list("MCP_X"), ["a", "b"]);
        let mut r = reader("tcp://1.2.3.4:80");
        r.count::<u32>("MCP_X", 1, 0);
        assert!(r.problems()[0].contains("Kubernetes"));
        let mut r = reader("http://u:secret@h/");
        assert!(r.url("MCP_X", true).is_none());
        assert!(!r.problems()[0].contains("secret"));
    }

    #[test]
    fn what_is_unknown() {
        let names = ["MCP_SERVER_PROT", "MCP_TIMEOUT", "MCP_A_SERVICE_HOST", "MCP_A_PORT_80_TCP"];
        let mut r = Reader::new(names.iter().map(|name| ((*name).to_owned(), "1".to_owned())));
        r.text("MCP_SERVER_PORT", "", 9);
        r.text("MCP_TRANSPORT", "", 9);
        assert_eq!(r.unknown(), [("MCP_SERVER_PROT", "MCP_SERVER_PORT")]);
    }

    #[test]
    fn networks() {
        let contains = |network: &str, address: &str| {
            Network::parse(network).unwrap().contains(address.parse().unwrap())
        };
        assert!(contains("10.0.0.0/8", "10.9.9.9") && !contains("10.0.0.0/8", "11.0.0.0"));
        assert!(contains("0.0.0.0/0", "1.2.3.4") && contains("::/0", "::1") && !contains("::/0", "1.2.3.4"));
        assert!(contains("2001:db8::/32", "2001:db8::1") && contains("1.2.3.4", "1.2.3.4"));
        assert!(["1.2.3.4/33", "x", "1.2.3.4/"].iter().all(|wrong| Network::parse(wrong).is_none()));
    }
}
