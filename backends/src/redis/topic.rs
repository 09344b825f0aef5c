//! The topics that a gateway subscribes to, and their channel names in Redis.

use std::fmt;

use chat_core::{
    id::{ConversationId, UserId},
    port::Channel,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Topic {
    /// Hints on a channel of the bus.
    Hints(Channel),
    /// Notifications that a user's devices changed, without content.
    Presence(UserId),
}

const GATEWAYS: &str = "gateways";

/// The channel on which [`super::scripts::RENEW`] announces that leases may be lost. Every gateway
/// subscribes to it on every primary.
pub(super) const LEASES: &str = "leases";

/// Returns the name in Redis of a channel of the bus, which decides its primary.
pub fn channel_name(channel: Channel) -> String {
    Topic::Hints(channel).to_string()
}

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
    /// Returns the topic of this channel name, or `None` for any other name.
    pub(crate) fn parse(name: &[u8]) -> Option<Self> {
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
        fn topic_is_parsed_from_its_name(id in 1..=i64::MAX as u64) {
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
        fn parsed_topic_has_the_parsed_name(name in proptest::collection::vec(any::<u8>(), 0..30)) {
            if let Some(topic) = Topic::parse(&name) {
                prop_assert_eq!(topic.to_string().into_bytes(), name);
            }
        }
    }

    #[test]
    fn parse_fails_when_the_name_is_almost_a_topic() {
        for name in
            ["", ":", "c:", "c:0", "c:01", "c:1 ", "x:1", "C:1", "gateway", "c:9223372036854775808"]
        {
            assert_eq!(Topic::parse(name.as_bytes()), None, "{name}");
        }
    }
}
