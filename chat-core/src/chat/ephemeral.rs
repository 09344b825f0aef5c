//! Receipts and typing: ephemeral events. Only the cursor behind a receipt is stored.

use std::cell::LazyCell;

use super::{Chat, visibility::Shown};
use crate::{
    command::Reply,
    error::ChatError,
    event::Event,
    hint::Hint,
    id::{ConversationId, UserId},
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
        let member = self.caller_membership(identity, conversation).await?;
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
        let shown = self.shown_of(conversation, &member, &head).await?;
        let cursors = &self.stores().cursors;
        let before = match &shown {
            // A member who hides what they read must not show when they read either.
            Shown::ToOthers { reads: false, .. } => {
                cursors.of_user(identity.user, &[conversation]).await?.into_iter().next()
            }
            Shown::ToOthers { reads: true, .. } | Shown::ToNobody => None,
        };
        let (cursor, moved) = cursors.advance(identity.user, conversation, to).await?;
        if moved {
            let is_delivered = before.is_none_or(|one| cursor.delivered_seq > one.delivered_seq);
            let shown = if is_delivered { shown } else { Shown::ToNobody };
            self.publish_receipt(conversation, identity.user, cursor, shown);
        }
        Ok(Reply::Done)
    }

    /// Sends a receipt to the member's own devices, and what may be shown of it to the others, here
    /// and on the other gateways.
    fn publish_receipt(
        &self,
        conversation: ConversationId,
        user: UserId,
        cursor: Cursor,
        shown: Shown,
    ) {
        let own = Hint::Receipt {
            conversation,
            user,
            delivered_seq: cursor.delivered_seq,
            read_seq: cursor.read_seq,
        };
        let Shown::ToOthers { except, reads } = shown else {
            self.send_receipt(conversation, user, cursor, &Audience::OwnDevices);
            return self.context.publish(Channel::User(user), || own);
        };
        let visible = if reads { cursor } else { cursor.without_reads() };
        if visible != cursor {
            self.send_receipt(conversation, user, cursor, &Audience::OwnDevices);
            self.context.publish(Channel::User(user), || own);
        }
        let Cursor { delivered_seq, read_seq, .. } = visible;
        self.context.publish(Channel::Conversation(conversation), || {
            if except.is_empty() {
                Hint::Receipt { conversation, user, delivered_seq, read_seq }
            } else {
                let except = except.clone();
                Hint::ReceiptExcept { conversation, user, delivered_seq, read_seq, except }
            }
        });
        self.send_receipt(conversation, user, visible, &Audience::AllExcept(except));
    }

    /// Sends a receipt to this gateway's sessions. Those that are not told what others have read get
    /// the rest of it.
    pub(super) fn send_receipt(
        &self,
        conversation: ConversationId,
        user: UserId,
        cursor: Cursor,
        audience: &Audience,
    ) {
        let event = Event::Receipt { conversation, user, cursor };
        let Audience::AllExcept(except) = audience else {
            return self.send_ephemeral(user, &event);
        };
        let Some(live) = self.directory.get(conversation) else { return };
        let encode = &self.context.ports.encode;
        let full = encode.encode(&event);
        let cursor = cursor.without_reads();
        let without_reads =
            LazyCell::new(|| encode.encode(&Event::Receipt { conversation, user, cursor }));
        live.feed.offer_ephemeral(|outbox| {
            let reader = outbox.identity().user;
            if except.contains(&reader) {
                None
            } else if reader == user || outbox.shows_reads() {
                Some(&full)
            } else {
                Some(&*without_reads)
            }
        });
    }

    /// Tells the other members that the caller is typing, or has stopped.
    pub(super) async fn typing(
        &self,
        identity: Identity,
        conversation: ConversationId,
        on: bool,
    ) -> Result<Reply, ChatError> {
        let head = self.head(conversation).await?;
        let member = self.caller_membership(identity, conversation).await?;
        let shown = self.shown_of(conversation, &member, &head).await?;
        let Shown::ToOthers { except, .. } = shown else { return Ok(Reply::Done) };
        let user = identity.user;
        self.send_typing(conversation, user, on, &except);
        self.context.publish(Channel::Conversation(conversation), || {
            if except.is_empty() {
                Hint::Typing { user, on }
            } else {
                Hint::TypingExcept { user, on, except }
            }
        });
        Ok(Reply::Done)
    }

    /// Tells this gateway's sessions in a conversation, except those of the member and of these users.
    pub(super) fn send_typing(
        &self,
        conversation: ConversationId,
        user: UserId,
        on: bool,
        except: &[UserId],
    ) {
        let Some(live) = self.directory.get(conversation) else { return };
        let event = Event::Typing { conversation, user, on };
        let bytes = self.context.ports.encode.encode(&event);
        live.feed.offer_ephemeral(|outbox| {
            let reader = outbox.identity().user;
            (reader != user && !except.contains(&reader)).then_some(&bytes)
        });
    }
}

/// Whose sessions get a receipt.
#[derive(Debug)]
pub(super) enum Audience {
    /// Only the member's own.
    OwnDevices,
    /// All in the conversation, except those of these users.
    AllExcept(Vec<UserId>),
}
