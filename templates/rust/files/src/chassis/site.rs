//! Where a server is found and who may come: derived from settings and the port that was bound.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use crate::chassis::fault::{FORBIDDEN, Fault};
use crate::chassis::settings::{Network, Settings};

const METADATA: &str = "/.well-known/oauth-protected-resource";
const LOOPBACK: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];

#[derive(Clone, Debug)]
pub struct Site {
    /// The one canonical URL, without a trailing slash.
    pub url: String,
    /// Names the server to authorization servers.
    pub resource: String,
    /// Where RFC 9728 puts the metadata of the resource.
    pub metadata_url: String,
    /// The paths that serve it.
    pub metadata: [String; 2],
    pub hosts: Vec<String>,
    pub origins: Vec<String>,
    proxies: Vec<Network>,
}

impl Site {
    /// The site of a server that listens on the port.
    #[must_use]
    pub fn new(settings: &Settings, port: u16) -> Self {
        let host =
            if settings.host.contains(':') { format!("[{}]", settings.host) } else { settings.host.clone() };
        let own = format!("http://{host}:{port}");
        let url = settings.public_url.as_ref().map_or(own, ToString::to_string);
        let url = url.trim_end_matches('/').to_owned();
        let resource = format!("{url}/mcp");
        let authority = url.find("://").map_or(0, |at| at + 3);
        let end = url[authority..].find('/').map_or(url.len(), |at| authority + at);
        let (origin, host) = (&url[..end], &url[authority..end]);
        let path = format!("{METADATA}{}", &resource[end..]);
        let or =
            |list: &[String], default: Vec<String>| if list.is_empty() { default } else { list.to_vec() };
        let loopback = LOOPBACK.iter();
        let hosts = loopback.clone().map(|name| (*name).to_owned()).chain([host.to_owned()]).collect();
        let origins = loopback
            .flat_map(|name| [format!("http://{name}"), format!("https://{name}")])
            .chain([origin.to_owned()])
            .collect();
        Self {
            metadata_url: format!("{origin}{path}"),
            metadata: [format!("{METADATA}/mcp"), path],
            hosts: or(&settings.allowed_hosts, hosts),
            origins: or(&settings.allowed_origins, origins),
            proxies: settings.trusted_proxies.clone(),
            url,
            resource,
        }
    }

    /// Lets in whoever asks for a known host from a known origin.
    ///
    /// # Errors
    /// `forbidden`.
    pub fn check(&self, host: &str, origin: Option<&str>) -> Result<(), Fault> {
        if !contains(&self.hosts, host) && !contains(&self.hosts, without_port(host)) {
            return Err(Fault::from(FORBIDDEN).saying("host not allowed"));
        }
        match origin {
            Some(origin) if !self.allows(origin) => Err(Fault::from(FORBIDDEN).saying("origin not allowed")),
            _ => Ok(()),
        }
    }

    /// Any port of a development server on this machine is allowed.
    fn allows(&self, origin: &str) -> bool {
        let bare = without_port(origin);
        let name = bare.rsplit("//").next().unwrap_or_default();
        let is_loopback = LOOPBACK.iter().any(|known| known.eq_ignore_ascii_case(name));
        contains(&self.origins, origin) || is_loopback && contains(&self.origins, bare)
    }

    /// The address that a request comes from, as a caller is known by: the last one that no trusted proxy stands for.
    /// The lines of `X-Forwarded-For` are read from the right, as far as they can be.
    #[must_use]
    pub fn client<'a>(&self, peer: IpAddr, forwarded: impl DoubleEndedIterator<Item = &'a str>) -> String {
        let mut address = peer.to_canonical();
        let hops =
            forwarded.rev().flat_map(|line| line.rsplit(',')).map(str::trim).filter(|hop| !hop.is_empty());
        for hop in hops {
            let is_proxy = self.proxies.iter().any(|network| network.contains(address));
            match read_address(hop).filter(|_| is_proxy) {
                Some(next) => address = next,
                None => break,
            }
        }
        match address {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => format!("{}/64", Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        }
    }
}

fn contains(list: &[String], value: &str) -> bool {
    list.iter().any(|entry| entry.eq_ignore_ascii_case(value))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Reads an address with or without a port, brackets or a zone.
fn read_address(text: &str) -> Option<IpAddr> {
    let text = match text.split_once('%') {
        Some((address, zone)) => format!("{address}{}", zone.find(']').map_or("", |at| &zone[at..])),
        None => text.to_owned(),
    };
    let with_port = text.parse::<SocketAddr>().ok().map(|address| address.ip());
    let bare = || text.trim_start_matches('[').trim_end_matches(']').parse().ok();
    with_port.or_else(bare).map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chassis::settings::Reader;

    fn site(environment: &[(&str, &str)]) -> Site {
        let pairs = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let mut reader = Reader::new(pairs);
        let settings = Settings::read(&mut reader, "name", &[]);
        assert!(reader.problems().is_empty(), "{:?}", reader.problems());
        Site::new(&settings, 1234)
    }

    #[test]
    fn who_may_come() {
        let site = site(&[]);
        assert_eq!(
            (site.url.as_str(), site.resource.as_str()),
            ("http://127.0.0.1:1234", "http://127.0.0.1:1234/mcp")
        );
        assert!(site.check("LOCALHOST:99", Some("http://localhost:5173")).is_ok());
        assert!(site.check("[::1]:1", None).is_ok());
        assert_eq!(site.check("evil.example", None).unwrap_err().message(), "host not allowed");
        assert_eq!(site.check("localhost", Some("http://evil")).unwrap_err().message(), "origin not allowed");
    }

    #[test]
    fn where_it_is() {
        let site = site(&[("MCP_PUBLIC_URL", "https://mcp.example/base/")]);
        assert_eq!(site.resource, "https://mcp.example/base/mcp");
        assert_eq!(site.metadata_url, "https://mcp.example/.well-known/oauth-protected-resource/base/mcp");
        assert!(site.hosts.contains(&"mcp.example".to_owned()));
    }

    #[test]
    fn who_is_behind_proxies() {
        let site = site(&[("MCP_TRUSTED_PROXIES", "10.0.0.0/8")]);
        let from = |peer: &str, lines: &[&str]| site.client(peer.parse().unwrap(), lines.iter().copied());
        assert_eq!(from("1.1.1.1", &["2.2.2.2"]), "1.1.1.1");
        assert_eq!(from("10.0.0.1", &["2.2.2.2", "3.3.3.3:80, 10.9.9.9"]), "3.3.3.3");
        assert_eq!(from("::ffff:10.0.0.1", &["[2001:db8::5%eth0]:80"]), "2001:db8::/64");
        assert_eq!(from("10.0.0.1", &["2.2.2.2, what"]), "10.0.0.1");
    }
}
