//! Identifiers: 63-bit Snowflakes with 41 bits of milliseconds, 10 of node and 12 of counter.
//!
//! On the wire they are strings of decimal digits. Zero is not an id, so that a forgotten id is
//! noticed.

mod snowflakes;

use std::{fmt, num::NonZeroU64, str::FromStr};

use serde::{Deserialize, Serialize};

pub use self::snowflakes::{IdMark, Snowflakes};
use crate::time::Timestamp;

/// The time at which Snowflakes start, in milliseconds since 1970: 2025-01-01T00:00:00Z.
pub const EPOCH_MS: i64 = 1_735_689_600_000;
/// The number of bits for the node.
pub const NODE_BITS: u32 = 10;
/// The number of bits that count ids within a millisecond.
pub const COUNTER_BITS: u32 = 12;
/// The number of nodes that can make ids at the same time.
pub const NODES_MAX: u16 = 1 << NODE_BITS;

/// The error for a text or a number that is not an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id: expected 1 to 19 decimal digits without leading zeros, up to 2^63 - 1")]
pub struct InvalidId;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "u64")]
        pub struct $name(NonZeroU64);

        impl $name {
            /// Makes an id from a number, which must be within 1 to 2^63 - 1.
            pub const fn new(value: u64) -> Option<Self> {
                if value > i64::MAX as u64 {
                    return None;
                }
                match NonZeroU64::new(value) {
                    Some(value) => Some(Self(value)),
                    None => None,
                }
            }

            /// Returns the number.
            pub const fn get(self) -> u64 {
                self.0.get()
            }

            /// Returns the number for stores without unsigned integers.
            #[expect(clippy::cast_possible_wrap, reason = "an id has 63 bits")]
            pub const fn as_i64(self) -> i64 {
                self.0.get() as i64
            }

            /// Makes an id from a number that [`Self::as_i64`] returned.
            pub fn from_i64(value: i64) -> Option<Self> {
                u64::try_from(value).ok().and_then(Self::new)
            }

            /// Returns when the id was made, by the clock of the gateway that made it.
            pub fn made_at(self) -> Timestamp {
                made_at(self.get())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                parse(text).and_then(Self::new).ok_or(InvalidId)
            }
        }

        impl TryFrom<u64> for $name {
            type Error = InvalidId;

            fn try_from(value: u64) -> Result<Self, InvalidId> {
                Self::new(value).ok_or(InvalidId)
            }
        }

        impl From<Snowflake> for $name {
            fn from(made: Snowflake) -> Self {
                Self(made.0)
            }
        }
    )+};
}

ids! {
    /// The id of a user.
    UserId,
    /// The id of a conversation.
    ConversationId,
    /// The globally unique id of an entry.
    EntryId,
    /// The id of a device's login.
    LoginId,
    /// The id of a running gateway.
    GatewayId,
    /// The id of an uploaded file.
    AttachmentId,
    /// The id of one chunk of an uploaded file.
    ChunkId,
}

/// A new id that has no type yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Snowflake(NonZeroU64);

impl Snowflake {
    /// Derives a duration below `max` from the id. It differs from id to id and from node to node,
    /// which makes it usable as jitter.
    pub fn jitter(self, max: std::time::Duration) -> std::time::Duration {
        let max_millis = u64::try_from(max.as_millis()).unwrap_or(u64::MAX).max(1);
        let mixed = self.0.get().wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 17;
        std::time::Duration::from_millis(mixed % max_millis)
    }
}

fn parse(text: &str) -> Option<u64> {
    let digits = text.as_bytes();
    let is_plain = (1..=19).contains(&digits.len())
        && digits.iter().all(u8::is_ascii_digit)
        && digits[0] != b'0';
    is_plain.then(|| text.parse().ok()).flatten()
}

fn made_at(id: u64) -> Timestamp {
    #[expect(clippy::cast_possible_wrap, reason = "41 bits")]
    let since_epoch = (id >> (NODE_BITS + COUNTER_BITS)) as i64;
    Timestamp::from_millis(EPOCH_MS + since_epoch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_decimal_digits_in_range_are_ids() {
        assert_eq!("7".parse::<UserId>().map(UserId::get), Ok(7));
        assert_eq!("9223372036854775807".parse::<UserId>().map(UserId::get), Ok(i64::MAX as u64));
        for bad in
            ["", "0", "01", "+1", "-1", "1 ", "a", "9223372036854775808", "18446744073709551616"]
        {
            assert_eq!(bad.parse::<UserId>(), Err(InvalidId), "{bad}");
        }
    }
}
