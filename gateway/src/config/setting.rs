//! The types that a setting can have, from text and to text.

use std::{net::SocketAddr, num::NonZeroU32, path::PathBuf, time::Duration};

/// A setting's raw value: one text, or a list of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Raw {
    /// A variable, or a plain value of the file.
    One(String),
    /// An array of the file.
    Many(Vec<String>),
}

/// A type that a setting can have.
pub(super) trait Setting: Sized {
    /// What is expected, for the message.
    const EXPECTED: &'static str;

    /// The value of this text; `None` if it is none.
    fn parse(text: &str) -> Option<Self>;

    /// The value as an operator would write it, without its secrets.
    fn show(&self) -> String;

    /// The value of a raw one; a list is none, but for lists.
    fn from_raw(raw: &Raw) -> Option<Self> {
        match raw {
            Raw::One(text) => Self::parse(text.trim()),
            Raw::Many(_) => None,
        }
    }

    /// The value as TOML.
    fn toml(&self) -> String {
        quoted(&self.show())
    }
}

/// A TOML string.
pub(super) fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

impl Setting for String {
    const EXPECTED: &'static str = "a text";

    fn parse(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| text.to_owned())
    }

    fn show(&self) -> String {
        self.clone()
    }
}

impl Setting for PathBuf {
    const EXPECTED: &'static str = "a path";

    fn parse(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self::from(text))
    }

    fn show(&self) -> String {
        self.display().to_string()
    }
}

impl Setting for SocketAddr {
    const EXPECTED: &'static str = "an address and a port, such as 127.0.0.1:8080 or [::]:8080";

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Setting for bool {
    const EXPECTED: &'static str = "true or false";

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn show(&self) -> String {
        self.to_string()
    }

    fn toml(&self) -> String {
        self.show()
    }
}

impl Setting for NonZeroU32 {
    const EXPECTED: &'static str = "a whole number from 1";

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn show(&self) -> String {
        self.to_string()
    }

    fn toml(&self) -> String {
        self.show()
    }
}

/// A number of bytes, such as `64MiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size(pub(super) u64);

const SIZES: [(&str, u32); 4] = [("GiB", 30), ("MiB", 20), ("KiB", 10), ("B", 0)];

impl Setting for Size {
    const EXPECTED: &'static str = "a number of bytes, such as 64MiB";

    fn parse(text: &str) -> Option<Self> {
        let (number, shift) = SIZES
            .iter()
            .find_map(|(unit, shift)| text.strip_suffix(unit).map(|number| (number, *shift)))?;
        let number: u64 = plain(number)?;
        number.checked_mul(1 << shift).map(Self)
    }

    fn show(&self) -> String {
        let fits = |shift: u32| self.0.is_multiple_of(1 << shift) && self.0 >> shift > 0;
        let (unit, shift) = SIZES.into_iter().find(|(_, shift)| fits(*shift)).unwrap_or(("B", 0));
        format!("{}{unit}", self.0 >> shift)
    }
}

const SPANS: [(&str, u64); 5] =
    [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

impl Setting for Duration {
    const EXPECTED: &'static str = "a time, such as 10m, 5s or 250ms";

    fn parse(text: &str) -> Option<Self> {
        let (number, millis) = SPANS
            .iter()
            .find_map(|(unit, millis)| Some((plain(text.strip_suffix(unit)?)?, millis)))?;
        number.checked_mul(*millis).map(Self::from_millis)
    }

    fn show(&self) -> String {
        let whole = u64::try_from(self.as_millis()).unwrap_or(u64::MAX);
        let fits = |millis: u64| whole.is_multiple_of(millis) && whole > 0;
        let (unit, millis) =
            SPANS.into_iter().rev().find(|(_, millis)| fits(*millis)).unwrap_or(("s", 1_000));
        format!("{}{unit}", whole / millis)
    }
}

/// Digits only: no sign, no white space.
fn plain(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// In the environment a list is separated by commas.
impl<T: Setting> Setting for Vec<T> {
    const EXPECTED: &'static str = T::EXPECTED;

    fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self::new());
        }
        text.split(',').map(|item| T::parse(item.trim())).collect()
    }

    fn show(&self) -> String {
        self.iter().map(Setting::show).collect::<Vec<_>>().join(",")
    }

    fn from_raw(raw: &Raw) -> Option<Self> {
        match raw {
            Raw::One(text) => Self::parse(text.trim()),
            Raw::Many(items) => items.iter().map(|item| T::parse(item.trim())).collect(),
        }
    }

    fn toml(&self) -> String {
        format!("[{}]", self.iter().map(Setting::toml).collect::<Vec<_>>().join(", "))
    }
}
