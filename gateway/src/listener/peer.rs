//! Who is at the other end: the address of the socket, or what a proxy that is trusted says.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderValue};

use super::Network;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The client's address, an extension of every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

impl Peer {
    /// Goes back from the socket through `X-Forwarded-For` as long as those who say so are trusted:
    /// the first who is not is the client. Each proxy appends whom it heard it from, so what a
    /// client writes into the header itself stands further to the left and is not reached.
    pub fn of(socket: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> Self {
        let is_trusted = |address| trusted.iter().any(|network| network.contains(address));
        let mut peer = socket.to_canonical();
        let lines: Vec<&[u8]> =
            headers.get_all(FORWARDED_FOR).iter().map(HeaderValue::as_bytes).collect();
        let commas = |byte: &u8| *byte == b',';
        for said in lines.iter().rev().flat_map(|line| line.rsplit(commas)) {
            if !is_trusted(peer) {
                break;
            }
            let Some(address) = std::str::from_utf8(said).ok().and_then(address) else { break };
            peer = address.to_canonical();
        }
        Self(peer)
    }
}

/// An address as proxies write it: some append the port.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    text.parse()
        .ok()
        .or_else(|| text.parse::<SocketAddr>().ok().map(|both| both.ip()))
        .or_else(|| text.strip_prefix('[')?.strip_suffix(']')?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(socket: &str, said: &[&str]) -> String {
        let trusted = ["10.0.0.0/8".parse().unwrap(), "::1".parse().unwrap()];
        let mut headers = HeaderMap::new();
        for line in said {
            let line = HeaderValue::from_bytes(line.as_bytes()).unwrap();
            headers.append(FORWARDED_FOR, line);
        }
        Peer::of(socket.parse().unwrap(), &headers, &trusted).0.to_string()
    }

    #[test]
    fn header_counts_only_from_trusted_proxies() {
        assert_eq!(peer("203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
        assert_eq!(peer("10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(peer("::ffff:10.0.0.1", &["198.51.100.1:4711"]), "198.51.100.1");
        assert_eq!(peer("::1", &["[2001:db8::7]:443"]), "2001:db8::7");
        assert_eq!(peer("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn what_a_client_writes_into_the_header_is_not_believed() {
        assert_eq!(peer("10.0.0.1", &["1.2.3.4, 198.51.100.1"]), "198.51.100.1");
        assert_eq!(peer("10.0.0.1", &["1.2.3.4", "198.51.100.1, 10.0.0.2"]), "198.51.100.1");
        assert_eq!(peer("10.0.0.1", &["1.2.3.4, unknown, 10.0.0.2"]), "10.0.0.2");
        assert_eq!(peer("10.0.0.1", &[""]), "10.0.0.1");
        assert_eq!(peer("10.0.0.1", &["1.2.3.4\u{e9}, 198.51.100.1"]), "198.51.100.1");
        assert_eq!(peer("10.0.0.1", &["1.2.3.4, \u{e9}, 10.0.0.2"]), "10.0.0.2");
    }
}
