//! What this gateway can subscribe to, and how Redis calls it.

use std::fmt;

use chat_core::{
    id::{ConversationId, UserId},
    port::Channel,
};

/// One channel of Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Topic {
    /// Hints of the bus.
    Hints(Channel),
    /// That a user's devices changed; nothing is said but that.
    Presence(UserId),
}

const GATEWAYS: &str = "gateways";

/// The channel on which [`super::scripts::RENEW`] tells that leases may be lost; every gateway
/// listens to it on every primary.
pub(super) const LEASES: &str = "leases";

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hints(Channel::Conversation(id)) => write!(f, "c:{id}"),
            Self::Hints(Channel::User(id)) => write!(f, "u:{id}"),
            Self::Hints(Channel::Gateways) => f.write_str(GATEWAYS),
            Self::Presence(id) => write!(f, "p:{id}"),
        }
    }
}

impl Topic {
    /// The topic of this name, if it is one.
    pub(super) fn parse(name: &[u8]) -> Option<Self> {
        let name = str::from_utf8(name).ok()?;
        if name == GATEWAYS {
            return Some(Self::Hints(Channel::Gateways));
        }
        let (kind, id) = name.split_once(':')?;
        match kind {
            "c" => Some(Self::Hints(Channel::Conversation(id.parse::<ConversationId>().ok()?))),
            "u" => Some(Self::Hints(Channel::User(id.parse().ok()?))),
            "p" => Some(Self::Presence(id.parse().ok()?)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_topic_is_known_by_its_name(id in 1..=i64::MAX as u64) {
            let (conversation, user) = (ConversationId::new(id).unwrap(), UserId::new(id).unwrap());
            for topic in [
                Topic::Hints(Channel::Conversation(conversation)),
                Topic::Hints(Channel::User(user)),
                Topic::Hints(Channel::Gateways),
                Topic::Presence(user),
            ] {
                prop_assert_eq!(Topic::parse(topic.to_string().as_bytes()), Some(topic));
            }
        }

        #[test]
        fn whatever_else_is_called_is_no_topic(name in proptest::collection::vec(any::<u8>(), 0..30)) {
            if let Some(topic) = Topic::parse(&name) {
                prop_assert_eq!(topic.to_string().into_bytes(), name);
            }
        }
    }

    #[test]
    fn near_misses_are_no_topics() {
        for name in
            ["", ":", "c:", "c:0", "c:01", "c:1 ", "x:1", "C:1", "gateway", "c:9223372036854775808"]
        {
            assert_eq!(Topic::parse(name.as_bytes()), None, "{name}");
        }
    }
}
