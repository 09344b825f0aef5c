//! The address under which people reach the page, for links that leave it.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use crate::origin::Origin;

/// The address of the page: an origin, and a path if a proxy serves the page under one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    origin: Origin,
    /// Empty, or a slash and names, without a slash at the end.
    path: String,
}

/// The error for a text that is not the address of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an address: expected http or https, a host, and optionally a port and a path")]
pub struct InvalidPublicUrl;

impl FromStr for PublicUrl {
    type Err = InvalidPublicUrl;

    fn from_str(text: &str) -> Result<Self, InvalidPublicUrl> {
        let (scheme, rest) = text.split_once("://").ok_or(InvalidPublicUrl)?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let origin = format!("{scheme}://{authority}").parse().map_err(|_| InvalidPublicUrl)?;
        let path = path.trim_end_matches('/');
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
        if path.bytes().all(is_plain) && !path.contains("//") {
            Ok(Self { origin, path: path.to_owned() })
        } else {
            Err(InvalidPublicUrl)
        }
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.path)
    }
}

impl Serialize for PublicUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PublicUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_is_printed_without_a_slash_at_the_end() {
        for (text, printed) in [
            ("https://chat.example.org", "https://chat.example.org"),
            ("https://Example.org:443/", "https://example.org"),
            ("http://localhost:8080/a/b-c/", "http://localhost:8080/a/b-c"),
        ] {
            assert_eq!(text.parse::<PublicUrl>().unwrap().to_string(), printed);
        }
    }

    #[test]
    fn text_is_refused_when_it_is_no_plain_address() {
        for text in [
            "",
            "example.org",
            "ftp://example.org",
            "https://",
            "https:///a",
            "https://a.example/?b",
            "https://a.example/#b",
            "https://u@a.example",
            "https://a.example//b",
            "https://a.example/<b>",
            "javascript://a.example/%0a",
        ] {
            assert_eq!(text.parse::<PublicUrl>(), Err(InvalidPublicUrl), "{text}");
        }
    }
}
