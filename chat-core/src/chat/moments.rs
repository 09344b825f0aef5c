//! Receipts and typing: of the moment for whoever listens; only the cursor itself is kept.

use bytes::Bytes;

use super::Chat;
use crate::{
    command::Reply,
    error::ChatError,
    event::Event,
    hint::Hint,
    id::{ConversationId, UserId},
    limits::MOMENTS_MEMBERS_MAX,
    model::{Cursor, Identity, Seq},
    port::Channel,
};

impl Chat {
    /// Moves one's own cursor, and tells the others.
    pub(super) async fn receipt(
        &self,
        identity: Identity,
        conversation: ConversationId,
        delivered_seq: Option<Seq>,
        read_seq: Option<Seq>,
    ) -> Result<Reply, ChatError> {
        let head = self.head(conversation).await?;
        self.standing(identity, conversation).await?;
        for (field, seq) in [("delivered_seq", delivered_seq), ("read_seq", read_seq)] {
            if seq.is_some_and(|seq| seq > head.seq) {
                return Err(ChatError::invalid(field, "this is past the head"));
            }
        }
        let read_seq = read_seq.unwrap_or_default();
        let read_ord = self.ord_at(conversation, read_seq).await?;
        let to = Cursor { delivered_seq: delivered_seq.unwrap_or_default(), read_seq, read_ord };
        let cursors = &self.ports.stores.cursors;
        let (cursor, moved) = cursors.advance(identity.user, conversation, to).await?;
        if moved {
            let is_small = head.members <= MOMENTS_MEMBERS_MAX;
            self.show_receipt(conversation, identity.user, cursor, is_small);
            let Cursor { delivered_seq, read_seq, .. } = cursor;
            let hint = Hint::Receipt { conversation, user: identity.user, delivered_seq, read_seq };
            let channel = if is_small {
                Channel::Conversation(conversation)
            } else {
                Channel::User(identity.user)
            };
            self.ports.publish(channel, &hint);
        }
        Ok(Reply::Done)
    }

    async fn ord_at(&self, conversation: ConversationId, seq: Seq) -> Result<u64, ChatError> {
        if seq == Seq::ZERO {
            return Ok(0);
        }
        let found = self.ports.stores.log.read(conversation, seq.previous(), seq, 1).await?;
        found.first().map(|entry| entry.ord).ok_or(ChatError::Internal)
    }

    /// Shows a receipt to this gateway's sessions: to all in the conversation, or where those are
    /// many, to the member's own devices.
    pub(super) fn show_receipt(
        &self,
        conversation: ConversationId,
        user: UserId,
        cursor: Cursor,
        to_all: bool,
    ) {
        let event = Event::Receipt { conversation, user, cursor };
        if to_all {
            self.show(conversation, &event, None);
        } else {
            self.tell(user, &event);
        }
    }

    /// Tells the others that one is typing.
    pub(super) async fn typing(
        &self,
        identity: Identity,
        conversation: ConversationId,
        on: bool,
    ) -> Result<Reply, ChatError> {
        let head = self.head(conversation).await?;
        self.standing(identity, conversation).await?;
        if head.members <= MOMENTS_MEMBERS_MAX {
            let user = identity.user;
            self.show(conversation, &Event::Typing { conversation, user, on }, Some(user));
            let hint = Hint::Typing { user, on };
            self.ports.publish(Channel::Conversation(conversation), &hint);
        }
        Ok(Reply::Done)
    }

    /// Shows an event of the moment to everybody who listens to the conversation here.
    pub(super) fn show(&self, conversation: ConversationId, event: &Event, except: Option<UserId>) {
        if let Some(live) = self.directory.get(conversation) {
            let bytes: Bytes = self.ports.encode.encode(event);
            live.moment(&bytes, except);
        }
    }
}
