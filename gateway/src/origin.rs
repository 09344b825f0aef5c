//! Decides which browser pages may use the gateway.
//!
//! A browser always sends the origin of the page that makes a request. The gateway's own page has
//! the host of the request as its origin. Other origins must be listed in the configuration. A
//! request without an origin does not come from a browser's page, and needs a token in any case.

use std::{fmt, net::Ipv6Addr, str::FromStr};

use http::{
    HeaderMap, HeaderValue,
    header::{HOST, ORIGIN},
};

/// A page's scheme, host and port, as browsers write it (RFC 6454).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    scheme: Scheme,
    host: String,
    port: Option<u16>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Http,
    Https,
}

impl Scheme {
    const fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    const fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// The error for a text that is not an origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an origin: expected http or https, a host and optionally a port")]
pub struct InvalidOrigin;

impl FromStr for Origin {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        let (scheme, authority) = text.split_once("://").ok_or(InvalidOrigin)?;
        let scheme = match scheme {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return Err(InvalidOrigin),
        };
        let (host, port) = host_and_port(authority).ok_or(InvalidOrigin)?;
        let port = port.filter(|port| *port != scheme.port());
        Ok(Self { scheme, host, port })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.name(), self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// Returns the host in lower case and the port, if it has one.
fn host_and_port(authority: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port.parse().ok()?)),
        Some(_) | None => (authority, None),
    };
    let is_name_byte = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    let is_valid = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => host.bytes().all(is_name_byte),
    };
    (is_valid && !host.is_empty()).then(|| (host.to_ascii_lowercase(), port))
}

impl Origin {
    /// Returns true if a page of this origin came from this host. A host without a port has the
    /// origin's default port, because a proxy in front of us may have terminated TLS.
    fn is_of(&self, host: &str) -> bool {
        host_and_port(host).is_some_and(|(host, port)| {
            host == self.host && port.unwrap_or(self.scheme.port()) == self.port()
        })
    }

    fn port(&self) -> u16 {
        self.port.unwrap_or(self.scheme.port())
    }
}

/// How a request's `Origin` header relates to the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageOrigin {
    /// There is no header: the request is not cross-origin, or not a browser's.
    Absent,
    /// The gateway's own page.
    Own,
    /// A page of an origin in the configuration.
    Listed,
    /// Any other page.
    Foreign,
}

impl PageOrigin {
    /// Compares the origin of a request with its host and with the listed origins. HTTP/2 has the
    /// host outside the headers, in `authority`.
    pub fn of_request(headers: &HeaderMap, authority: Option<&[u8]>, listed: &[Origin]) -> Self {
        let host = headers.get(HOST).map(HeaderValue::as_bytes).or(authority);
        Self::of(headers.get(ORIGIN).map(HeaderValue::as_bytes), host, listed)
    }

    fn of(origin: Option<&[u8]>, host: Option<&[u8]>, listed: &[Origin]) -> Self {
        let Some(origin) = origin else { return Self::Absent };
        let text = |bytes| std::str::from_utf8(bytes).ok();
        let Some(origin) = text(origin).and_then(|text| text.parse::<Origin>().ok()) else {
            return Self::Foreign;
        };
        if host.and_then(text).is_some_and(|host| origin.is_of(host)) {
            Self::Own
        } else if listed.contains(&origin) {
            Self::Listed
        } else {
            Self::Foreign
        }
    }

    /// Returns true if the page may open a WebSocket and read answers.
    pub const fn is_allowed(self) -> bool {
        !matches!(self, Self::Foreign)
    }
}

/// Returns true if the request may open a WebSocket.
pub fn is_allowed(headers: &HeaderMap, listed: &[Origin]) -> bool {
    PageOrigin::of_request(headers, None, listed).is_allowed()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page_origin(origin: &str, host: &str) -> PageOrigin {
        let listed = ["https://chat.example.org", "http://localhost:3000"];
        let listed: Vec<Origin> = listed.iter().map(|text| text.parse().unwrap()).collect();
        PageOrigin::of(Some(origin.as_bytes()), Some(host.as_bytes()), &listed)
    }

    #[test]
    fn origin_is_own_when_it_matches_the_host() {
        for (origin, host) in [
            ("http://127.0.0.1:8080", "127.0.0.1:8080"),
            ("http://[::1]:8080", "[::1]:8080"),
            ("https://Confab.example", "confab.example"),
            ("https://confab.example", "confab.example:443"),
            ("http://confab.example:80", "confab.example"),
        ] {
            assert_eq!(page_origin(origin, host), PageOrigin::Own, "{origin} {host}");
        }
    }

    #[test]
    fn origin_is_listed_when_all_of_it_matches() {
        for origin in
            ["https://chat.example.org", "https://chat.example.org:443", "http://localhost:3000"]
        {
            assert_eq!(page_origin(origin, "127.0.0.1:8080"), PageOrigin::Listed, "{origin}");
        }
        for origin in [
            "http://chat.example.org",
            "https://chat.example.org.evil.example",
            "https://evil.example/https://chat.example.org",
            "https://chat.example.org:444",
            "https://chat.example.org/",
            "https://a@chat.example.org",
            "http://localhost",
            "http://127.0.0.1",
            "http://127.0.0.1:8081",
            "null",
            "",
            "file://",
            "http://",
            "http://[127.0.0.1]:8080",
            "http://127.0.0.1:8080:8080",
            "\u{e9}",
        ] {
            assert_eq!(page_origin(origin, "127.0.0.1:8080"), PageOrigin::Foreign, "{origin}");
        }
    }

    #[test]
    fn origin_is_foreign_when_there_is_no_host() {
        assert_eq!(PageOrigin::of(None, None, &[]), PageOrigin::Absent);
        assert_eq!(PageOrigin::of(Some(b"http://a"), None, &[]), PageOrigin::Foreign);
        assert_eq!(PageOrigin::of(Some(b"\xff"), Some(b"\xff"), &[]), PageOrigin::Foreign);
    }

    #[test]
    fn origin_is_printed_as_browsers_write_it() {
        for text in ["https://a.example", "http://a.example:8080", "http://[::1]:1"] {
            assert_eq!(text.parse::<Origin>().unwrap().to_string(), text);
        }
        assert_eq!("https://A:443".parse::<Origin>().unwrap().to_string(), "https://a");
    }
}
