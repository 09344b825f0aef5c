//! Rate limits. The defaults are generous: they stop floods, not people.

use std::num::NonZeroU32;

use chat_core::port::Bucket;
use serde::{Deserialize, Serialize};

use super::serving::number;

/// How many times the log-ins from one address an account may have from all addresses.
const ADDRESSES_PER_ACCOUNT: u32 = 10;

/// Rates and bursts of the token buckets.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each pair of fields is the rate that its method documents")]
pub struct RateLimits {
    pub enabled: bool,
    pub messages_per_second: NonZeroU32,
    pub messages_burst: NonZeroU32,
    pub conversation_per_second: NonZeroU32,
    pub conversation_burst: NonZeroU32,
    pub commands_per_second: NonZeroU32,
    pub commands_burst: NonZeroU32,
    pub additions_per_minute: NonZeroU32,
    pub additions_burst: NonZeroU32,
    pub invites_per_minute: NonZeroU32,
    pub invites_burst: NonZeroU32,
    pub address_per_second: NonZeroU32,
    pub address_burst: NonZeroU32,
    pub account_per_second: NonZeroU32,
    pub account_burst: NonZeroU32,
}

impl Default for RateLimits {
    fn default() -> Self {
        Self {
            enabled: true,
            messages_per_second: number(20),
            messages_burst: number(100),
            conversation_per_second: number(200),
            conversation_burst: number(1_000),
            commands_per_second: number(100),
            commands_burst: number(500),
            additions_per_minute: number(60),
            additions_burst: number(300),
            invites_per_minute: number(60),
            invites_burst: number(300),
            address_per_second: number(5),
            address_burst: number(200),
            account_per_second: number(1),
            account_burst: number(20),
        }
    }
}

impl RateLimits {
    /// Returns the bucket of a user's messages, edits and other writes.
    pub fn messages(&self) -> Bucket {
        bucket(self.messages_per_second, self.messages_burst)
    }

    /// Returns the bucket of all writes in one conversation.
    pub fn conversation(&self) -> Bucket {
        bucket(self.conversation_per_second, self.conversation_burst)
    }

    /// Returns the bucket of a user's other commands.
    pub fn commands(&self) -> Bucket {
        bucket(self.commands_per_second, self.commands_burst)
    }

    /// Returns the bucket of a user's new conversations and of the people that the user adds.
    pub fn additions(&self) -> Bucket {
        bucket_per_minute(self.additions_per_minute, self.additions_burst)
    }

    /// Returns the bucket of what a user does with invites, and of what people without an account see of
    /// them from one address.
    pub fn invites(&self) -> Bucket {
        bucket_per_minute(self.invites_per_minute, self.invites_burst)
    }

    /// Returns the bucket of log-ins and registrations from one address.
    pub fn address(&self) -> Bucket {
        bucket(self.address_per_second, self.address_burst)
    }

    /// Returns the bucket of log-ins to one account from one address, and of refreshes of one login.
    pub fn account(&self) -> Bucket {
        bucket(self.account_per_second, self.account_burst)
    }

    /// Returns the bucket of log-ins to one account from all addresses together.
    pub fn account_anywhere(&self) -> Bucket {
        let Bucket { per_second, burst } = self.account();
        let times = ADDRESSES_PER_ACCOUNT;
        Bucket { per_second: per_second * f64::from(times), burst: burst.saturating_mul(times) }
    }
}

fn bucket_per_minute(per_minute: NonZeroU32, burst: NonZeroU32) -> Bucket {
    Bucket { per_second: f64::from(per_minute.get()) / 60.0, burst: burst.get() }
}

fn bucket(per_second: NonZeroU32, burst: NonZeroU32) -> Bucket {
    Bucket { per_second: per_second.get().into(), burst: burst.get() }
}
