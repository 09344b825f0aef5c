//! A writer that appends to a log through the port, and knows what the log must then contain.
#![expect(dead_code, reason = "each test file uses a part of it")]

use std::sync::LazyLock;

use chat_core::{
    error::StoreError,
    id::{ConversationId, Snowflake, UserId},
    model::{Body, ClientId, Entry, Head, Joining, Role, Seq},
    port::{Append, Appended, Stores},
    time::{Clock, SystemClock},
};

pub(crate) static CLOCK: LazyLock<SystemClock> = LazyLock::new(|| {
    let mut node = [0; 2];
    getrandom::fill(&mut node).unwrap();
    SystemClock::new(u16::from_be_bytes(node))
});

/// Returns an id that no other test has.
pub(crate) fn fresh<Id: From<Snowflake>>() -> Id {
    CLOCK.fresh_id().into()
}

pub(crate) fn text(text: &str) -> Body {
    Body::plain(text, None)
}

pub(crate) fn joined(user: UserId) -> Body {
    Body::Joined { user, role: Role::Member, joining: Joining::Added }
}

/// An entry before it has a seq.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) sender: UserId,
    pub(crate) client_id: Option<ClientId>,
    pub(crate) body: Body,
}

impl Draft {
    /// A draft with a new client id.
    pub(crate) fn new(sender: UserId, body: Body) -> Self {
        let client_id = ClientId::new(&fresh::<UserId>().to_string()).ok();
        Self { sender, client_id, body }
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

    /// Returns the drafts as entries after the head, and the head after them.
    pub(crate) fn entries(&self, drafts: &[Draft]) -> (Vec<Entry>, Head) {
        let mut head = self.head;
        let entries = drafts.iter().map(|draft| {
            let Draft { sender, client_id, body } = draft.clone();
            head.seq = head.seq.next();
            head.at = CLOCK.now().max(head.at);
            head.members += u32::from(matches!(body, Body::Joined { .. }));
            if body.is_text() {
                head.ord += 1;
                head.text_seq = head.seq;
            } else {
                head.projected_seq = head.seq;
            }
            Entry {
                conversation: self.conversation,
                seq: head.seq,
                id: fresh(),
                sender,
                client_id,
                at: head.at,
                ord: head.ord,
                body,
            }
        });
        (entries.collect(), head)
    }

    /// Attempts an append after the head. All commands have the same base.
    pub(crate) async fn append_from(
        &self,
        stores: &Stores,
        drafts: &[Draft],
        base: Seq,
    ) -> (Result<Appended, StoreError>, Vec<Entry>, Head) {
        let (entries, head) = self.entries(drafts);
        let append = Append {
            conversation: self.conversation,
            after: self.head.seq,
            entries: &entries,
            bases: &vec![base; entries.len()],
            head,
        };
        (stores.log.append(append).await, entries, head)
    }

    /// Appends and moves the head, without projecting.
    pub(crate) async fn append(&mut self, stores: &Stores, drafts: &[Draft]) -> Vec<Entry> {
        let (answer, entries, head) = self.append_from(stores, drafts, self.head.seq).await;
        assert_eq!(answer.unwrap(), Appended::Done);
        self.head = head;
        entries
    }

    /// Reads the whole log.
    pub(crate) async fn log(&self, stores: &Stores) -> Vec<Entry> {
        let to = Seq::new(u64::from(u32::MAX));
        stores.log.read(self.conversation, Seq::ZERO, to, usize::MAX).await.unwrap()
    }

    /// Reads the stored head.
    pub(crate) async fn head_on(&self, stores: &Stores) -> Head {
        stores.log.heads(&[self.conversation]).await.unwrap()[0]
    }
}
