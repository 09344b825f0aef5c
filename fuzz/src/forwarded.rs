//! Addresses: clients cannot choose the address that a trusted proxy reports for them.
//!
//! An input has lines: the address of the socket, then lines of `X-Forwarded-For`. The first line
//! is read as a network and as an origin, too.

use std::net::IpAddr;

use gateway::{
    listener::{Network, Peer, limited_as},
    origin::Origin,
};
use http::{HeaderMap, HeaderName, HeaderValue};

const HEADER: HeaderName = HeaderName::from_static("x-forwarded-for");
const TRUSTED: [&str; 3] = ["10.0.0.0/8", "fd00::/8", "192.168.1.7"];

pub(crate) fn check(input: &[u8]) {
    let mut lines = input.split(|byte| *byte == b'\n');
    let first = lines.next().unwrap_or_default();
    let Ok(first) = std::str::from_utf8(first) else { return };
    check_text(first);
    let Ok(socket) = first.parse::<IpAddr>() else { return };
    let lines: Vec<_> = lines.filter_map(|line| HeaderValue::from_bytes(line).ok()).collect();
    check_peer(socket, &lines);
}

/// Checks that a network and an origin are read as they are written.
fn check_text(text: &str) {
    if let Ok(network) = text.parse::<Network>() {
        assert_eq!(network.to_string().parse(), Ok(network));
    }
    if let Ok(origin) = text.parse::<Origin>() {
        assert_eq!(origin.to_string().parse(), Ok(origin));
    }
}

fn check_peer(socket: IpAddr, lines: &[HeaderValue]) {
    let Peer(client) = peer(socket, lines);
    assert_eq!(client, client.to_canonical());
    assert_eq!(limited_as(client), limited_as(limited_as(client)));
    let is_in_header = lines.iter().any(|line| {
        let text = String::from_utf8_lossy(line.as_bytes());
        text.split(',').filter_map(address).any(|address| address.to_canonical() == client)
    });
    assert!(client == socket.to_canonical() || is_in_header, "{client} is invented");
    if !is_trusted(socket) {
        assert_eq!(client, socket.to_canonical());
    }
    if !is_trusted(client) {
        let forged = [HeaderValue::from_static("203.0.113.9, 10.9.9.9")];
        let prefixed = [&forged[..], lines].concat();
        assert_eq!(peer(socket, &prefixed), Peer(client), "a client's own entry counts");
    }
}

fn peer(socket: IpAddr, lines: &[HeaderValue]) -> Peer {
    let mut headers = HeaderMap::new();
    for line in lines {
        headers.append(HEADER, line.clone());
    }
    Peer::of(socket, &headers, &TRUSTED.map(|network| network.parse().expect("a network")))
}

/// Reads an entry of the header, with or without a port.
fn address(entry: &str) -> Option<IpAddr> {
    let entry = entry.trim();
    let (host, _) = entry.rsplit_once(':').unwrap_or((entry, ""));
    [entry, host]
        .iter()
        .find_map(|text| text.trim_start_matches('[').trim_end_matches(']').parse().ok())
}

/// Compares addresses as texts of bits, which [`Network`] does not.
fn is_trusted(address: IpAddr) -> bool {
    let bits = |address: IpAddr| match address {
        IpAddr::V4(v4) => format!("4{:032b}", u32::from(v4)),
        IpAddr::V6(v6) => format!("6{:0128b}", u128::from(v6)),
    };
    let address = bits(address.to_canonical());
    TRUSTED.iter().any(|network| {
        let (prefix, length) = network.split_once('/').unwrap_or((network, "32"));
        let prefix = bits(prefix.parse().expect("an address"));
        let length: usize = length.parse().expect("a number");
        address.starts_with(&prefix[..=length])
    })
}
