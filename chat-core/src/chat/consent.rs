//! Taking part in a conversation, declining, and what users allow others.

use std::sync::Arc;

use super::Chat;
use crate::{
    command::Reply,
    error::ChatError,
    hint::Hint,
    id::{ConversationId, UserId},
    limits::BLOCKS_MAX,
    model::{Boundary, Consent, Identity, MembershipState, Privacy, PrivacyChange},
    port::Channel,
};

impl Chat {
    /// Has the caller take part in a conversation.
    pub(super) async fn accept(
        &self,
        identity: Identity,
        conversation: ConversationId,
    ) -> Result<Reply, ChatError> {
        let member = self.caller_membership(identity, conversation).await?;
        if self.context.membership_state(conversation, &member).await? != MembershipState::Open {
            self.context.check_room(identity.user, false).await??;
            self.context.open(conversation, &member).await?;
        }
        Ok(Reply::Conversation(Box::new(self.view(identity, conversation).await?)))
    }

    /// Hides a request from the caller. Nobody else learns of it.
    pub(super) async fn decline(
        &self,
        identity: Identity,
        conversation: ConversationId,
    ) -> Result<Reply, ChatError> {
        let member = self.caller_membership(identity, conversation).await?;
        match self.context.membership_state(conversation, &member).await? {
            MembershipState::Open => {
                Err(ChatError::Conflict("you take part in this conversation already"))
            }
            MembershipState::Declined => Ok(Reply::Done),
            MembershipState::Request => {
                let hiding = Consent::hiding(member.joined_seq);
                self.context.agree(conversation, identity.user, hiding).await?;
                Ok(Reply::Done)
            }
        }
    }

    /// Returns what the caller allows others.
    pub async fn boundary(&self, identity: Identity) -> Result<Boundary, ChatError> {
        Ok(self.stores().boundaries.get(identity.user).await?)
    }

    /// Changes the caller's privacy settings. Other gateways apply them within
    /// [`crate::limits::BOUNDARY_TTL`].
    pub async fn set_privacy(
        &self,
        identity: Identity,
        change: PrivacyChange,
    ) -> Result<Privacy, ChatError> {
        let Identity { user, .. } = identity;
        let result = self.stores().boundaries.set_privacy(user, change).await;
        self.context.boundaries.forget(user);
        result?;
        let privacy = self.stores().boundaries.get(user).await?.privacy;
        self.show_reads_to(user, privacy.read_receipts);
        let hint = Hint::ReadReceipts(privacy.read_receipts);
        self.context.publish(Channel::User(user), || hint);
        Ok(privacy)
    }

    /// Sets whether the user's sessions on this gateway receive what others have read.
    pub(super) fn show_reads_to(&self, user: UserId, are_shown: bool) {
        self.context.users.each_session(user, |outbox| outbox.show_reads(are_shown));
    }

    /// Has the caller block a user, or ends the block. Other gateways apply it within
    /// [`crate::limits::BOUNDARY_TTL`].
    pub async fn set_block(
        &self,
        identity: Identity,
        user: UserId,
        on: bool,
    ) -> Result<(), ChatError> {
        if user == identity.user {
            return Err(ChatError::invalid("user", "you cannot block yourself"));
        }
        let boundaries = &self.stores().boundaries;
        if on {
            self.context.check_exists(user).await??;
            let boundary = boundaries.get(identity.user).await?;
            if !boundary.blocks(user) && boundary.blocked.len() >= BLOCKS_MAX {
                return Err(ChatError::Full { what: "your list of blocks", max: BLOCKS_MAX });
            }
        }
        let result = boundaries.set_block(identity.user, user, on).await;
        self.context.boundaries.forget(identity.user);
        Ok(result?)
    }

    /// Returns what the user allows others, as it was a moment ago.
    pub(super) async fn boundary_of(&self, user: UserId) -> Result<Arc<Boundary>, ChatError> {
        Ok(self.context.boundary(user).await?)
    }
}
