//! Decides if a user may read a file: users who see its message may, and its owner until it is sent.

use super::{Attachments, NOT_FOUND};
use crate::{
    error::{ChatError, StoreError},
    id::{AttachmentId, ConversationId, UserId},
    model::{Body, Identity, Member, Seq, Upload, Usage},
};

impl Attachments {
    /// Returns the record of a complete file that the caller may read. Fails with `NotFound` in every
    /// other case, so that nobody learns of files that are not theirs.
    pub async fn readable(&self, caller: Identity, id: AttachmentId) -> Result<Upload, ChatError> {
        let found = self.stores.uploads.get(id).await?.ok_or(NOT_FOUND)?;
        let upload =
            if found.owner == caller.user { self.complete(found).await?.upload } else { found };
        match self.message_of(&upload).await? {
            Some(seq) => {
                self.check_sees(caller.user, upload.conversation, seq).await?;
                self.remember_message(&upload, seq).await?;
            }
            None if upload.owner == caller.user && upload.finished().is_some() => {}
            None => return Err(NOT_FOUND),
        }
        Ok(upload)
    }

    /// Returns the record of a complete file for a link, which a user who could read the file has made.
    /// Fails with `NotFound` once the file's message is redacted.
    pub async fn linked(&self, id: AttachmentId) -> Result<Upload, ChatError> {
        let found = self.stores.uploads.get(id).await?;
        let upload = found.filter(|upload| upload.finished().is_some()).ok_or(NOT_FOUND)?;
        if let Some(seq) = self.message_of(&upload).await?
            && self.is_redacted(upload.conversation, seq).await?
        {
            return Err(NOT_FOUND);
        }
        Ok(upload)
    }

    /// Returns the seq of the message that shows the file, if one does.
    pub(super) async fn message_of(&self, upload: &Upload) -> Result<Option<Seq>, StoreError> {
        match upload.finished() {
            Some((_, Usage::Shown(seq))) => Ok(Some(*seq)),
            Some((_, Usage::Sending { client_id, base })) => {
                let log = &self.stores.log;
                let found = log.find(upload.conversation, upload.owner, client_id, *base).await?;
                Ok(found.filter(|entry| shows(&entry.body, upload.id)).map(|entry| entry.seq))
            }
            Some((_, Usage::Unsent)) | None => Ok(None),
        }
    }

    /// Records the message that shows the file, unless somebody has done so.
    async fn remember_message(&self, upload: &Upload, seq: Seq) -> Result<(), StoreError> {
        if matches!(upload.finished(), Some((_, Usage::Sending { .. }))) {
            self.stores.uploads.replace(upload, &upload.shown(seq)).await?;
        }
        Ok(())
    }

    /// Fails with `NotFound` unless the user sees this message and it is not redacted.
    async fn check_sees(
        &self,
        user: UserId,
        conversation: ConversationId,
        seq: Seq,
    ) -> Result<(), ChatError> {
        let is_redacted = self.is_redacted(conversation, seq).await?;
        // The membership is read last: then everything before it precedes a removal.
        let member = self.membership(user, conversation).await.map_err(hidden)?;
        if is_redacted || seq < member.joined_seq { Err(NOT_FOUND) } else { Ok(()) }
    }

    pub(super) async fn is_redacted(
        &self,
        conversation: ConversationId,
        seq: Seq,
    ) -> Result<bool, StoreError> {
        let conversations = &self.stores.conversations;
        let overlays = conversations.overlays(conversation, seq.previous(), seq).await?;
        Ok(overlays.iter().any(|(_, overlay)| overlay.redacted.is_some()))
    }

    /// Returns a user's membership, or `NotFound`, which hides that the conversation exists.
    pub(super) async fn membership(
        &self,
        user: UserId,
        conversation: ConversationId,
    ) -> Result<Member, ChatError> {
        let found = self.stores.conversations.standing(conversation, &[user]).await?;
        found.into_iter().next().flatten().ok_or(ChatError::NotFound("conversation"))
    }
}

fn hidden(error: ChatError) -> ChatError {
    if matches!(error, ChatError::NotFound(_)) { NOT_FOUND } else { error }
}

fn shows(body: &Body, id: AttachmentId) -> bool {
    matches!(body, Body::Text { attachments, .. } if attachments.iter().any(|one| one.id == id))
}
