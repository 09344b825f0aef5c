//! Hints: what gateways send each other over the bus.
//!
//! A hint is small, versioned, and may be lost. A gateway never trusts the bytes it receives.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{
    id::{ConversationId, UserId},
    model::{Entry, Seq},
    port::Channel,
    versioned::{self, DecodeError},
};

/// The size in bytes above which entries are announced by their last seq only.
pub const HINT_BYTES_MAX: usize = 64 * 1024;

/// An upper bound of an entry's encoded bytes besides its text.
const ENTRY_OVERHEAD_BYTES: usize = 160;

/// One message from a gateway to the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Hint {
    /// These entries were appended to the conversation.
    Entries(Vec<Entry>),
    /// The conversation's newest entry is at this seq.
    Head(Seq),
    /// A member's cursor moved forward.
    Receipt {
        /// The conversation.
        conversation: ConversationId,
        /// The member.
        user: UserId,
        /// The newest entry that reached the member.
        delivered_seq: Seq,
        /// The newest entry that the member has read.
        read_seq: Seq,
    },
    /// A member started or stopped typing.
    Typing {
        /// The member.
        user: UserId,
        /// True if the member is typing.
        on: bool,
    },
    /// The user was added to this conversation.
    Added(ConversationId),
    /// The user agreed to take part in this conversation, or not to see it.
    Consent(ConversationId),
    /// The user shows what they have read, and sees what others have read. Or neither.
    ReadReceipts(bool),
    /// A [`Hint::Receipt`] that these members must not see.
    ReceiptExcept {
        /// The conversation.
        conversation: ConversationId,
        /// The member.
        user: UserId,
        /// The newest entry that reached the member.
        delivered_seq: Seq,
        /// The newest entry that the member has read.
        read_seq: Seq,
        /// The members who must not see it.
        except: Vec<UserId>,
    },
    /// A [`Hint::Typing`] that these members must not see.
    TypingExcept {
        /// The member.
        user: UserId,
        /// True if the member is typing.
        on: bool,
        /// The members who must not see it.
        except: Vec<UserId>,
    },
}

impl Hint {
    /// Announces appended entries of one conversation: whole, or only by their last seq if they
    /// need more than [`HINT_BYTES_MAX`].
    pub fn entries(entries: &[Entry]) -> Self {
        let bytes: usize =
            entries.iter().map(|entry| entry.body.text_bytes() + ENTRY_OVERHEAD_BYTES).sum();
        match entries.last() {
            Some(last) if bytes > HINT_BYTES_MAX => Self::Head(last.seq),
            _ => Self::Entries(entries.to_vec()),
        }
    }

    /// Encodes the hint.
    pub fn encode(&self) -> Bytes {
        versioned::encode(self).into()
    }

