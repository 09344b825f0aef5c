//! Who writes a log as a caller of the port does, and knows what it must then hold.
#![expect(dead_code, reason = "each file of tests uses some of it")]

use std::sync::LazyLock;

use chat_core::{
    error::StoreError,
    id::{ConversationId, UserId},
    model::{Body, ClientId, Entry, Head, Role, Seq},
    port::{Append, Appended, Stores},
    time::{Clock, SystemClock},
};

pub(crate) static CLOCK: LazyLock<SystemClock> = LazyLock::new(|| {
    let mut node = [0; 2];
    getrandom::fill(&mut node).unwrap();
    SystemClock::new(u16::from_be_bytes(node))
});

pub(crate) fn fresh<Id: From<chat_core::id::Snowflake>>() -> Id {
    CLOCK.fresh_id().into()
}

pub(crate) fn text(text: &str) -> Body {
    Body::Text { text: Some(text.into()), reply_to: None }
}

/// An entry before it has its place.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) sender: UserId,
    pub(crate) client_id: Option<ClientId>,
    pub(crate) body: Body,
}

impl Draft {
    pub(crate) fn new(sender: UserId, body: Body) -> Self {
        let client_id = ClientId::new(&CLOCK.fresh_id_text()).ok();
        Self { sender, client_id, body }
    }
}

/// A text that no other has.
trait FreshText {
    fn fresh_id_text(&self) -> String;
}

impl FreshText for SystemClock {
    fn fresh_id_text(&self) -> String {
        UserId::from(self.fresh_id()).to_string()
    }
}

/// The writer of one log.
#[derive(Debug, Clone)]
pub(crate) struct Writer {
    pub(crate) conversation: ConversationId,
    pub(crate) head: Head,
}

impl Writer {
    pub(crate) fn new() -> Self {
        Self { conversation: fresh(), head: Head::default() }
    }

    /// These drafts as entries after the head, and the head then.
    pub(crate) fn entries(&self, drafts: &[Draft]) -> (Vec<Entry>, Head) {
        let mut head = self.head;
        let entries = drafts.iter().map(|draft| {
            let Draft { sender, client_id, body } = draft.clone();
            head.seq = head.seq.next();
            head.at = CLOCK.now().max(head.at);
            head.members += u32::from(matches!(body, Body::Joined { .. }));
            if body.is_text() {
                (head.ord, head.text_seq) = (head.ord + 1, head.seq);
            } else {
                head.projected_seq = head.seq;
            }
            let (conversation, id, seq) = (self.conversation, fresh(), head.seq);
            Entry { conversation, seq, id, sender, client_id, at: head.at, ord: head.ord, body }
        });
        (entries.collect(), head)
    }

    /// Tries to append after the head; the bases are all this one.
    pub(crate) async fn append_from(
        &self,
        stores: &Stores,
        drafts: &[Draft],
        base: Seq,
    ) -> (Result<Appended, StoreError>, Vec<Entry>, Head) {
        let (entries, head) = self.entries(drafts);
        let bases = vec![base; entries.len()];
        let (conversation, after) = (self.conversation, self.head.seq);
        let append = Append { conversation, after, entries: &entries, bases: &bases, head };
        (stores.log.append(append).await, entries, head)
    }

    /// Appends and goes on from there, without projecting.
    pub(crate) async fn append(&mut self, stores: &Stores, drafts: &[Draft]) -> Vec<Entry> {
        let (answer, entries, head) = self.append_from(stores, drafts, self.head.seq).await;
        assert_eq!(answer.unwrap(), Appended::Done);
        self.head = head;
        entries
    }

    /// The whole log.
    pub(crate) async fn log(&self, stores: &Stores) -> Vec<Entry> {
        let to = Seq::new(u64::from(u32::MAX));
        stores.log.read(self.conversation, Seq::ZERO, to, usize::MAX).await.unwrap()
    }

    /// The head as it is read.
    pub(crate) async fn head_on(&self, stores: &Stores) -> Head {
        stores.log.heads(&[self.conversation]).await.unwrap()[0]
    }
}

pub(crate) fn joined(user: UserId) -> Body {
    Body::Joined { user, role: Role::Member, is_founder: false }
}
