//! What a write must look like, before anything is asked of the conversation.

use std::sync::Arc;

use crate::{
    chat::Chat,
    command::{Change, Write},
    conversation::{decide::decide, state::State},
    error::ChatError,
    id::{ConversationId, UserId},
    limits::{CONVERSATIONS_MAX, EMOJI_BYTES_MAX, TEXT_BYTES_MAX, TITLE_BYTES_MAX},
    shown,
};

/// The write in its proper form, if it is well formed.
pub(super) fn formed(mut write: Write) -> Result<Write, ChatError> {
    match &mut write.change {
        Change::Text { text, .. } | Change::Edit { text, .. } => {
            bounded("text", text, TEXT_BYTES_MAX)?;
        }
        Change::React { emoji, .. } => emoji_is_one(emoji)?,
        Change::SetTitle { title } => *title = titled(title)?,
        Change::Redact { .. } | Change::SetMember { .. } | Change::Remove { .. } => {}
    }
    Ok(write)
}

/// The title that a group gets by this text.
pub(super) fn titled(text: &str) -> Result<Arc<str>, ChatError> {
    let title = shown::name("title", text)?;
    bounded("title", title, TITLE_BYTES_MAX)?;
    Ok(title.into())
}

/// A text of 1 to `max` bytes.
fn bounded(field: &'static str, text: &str, max: usize) -> Result<(), ChatError> {
    if text.is_empty() {
        return Err(ChatError::invalid(field, format!("{field} is empty")));
    }
    if text.len() > max {
        return Err(ChatError::TooLarge { field, max });
    }
    Ok(())
}

fn emoji_is_one(emoji: &str) -> Result<(), ChatError> {
    let is_plain = !emoji.chars().any(|char| char.is_whitespace() || char.is_control());
    if is_plain && (1..=EMOJI_BYTES_MAX).contains(&emoji.len()) {
        Ok(())
    } else {
        Err(ChatError::invalid("emoji", "expected 1 to 64 bytes without white space"))
    }
}

impl Chat {
    /// Whether the people that the write names are there, and may be in one more conversation; who
    /// has no right to the write is told that instead.
    pub(super) async fn admit(&self, actor: UserId, write: &Write) -> Result<(), ChatError> {
        let Change::SetMember { user, .. } = write.change else { return Ok(()) };
        match self.addable(write.conversation, user).await {
            Err(refusal @ (ChatError::NotFound(_) | ChatError::Full { .. })) => {
                self.permit(actor, write, user).await?;
                Err(refusal)
            }
            other => other,
        }
    }

    async fn addable(&self, conversation: ConversationId, user: UserId) -> Result<(), ChatError> {
        self.exist(&[user]).await?;
        let standing = self.ports.stores.conversations.standing(conversation, &[user]).await?;
        if standing.first().is_none_or(Option::is_none) {
            self.have_room(&[user]).await?;
        }
        Ok(())
    }

    /// Whether the actor might do this, as the store says now.
    async fn permit(&self, actor: UserId, write: &Write, user: UserId) -> Result<(), ChatError> {
        let (conversation, head) = (write.conversation, self.head(write.conversation).await?);
        let conversations = &self.ports.stores.conversations;
        let found = conversations.get(conversation).await?;
        let (founding, title) = found.ok_or(ChatError::NotFound("conversation"))?;
        let mut state = State::new(conversation, founding.kind, head, title);
        let users = [actor, user];
        let standings = conversations.standing(conversation, &users).await?;
        for (user, standing) in users.into_iter().zip(standings) {
            state.learn_member(user, standing);
        }
        decide(&state, actor, &write.change).map(drop)
    }

    /// Whether there are such users.
    pub(super) async fn exist(&self, users: &[UserId]) -> Result<(), ChatError> {
        let found = self.ports.stores.accounts.users(users).await?;
        if found.iter().all(Option::is_some) { Ok(()) } else { Err(ChatError::NotFound("user")) }
    }

    /// Whether these users may be in one more conversation.
    pub(super) async fn have_room(&self, users: &[UserId]) -> Result<(), ChatError> {
        for user in users {
            if self.ports.stores.conversations.of_user(*user).await?.len() >= CONVERSATIONS_MAX {
                let what = "the user's list of conversations";
                return Err(ChatError::Full { what, max: CONVERSATIONS_MAX });
            }
        }
        Ok(())
    }
}