    /// Decodes a hint that arrived on `channel`. Fails if the bytes are damaged, of an unknown
    /// version or too many, or if the hint does not belong on the channel.
    pub fn decode(channel: Channel, bytes: &[u8]) -> Result<Self, DecodeError> {
        if bytes.len() > 2 * HINT_BYTES_MAX {
            return Err(DecodeError::Malformed);
        }
        let hint: Self = versioned::decode(bytes)?;
        let belongs = match (&hint, channel) {
            (Self::Entries(entries), Channel::Conversation(conversation)) => {
                entries.iter().all(|entry| entry.conversation == conversation)
            }
            (
                Self::ReceiptExcept { conversation: own, .. },
                Channel::Conversation(conversation),
            ) => *own == conversation,
            (
                Self::Head(_) | Self::Typing { .. } | Self::TypingExcept { .. },
                Channel::Conversation(_),
            )
            | (Self::Receipt { .. }, _)
            | (Self::Added(_) | Self::Consent(_) | Self::ReadReceipts(_), Channel::User(_)) => true,
            (
                Self::Entries(_)
                | Self::Head(_)
                | Self::Typing { .. }
                | Self::Added(_)
                | Self::Consent(_)
                | Self::ReadReceipts(_)
                | Self::ReceiptExcept { .. }
                | Self::TypingExcept { .. },
                _,
            ) => false,
        };
        if belongs { Ok(hint) } else { Err(DecodeError::Malformed) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        id::EntryId,
        limits::{APPEND_ENTRIES_MAX, CLIENT_ID_CHARS_MAX, TEXT_BYTES_MAX},
        model::{Body, ClientId, Member, Role},
        time::Timestamp,
    };

    const CONVERSATION: ConversationId = ConversationId::new(3).expect("valid id");
    const USER: UserId = UserId::new(4).expect("valid id");
    const LARGEST_ID: u64 = i64::MAX as u64;
    const LARGEST_SEQ: Seq = Seq::new(u64::MAX);
    const CHANNEL: Channel = Channel::Conversation(CONVERSATION);

    fn entry_with(text: &str) -> Entry {
        Entry {
            conversation: CONVERSATION,
            seq: LARGEST_SEQ,
            id: EntryId::new(LARGEST_ID).unwrap(),
            sender: UserId::new(LARGEST_ID).unwrap(),
            client_id: Some(ClientId::new(&"c".repeat(CLIENT_ID_CHARS_MAX)).unwrap()),
            at: Timestamp::from_millis(i64::MIN),
            ord: u64::MAX,
            body: Body::plain(text, Some(LARGEST_SEQ)),
        }
    }

    fn receipt_except() -> Hint {
        Hint::ReceiptExcept {
            conversation: CONVERSATION,
            user: USER,
            delivered_seq: Seq::new(8),
            read_seq: Seq::new(7),
            except: vec![UserId::new(9).unwrap()],
        }
    }

    #[test]
    fn hint_decodes_to_what_was_encoded() {
        let receipt = Hint::Receipt {
            conversation: CONVERSATION,
            user: USER,
            delivered_seq: Seq::new(8),
            read_seq: Seq::new(7),
        };
        for (channel, hint) in [
            (CHANNEL, Hint::Entries(vec![entry_with("one"), entry_with("two")])),
            (CHANNEL, Hint::Head(Seq::new(9))),
            (CHANNEL, receipt.clone()),
            (Channel::User(USER), receipt),
            (CHANNEL, Hint::Typing { user: USER, on: true }),
            (Channel::User(USER), Hint::Added(CONVERSATION)),
            (Channel::User(USER), Hint::Consent(CONVERSATION)),
            (Channel::User(USER), Hint::ReadReceipts(true)),
            (CHANNEL, Hint::TypingExcept { user: USER, on: true, except: vec![USER] }),
        ] {
            assert_eq!(Hint::decode(channel, &hint.encode()), Ok(hint));
        }
    }

    #[test]
    fn hint_is_refused_when_it_arrives_on_the_wrong_channel() {
        let other = Channel::Conversation(ConversationId::new(5).unwrap());
        for (channel, hint) in [
            (other, Hint::Entries(vec![entry_with("one")])),
            (Channel::User(USER), Hint::Entries(Vec::new())),
            (Channel::User(USER), Hint::Head(Seq::new(9))),
            (Channel::User(USER), Hint::Typing { user: USER, on: true }),
            (CHANNEL, Hint::Added(CONVERSATION)),
            (CHANNEL, Hint::Consent(CONVERSATION)),
            (CHANNEL, Hint::ReadReceipts(true)),
            (Channel::User(USER), Hint::TypingExcept { user: USER, on: true, except: Vec::new() }),
            (other, receipt_except()),
            (Channel::User(USER), receipt_except()),
        ] {
            assert_eq!(Hint::decode(channel, &hint.encode()), Err(DecodeError::Malformed));
        }
    }

    #[test]
    fn largest_entries_fit_the_assumed_overhead() {
        let member = Member {
            user: UserId::new(LARGEST_ID).unwrap(),
            role: Role::Owner,
            needs_consent: true,
            joined_seq: LARGEST_SEQ,
            joined_ord: u64::MAX,
        };
        let text = "x".repeat(TEXT_BYTES_MAX);
        for body in [entry_with(&text).body, Body::Role { member }] {
            let conversation = ConversationId::new(LARGEST_ID).unwrap();
            let entry = Entry { conversation, body, ..entry_with("") };
            let bytes = versioned::encode(&entry).len() - entry.body.text_bytes();
            assert!(bytes <= ENTRY_OVERHEAD_BYTES, "{bytes}");
        }
    }

    #[test]
    fn entries_are_announced_by_their_last_seq_when_too_large() {
        let text = "x".repeat(TEXT_BYTES_MAX);
        for entries in [vec![entry_with(""); APPEND_ENTRIES_MAX], vec![entry_with(&text); 3]] {
            let hint = Hint::entries(&entries);
            assert!(hint.encode().len() <= HINT_BYTES_MAX);
            assert_eq!(hint, Hint::Entries(entries));
        }
        let too_large = vec![entry_with(&text); 4];
        assert_eq!(Hint::entries(&too_large), Hint::Head(LARGEST_SEQ));
    }

    #[test]
    fn hint_is_refused_when_it_has_too_many_bytes() {
        let padded = vec![0; 2 * HINT_BYTES_MAX + 1];
        assert_eq!(Hint::decode(CHANNEL, &padded), Err(DecodeError::Malformed));
    }

    #[test]
    fn hint_has_these_bytes() {
        assert_eq!(&Hint::Head(Seq::new(300)).encode()[..], [1, 1, 0xAC, 2]);
        assert_eq!(&Hint::Typing { user: USER, on: true }.encode()[..], [1, 3, 4, 1]);
        assert_eq!(&Hint::Added(CONVERSATION).encode()[..], [1, 4, 3]);
        assert_eq!(&Hint::Consent(CONVERSATION).encode()[..], [1, 5, 3]);
        assert_eq!(&Hint::ReadReceipts(false).encode()[..], [1, 6, 0]);
        assert_eq!(&receipt_except().encode()[..], [1, 7, 3, 4, 8, 7, 1, 9]);
        let typing = Hint::TypingExcept { user: USER, on: true, except: Vec::new() };
        assert_eq!(&typing.encode()[..], [1, 8, 4, 1, 0]);
        let receipt = Hint::Receipt {
            conversation: CONVERSATION,
            user: USER,
            delivered_seq: Seq::new(8),
            read_seq: Seq::new(7),
        };
        assert_eq!(&receipt.encode()[..], [1, 2, 3, 4, 8, 7]);
        assert_eq!(&Hint::Entries(Vec::new()).encode()[..], [1, 0, 0]);
    }

    proptest! {
        #[test]
        fn garbage_is_refused_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            for version in [0, versioned::VERSION, versioned::VERSION + 1] {
                let versioned = [&[version], &bytes[..]].concat();
                if Hint::decode(CHANNEL, &versioned).is_ok() {
                    prop_assert_eq!(version, versioned::VERSION);
                }
            }
        }

        #[test]
        fn damaged_hint_is_refused_or_well_formed(place in 0_usize..100, byte in any::<u8>()) {
            let mut bytes = Hint::Entries(vec![entry_with("one"), entry_with("two")]).encode().to_vec();
            let place = place % bytes.len();
            bytes[place] = byte;
            if let Ok(hint) = Hint::decode(CHANNEL, &bytes) {
                prop_assert_eq!(Hint::decode(CHANNEL, &hint.encode()), Ok(hint));
            }
        }
    }
}
