//! A writer of one conversation that remembers which of its messages were acknowledged.

use chat_core::{
    id::{ConversationId, EntryId, UserId},
    model::{Body, ClientId, Cursor, Entry, Head, Seq},
    port::{Append, Appended, Stores},
    time::Timestamp,
};

/// A writer of one conversation.
#[derive(Debug, Clone)]
pub(crate) struct Writer {
    pub(crate) conversation: ConversationId,
    pub(crate) sender: UserId,
    pub(crate) head: Head,
    pub(crate) entries: Vec<Entry>,
}

impl Writer {
    /// Starts an empty conversation.
    pub(crate) fn new(number: u64) -> Self {
        Self {
            conversation: ConversationId::new(number).unwrap(),
            sender: UserId::new(1_000 + number).unwrap(),
            head: Head::default(),
            entries: Vec::new(),
        }
    }

    /// Returns the next message and the head after it.
    fn next(&self) -> (Entry, Head) {
        let seq = self.head.seq.next();
        let entry = Entry {
            conversation: self.conversation,
            seq,
            id: EntryId::new(seq.get()).unwrap(),
            sender: self.sender,
            client_id: ClientId::new(&format!("c-{seq}")).ok(),
            at: Timestamp::from_millis(seq.get().cast_signed()),
            ord: self.head.ord + 1,
            body: Body::plain(format!("text {seq}"), None),
        };
        let head = Head { seq, ord: entry.ord, at: entry.at, text_seq: seq, ..self.head };
        (entry, head)
    }

    /// Tries to append a message, and remembers it only if it was acknowledged.
    pub(crate) async fn try_send(
        &mut self,
        stores: &Stores,
    ) -> Result<Appended, chat_core::error::StoreError> {
        let mut sent = self.clone();
        sent.remember_next();
        let entry = sent.entries.last().unwrap();
        let append = Append {
            conversation: self.conversation,
            after: self.head.seq,
            entries: std::slice::from_ref(entry),
            bases: &[self.head.seq],
            head: sent.head,
        };
        let appended = stores.log.append(append).await?;
        if appended == Appended::Done {
            *self = sent;
        }
        Ok(appended)
    }

    /// Appends a message.
    pub(crate) async fn send(&mut self, stores: &Stores) {
        assert_eq!(self.try_send(stores).await, Ok(Appended::Done));
    }

    /// Remembers the next message as acknowledged without sending it.
    pub(crate) fn remember_next(&mut self) {
        let (entry, head) = self.next();
        self.entries.push(entry);
        self.head = head;
    }

    /// Asserts that the log holds exactly the acknowledged messages.
    pub(crate) async fn assert_log(&self, stores: &Stores) {
        let read = stores.log.read(self.conversation, Seq::ZERO, Seq::new(1 << 40), 1 << 20);
        assert_eq!(read.await.unwrap(), self.entries);
        assert_eq!(stores.log.heads(&[self.conversation]).await.unwrap(), [self.head]);
    }

    /// Asserts that the log holds exactly the acknowledged messages and that the sender's cursor is
    /// at the last one.
    pub(crate) async fn assert_stored(&self, stores: &Stores) {
        self.assert_log(stores).await;
        let (seq, read_ord) = (self.head.seq, self.head.ord);
        let cursor = Cursor { delivered_seq: seq, read_seq: seq, read_ord };
        let cursors = stores.cursors.of_conversation(self.conversation, &[self.sender]).await;
        assert_eq!(cursors.unwrap(), [cursor]);
    }
}
