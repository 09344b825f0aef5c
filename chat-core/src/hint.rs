//! What gateways tell each other over the bus: small, versioned, and never believed in shape.

use bytes::{BufMut, Bytes, BytesMut};

use crate::{
    codec::{self, Malformed, Reader, VERSION},
    id::{ConversationId, UserId},
    model::{Entry, Seq},
    port::Channel,
};

/// Bytes of a hint; entries that need more are told by their last seq.
pub const HINT_BYTES_MAX: usize = 64 * 1024;

const ENTRIES: u8 = 1;
const HEAD: u8 = 2;
const RECEIPT: u8 = 3;
const TYPING: u8 = 4;
const ADDED: u8 = 5;

/// What one gateway tells the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hint {
    /// These entries were appended to the conversation.
    Entries(Vec<Entry>),
    /// The conversation has this head.
    Head(Seq),
    /// A member got further.
    Receipt {
        /// Where.
        conversation: ConversationId,
        /// Who.
        user: UserId,
        /// Delivered up to here.
        delivered_seq: Seq,
        /// Read up to here.
        read_seq: Seq,
    },
    /// A member is typing, or no more.
    Typing {
        /// Who.
        user: UserId,
        /// Whether.
        on: bool,
    },
    /// The user was added to this conversation.
    Added(ConversationId),
}

impl Hint {
    /// Entries of one conversation, or just their last seq where they are too large.
    pub fn entries(entries: &[Entry]) -> Self {
        let bytes: usize = entries.iter().map(|entry| entry.body.text_bytes() + 160).sum();
        match entries.last() {
            Some(last) if bytes > HINT_BYTES_MAX => Self::Head(last.seq),
            _ => Self::Entries(entries.to_vec()),
        }
    }

    /// The hint as bytes.
    pub fn encode(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(64);
        out.put_u8(VERSION);
        match self {
            Self::Entries(entries) => {
                out.put_u8(ENTRIES);
                for entry in entries {
                    codec::put_entry(&mut out, entry);
                }
            }
            Self::Head(seq) => {
                out.put_u8(HEAD);
                out.put_u64(seq.get());
            }
            Self::Receipt { conversation, user, delivered_seq, read_seq } => {
                out.put_u8(RECEIPT);
                for number in [conversation.get(), user.get(), delivered_seq.get(), read_seq.get()]
                {
                    out.put_u64(number);
                }
            }
            Self::Typing { user, on } => {
                out.put_u8(TYPING);
                out.put_u64(user.get());
                out.put_u8(u8::from(*on));
            }
            Self::Added(conversation) => {
                out.put_u8(ADDED);
                out.put_u64(conversation.get());
            }
        }
        out.freeze()
    }

    /// The hint that came on this channel.
    pub fn decode(channel: Channel, bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.len() > 2 * HINT_BYTES_MAX {
            return Err(Malformed);
        }
        let mut reader = Reader::new(bytes);
        if reader.u8()? != VERSION {
            return Err(Malformed);
        }
        let hint = match (reader.u8()?, channel) {
            (ENTRIES, Channel::Conversation(conversation)) => {
                let mut entries = Vec::new();
                while !reader.is_empty() {
                    entries.push(codec::entry(&mut reader, conversation)?);
                }
                Self::Entries(entries)
            }
            (HEAD, Channel::Conversation(_)) => Self::Head(reader.seq()?),
            (RECEIPT, _) => Self::Receipt {
                conversation: reader.conversation()?,
                user: reader.user()?,
                delivered_seq: reader.seq()?,
                read_seq: reader.seq()?,
            },
            (TYPING, Channel::Conversation(_)) => {
                Self::Typing { user: reader.user()?, on: reader.flag()? }
            }
            (ADDED, Channel::User(_)) => Self::Added(reader.conversation()?),
            _ => return Err(Malformed),
        };
        reader.end()?;
        Ok(hint)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn channel() -> Channel {
        Channel::Conversation(ConversationId::new(3).unwrap())
    }

    #[test]
    fn every_hint_reads_as_it_was_written() {
        let (conversation, user) = (ConversationId::new(3).unwrap(), UserId::new(4).unwrap());
        let (delivered_seq, read_seq) = (Seq::new(8), Seq::new(7));
        for hint in [
            Hint::Head(Seq::new(9)),
            Hint::Receipt { conversation, user, delivered_seq, read_seq },
            Hint::Typing { user, on: true },
        ] {
            assert_eq!(Hint::decode(channel(), &hint.encode()), Ok(hint));
        }
        let added = Hint::Added(conversation);
        assert_eq!(Hint::decode(Channel::User(user), &added.encode()), Ok(added));
    }

    proptest! {
        #[test]
        fn garbage_is_refused_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            drop(Hint::decode(channel(), &bytes));
        }
    }
}
