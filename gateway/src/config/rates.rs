//! How often somebody may do something.

use std::num::NonZeroU32;

use chat_core::port::Bucket;

use super::reader::Reader;

/// How often somebody may do something. Generous: they stop floods, not people.
#[derive(Debug, Clone, Copy)]
pub struct RateLimits {
    /// Whether there are any.
    pub enabled: bool,
    /// Sends, edits, redactions and reactions of a login.
    pub messages: Rate,
    /// The same in one conversation, by everybody together.
    pub conversation: Rate,
    /// Everything else that a login asks.
    pub commands: Rate,
    /// Log-ins and registrations from an address.
    pub address: Rate,
    /// Log-ins to an account.
    pub account: Rate,
}

/// So often, and so many at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Refilled evenly.
    pub per_second: NonZeroU32,
    /// At once.
    pub burst: NonZeroU32,
}

impl Rate {
    /// The token bucket of this rate.
    pub fn bucket(self) -> Bucket {
        Bucket { per_second: self.per_second.get().into(), burst: self.burst.get() }
    }
}

impl RateLimits {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let number = |value| NonZeroU32::new(value).unwrap_or(NonZeroU32::MIN);
        let mut rate = |names: [&'static str; 2], per_second, burst| Rate {
            per_second: reader.take(names[0], number(per_second)),
            burst: reader.take(names[1], number(burst)),
        };
        Self {
            messages: rate(
                ["rate_limits.messages_per_second", "rate_limits.messages_burst"],
                20,
                100,
            ),
            conversation: rate(
                ["rate_limits.conversation_per_second", "rate_limits.conversation_burst"],
                200,
                1_000,
            ),
            commands: rate(
                ["rate_limits.commands_per_second", "rate_limits.commands_burst"],
                100,
                500,
            ),
            address: rate(["rate_limits.address_per_second", "rate_limits.address_burst"], 5, 200),
            account: rate(["rate_limits.account_per_second", "rate_limits.account_burst"], 1, 20),
            enabled: reader.take("rate_limits.enabled", true),
        }
    }
}
