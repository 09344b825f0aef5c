//! Which browser pages may talk to the gateway.
//!
//! A browser always tells the origin of the page that asks. The gateway's own page is known by its
//! origin naming the very host that was asked; others have to be on the list. Who sends no origin
//! is no browser, and gets nothing without a token anyway.

use std::{fmt, str::FromStr};

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

/// Why a text is no origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an origin: expected http or https, a host and perhaps a port")]
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

/// The host in lower case, and the port where there is one.
fn host_and_port(authority: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port.parse().ok()?)),
        Some(_) | None => (authority, None),
    };
    let inside = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let plain = |host: &str| {
        host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
    };
    let known = match inside {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => plain(host),
    };
    (known && !host.is_empty()).then(|| (host.to_ascii_lowercase(), port))
}

impl Origin {
    /// Whether a page of this origin came from the host that is asked. Whether a proxy before us
    /// took TLS off is not known here, so a missing port may be either scheme's.
    fn is_of(&self, host: &str) -> bool {
        host_and_port(host).is_some_and(|(host, port)| {
            host == self.host && port.unwrap_or(self.scheme.port()) == self.port()
        })
    }

    fn port(&self) -> u16 {
        self.port.unwrap_or(self.scheme.port())
    }
}

/// What a request's `Origin` header means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visitor {
    /// No page of a browser, or one that asks for nothing across origins.
    Plain,
    /// Our own page.
    Own,
    /// A page on the list.
    Listed,
    /// Any other page.
    Stranger,
}

impl Visitor {
    /// Who asks, by the `Origin` and `Host` headers and the list.
    pub fn of(origin: Option<&[u8]>, host: Option<&[u8]>, listed: &[Origin]) -> Self {
        let Some(origin) = origin else { return Self::Plain };
        let text = |bytes| std::str::from_utf8(bytes).ok();
        let Some(origin) = text(origin).and_then(|text| text.parse::<Origin>().ok()) else {
            return Self::Stranger;
        };
        if host.and_then(text).is_some_and(|host| origin.is_of(host)) {
            Self::Own
        } else if listed.contains(&origin) {
            Self::Listed
        } else {
            Self::Stranger
        }
    }

    /// Whether the visitor may open a WebSocket and read answers.
    pub const fn is_allowed(self) -> bool {
        !matches!(self, Self::Stranger)
    }
}

/// Who asks, by a request's headers. HTTP/2 has the host in its own place: `authority`.
pub fn visitor(headers: &HeaderMap, authority: Option<&[u8]>, listed: &[Origin]) -> Visitor {
    let host = headers.get(HOST).map(HeaderValue::as_bytes).or(authority);
    Visitor::of(headers.get(ORIGIN).map(HeaderValue::as_bytes), host, listed)
}

/// Whether the page that asks, if one does, may open a WebSocket.
pub fn is_allowed(headers: &HeaderMap, listed: &[Origin]) -> bool {
    visitor(headers, None, listed).is_allowed()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visitor(origin: &str, host: &str) -> Visitor {
        let listed = ["https://chat.example.org", "http://localhost:3000"];
        let listed: Vec<Origin> = listed.iter().map(|text| text.parse().unwrap()).collect();
        Visitor::of(Some(origin.as_bytes()), Some(host.as_bytes()), &listed)
    }

    #[test]
    fn page_of_the_host_that_is_asked_is_our_own() {
        for (origin, host) in [
            ("http://127.0.0.1:8080", "127.0.0.1:8080"),
            ("http://[::1]:8080", "[::1]:8080"),
            ("https://Confab.example", "confab.example"),
            ("https://confab.example", "confab.example:443"),
            ("http://confab.example:80", "confab.example"),
        ] {
            assert_eq!(visitor(origin, host), Visitor::Own, "{origin} {host}");
        }
    }

    #[test]
    fn listed_origin_is_compared_whole() {
        for origin in
            ["https://chat.example.org", "https://chat.example.org:443", "http://localhost:3000"]
        {
            assert_eq!(visitor(origin, "127.0.0.1:8080"), Visitor::Listed, "{origin}");
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
            assert_eq!(visitor(origin, "127.0.0.1:8080"), Visitor::Stranger, "{origin}");
        }
    }

    #[test]
    fn no_origin_is_no_browser_and_no_host_owns_nothing() {
        assert_eq!(Visitor::of(None, None, &[]), Visitor::Plain);
        assert_eq!(Visitor::of(Some(b"http://a"), None, &[]), Visitor::Stranger);
        assert_eq!(Visitor::of(Some(b"\xff"), Some(b"\xff"), &[]), Visitor::Stranger);
    }

    #[test]
    fn origin_is_shown_as_browsers_write_it() {
        for text in ["https://a.example", "http://a.example:8080", "http://[::1]:1"] {
            assert_eq!(text.parse::<Origin>().unwrap().to_string(), text);
        }
        assert_eq!("https://A:443".parse::<Origin>().unwrap().to_string(), "https://a");
    }
}
