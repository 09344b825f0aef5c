//! What a session does when its user joins, leaves, declines or hides a conversation.

use bytes::Bytes;

use super::Session;
use crate::{
    error::ChatError,
    event::Event,
    id::ConversationId,
    model::{Member, MembershipState},
};

impl Session {
    /// Returns the user's membership at the head or later. The head is read first: a store that has
    /// shown a head does not show an older membership.
    pub(super) async fn current_membership(
        &self,
        conversation: ConversationId,
    ) -> Result<Option<Member>, ChatError> {
        self.chat.stored_head(conversation).await?;
        self.chat.membership(conversation, self.outbox.identity().user).await
    }

    /// Returns the event with the conversation object, or `None` if the user is not a member.
    pub(super) async fn conversation_event(
        &self,
        conversation: ConversationId,
    ) -> Result<Option<Bytes>, ChatError> {
        match self.chat.view(self.outbox.identity(), conversation).await {
            Ok(view) if view.state == MembershipState::Declined => Ok(None),
            Ok(view) => Ok(Some(self.encode(&Event::Conversation(Box::new(view))))),
            Err(ChatError::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Starts a conversation that the user has joined, or removes one that the user has left, declined
    /// or hidden.
    pub(super) async fn recheck(
        &self,
        conversation: ConversationId,
    ) -> Result<Option<Bytes>, ChatError> {
        let member = self.current_membership(conversation).await?;
        let consent =
            self.chat.context.consent_of(conversation, self.outbox.identity().user).await?;
        let state = member.map(|member| self.chat.context.state_of(&member, &consent));
        let follows = self.outbox.follows(conversation);
        match (follows, member) {
            (false, None) => Ok(None),
            (_, Some(_)) if state == Some(MembershipState::Declined) => {
                Ok(follows.then(|| self.remove(conversation)))
            }
            (true, Some(member)) => {
                let head = self.chat.stored_head(conversation).await?;
                if consent.hides(&member, head) {
                    let removed = || self.encode(&Event::Removed { conversation });
                    Ok(self.outbox.hide(conversation).then(removed))
                } else {
                    self.conversation_event(conversation).await
                }
            }
            (true, None) => {
                let head = self.chat.stored_head(conversation).await?;
                // If the `left` entry is still to be delivered, it comes with all that precedes it.
                let is_past = !self.outbox.catch_up_to(conversation, head);
                Ok(is_past.then(|| self.leave(conversation)))
            }
            (false, Some(member)) => {
                let heads = self.attach(&[conversation]).await?;
                let head = heads.first().copied().unwrap_or_default();
                self.outbox.start(conversation, member.joined_seq.previous(), head, true);
                Ok(None)
            }
        }
    }
}
