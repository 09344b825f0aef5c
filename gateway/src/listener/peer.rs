//! The client's address: the address of the socket, or the one that trusted proxies report.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderValue};

use super::Network;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The client's address, added to the extensions of every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

impl Peer {
    /// Returns the client's address. Each proxy appends the address it was contacted from to
    /// `X-Forwarded-For`. Reading from the right, the first address that is not a trusted proxy is
    /// the client. Entries that a client wrote itself are further left and are never reached.
    pub fn of(socket: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> Self {
        let is_trusted = |address| trusted.iter().any(|network| network.contains(address));
        let mut peer = socket.to_canonical();
        let lines: Vec<&[u8]> =
            headers.get_all(FORWARDED_FOR).iter().map(HeaderValue::as_bytes).collect();
        for entry in lines.iter().rev().flat_map(|line| line.rsplit(|byte| *byte == b',')) {
            if !is_trusted(peer) {
                break;
            }
            let Some(address) = std::str::from_utf8(entry).ok().and_then(parse) else { break };
            peer = address.to_canonical();
        }
        Self(peer)
    }
}

/// Parses an address as proxies write it. Some append the port.
fn parse(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    text.parse()
        .ok()
        .or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()))
        .or_else(|| text.strip_prefix('[')?.strip_suffix(']')?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(socket: &str, forwarded: &[&str]) -> String {
        let trusted = ["10.0.0.0/8".parse().unwrap(), "::1".parse().unwrap()];
        let mut headers = HeaderMap::new();
        for line in forwarded {
            let line = HeaderValue::from_bytes(line.as_bytes()).unwrap();
            headers.append(FORWARDED_FOR, line);
        }
        Peer::of(socket.parse().unwrap(), &headers, &trusted).0.to_string()
    }

    #[test]
    fn header_is_used_when_a_trusted_proxy_sends_it() {
        assert_eq!(peer("203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
        assert_eq!(peer("10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(peer("::ffff:10.0.0.1", &["198.51.100.1:4711"]), "198.51.100.1");
        assert_eq!(peer("::1", &["[2001:db8::7]:443"]), "2001:db8::7");
        assert_eq!(peer("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn entries_that_the_client_wrote_are_ignored() {
        assert_eq!(peer("10.0.0.1", &["1.2.3.4, 198.51.100.1"]), "198.51.100.1");
        assert_eq!(peer("10.0.0.1", &["1.2.3.4", "198.51.100.1, 10.0.0.2"]), "198.51.100.1");
        assert_eq!(peer("10.0.0.1", &["1.2.3.4, unknown, 10.0.0.2"]), "10.0.0.2");
        assert_eq!(peer("10.0.0.1", &[""]), "10.0.0.1");
        assert_eq!(peer("10.0.0.1", &["1.2.3.4\u{e9}, 198.51.100.1"]), "198.51.100.1");
        assert_eq!(peer("10.0.0.1", &["1.2.3.4, \u{e9}, 10.0.0.2"]), "10.0.0.2");
    }
}
