//! Conversations with many messages, written into a store before its server starts.

use std::{fmt::Write as _, path::Path, sync::Arc};

use anyhow::{Context, Result, ensure};
use backends::embedded::{Embedded, EmbeddedConfig};
use chat_core::{
    id::{ConversationId, UserId},
    limits::APPEND_ENTRIES_MAX,
    model::{Body, Entry, Founding, Head, Joining, Kind, Role, Seq},
    port::{Append, Appended, Stores},
    time::{Clock, SystemClock},
};

use crate::chance::Chance;

/// The node in the ids of these entries.
const NODE: u16 = 2;
/// The number of different words.
const VOCABULARY: u64 = 50_000;
/// The syllables of words.
const SYLLABLES: [&str; 16] = [
    "ba", "ce", "di", "fo", "gu", "ha", "ke", "li", "mo", "nu", "pa", "re", "si", "to", "vu", "za",
];

/// Returns the word with this rank. Low ranks are short.
pub(crate) fn word(rank: u64) -> String {
    let mut word = String::new();
    let mut left = rank + 16;
    while left > 0 {
        let at = usize::try_from(left % 16).unwrap_or_default();
        word.push_str(SYLLABLES[at]);
        left /= 16;
    }
    word
}

/// Returns the rank of a word of a text: the words of people are far from equally frequent, and here the
/// frequency of a word falls with its rank.
pub(crate) fn random_rank(chance: &mut Chance) -> u64 {
    let share = chance.below(VOCABULARY) * chance.below(VOCABULARY) / VOCABULARY;
    share * chance.below(VOCABULARY) / VOCABULARY
}

/// Returns a text of 4 to 24 words.
fn text(chance: &mut Chance) -> String {
    let mut text = String::new();
    for _ in 0..4 + chance.below(21) {
        let separator = if text.is_empty() { "" } else { " " };
        let written = write!(text, "{separator}{}", word(random_rank(chance)));
        written.unwrap_or_default();
    }
    text
}

/// The store, and the generators of its entries.
struct Writer {
    stores: Stores,
    clock: SystemClock,
    chance: Chance,
    text_bytes: u64,
}

/// Writes groups with this many messages each into the store of this folder. The first user is in all of
/// them, the second one in the first `shared`. Returns the bytes of the texts.
pub(crate) async fn write(
    folder: &Path,
    users: [u64; 2],
    groups: u64,
    shared: u64,
    messages: u64,
) -> Result<u64> {
    let [owner, member] = users.map(|user| UserId::new(user).context("an id"));
    let (owner, member) = (owner?, member?);
    let embedded = Embedded::open(&EmbeddedConfig::new(folder))?;
    let clock = SystemClock::with_ids(embedded.ids());
    let mut writer = Writer {
        stores: embedded.stores(),
        clock,
        chance: Chance::new(NODE.into()),
        text_bytes: 0,
    };
    for group in 0..groups {
        let users = if group < shared { &[owner, member][..] } else { &[owner] };
        writer.write_group(users, messages).await?;
    }
    let text_bytes = writer.text_bytes;
    drop(writer);
    embedded.close();
    Ok(text_bytes)
}

impl Writer {
    async fn write_group(&mut self, users: &[UserId], messages: u64) -> Result<()> {
        let conversation = ConversationId::from(self.clock.fresh_id());
        let founding = Founding {
            conversation,
            kind: Kind::Group,
            title: Some("search".into()),
            created_at: self.clock.now(),
        };
        ensure!(self.stores.conversations.create(&founding).await?, "the id is taken");
        let joined = users.iter().map(|user| Body::Joined {
            user: *user,
            role: Role::Owner,
            joining: Joining::Founder,
        });
        let mut head = Head::default();
        self.append(conversation, &mut head, users[0], joined.collect()).await?;
        let mut left = messages;
        while left > 0 {
            let count = left.min(APPEND_ENTRIES_MAX as u64);
            let sender = users[usize::try_from(left)? % users.len()];
            let texts = (0..count).map(|_| {
                let text: Arc<str> = text(&mut self.chance).into();
                self.text_bytes += text.len() as u64;
                Body::plain(text, None)
            });
            let texts = texts.collect();
            self.append(conversation, &mut head, sender, texts).await?;
            left -= count;
        }
        Ok(())
    }

    async fn append(
        &self,
        conversation: ConversationId,
        head: &mut Head,
        sender: UserId,
        bodies: Vec<Body>,
    ) -> Result<()> {
        let after = head.seq;
        let at = self.clock.now().max(head.at);
        let mut entries = Vec::with_capacity(bodies.len());
        for body in bodies {
            head.seq = head.seq.next();
            head.at = at;
            if body.is_text() {
                head.ord += 1;
                head.text_seq = head.seq;
            } else {
                head.members += 1;
                head.owners += 1;
                head.projected_seq = head.seq;
            }
            entries.push(Entry {
                conversation,
                seq: head.seq,
                id: self.clock.fresh_id().into(),
                sender,
                client_id: None,
                at,
                ord: head.ord,
                body,
            });
        }
        let bases = vec![Seq::ZERO; entries.len()];
        let append = Append { conversation, after, entries: &entries, bases: &bases, head: *head };
        let appended = self.stores.log.append(append).await?;
        ensure!(appended == Appended::Done, "not appended: {appended:?}");
        Ok(())
    }
}
