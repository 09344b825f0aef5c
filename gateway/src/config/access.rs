//! Who may come from where.

use super::{reader::Reader, setting::Setting};
use crate::{listener::Network, origin::Origin};

/// Who may come from where.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// Browser origins besides the listener's own.
    pub origins: Vec<Origin>,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
}

impl Access {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self {
            origins: reader.take("origins", Vec::new()),
            trusted_proxies: reader.take("trusted_proxies", Vec::new()),
        }
    }
}

impl Setting for Origin {
    const EXPECTED: &'static str =
        "origins such as https://chat.example.org or http://localhost:3000";

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Setting for Network {
    const EXPECTED: &'static str = "networks such as 10.0.0.0/8, 192.168.1.7 or fd00::/8";

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn show(&self) -> String {
        self.to_string()
    }
}
