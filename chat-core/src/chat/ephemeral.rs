//! Receipts and typing: ephemeral events. Only the cursor behind a receipt is stored.

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
    /// Moves the caller's cursor, and sends a receipt to the others.
    pub(super) async fn receipt(
        &self,
        identity: Identity,
        conversation: ConversationId,
        delivered_seq: Option<Seq>,
        read_seq: Option<Seq>,
    ) -> Result<Reply, ChatError> {
        let head = self.head(conversation).await?;
        self.caller_membership(identity, conversation).await?;
        for (field, seq) in [("delivered_seq", delivered_seq), ("read_seq", read_seq)] {
            if seq.is_some_and(|seq| seq > head.seq) {
                return Err(ChatError::invalid(field, "this seq is past the head"));
            }
        }
        let read_seq = read_seq.unwrap_or_default();
        let read_ord = if read_seq == Seq::ZERO {
            0
        } else {
            let log = &self.stores().log;
            let found = log.read(conversation, read_seq.previous(), read_seq, 1).await?;
            found.first().ok_or(ChatError::Internal)?.ord
        };
        let to = Cursor { delivered_seq: delivered_seq.unwrap_or_default(), read_seq, read_ord };
        let cursors = &self.stores().cursors;
        let (cursor, moved) = cursors.advance(identity.user, conversation, to).await?;
        if moved {
            let is_small = head.members <= MOMENTS_MEMBERS_MAX;
            self.send_receipt(conversation, identity.user, cursor, is_small);
            let Cursor { delivered_seq, read_seq, .. } = cursor;
            let hint = Hint::Receipt { conversation, user: identity.user, delivered_seq, read_seq };
            let channel = if is_small {
                Channel::Conversation(conversation)
            } else {
                Channel::User(identity.user)
            };
            self.context.publish(channel, || hint);
        }
        Ok(Reply::Done)
    }

    /// Sends a receipt to this gateway's sessions: to all in the conversation, or in a large one only
    /// to the member's own devices.
    pub(super) fn send_receipt(
        &self,
        conversation: ConversationId,
        user: UserId,
        cursor: Cursor,
        to_all: bool,
    ) {
        let event = Event::Receipt { conversation, user, cursor };
        if to_all {
            self.send_ephemeral_in(conversation, &event, None);
        } else {
            self.send_ephemeral(user, &event);
        }
    }

    /// Tells the other members that the caller is typing, or has stopped.
    pub(super) async fn typing(
        &self,
        identity: Identity,
        conversation: ConversationId,
        on: bool,
    ) -> Result<Reply, ChatError> {
        let head = self.head(conversation).await?;
        self.caller_membership(identity, conversation).await?;
        if head.members <= MOMENTS_MEMBERS_MAX {
            let user = identity.user;
            let event = Event::Typing { conversation, user, on };
            self.send_ephemeral_in(conversation, &event, Some(user));
            let hint = Hint::Typing { user, on };
            self.context.publish(Channel::Conversation(conversation), || hint);
        }
        Ok(Reply::Done)
    }

    /// Sends an ephemeral event to this gateway's sessions in a conversation, except to this user's.
    pub(super) fn send_ephemeral_in(
        &self,
        conversation: ConversationId,
        event: &Event,
        except: Option<UserId>,
    ) {
        if let Some(live) = self.directory.get(conversation) {
            live.feed.offer_ephemeral(&self.context.ports.encode.encode(event), except);
        }
    }
}
