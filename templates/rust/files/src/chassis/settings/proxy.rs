//! Which proxy an outgoing request takes: `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`; lower case wins.

use std::net::IpAddr;

use url::Url;

use super::reader::{Network, Reader};
use super::urls;

/// The proxies of the environment.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    http: Option<Url>,
    https: Option<Url>,
    except: Vec<String>,
}

impl Proxies {
    pub(super) fn read(r: &mut Reader) -> Self {
        let mut all = read(r, "ALL_PROXY");
        let http = read(r, "HTTP_PROXY").or_else(|| all.clone());
        let https = read(r, "HTTPS_PROXY").or_else(|| all.take());
        let except = r.raw("no_proxy").or_else(|| r.raw("NO_PROXY")).unwrap_or_default();
        let except = except.split(',').map(|entry| entry.trim().to_ascii_lowercase());
        Self { http, https, except: except.filter(|entry| !entry.is_empty()).collect() }
    }

    /// The proxy for a URL; none for loopback addresses.
    #[must_use]
    pub fn of(&self, url: &Url) -> Option<Url> {
        let proxy = if url.scheme() == "https" { &self.https } else { &self.http };
        let host = url.host_str()?.trim_matches(['[', ']']).to_ascii_lowercase();
        let address = host.parse::<IpAddr>().ok();
        let is_local = host == "localhost" || address.is_some_and(|address| address.is_loopback());
        let port = url.port_or_known_default();
        let is_excepted = |entry: &String| excepts(entry, &host, address, port);
        proxy.clone().filter(|_| !is_local && !self.except.iter().any(is_excepted))
    }
}

fn read(r: &mut Reader, name: &str) -> Option<Url> {
    let lower = name.to_ascii_lowercase();
    let (spelled, value) = match r.raw(&lower) {
        Some(value) => (lower.as_str(), value),
        None => (name, r.raw(name)?),
    };
    let proxy = urls::parse(&value).filter(urls::is_http);
    if proxy.is_none() {
        r.complain(format!("{spelled}: only http:// and https:// proxies are supported"));
    }
    proxy
}

/// Whether an entry of `NO_PROXY` is the host, a domain above it, its network, or all.
fn excepts(entry: &str, host: &str, address: Option<IpAddr>, port: Option<u16>) -> bool {
    if entry == "*" {
        return true;
    }
    if let Some((address, network)) = address.zip(Network::parse(entry)) {
        return network.contains(address);
    }
    let (name, its_port) = match entry.rsplit_once(':') {
        Some((name, digits)) if digits.parse::<u16>().is_ok() => (name, digits.parse().ok()),
        _ => (entry, None),
    };
    let name = name.trim_start_matches("*.").trim_start_matches('.');
    let fits = host == name || host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.'));
    fits && (its_port.is_none() || its_port == port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_takes_which() {
        let environment = [
            ("http_proxy", "http://low:1"),
            ("HTTP_PROXY", "http://up:1"),
            ("ALL_PROXY", "http://all:1"),
            ("NO_PROXY", "example.com, 10.0.0.0/8,host:81"),
        ];
        let pairs = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let proxies = Proxies::read(&mut Reader::new(pairs.into_iter()));
        for (url, wanted) in [
            ("http://other.org/", Some("low")),
            ("https://other.org/", Some("all")),
            ("http://a.example.com/", None),
            ("http://notexample.com/", Some("low")),
            ("http://10.1.2.3/", None),
            ("http://127.0.0.1:9/", None),
            ("http://localhost/", None),
            ("http://[::1]/", None),
            ("http://host:81/", None),
            ("http://host/", Some("low")),
        ] {
            let found = proxies.of(&Url::parse(url).unwrap());
            assert_eq!(found.as_ref().and_then(Url::host_str), wanted, "{url}");
        }
    }
}
